"""The point store: every finished point, durable before it counts, found again by its key.

Layout: ``<root>/<experiment>/<code version>/<sha256 of the file>.npz``. One file holds the points of one finished batch and
is never changed. Its name is the hash of its content, so a torn or damaged file betrays itself and costs only its own
points. Any number of drivers may add files; a lock per sweep keeps a second driver from computing the same points meanwhile.
"""

import fcntl
import hashlib
import io
import json
import logging
import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from initatlas.errors import UserError
from initatlas.files import atomic_path, make_folder, must_be_file, must_be_folder, remove_orphans
from initatlas.sweeps.checkouts import FOLDER as CHECKOUTS
from initatlas.sweeps.checkouts import sign
from initatlas.sweeps.execute import BatchOutcome, Execution
from initatlas.sweeps.journal import Journal
from initatlas.sweeps.outputs import Arrays, Rows

log = logging.getLogger(__name__)

_RUNS = "runs"
"""Beside the folders of the code versions: who is at work, and what was in flight."""

_BOOKKEEPING = "bookkeeping"
_OUTPUT = "output/"
_FILES = "[!.]*.npz"


@dataclass(frozen=True)
class StoredBatch:
    """The content of one file of the store.

    Attributes
    ----------
    keys
        The points, one per row.
    outputs
        Output name to array; the first dimension runs over `keys`.
    execution
        How the batch was computed.
    """

    keys: tuple[str, ...]
    outputs: Arrays
    execution: Execution


@dataclass(frozen=True, slots=True)
class StoredFile:
    """What one file of the store says of itself.

    Attributes
    ----------
    folder, name
        Where it lies: a file for every batch may be many, so the folder is one object for all.
    size
        Number of its points.
    execution
        How they were computed.
    """

    folder: Path
    name: str
    size: int
    execution: Execution

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / self.name


StoredKeys = tuple[tuple[str, ...], StoredFile]
"""The keys of the points in a file, one per row, and the file."""


class PointStore:
    """The stored points of one experiment at one code version.

    Parameters
    ----------
    root
        Folder of the store, shared by all experiments.
    experiment
        Name of the experiment.
    code
        Code version of the experiment.
    sweep
        Title of the sweep that is to add points.
    """

    def __init__(self, root: Path, experiment: str, code: str, *, sweep: str) -> None:
        self.home = root / experiment
        self.folder = self.home / code[:16]
        self.sweep = sweep
        name = sweep.replace("/", "--")
        self.lock_file = self.home / _RUNS / f"{name}.lock"
        self.journal = Journal(self.home / _RUNS, name)

    def files(self) -> Iterator[StoredKeys]:
        """What every readable file says of itself, with its keys; damaged files are reported, set aside and forgotten."""
        must_be_folder(self.folder)
        for name in self._names():
            notes = self._read_or_set_aside(self.folder / name)
            if notes is not None:
                keys, execution = notes
                yield keys, StoredFile(self.folder, name, len(keys), execution)

    def holds_any(self) -> bool:
        """Whether there is a file."""
        must_be_folder(self.folder)
        return any(True for _ in self.folder.glob(_FILES))

    def seconds_per_point(self) -> float | None:
        """Mean wall time of the stored points; None if there are none."""
        files = [(file.execution.seconds, file.size) for _, file in self.files()]
        points = sum(count for _, count in files)
        return sum(seconds for seconds, _ in files) / points if points else None

    def sign(self, checkout: Path, date: str) -> None:
        """Say that a checkout uses this code version; to be called under the lock."""
        sign(self.home, checkout, code=self.folder.name, date=date)

    def other_versions(self) -> list[Path]:
        """Folders of other code versions of the experiment."""
        must_be_folder(self.folder)
        inside = (path for path in self.home.glob("*") if path.is_dir() and path.name not in (CHECKOUTS, _RUNS))
        return sorted(path for path in inside if path != self.folder)

    def damaged(self) -> list[Path]:
        """Files that were set aside as damaged."""
        return sorted(self.folder.glob("*.damaged"))

    def add(self, outcome: BatchOutcome) -> list[StoredFile]:
        """Store the results of a batch; on return they survive a power cut.

        Returns
        -------
        list of StoredFile
            A file for each of the results, their points being its rows.

        Raises
        ------
        UserError
            If the folder cannot be written: a full disk, a read-only folder. What was stored before is kept.
        """
        return [self._add_file(rows, outcome.execution) for rows in outcome.results]

    def _add_file(self, rows: Rows, execution: Execution) -> StoredFile:
        """Store results that agree in their shapes as one file."""
        content = _pack(rows, execution)
        file = StoredFile(self.folder, f"{hashlib.sha256(content).hexdigest()}.npz", len(rows.keys), execution)
        try:
            with atomic_path(
                file.path, clean=False
            ) as draft:  # `lock` has cleaned the folder, which may hold many files
                draft.write_bytes(content)
        except OSError as error:
            raise UserError(
                f"{self.folder}: a finished batch cannot be stored ({error.strerror}); make room or give write access, "
                "then run again: what was stored before is kept"
            ) from None
        return file

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other drivers of this sweep from computing the same points; wait, and say for whom, while another holds it.

        Drivers of other sweeps of the experiment go on. A point that two of them share may be computed twice, to the same bits.
        Drafts that a killed driver left are removed.
        """
        with _open_lock(self.home, self.lock_file) as handle:
            _acquire(handle.fileno(), self.lock_file)
            _sign(
                handle,
                f"{self.sweep}, process {os.getpid()} on {socket.gethostname()}, since {time.ctime()}\n",
                self.home,
            )
            remove_orphans(self.folder, ".npz")
            try:
                yield
            finally:
                handle.truncate(0)

    def _names(self) -> list[str]:
        """The names of the files, in order."""
        return sorted(path.name for path in self.folder.glob(_FILES))

    def _read_or_set_aside(self, path: Path) -> tuple[tuple[str, ...], Execution] | None:
        """Read what a file says of itself; if its content does not fit its name, move it out of the way and say so."""
        try:
            return _notes(_open_file(path))
        except FileNotFoundError:  # another driver has set it aside
            return None
        except OSError as error:
            must_be_file(path)
            raise UserError(f"{path}: cannot be read ({error.strerror}); give read access") from None
        except DamagedFileError as error:
            aside = path.with_suffix(".damaged")
            log.warning("%s: %s; its points are computed again (kept as %s)", path, error, aside.name)
            with suppress(FileNotFoundError):
                path.replace(aside)
            return None


class DamagedFileError(Exception):
    """A file of the store does not hold what its name promises."""


def read_batch(path: Path) -> StoredBatch:
    """Read one file of the store and check it against its name.

    Raises
    ------
    DamagedFileError
        If the content is torn, flipped or foreign.
    """
    archive = _open_file(path)
    keys, execution = _notes(archive)
    try:
        outputs = {name.removeprefix(_OUTPUT): archive[name] for name in archive.files if name != _BOOKKEEPING}
    except (BadZipFile, ValueError, OSError) as error:
        raise DamagedFileError(f"not a file of this store ({error})") from None
    return StoredBatch(keys, outputs, execution)


def _open_file(path: Path) -> "np.lib.npyio.NpzFile":
    """A file of the store, checked against its name.

    Raises
    ------
    DamagedFileError
        If the content is torn or flipped.
    """
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != path.stem:
        raise DamagedFileError("the content does not match its checksum")
    try:
        archive: np.lib.npyio.NpzFile = np.load(io.BytesIO(content), allow_pickle=False)
    except (BadZipFile, ValueError, OSError, EOFError) as error:
        raise DamagedFileError(f"not a file of this store ({error})") from None
    return archive


def _notes(archive: "np.lib.npyio.NpzFile") -> tuple[tuple[str, ...], Execution]:
    """The keys in a file, and how they were computed.

    Raises
    ------
    DamagedFileError
        If the file is a foreign one.
    """
    try:
        notes = json.loads(bytes(archive[_BOOKKEEPING]))
        return tuple(notes["keys"]), _execution(notes["execution"])
    except (BadZipFile, KeyError, ValueError, OSError) as error:
        raise DamagedFileError(f"not a file of this store ({error})") from None


def _execution(notes: Mapping[str, Any]) -> Execution:
    """The bookkeeping as it was stored: an older engine recorded less, a newer one may have recorded more."""
    known = {field.name for field in fields(Execution)}
    return Execution(**{name: value for name, value in notes.items() if name in known})


class Slowness:
    """By how much batches took longer than declared, to correct an estimate.

    Waiting for a processor that others had does not count: it says nothing of the next run. So wall times do not count, where an
    older engine recorded nothing else.
    """

    def __init__(self) -> None:
        self._busy = self._declared = 0.0

    def count(self, execution: Execution) -> None:
        """Look at a batch."""
        if execution.busy is not None and execution.estimate:
            self._busy += execution.busy
            self._declared += execution.estimate

    @property
    def value(self) -> float:
        """Recorded over declared; 1 where no batch tells."""
        return self._busy / self._declared if self._declared else 1.0


def _pack(rows: Rows, execution: Execution) -> bytes:
    """The bytes of a store file: the outputs, and the bookkeeping as JSON."""
    notes = {"keys": rows.keys, "execution": asdict(execution)}
    members: dict[str, Any] = {_BOOKKEEPING: np.frombuffer(json.dumps(notes).encode(), dtype=np.uint8)}
    members |= {f"{_OUTPUT}{name}": array for name, array in rows.outputs.items()}
    buffer = io.BytesIO()
    np.savez(buffer, **members)
    return buffer.getvalue()


def _open_lock(home: Path, path: Path) -> io.FileIO:
    """The lock file of a sweep of an experiment; unbuffered, so that closing it writes nothing."""
    must_be_folder(home)
    must_be_folder(path.parent)
    must_be_file(path)
    try:
        make_folder(path.parent)
        return path.open("ab+", buffering=0)
    except OSError as error:
        raise UserError(f"{home}: the point store cannot be written ({error.strerror}); give write access") from None


def _sign(handle: io.FileIO, text: str, home: Path) -> None:
    """Write the holder of the lock into it, for those who wait."""
    try:
        handle.truncate(0)
        handle.write(text.encode())
    except OSError as error:
        raise UserError(f"{home}: the point store cannot be written ({error.strerror}); make room") from None


def _acquire(descriptor: int, path: Path) -> None:
    """Take the lock; announce the holder once while waiting."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = path.read_text(encoding="utf-8").strip() or "another run"
        log.warning("waiting for %s, which is at work on the same sweep", holder)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
