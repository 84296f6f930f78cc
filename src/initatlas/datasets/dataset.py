r"""A data set in memory, and the netCDF4 file in which the workflow keeps it.

=========  =======  ==============================  =====  ========================================
variable   type     dimensions                      units  meaning
=========  =======  ==============================  =====  ========================================
images     uint8 *  sample, row, column[, channel]  1      grey level; ``maximum`` (attribute) is white
labels     int64    sample                          1      class, from 0
split      int8     sample                          1      0 is train, 1 is test (CF flags)
=========  =======  ==============================  =====  ========================================

\* float32 where a file holds fractions.

Attributes of the file: ``title`` (the name), ``source``, ``comment`` (what is left out, and why), ``labelled`` (1, or 0 where the
labels only number the images), ``content_sha256``, ``raw_sha256`` (JSON, hash of every raw file) and ``Conventions``.
"""

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from initatlas.datasets import clips
from initatlas.datasets.clips import Recordings
from initatlas.datasets.traits import DataTraits
from initatlas.errors import UserError
from initatlas.files import atomic_path

GreyLevel = np.uint8 | np.float32
Split = Literal["train", "test"]
SPLIT_CODE: dict[Split, int] = {"train": 0, "test": 1}
_DIMENSIONS = ("sample", "row", "column", "channel")


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images with their labels and their split.

    Attributes
    ----------
    name
        The data set's name in the config.
    images
        Grey levels, uint8 or float32 (fractions), shape (sample, row, column) or (sample, row, column, channel).
    labels
        Classes from 0, int64, shape (sample,).
    split
        0 for train, 1 for test, int8, shape (sample,).
    maximum
        The grey level that is white: 16 for the digits, 1 for fractions that are not larger, 255 otherwise.
    source
        Where the images come from, in words.
    raw_sha256
        SHA-256 of every raw file that was read, by name; empty for a generated set.
    note
        What is left out, and why; empty if nothing is.
    labelled
        Whether the labels are classes; otherwise they only number the images.

    Raises
    ------
    ValueError
        If shapes or types do not agree, or a value is out of its range.
    """

    name: str
    images: NDArray[GreyLevel]
    labels: NDArray[np.int64]
    split: NDArray[np.int8]
    maximum: int
    source: str
    raw_sha256: dict[str, str] = field(default_factory=dict)
    note: str = ""
    labelled: bool = True

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together."""
        types = (self.images.dtype, self.labels.dtype, self.split.dtype)
        if types[0] not in (np.uint8, np.float32) or types[1:] != (np.dtype(np.int64), np.dtype(np.int8)):
            raise ValueError(f"images, labels, split are {types}, not uint8 or float32, int64, int8")
        count = self.images.shape[0] if self.images.ndim in (3, 4) else None
        if self.images.size == 0 or self.labels.shape != (count,) or self.split.shape != (count,):
            raise ValueError(f"shapes do not agree: {self.images.shape}, {self.labels.shape}, {self.split.shape}")
        low, high = self.images.min(), self.images.max()
        if not (1 <= self.maximum <= 255 and low >= 0 and high <= self.maximum):
            raise ValueError(f"the grey levels are {low} to {high}, the maximum {self.maximum}")
        if int(self.labels.min()) < 0 or not set(np.unique(self.split)) <= set(SPLIT_CODE.values()):
            raise ValueError("a label is negative, or a split is neither 0 nor 1")

    @property
    def traits(self) -> DataTraits:
        """What there is, for experiments that need some of it."""
        splits = [split for split, code in SPLIT_CODE.items() if (self.split == code).any()]
        return DataTraits(
            labels=self.labelled, splits=splits, classes=len(np.unique(self.labels)) if self.labelled else None
        )

    @cached_property
    def content_sha256(self) -> str:
        """SHA-256 of the arrays, their shapes and the maximum: the same on every machine, whatever the file's bytes."""
        header = {
            "maximum": self.maximum,
            "arrays": {name: [array.dtype.str, array.shape] for name, array in self._arrays().items()},
        }
        digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
        for array in self._arrays().values():
            digest.update(array.tobytes())
        return digest.hexdigest()

    def __len__(self) -> int:
        """Number of images."""
        return len(self.images)

    def summary(self) -> str:
        """What there is, in words."""
        return f"{len(self)} images of {'x'.join(map(str, self.images.shape[1:]))} pixels"

    def features(self, split: Split | None = None) -> NDArray[np.float32]:
        """Give the images as rows of grey levels between 0 and 1.

        Parameters
        ----------
        split
            ``"train"`` or ``"test"``; None for both.

        Returns
        -------
        ndarray
            float32, shape (sample, pixel); colour channels are pixels too.
        """
        images = self.images[self.rows(split)]
        return images.reshape(len(images), -1).astype(np.float32) / np.float32(self.maximum)

    def classes(self, split: Split | None = None) -> NDArray[np.int64]:
        """Give the labels of a split (None for both), shape (sample,)."""
        return self.labels[self.rows(split)]

    def rows(self, split: Split | None = None) -> NDArray[np.bool_]:
        """Mark the samples of a split (None for both), shape (sample,)."""
        return np.ones(self.split.shape, dtype=bool) if split is None else self.split == SPLIT_CODE[split]

    def _arrays(self) -> dict[str, NDArray[Any]]:
        """Arrays in the order and byte order in which they are hashed."""
        return {
            "images": self.images.astype(self.images.dtype.newbyteorder("<"), copy=False),
            "labels": self.labels.astype("<i8", copy=False),
            "split": self.split,
        }


def write_dataset(dataset: Dataset | Recordings, path: Path) -> None:
    """Write a data set to a netCDF4 file, atomically.

    Parameters
    ----------
    dataset
        What to write.
    path
        The file to create or replace; see the head of this module for what it holds.
    """
    content = _to_xarray(dataset) if isinstance(dataset, Dataset) else dataset.to_xarray()
    encoding: dict[str, dict[str, Any]] = {
        str(name): {"zlib": True, "complevel": 4, "_FillValue": None} for name in content.data_vars
    }
    if isinstance(dataset, Dataset):
        encoding["images"]["chunksizes"] = (_images_per_chunk(dataset), *dataset.images.shape[1:])
    with atomic_path(path) as draft:
        content.to_netcdf(draft, engine="netcdf4", format="NETCDF4", encoding=encoding)


def _images_per_chunk(dataset: Dataset) -> int:
    """At most 256 images, and a mebibyte where images are large."""
    return min(256, len(dataset), max(1, (1 << 20) // int(dataset.images[0].size)))


def read_dataset(path: Path) -> Dataset | Recordings:
    """Read a data set and check that it is what was written.

    Parameters
    ----------
    path
        A file that `write_dataset` made.

    Returns
    -------
    Dataset or Recordings
        The data set.

    Raises
    ------
    UserError
        If the file is missing, broken, or its content does not have the hash that it states.
    """
    if not path.is_file():
        raise UserError(f"{path}: there is no such data set; build it with the workflow")
    try:
        with xr.open_dataset(path, engine="netcdf4", decode_cf=False) as stored:
            recorded = "samples" in stored.data_vars
            dataset = clips.from_xarray(stored) if recorded else _from_xarray(stored)
            stated = stored.attrs["content_sha256"]
    except (OSError, RuntimeError, KeyError, ValueError, AttributeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(
            f"{path}: is no whole data set ({reason}); name another file, or delete this one and run the workflow again"
        ) from error
    if dataset.content_sha256 != stated:
        raise UserError(f"{path}: its content does not have the hash it states; delete it and run the workflow again")
    return dataset


def _to_xarray(dataset: Dataset) -> xr.Dataset:
    """Name the dimensions and describe the variables."""
    images = {"long_name": "grey level", "units": "1", "maximum": np.int64(dataset.maximum)}
    labels = {"long_name": "class of the image" if dataset.labelled else "number of the image", "units": "1"}
    split = {"long_name": "split of the image", "units": "1"} | {
        "flag_values": np.array(list(SPLIT_CODE.values()), dtype=np.int8),
        "flag_meanings": " ".join(SPLIT_CODE),
    }
    return xr.Dataset(
        {
            "images": (_DIMENSIONS[: dataset.images.ndim], dataset.images, images),
            "labels": (_DIMENSIONS[:1], dataset.labels, labels),
            "split": (_DIMENSIONS[:1], dataset.split, split),
        },
        attrs={
            "Conventions": "CF-1.11",
            "title": dataset.name,
            "source": dataset.source,
            "comment": dataset.note,
            "labelled": np.int8(dataset.labelled),
            "content_sha256": dataset.content_sha256,
            "raw_sha256": json.dumps(dataset.raw_sha256, sort_keys=True),
        },
    )


def _from_xarray(stored: xr.Dataset) -> Dataset:
    """Undo `_to_xarray`."""
    return Dataset(
        name=str(stored.attrs["title"]),
        images=stored["images"].to_numpy(),
        labels=stored["labels"].to_numpy(),
        split=stored["split"].to_numpy(),
        maximum=int(stored["images"].attrs["maximum"]),
        source=str(stored.attrs["source"]),
        raw_sha256=json.loads(stored.attrs["raw_sha256"]),
        note=str(stored.attrs["comment"]),
        labelled=bool(stored.attrs["labelled"]),
    )
