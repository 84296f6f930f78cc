"""Folders and zip files that are either whole or absent."""

import os
import re
import shutil
import socket
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from initatlas.files import atomic_path, make_folder, sync

_PACKED = frozenset({".nc", ".png", ".pdf", ".zip"})
"""Kinds of files that are compressed already."""

_DATE = (1980, 1, 1, 0, 0, 0)
"""Date of everything in a zip file, the earliest that it knows: the same content gives the same bytes."""


@contextmanager
def draft_folder(target: Path) -> Iterator[Path]:
    """Give an empty folder beside a target, and remove it at the end, if it is still there.

    What killed processes of this machine have left for the same target is removed before.
    """
    make_folder(target.parent)
    _remove_orphans(target)
    draft = target.with_name(f".{target.name}.{socket.gethostname()}-{os.getpid()}.draft")
    draft.mkdir()
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def publish_folder(draft: Path, target: Path) -> None:
    """Flush a folder to the disk and give it its name, which must be free."""
    for folder, _, names in os.walk(draft):
        for name in names:
            sync(Path(folder, name))
        sync(Path(folder))
    draft.rename(target)
    sync(target.parent)


def publish_zip(draft: Path, target: Path) -> None:
    """Pack a folder into a zip file, atomically; the same content gives the same bytes."""
    with atomic_path(target) as packed, zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(path for path in draft.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(draft).as_posix(), date_time=_DATE)
            entry.compress_type = zipfile.ZIP_STORED if path.suffix in _PACKED else zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            with path.open("rb") as content, archive.open(entry, "w", force_zip64=True) as place:
                shutil.copyfileobj(content, place)


def _remove_orphans(target: Path) -> None:
    """Remove the drafts of a target whose process on this machine is gone."""
    ours = re.compile(rf"\.{re.escape(target.name)}\.{re.escape(socket.gethostname())}-(\d+)\.draft")
    for path in target.parent.glob(".*.draft"):
        match = ours.fullmatch(path.name)
        if match and not psutil.pid_exists(int(match[1])):
            shutil.rmtree(path, ignore_errors=True)
