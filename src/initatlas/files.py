"""Files that are either whole or absent: write beside the target, sync, then rename."""

import os
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path

import psutil

from initatlas.errors import UserError

_DRAFTS: set[Path] = set()
"""Drafts that this process has open; kept for `remove_drafts`."""


@contextmanager
def atomic_path(target: str | os.PathLike[str], *, clean: bool = True) -> Iterator[Path]:
    """Give a temporary path in the folder of `target`; on success sync it and rename it to `target`.

    Parameters
    ----------
    target
        The file to create or replace. Missing parent folders are made.
    clean
        Whether to remove drafts that killed processes of this machine left for the target; it takes a look at the whole folder.

    Yields
    ------
    Path
        Where to write. It has the suffix of `target`, and is removed if the block raises.
    """
    target = Path(target)
    make_folder(target.parent)
    if clean:
        _remove_orphans(target)
    draft = target.with_name(f".{target.stem}.{socket.gethostname()}-{os.getpid()}.draft{target.suffix}")
    _DRAFTS.add(draft)
    try:
        yield draft
        sync(draft)
        draft.replace(target)
        sync(target.parent)
    finally:
        draft.unlink(missing_ok=True)
        _DRAFTS.discard(draft)


def make_folder(folder: Path) -> None:
    """Make a folder and its missing parents, so that their names survive a power cut; it may be there already."""
    missing = list(takewhile(lambda path: not path.exists(), (folder, *folder.parents)))
    folder.mkdir(parents=True, exist_ok=True)
    for path in missing:
        sync(path.parent)


def must_be_folder(path: Path) -> None:
    """Refuse a place for a folder that something else holds; it need not be there.

    Raises
    ------
    UserError
        If there is a file, or a link that leads nowhere, at the path or above it.
    """
    for folder in (path, *path.parents):
        if os.path.lexists(folder) and not _is_folder(folder):
            what = "a file" if folder.exists() else "a link that leads nowhere"
            raise UserError(f"{folder}: {what} where a folder should be; move it away and run again")


def must_be_file(path: Path) -> None:
    """Refuse a place for a file that a folder holds, or that cannot be reached; it need not be there.

    Raises
    ------
    UserError
        If there is a folder, or a file above the path.
    """
    must_be_folder(path.parent)
    if _is_folder(path):
        raise UserError(f"{path}: a folder where a file should be; move it away and run again")


def _is_folder(path: Path) -> bool:
    """Whether a path is a folder; where nobody may look, it is none."""
    try:
        return path.is_dir()
    except PermissionError:
        return False


def can_be_made(folder: Path) -> bool:
    """Whether a folder is there and can be written, or could be made: nothing is made here."""
    nearest = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
    return nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)


def _remove_orphans(target: Path) -> None:
    """Remove the drafts of a target whose process on this machine is gone."""
    remove_orphans(target.parent, target.suffix, stem=target.stem)


SECONDS_OF_A_DRAFT = 3600.0
"""A draft of another machine that was not touched for so long is held to be left over: writing one takes seconds."""


def remove_orphans(folder: Path, suffix: str, *, stem: str | None = None) -> None:
    """Remove the drafts in a folder that nobody writes any more.

    Of this machine those whose process is gone; where the drafts of any target are asked for, also old ones of other machines.

    Parameters
    ----------
    folder
        It need not be there.
    suffix, stem
        Of the targets; without a stem, all of them.
    """
    any_target = ".+" if stem is None else re.escape(stem)
    ours = re.compile(rf"\.{any_target}\.{re.escape(socket.gethostname())}-(\d+)\.draft{re.escape(suffix)}")
    for path in folder.glob(f".*.draft{suffix}"):
        match = ours.fullmatch(path.name)
        is_old = stem is None and _age(path) > SECONDS_OF_A_DRAFT
        if is_old if match is None else not psutil.pid_exists(int(match[1])):
            path.unlink(missing_ok=True)


def _age(path: Path) -> float:
    """Seconds since a file was written; 0 if it is gone."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def remove_drafts() -> None:
    """Remove the drafts of this process, for an end that runs no `finally`."""
    for draft in list(_DRAFTS):
        draft.unlink(missing_ok=True)


def write_text(target: str | os.PathLike[str], text: str) -> None:
    """Write `text` (UTF-8) to `target` atomically."""
    with atomic_path(target) as draft:
        draft.write_text(text, encoding="utf-8")


def sync(path: Path) -> None:
    """Flush a file or a folder entry to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
