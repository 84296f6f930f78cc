r"""Images in memory, with their classes, and what of them goes into a netCDF4 file.

=========  =======  ==============================  =====  ========================================
variable   type     dimensions                      units  meaning
=========  =======  ==============================  =====  ========================================
images     uint8 *  sample, row, column[, channel]  1      grey level; ``maximum`` (attribute) is white
labels     int64    sample                          1      class, from 0
split      int8     sample                          1      0 is train, 1 is test (CF flags)
=========  =======  ==============================  =====  ========================================

\* float32 where a file holds fractions.

Attributes of the file: those of `initatlas.datasets.dataset`, and ``labelled`` (1, or 0 where the labels only number the images).
"""

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from initatlas.datasets.samples import SPLIT_CODE, Samples, Split
from initatlas.datasets.traits import DataTraits
from initatlas.netcdf import Content, Variable

GreyLevel = np.uint8 | np.float32
_DIMENSIONS = ("sample", "row", "column", "channel")


@dataclass(frozen=True, eq=False)
class Images(Samples):
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
        classes = len(np.unique(self.labels)) if self.labelled else None
        return DataTraits(labels=self.labelled, splits=self.splits, classes=classes)

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

    def targets(self, split: Split | None = None) -> NDArray[np.int64]:
        """Give the classes of a split (None for both), shape (sample,)."""
        return self.labels[self.rows(split)]

    def _arrays(self) -> dict[str, NDArray[Any]]:
        """Arrays in the order and byte order in which they are hashed."""
        return {
            "images": self.images.astype(self.images.dtype.newbyteorder("<"), copy=False),
            "labels": self.labels.astype("<i8", copy=False),
            "split": self.split,
        }

    def content(self) -> Content:
        """What goes into the file: dimensions named, variables described."""
        images = {"long_name": "grey level", "units": "1", "maximum": np.int64(self.maximum)}
        labels = {"long_name": "class of the image" if self.labelled else "number of the image", "units": "1"}
        return Content(
            {
                "images": Variable(_DIMENSIONS[: self.images.ndim], self.images, images),
                "labels": Variable(_DIMENSIONS[:1], self.labels, labels),
                "split": self.split_variable("image"),
            },
            {
                "Conventions": "CF-1.11",
                "title": self.name,
                "source": self.source,
                "comment": self.note,
                "labelled": np.int8(self.labelled),
                "content_sha256": self.content_sha256,
                "raw_sha256": json.dumps(self.raw_sha256, sort_keys=True),
            },
        )

    def chunks(self) -> dict[str, tuple[int, ...]]:
        """Chunks of the file: at most 256 images, and a mebibyte where images are large."""
        count = min(256, len(self), max(1, (1 << 20) // int(self.images[0].size)))
        return {"images": (count, *self.images.shape[1:])}

    @classmethod
    def from_content(cls, stored: Content) -> "Images":
        """Undo `content`."""
        return cls(
            name=str(stored.attributes["title"]),
            images=stored.variables["images"].values,
            labels=stored.variables["labels"].values,
            split=stored.variables["split"].values,
            maximum=int(stored.variables["images"].attributes["maximum"]),
            source=str(stored.attributes["source"]),
            raw_sha256=json.loads(stored.attributes["raw_sha256"]),
            note=str(stored.attributes["comment"]),
            labelled=bool(stored.attributes["labelled"]),
        )
