"""What all readers of raw files share: hashes, and the assembly of the two splits."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from initatlas.datasets.image_set import GreyLevel
from initatlas.datasets.samples import SPLIT_CODE, Split
from initatlas.errors import UserError

LARGEST_RAW_FILE = 2**32
"""Bytes of an array in a raw file; a header that announces more is taken for garbage, before any memory is asked for."""


def file_sha256(path: Path) -> str:
    """Give the SHA-256 of a file, as 64 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def check_sha256(path: Path, expected: str | None) -> str:
    """Compare a raw file with the hash in the config.

    Parameters
    ----------
    path
        The file.
    expected
        Its SHA-256; None where the config states none.

    Returns
    -------
    str
        The file's SHA-256.

    Raises
    ------
    UserError
        If the two differ. The file is the user's: it stays where it is.
    """
    sha256 = file_sha256(path)
    if expected is not None and sha256 != expected:
        raise UserError(
            f"{path}: its SHA-256 is {sha256}, the config expects {expected}; "
            "download the file again, or mend 'sha256' in the config"
        )
    return sha256


def join_splits(
    parts: Mapping[Split, tuple[NDArray[GreyLevel], NDArray[np.int64]]],
) -> tuple[NDArray[GreyLevel], NDArray[np.int64], NDArray[np.int8]]:
    """Join images and labels of the splits that are there.

    Parameters
    ----------
    parts
        Images, shape (sample, row, column[, channel]), and labels, shape (sample,), by split.

    Returns
    -------
    tuple of ndarray
        Images, labels and split as a `Images` has them.
    """
    counts = [len(labels) for _, labels in parts.values()]
    codes = np.array([SPLIT_CODE[split] for split in parts], dtype=np.int8)
    images = np.concatenate([images for images, _ in parts.values()])
    labels = np.concatenate([labels for _, labels in parts.values()])
    return images, labels, np.repeat(codes, counts)
