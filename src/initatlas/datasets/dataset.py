"""Data sets of all kinds, and the netCDF4 files in which the workflow keeps them.

=========================================  =====================================================
kind of content                            variables
=========================================  =====================================================
`initatlas.datasets.image_set.Images`      images, labels, split
`initatlas.datasets.vector_set.Vectors`    features, targets, split
`initatlas.datasets.clips.Recordings`      samples, length
=========================================  =====================================================

Attributes of every file: ``title`` (the name), ``source``, ``comment`` (what is left out, and why), ``content_sha256``,
``raw_sha256`` (JSON, hash of every raw file), ``made_from`` (see `initatlas.identity`) and ``Conventions``.
"""

from pathlib import Path
from typing import Any

import netCDF4

from initatlas.datasets.clips import Recordings
from initatlas.datasets.image_set import Images
from initatlas.datasets.vector_set import Vectors
from initatlas.errors import UserError
from initatlas.files import atomic_path
from initatlas.netcdf import Content, read_content, write_content

Dataset = Images | Vectors | Recordings

_KINDS: dict[str, type[Images] | type[Vectors] | type[Recordings]] = {
    "images": Images,
    "features": Vectors,
    "samples": Recordings,
}
"""The variable that tells a kind."""


def write_dataset(dataset: Dataset, path: Path, *, made_from: str = "") -> None:
    """Write a data set to a netCDF4 file, atomically.

    Parameters
    ----------
    dataset
        What to write.
    path
        The file to create or replace; see the head of this module for what it holds.
    made_from
        Identity of the spec and the code behind it, if the workflow builds it.
    """
    variables, attributes = dataset.content()
    storage: dict[str, dict[str, Any]] = {name: {"zlib": True, "complevel": 4} for name in variables}
    for name, chunks in dataset.chunks().items():
        storage[name]["chunksizes"] = chunks
    with atomic_path(path) as draft:
        write_content(Content(variables, {**attributes, "made_from": made_from}), draft, storage)


def identity_of(path: Path) -> str:
    """The identity that `write_dataset` was given; empty if it was given none.

    Raises
    ------
    UserError
        If the file cannot be read.
    """
    try:
        with netCDF4.Dataset(path) as stored:
            return str(getattr(stored, "made_from", ""))
    except OSError as error:
        raise _not_whole(path, error) from error


def read_dataset(path: Path) -> Dataset:
    """Read a data set and check that it is what was written.

    Parameters
    ----------
    path
        A file that `write_dataset` made.

    Raises
    ------
    UserError
        If the file is missing, broken, or its content does not have the hash that it states.
    """
    if not path.is_file():
        raise UserError(f"{path}: there is no such data set; build it with the workflow")
    try:
        stored = read_content(path)
        kind = next((_KINDS[name] for name in _KINDS if name in stored.variables), Images)
        dataset = kind.from_content(stored)
        stated = stored.attributes["content_sha256"]
    except (OSError, RuntimeError, KeyError, ValueError, AttributeError) as error:
        raise _not_whole(path, error) from error
    if dataset.content_sha256 != stated:
        raise UserError(f"{path}: its content does not have the hash it states; delete it and run the workflow again")
    return dataset


def _not_whole(path: Path, error: Exception) -> UserError:
    """What is told of a file that cannot be read."""
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return UserError(
        f"{path}: is no whole data set ({reason}); name another file, or delete this one and run the workflow again"
    )
