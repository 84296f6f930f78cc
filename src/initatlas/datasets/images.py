"""Images in arrays of a numpy archive (.npz), with labels or without."""

import io
import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from initatlas.datasets.image_set import GreyLevel, Images
from initatlas.datasets.raw import LARGEST_RAW_FILE, as_classes, as_grey_levels, check_sha256, join_splits, white_of
from initatlas.datasets.samples import Split
from initatlas.datasets.specs import ImagesSpec
from initatlas.errors import UserError


def load(name: str, spec: ImagesSpec, raw_data: Path) -> Images:
    """Read the images.

    Parameters
    ----------
    name
        The data set's name.
    spec
        Folder, file, arrays and hash.
    raw_data
        The raw data folder.

    Returns
    -------
    Images
        The images; without classes where the spec names no labels.

    Raises
    ------
    UserError
        If the file is missing or broken, has the wrong hash, or does not hold grey levels of shape
        (sample, row, column[, channel]) and one label for each.
    """
    path = raw_data / spec.folder / spec.file
    if not path.is_file():
        raise UserError(f"{name}: {path} is missing; put the file there")
    digest = check_sha256(path, spec.sha256)
    parts: dict[Split, tuple[NDArray[GreyLevel], NDArray[np.int64]]] = {
        "train": _read_split(path, spec.array, spec.labels)
    }
    if spec.test_array is not None:
        parts["test"] = _read_split(path, spec.test_array, spec.test_labels)
    images, labels, split = join_splits(name, parts)
    labelled = spec.labels is not None
    return Images(
        name=name,
        images=images,
        labels=labels if labelled else np.arange(len(images), dtype=np.int64),
        split=split,
        maximum=white_of(images),
        source=spec.source or f"{spec.folder}/{spec.file}",
        raw_sha256={spec.file: digest},
        labelled=labelled,
    )


def _read_split(path: Path, array: str, labels: str | None) -> tuple[NDArray[GreyLevel], NDArray[np.int64]]:
    """Images of a split and their labels; numbers of the images where there are none."""
    stored = _read_array(path, array)
    if stored.dtype.kind not in "iuf" or stored.ndim not in (3, 4) or stored.size == 0:
        raise UserError(
            f"{path}: {array!r} is {stored.dtype} of shape {stored.shape}; "
            "give grey levels, (sample, row, column) or (sample, row, column, channel)"
        )
    images = as_grey_levels(stored, f"{path}: {array!r}")
    if labels is None:
        return images, np.arange(len(images), dtype=np.int64)
    found = _read_array(path, labels)
    if found.dtype.kind not in "iuf" or found.shape not in ((len(images),), (len(images), 1)):
        raise UserError(
            f"{path}: {labels!r} is {found.dtype} of shape {found.shape}; give one class for each of the {len(images)} images"
        )
    return images, as_classes(found.reshape(-1), f"{path}: {labels!r}")


def _read_array(path: Path, name: str) -> NDArray[Any]:
    """An array of an archive. Its header is believed only as far as bytes follow it, and no object is unpickled."""
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
    if kind.hasobject:
        raise UserError(f"{path}: {name!r} is {kind} of shape {shape}; give numbers")
    rest, needed = len(content) - stream.tell(), math.prod(shape) * kind.itemsize
    if rest != needed:
        raise UserError(f"{path}: {name!r} has {rest} bytes, its shape {shape} needs {needed}; save it anew")
    stored = np.frombuffer(content, kind, offset=stream.tell()).reshape(shape, order="F" if in_columns else "C")
    return stored.astype(kind.newbyteorder("="))


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
            there = f"it has: {', '.join(names)}; name one of these in the config" if names else "it is empty"
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
