"""Images without labels, in an array of a numpy archive (.npz)."""

import io
import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from initatlas.datasets.image_set import Images
from initatlas.datasets.raw import LARGEST_RAW_FILE, check_sha256
from initatlas.datasets.samples import SPLIT_CODE
from initatlas.datasets.specs import ImagesSpec
from initatlas.errors import UserError


def load(name: str, spec: ImagesSpec, raw_data: Path) -> Images:
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
    Images
        The images, without classes.

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
    images = _read_array(path, spec.array)
    return Images(
        name=name,
        images=images,
        labels=np.arange(len(images), dtype=np.int64),
        split=np.full(len(images), SPLIT_CODE["train"], dtype=np.int8),
        maximum=255,
        source=spec.source or f"{spec.folder}/{spec.file}",
        raw_sha256={spec.file: digest},
        labelled=False,
    )


def _read_array(path: Path, name: str) -> NDArray[np.uint8]:
    """An array of images of an archive. Its header is believed only as far as bytes follow it, and no object is unpickled."""
    try:
        content = _member(path, name)
        stream = io.BytesIO(content)
        shape, in_columns, kind = _read_header(stream)
    except UserError:
        raise
    except Exception as error:  # A broken archive may raise anything at all.
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise UserError(
            f"{path}: the array {name!r} cannot be read ({reason}); save it anew with numpy.savez"
        ) from error
    if kind != np.uint8 or len(shape) not in (3, 4) or math.prod(shape) == 0:
        raise UserError(
            f"{path}: {name!r} is {kind} of shape {shape}; "
            "give unsigned bytes, (sample, row, column) or (sample, row, column, channel)"
        )
    rest = len(content) - stream.tell()
    if rest != math.prod(shape):
        raise UserError(f"{path}: {name!r} has {rest} bytes, its shape {shape} needs {math.prod(shape)}; save it anew")
    return (
        np.frombuffer(content, np.uint8, offset=stream.tell()).reshape(shape, order="F" if in_columns else "C").copy()
    )


def _member(path: Path, name: str) -> bytes:
    """The bytes of an array in an archive."""
    if not zipfile.is_zipfile(path):
        with path.open("rb") as file:
            single = file.read(len(_MAGIC)) == _MAGIC
        what = "is a single array (.npy)" if single else "is no numpy archive, or it is cut short"
        raise UserError(f"{path}: {what}; save it with numpy.savez(file, {name}=...)")
    with zipfile.ZipFile(path) as archive:
        names = [entry.removesuffix(".npy") for entry in archive.namelist()]
        if name not in names:
            there = f"it has: {', '.join(names)}; name one of them under 'array'" if names else "it is empty"
            raise UserError(f"{path}: there is no array {name!r}; {there}")
        entry = archive.getinfo(f"{name}.npy")
        if entry.file_size > LARGEST_RAW_FILE:
            raise UserError(f"{path}: {name!r} announces {entry.file_size} bytes, at most {LARGEST_RAW_FILE} are read")
        return archive.read(entry)


_MAGIC = b"\x93NUMPY"


def _read_header(stream: io.BytesIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether columns come first, and type of an array."""
    major, _ = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if major == 1 else np.lib.format.read_array_header_2_0
    shape, in_columns, kind = read(stream)
    return shape, in_columns, kind
