"""Records by their buckets: in memory while they are few, in one unnamed file when they are many."""

import os
import weakref
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np

from initatlas.errors import UserError

BYTES_IN_MEMORY = 1 << 22
"""What a spool keeps in memory; the file beyond has no name, so a kill leaves nothing of it."""


class Spool:
    """Records of one type in some buckets, each to be read back as one array.

    Whenever the records in memory are too many, they go to the file, ordered by their buckets: so a bucket is a piece of each
    such run of the file, and any number of buckets takes one file.

    Parameters
    ----------
    dtype
        Type of the records.
    buckets
        Number of the buckets.
    folder
        Where the file would be; elsewhere, if that cannot be written.
    """

    def __init__(self, dtype: "np.dtype[Any]", buckets: int, folder: Path) -> None:
        self.buckets = buckets
        self._dtype = dtype
        self._folder = folder
        self._file: int | None = None
        self._waiting: list[tuple[np.ndarray, np.ndarray]] = []
        self._size = self._written = 0
        self._runs: list[
            np.ndarray
        ] = []  # of each run where in the file its buckets begin, and where the last one ends

    def add(self, records: np.ndarray, buckets: np.ndarray) -> None:
        """Put records into their buckets; those of a bucket stay in order."""
        self._waiting.append((records, buckets))
        self._size += len(records)
        if self._size * self._dtype.itemsize > BYTES_IN_MEMORY:
            self._write()

    def read(self, bucket: int) -> np.ndarray:
        """The records of a bucket, in the order in which they came."""
        parts = [self._piece(run[bucket], run[bucket + 1]) for run in self._runs]
        if self._waiting:
            records, ends = self._sorted()
            parts.append(records[ends[bucket] : ends[bucket + 1]])
        return np.concatenate(parts) if parts else np.empty(0, self._dtype)

    def _sorted(self) -> tuple[np.ndarray, np.ndarray]:
        """The records in memory, ordered by their buckets, and where each of these begins."""
        records, buckets = (np.concatenate(column) for column in zip(*self._waiting, strict=True))
        if (np.diff(buckets) < 0).any():
            order = np.argsort(buckets, kind="stable")
            records, buckets = records[order], buckets[order]
        self._waiting = [(records, buckets)]
        return records, np.searchsorted(buckets, np.arange(self.buckets + 1))

    def _write(self) -> None:
        """Put the records in memory into the file."""
        records, ends = self._sorted()
        content, at = records.view(np.uint8).data, self._written
        try:
            if self._file is None:
                self._file = _unnamed_file(self._folder)
                weakref.finalize(self, os.close, self._file)
            while content:
                done = os.pwrite(self._file, content, at)
                content, at = content[done:], at + done
        except OSError as error:
            raise UserError(
                f"{self._folder}: where the points of the sweep are cannot be noted ({error.strerror}); make room, then run "
                "again: what was stored before is kept"
            ) from None
        self._runs.append(self._written + ends * self._dtype.itemsize)
        self._written = at
        self._waiting, self._size = [], 0

    def _piece(self, start: int, stop: int) -> np.ndarray:
        """Records from one byte of the file to before another."""
        assert self._file is not None
        return np.frombuffer(os.pread(self._file, stop - start, start), dtype=self._dtype)


def _unnamed_file(folder: Path) -> int:
    """Open a file without a name in a folder, or where the system keeps such files."""
    with TemporaryFile(dir=folder if os.access(folder, os.W_OK) else None, buffering=0) as file:
        return os.dup(file.fileno())
