"""What all readers of raw files share: hashes, and the assembly of the two splits."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from initatlas.datasets.image_set import GreyLevel
from initatlas.datasets.samples import SPLIT_CODE, Split
from initatlas.errors import UserError

LARGEST_RAW_FILE = 2**32
"""Bytes of an array in a raw file; a header that announces more is taken for garbage, before any memory is asked for."""

_WHITE = 255
_MOST_CLASSES = 2**16


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


def as_grey_levels(stored: NDArray[Any], where: str) -> NDArray[GreyLevel]:
    """Grey levels as they are kept: uint8 of whole numbers, float32 of others.

    Raises
    ------
    UserError
        If one is not between 0 and 255; it begins with `where`.
    """
    low, high = stored.min(), stored.max()
    if not (low >= 0 and high <= _WHITE):
        raise UserError(f"{where}: has grey levels from {low} to {high}; give some from 0 to 1, or from 0 to {_WHITE}")
    return stored.astype(np.uint8 if stored.dtype.kind in "iu" else np.float32, copy=False)


def white_of(images: NDArray[GreyLevel]) -> int:
    """The grey level that is white: 1 for fractions of which none is larger, else 255."""
    return _WHITE if images.dtype == np.uint8 or bool(images.max() > 1.0) else 1


def as_classes(stored: NDArray[Any], where: str) -> NDArray[np.int64]:
    """Labels as classes, shape (sample,).

    Raises
    ------
    UserError
        If one is no whole number from 0 to 65535; it begins with `where`.
    """
    wrong = np.flatnonzero(~((stored >= 0) & (stored < _MOST_CLASSES) & (stored == np.floor(stored))))
    if wrong.size:
        raise UserError(
            f"{where}: label {wrong[0]} is {stored[wrong[0]]}; give whole numbers from 0 to {_MOST_CLASSES - 1}"
        )
    return stored.astype(np.int64)


def join_splits(
    name: str,
    parts: Mapping[Split, tuple[NDArray[GreyLevel], NDArray[np.int64]]],
) -> tuple[NDArray[GreyLevel], NDArray[np.int64], NDArray[np.int8]]:
    """Join images and labels of the splits that are there.

    Parameters
    ----------
    name
        The data set, for messages.
    parts
        Images, shape (sample, row, column[, channel]), and labels, shape (sample,), by split.

    Returns
    -------
    tuple of ndarray
        Images, labels and split as a `Images` has them.

    Raises
    ------
    UserError
        If the images of the splits differ in size, or in what their numbers mean.
    """
    _check_same_form(name, [images for images, _ in parts.values()])
    counts = [len(labels) for _, labels in parts.values()]
    codes = np.array([SPLIT_CODE[split] for split in parts], dtype=np.int8)
    images = np.concatenate([images for images, _ in parts.values()])
    labels = np.concatenate([labels for _, labels in parts.values()])
    return images, labels, np.repeat(codes, counts)


def _check_same_form(name: str, splits: list[NDArray[GreyLevel]]) -> None:
    """Refuse splits whose images differ in size, or in what their numbers mean."""
    if len({images.shape[1:] for images in splits}) > 1:
        sizes = [images.shape[1:] for images in splits]
        raise UserError(f"{name}: train images are {sizes[0]} pixels, test images {sizes[1]}; give files that agree")
    if len({images.dtype for images in splits}) > 1:
        raise UserError(
            f"{name}: grey levels are whole numbers in one split, and fractions in the other; give files that agree"
        )
