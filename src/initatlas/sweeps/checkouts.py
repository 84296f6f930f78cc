"""Which checkouts need which code versions of a point store that they share.

Every checkout that computes leaves a signature with each experiment: where it lies, and the code version that it last used. So
whoever tidies up knows what somebody else can still find.
"""

import hashlib
import json
import socket
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from initatlas.errors import UserError
from initatlas.files import write_text
from initatlas.layout import is_atlas

FOLDER = "checkouts"
"""Beside the folders of the code versions."""


@dataclass(frozen=True)
class Signature:
    """What a checkout last used.

    Attributes
    ----------
    host, path
        Where it lies.
    code
        Name of the folder of its code version.
    date
        When it last computed with it, as ``2026-11-28``.
    """

    host: str
    path: str
    code: str
    date: str

    @property
    def lives(self) -> bool:
        """Whether the checkout is still there; of another machine nobody here can tell, so it counts as living."""
        return self.host != socket.gethostname() or is_atlas(Path(self.path))

    def is_of(self, checkout: Path) -> bool:
        """Whether it is the signature of a checkout on this machine."""
        return self.host == socket.gethostname() and self.path == str(checkout.resolve())


def sign(home: Path, checkout: Path, *, code: str, date: str) -> None:
    """Leave the signature of a checkout with an experiment, in place of its former one.

    Parameters
    ----------
    home
        Folder of the experiment in the store.
    checkout
        Folder of the atlas.
    code, date
        As in `Signature`.

    Raises
    ------
    UserError
        If the folder cannot be written.
    """
    signature = Signature(socket.gethostname(), str(checkout.resolve()), code, date)
    name = hashlib.sha256(f"{signature.host}:{signature.path}".encode()).hexdigest()[:16]
    try:
        write_text(home / FOLDER / f"{name}.json", json.dumps(asdict(signature)))
    except OSError as error:
        raise UserError(
            f"{home / FOLDER}: cannot be written ({error.strerror}); make room or give write access"
        ) from None


def signatures(home: Path) -> list[Signature]:
    """The signatures with an experiment; what cannot be read is none."""
    others = []
    for path in sorted((home / FOLDER).glob("[!.]*.json")):
        try:
            others.append(Signature(**json.loads(path.read_text(encoding="utf-8"))))
        except (OSError, ValueError, TypeError):
            continue
    return others


def needed_by_others(home: Path, checkout: Path) -> dict[str, Sequence[Signature]]:
    """Code version to the other living checkouts that need it."""
    by_code: dict[str, list[Signature]] = {}
    for signature in signatures(home):
        if signature.lives and not signature.is_of(checkout):
            by_code.setdefault(signature.code, []).append(signature)
    return dict(by_code)
