"""Records by their buckets: in memory while they are few, in unnamed files when they are many."""

from contextlib import ExitStack
from pathlib import Path
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import Any, Self

import numpy as np

BYTES_IN_MEMORY = 1 << 24
"""What a spool keeps in memory; the files beyond have no name, so a kill leaves nothing of them."""


class Spool:
    """Records of one type in some buckets, each to be read back as one array.

    Parameters
    ----------
    dtype
        Type of the records.
    buckets
        Number of the buckets.
    folder
        Where the files would be; None: where the system keeps such files.
    """

    def __init__(self, dtype: "np.dtype[Any]", buckets: int, folder: Path | None) -> None:
        self._dtype = dtype
        self._open = ExitStack()
        room, where = BYTES_IN_MEMORY // buckets, None if folder is None else str(folder)
        self._files = [
            self._open.enter_context(SpooledTemporaryFile(room, dir=where))  # noqa: SIM115
            for _ in range(buckets)
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def add(self, records: np.ndarray, buckets: np.ndarray) -> None:
        """Put records into their buckets; those of a bucket stay in order."""
        order = np.argsort(buckets, kind="stable")
        ends = np.cumsum(np.bincount(buckets, minlength=len(self._files)))
        for file, part in zip(self._files, np.split(records[order], ends[:-1]), strict=True):
            file.write(part.tobytes())

    def read(self, bucket: int) -> np.ndarray:
        """The records of a bucket, in the order in which they came."""
        file = self._files[bucket]
        file.seek(0)
        return np.frombuffer(file.read(), dtype=self._dtype)
