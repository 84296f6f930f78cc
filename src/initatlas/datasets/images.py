"""Images without labels, in an array of a numpy archive (.npz)."""

import zipfile
from pathlib import Path

import numpy as np

from initatlas.datasets.dataset import SPLIT_CODE, Dataset
from initatlas.datasets.raw import check_sha256
from initatlas.datasets.specs import ImagesSpec
from initatlas.errors import UserError


def load(name: str, spec: ImagesSpec, raw_data: Path) -> Dataset:
    """Read the images.

    Parameters
    ----------
    name
        The data set's name.
    spec
        Folder, file, array and hash.
    raw_data
        The raw data folder.

    Returns
    -------
    Dataset
        The images; each is a class of its own.

    Raises
    ------
    UserError
        If the file is missing or broken, has the wrong hash, or does not hold unsigned bytes of shape
        (sample, row, column[, channel]).
    """
    path = raw_data / spec.folder / spec.file
    if not path.is_file():
        raise UserError(f"{name}: {path} is missing; put the file there")
    digest = check_sha256(path, spec.sha256)
    try:
        with np.load(path, allow_pickle=False) as archive:
            images = archive[spec.array]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{path}: the array {spec.array!r} cannot be read ({reason})") from error
    if images.dtype != np.uint8 or images.ndim not in (3, 4) or images.size == 0:
        raise UserError(
            f"{path}: {spec.array!r} is {images.dtype} of shape {images.shape}; "
            "give unsigned bytes, (sample, row, column) or (sample, row, column, channel)"
        )
    return Dataset(
        name=name,
        images=images,
        labels=np.arange(len(images), dtype=np.int64),
        split=np.full(len(images), SPLIT_CODE["train"], dtype=np.int8),
        maximum=255,
        source=spec.source or f"{spec.folder}/{spec.file}",
        raw_sha256={spec.file: digest},
    )
