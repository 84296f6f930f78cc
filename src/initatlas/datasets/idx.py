"""Reader of IDX files, the format of MNIST and Fashion-MNIST.

An IDX file is a header and the numbers, row by row (LeCun, Cortes and Burges, "The MNIST database of handwritten
digits"). The header is two zero bytes, a type code, the number of dimensions, and each dimension's length as a
big-endian 32-bit number. All six types of the format are read. Three dimensions are images, one is labels; labels of QMNIST
(Yadav and Bottou 2019) are rows of eight int32, of which the first is the class.
"""

import gzip
import io
import logging
import math
import struct
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from initatlas.datasets.image_set import GreyLevel, Images
from initatlas.datasets.raw import LARGEST_RAW_FILE, as_classes, as_grey_levels, check_sha256, join_splits, white_of
from initatlas.datasets.samples import Split
from initatlas.datasets.specs import GZIP_SUFFIX, IdxSpec, find_raw_file, find_split
from initatlas.errors import UserError

_LOGGER = logging.getLogger(__name__)
_TYPES = {0x08: "uint8", 0x09: "int8", 0x0B: "int16", 0x0C: "int32", 0x0D: "float32", 0x0E: "float64"}
_QMNIST_COLUMNS = 8
_GZIP_MAGIC = b"\x1f\x8b"
_CHUNK = 2**20
_SPLITS: tuple[Split, Split] = ("train", "test")


def load(name: str, spec: IdxSpec, raw_data: Path) -> Images:
    """Read the splits that are there.

    Parameters
    ----------
    name
        The data set's name.
    spec
        Folder, file names and hashes.
    raw_data
        The raw data folder.

    Returns
    -------
    Images
        Grey images; `note` says which file an absent split lacks. Fractions stay as they are (float32): white is 1 where none is
        larger, else 255.

    Raises
    ------
    UserError
        If no split is whole, or a file is broken, has the wrong hash, or does not fit the others.
    """
    note = _missing_note(spec, raw_data)
    pairs = {split: pair for split in _SPLITS if (pair := find_split(spec, raw_data, split)) is not None}
    if not pairs:
        raise UserError(f"{name}: {note}; put the files into {raw_data / spec.folder}, or download them")
    if note:
        _LOGGER.warning("%s: %s", name, note)
    hashes = {path.name: check_sha256(path, spec.sha256.get(path.name)) for pair in pairs.values() for path in pair}
    parts = {key: _read_pair(*pair) for key, pair in pairs.items()}
    images, labels, split = join_splits(name, parts)
    return Images(
        name=name,
        images=images,
        labels=labels,
        split=split,
        maximum=white_of(images),
        source=f"IDX files in {spec.folder}: {', '.join(hashes)}",
        raw_sha256=hashes,
        note=note,
    )


def read_idx(path: Path, *ranks: int) -> NDArray[Any]:
    """Read an IDX file, gzipped if its name ends in ``.gz``.

    Parameters
    ----------
    path
        The file.
    *ranks
        The numbers of dimensions that it may have.

    Returns
    -------
    ndarray
        uint8, int8, int16, int32, float32 or float64, as the file says.

    Raises
    ------
    UserError
        If the file is no such IDX file, or is cut short, or has bytes left over.
    """
    zipped = path.name.endswith(GZIP_SUFFIX)
    try:
        with path.open("rb") as raw:
            if not zipped:
                return _read_array(raw, path, ranks)
            if raw.read(2) != _GZIP_MAGIC:
                raise UserError(f"{path}: is not gzipped though its name ends in .gz; rename it, or download it again")
            raw.seek(0)
            with gzip.GzipFile(fileobj=raw) as stream:
                return _read_array(stream, path, ranks)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{path}: the gzip data are broken ({error}); download the file again") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error}); check the file") from error


def _read_array(stream: io.BufferedIOBase | BinaryIO, path: Path, ranks: tuple[int, ...]) -> NDArray[Any]:
    """Read the header, then exactly the bytes that it announces."""
    kind, shape = _read_header(stream, path, ranks)
    expected = math.prod(shape) * kind.itemsize
    if not 0 < expected <= LARGEST_RAW_FILE:
        raise UserError(f"{path}: the header announces {expected} bytes ({shape}), which is absurd; download it again")
    content = _read_exactly(stream, expected)
    if len(content) < expected:
        raise UserError(
            f"{path}: is cut short, {len(content)} bytes instead of the {expected} of its header; download it again"
        )
    if stream.read(1):
        raise UserError(f"{path}: has bytes after the {expected} that its header announces; download it again")
    return np.frombuffer(content, dtype=kind.newbyteorder(">")).reshape(shape).astype(kind, copy=False)


def _read_header(
    stream: io.BufferedIOBase | BinaryIO, path: Path, ranks: tuple[int, ...]
) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """Read the header and check what kind of file it is."""
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0":
        raise UserError(
            f"{path}: starts with 0x{magic.hex()}, an IDX file with 0x0000; check that the file is what its name says"
        )
    if magic[2] not in _TYPES:
        known = ", ".join(f"{name} (0x{code:02x})" for code, name in _TYPES.items())
        raise UserError(f"{path}: has numbers of type 0x{magic[2]:02x}, which IDX does not know; it knows {known}")
    rank = magic[3]
    if rank not in ranks:
        kind = "images have 3: sample, row, column" if 3 in ranks else "labels have 1, or are rows of 8 int32 (QMNIST)"
        raise UserError(
            f"{path}: has {rank} dimensions (it starts with 0x{magic.hex()}); {kind}; check that the file is what its name says"
        )
    lengths = stream.read(4 * rank)
    if len(lengths) < 4 * rank:
        raise UserError(f"{path}: is cut short within its header; download it again")
    return np.dtype(_TYPES[magic[2]]), struct.unpack(f">{rank}I", lengths)


def _read_exactly(stream: io.BufferedIOBase | BinaryIO, count: int) -> bytearray:
    """Read up to `count` bytes in pieces: memory is asked for only as bytes arrive."""
    content = bytearray()
    while len(content) < count and (piece := stream.read(min(_CHUNK, count - len(content)))):
        content += piece
    return content


def _read_pair(images_path: Path, labels_path: Path) -> tuple[NDArray[GreyLevel], NDArray[np.int64]]:
    """Read a split and check that every image has its label."""
    images, labels = read_images(images_path), read_labels(labels_path)
    if len(images) != len(labels):
        raise UserError(
            f"{images_path}: has {len(images)} images, but {labels_path.name} has {len(labels)} labels; "
            "take both files from the same source"
        )
    return images, labels


def read_images(path: Path) -> NDArray[GreyLevel]:
    """Read grey images.

    Returns
    -------
    ndarray, shape (sample, row, column)
        uint8 of whole numbers, float32 of others.

    Raises
    ------
    UserError
        As `read_idx`, or if a grey level is not between 0 and 255.
    """
    return as_grey_levels(read_idx(path, 3), str(path))


def read_labels(path: Path) -> NDArray[np.int64]:
    """Read labels; of QMNIST's rows the first column, which is the class.

    Returns
    -------
    ndarray, shape (sample,)

    Raises
    ------
    UserError
        As `read_idx`, or if a label is no class.
    """
    stored = read_idx(path, 1, 2)
    if stored.ndim == 2:
        if stored.dtype != np.int32 or stored.shape[1] != _QMNIST_COLUMNS:
            raise UserError(
                f"{path}: is {stored.dtype} of shape {stored.shape}; give one label per image, or QMNIST's rows of 8 int32"
            )
        stored = stored[:, 0]
    return as_classes(stored, str(path))


def _missing_note(spec: IdxSpec, raw_data: Path) -> str:
    """Say which split is left out, and for want of which file; empty if none is."""
    notes = []
    for split in _SPLITS:
        names = spec.files.of_split(split)
        if missing := [name for name in names if find_raw_file(raw_data / spec.folder, name) is None]:
            verb = "is" if len(missing) == 1 else "are"
            files = " and ".join(f"{spec.folder}/{name}" for name in missing)
            notes.append(f"no {split} split: {files} {verb} missing")
    return "; ".join(notes)
