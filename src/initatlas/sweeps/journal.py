"""Which points may have taken a process with them: written down before they run, so that the next run knows.

A point that ends its process (a fault in a library, `os._exit`) leaves no message. So the keys of the batch that a driver is
about to compute in its own process are on the disk first. Where a driver ended without taking them back, its batch is suspect,
and runs in a process of its own from then on, until its points are computed.
"""

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from initatlas.errors import UserError
from initatlas.files import make_folder

_SUFFIX = ".suspects.json"


class Journal:
    """The suspect points of a sweep. Only who holds its lock writes; the sweeps of the same experiment read it too.

    Parameters
    ----------
    folder
        Where the sweeps of the experiment leave such files.
    name
        Of the file.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._path = folder / f"{name}{_SUFFIX}"

    def suspects(self) -> frozenset[str]:
        """Keys of the points that were being computed when a driver of this sweep ended without a word."""
        return _read(self._path)

    def of_all_sweeps(self) -> frozenset[str]:
        """Those of any sweep of the experiment. What another driver just computes is among them, and costs a process at most."""
        return frozenset().union(*map(_read, self._path.parent.glob(f"*{_SUFFIX}")))

    def begin(self, keys: Iterable[str], suspects: Iterable[str]) -> None:
        """Write down what is about to run in this process, beside the points that are suspect already.

        Raises
        ------
        UserError
            If the folder cannot be written.
        """
        try:
            self._write({*keys, *suspects})
        except OSError as error:
            raise UserError(
                f"{self._path.parent}: the point store cannot be written ({error.strerror}); make room or give write access, "
                "then run again: what was stored before is kept"
            ) from None

    def settle(self, suspects: Iterable[str]) -> None:
        """Leave only points that are still suspect: nothing runs any more.

        Where that cannot be written, more points stay suspect; that costs a process and no result.
        """
        if {*suspects} != self.suspects():
            with suppress(OSError):
                self._write({*suspects})

    def _write(self, keys: set[str]) -> None:
        """Replace the file; without any suspect there is none.

        It is there for whoever comes after the end of this process, which takes no synced disk; a power cut may cost it.
        """
        draft = self._path.with_suffix(".draft")
        if keys:
            make_folder(self._path.parent)
            draft.write_text(json.dumps(sorted(keys)), encoding="utf-8")
            draft.replace(self._path)
        else:
            draft.unlink(missing_ok=True)
            self._path.unlink(missing_ok=True)


def _read(path: Path) -> frozenset[str]:
    """The keys in a file; none where there is no such file, or no sense in it."""
    try:
        return frozenset(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return frozenset()
