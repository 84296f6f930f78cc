"""Reader of IDX files, the format of MNIST and Fashion-MNIST.

An IDX file is a header and the raw bytes, row by row (LeCun, Cortes and Burges, "The MNIST database of handwritten
digits"). The header is two zero bytes, a type code, the number of dimensions, and each dimension's length as a
big-endian 32-bit number. Only unsigned bytes (type code 8) are read: three dimensions are images, one is labels.
"""

import gzip
import io
import logging
import math
import struct
import zlib
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from initatlas.datasets.dataset import Dataset, Split
from initatlas.datasets.raw import check_sha256, join_splits
from initatlas.datasets.specs import GZIP_SUFFIX, IdxSpec, find_raw_file, find_split
from initatlas.errors import UserError

_LOGGER = logging.getLogger(__name__)
_UNSIGNED_BYTE = 8
_GZIP_MAGIC = b"\x1f\x8b"
_LIMIT = 2**32  # Bytes; a header that announces more is taken for garbage, before any memory is asked for.
_CHUNK = 2**20
_SPLITS: tuple[Split, Split] = ("train", "test")


def load(name: str, spec: IdxSpec, raw_data: Path) -> Dataset:
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
    Dataset
        Grey images; `note` says which file an absent split lacks.

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
    _check_same_size(name, [pictures.shape[1:] for pictures, _ in parts.values()])
    images, labels, split = join_splits(parts)
    return Dataset(
        name=name,
        images=images,
        labels=labels,
        split=split,
        maximum=255,
        source=f"IDX files in {spec.folder}: {', '.join(hashes)}",
        raw_sha256=hashes,
        note=note,
    )


def read_idx(path: Path, rank: Literal[1, 3]) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes, gzipped if its name ends in ``.gz``.

    Parameters
    ----------
    path
        The file.
    rank
        The number of dimensions that it must have: 3 for images, 1 for labels.

    Returns
    -------
    ndarray
        uint8, with `rank` dimensions.

    Raises
    ------
    UserError
        If the file is no such IDX file, or is cut short, or has bytes left over.
    """
    zipped = path.name.endswith(GZIP_SUFFIX)
    try:
        with path.open("rb") as raw:
            if not zipped:
                return _read_array(raw, path, rank)
            if raw.read(2) != _GZIP_MAGIC:
                raise UserError(f"{path}: is not gzipped though its name ends in .gz; rename it, or download it again")
            raw.seek(0)
            with gzip.GzipFile(fileobj=raw) as stream:
                return _read_array(stream, path, rank)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{path}: the gzip data are broken ({error}); download the file again") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error}); check the file") from error


def _read_array(stream: io.BufferedIOBase | BinaryIO, path: Path, rank: int) -> NDArray[np.uint8]:
    """Read the header, then exactly the bytes that it announces."""
    shape = _read_shape(stream, path, rank)
    expected = math.prod(shape)
    if not 0 < expected <= _LIMIT:
        raise UserError(f"{path}: the header announces {expected} bytes ({shape}), which is absurd; download it again")
    content = _read_exactly(stream, expected)
    if len(content) < expected:
        raise UserError(
            f"{path}: is cut short, {len(content)} bytes instead of the {expected} of its header; download it again"
        )
    if stream.read(1):
        raise UserError(f"{path}: has bytes after the {expected} that its header announces; download it again")
    return np.frombuffer(content, dtype=np.uint8).reshape(shape)


def _read_shape(stream: io.BufferedIOBase | BinaryIO, path: Path, rank: int) -> tuple[int, ...]:
    """Read the header and check what kind of file it is."""
    magic = stream.read(4)
    expected = bytes([0, 0, _UNSIGNED_BYTE, rank])
    if magic != expected:
        kind = "images" if rank == 3 else "labels"
        raise UserError(
            f"{path}: starts with 0x{magic.hex()}, an IDX file of {kind} with 0x{expected.hex()}; "
            "check that the file is what its name says"
        )
    lengths = stream.read(4 * rank)
    if len(lengths) < 4 * rank:
        raise UserError(f"{path}: is cut short within its header; download it again")
    return struct.unpack(f">{rank}I", lengths)


def _read_exactly(stream: io.BufferedIOBase | BinaryIO, count: int) -> bytearray:
    """Read up to `count` bytes in pieces: memory is asked for only as bytes arrive."""
    content = bytearray()
    while len(content) < count and (piece := stream.read(min(_CHUNK, count - len(content)))):
        content += piece
    return content


def _read_pair(images_path: Path, labels_path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Read a split and check that every image has its label."""
    images, labels = read_idx(images_path, 3), read_idx(labels_path, 1)
    if len(images) != len(labels):
        raise UserError(
            f"{images_path}: has {len(images)} images, but {labels_path.name} has {len(labels)} labels; "
            "take both files from the same source"
        )
    return images, labels.astype(np.int64)


def _check_same_size(name: str, sizes: list[tuple[int, ...]]) -> None:
    """Refuse splits whose images differ in size."""
    if len(set(sizes)) > 1:
        raise UserError(f"{name}: train images are {sizes[0]} pixels, test images {sizes[1]}; give files that agree")


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
