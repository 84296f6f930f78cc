"""What data sets of images and of vectors have in common: every sample is a row of features, has a target, and is in a split."""

from abc import ABC, abstractmethod
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from initatlas.datasets.traits import DataTraits
from initatlas.netcdf import Variable

Split = Literal["train", "test"]
SPLIT_CODE: dict[Split, int] = {"train": 0, "test": 1}


class Samples(ABC):
    """Samples with features and targets: what can be trained on, and have a kernel matrix.

    Attributes
    ----------
    name
        The data set's name in the config.
    split
        0 for train, 1 for test, int8, shape (sample,).
    content_sha256
        SHA-256 of all arrays.
    traits
        What there is, for experiments that need some of it.
    """

    name: str
    split: NDArray[np.int8]

    @property
    @abstractmethod
    def traits(self) -> DataTraits:
        """What there is."""

    @property
    @abstractmethod
    def content_sha256(self) -> str:
        """SHA-256 of all arrays."""

    @abstractmethod
    def features(self, split: Split | None = None) -> NDArray[Any]:
        """Give the features of a split (None for both), float32 or float64, shape (sample, feature)."""

    @abstractmethod
    def targets(self, split: Split | None = None) -> NDArray[Any]:
        """Give the targets of a split (None for both): classes, int64, shape (sample,), or numbers, (sample, output)."""

    @property
    def splits(self) -> list[str]:
        """The splits that are there."""
        return [split for split, code in SPLIT_CODE.items() if (self.split == code).any()]

    def rows(self, split: Split | None = None) -> NDArray[np.bool_]:
        """Mark the samples of a split (None for both), shape (sample,)."""
        return np.ones(self.split.shape, dtype=bool) if split is None else self.split == SPLIT_CODE[split]

    def split_variable(self, what: str) -> Variable:
        """The variable ``split`` of a file, with its CF attributes; `what` is a sample in words."""
        attributes = {
            "long_name": f"split of the {what}",
            "units": "1",
            "flag_values": np.array(list(SPLIT_CODE.values()), dtype=np.int8),
            "flag_meanings": " ".join(SPLIT_CODE),
        }
        return Variable(("sample",), self.split, attributes)
