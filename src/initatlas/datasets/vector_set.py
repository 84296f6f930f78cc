"""Vectors in memory, with real targets, and what of them goes into a netCDF4 file.

=========  =======  ================  =====  ========================================================
variable   type     dimensions        units  meaning
=========  =======  ================  =====  ========================================================
features   float64  sample, feature   1      the inputs
targets    float64  sample, output    1      what is to be learnt; noise is in the training samples alone
split      int8     sample            1      0 is train, 1 is test (CF flags)
=========  =======  ================  =====  ========================================================

Attributes of the file are those of `initatlas.datasets.dataset`.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from initatlas.arrays import Doubles
from initatlas.datasets.samples import SPLIT_CODE, Samples, Split
from initatlas.datasets.traits import DataTraits
from initatlas.netcdf import Content, Variable


@dataclass(frozen=True, eq=False)
class Vectors(Samples):
    """Inputs and real targets: a regression problem.

    Attributes
    ----------
    name
        The data set's name in the config.
    inputs
        float64, shape (sample, feature).
    outputs
        float64, shape (sample, output).
    split
        0 for train, 1 for test, int8, shape (sample,).
    source
        Where they come from, in words.

    Raises
    ------
    ValueError
        If shapes or types do not agree, or a value is not finite.
    """

    name: str
    inputs: Doubles
    outputs: Doubles
    split: NDArray[np.int8]
    source: str

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together."""
        types = (self.inputs.dtype, self.outputs.dtype, self.split.dtype)
        if types != (np.dtype(np.float64), np.dtype(np.float64), np.dtype(np.int8)):
            raise ValueError(f"inputs, outputs, split are {types}, not float64, float64, int8")
        shapes = (self.inputs.shape, self.outputs.shape, self.split.shape)
        if {len(shape) for shape in shapes[:2]} != {2} or len({shape[0] for shape in shapes}) > 1 or 0 in shapes[0]:
            raise ValueError(f"shapes do not agree: {shapes}")
        if not (np.isfinite(self.inputs).all() and np.isfinite(self.outputs).all()):
            raise ValueError("an input or an output is not finite")
        if not set(np.unique(self.split)) <= set(SPLIT_CODE.values()):
            raise ValueError("a split is neither 0 nor 1")

    @property
    def traits(self) -> DataTraits:
        """What there is, for experiments that need some of it."""
        return DataTraits(holds="vectors", labels=False, splits=self.splits)

    @cached_property
    def content_sha256(self) -> str:
        """SHA-256 of the arrays and their shapes: the same for the same bits, whatever the file's bytes."""
        digest = hashlib.sha256(json.dumps([self.inputs.shape, self.outputs.shape]).encode())
        for array in (self.inputs.astype("<f8", copy=False), self.outputs.astype("<f8", copy=False), self.split):
            digest.update(array.tobytes())
        return digest.hexdigest()

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.split)

    def summary(self) -> str:
        """What there is, in words."""
        return f"{len(self)} samples of {self.inputs.shape[1]} features and {self.outputs.shape[1]} targets"

    def features(self, split: Split | None = None) -> Doubles:
        """Give the inputs of a split (None for both), shape (sample, feature)."""
        return self.inputs[self.rows(split)]

    def targets(self, split: Split | None = None) -> Doubles:
        """Give the outputs of a split (None for both), shape (sample, output)."""
        return self.outputs[self.rows(split)]

    def content(self) -> Content:
        """What goes into the file: dimensions named, variables described."""
        features = {"long_name": "input", "units": "1"}
        targets = {"long_name": "target, with noise in the training samples alone", "units": "1"}
        return Content(
            {
                "features": Variable(("sample", "feature"), self.inputs, features),
                "targets": Variable(("sample", "output"), self.outputs, targets),
                "split": self.split_variable("sample"),
            },
            {
                "Conventions": "CF-1.11",
                "title": self.name,
                "source": self.source,
                "comment": "",
                "content_sha256": self.content_sha256,
                "raw_sha256": "{}",
            },
        )

    def chunks(self) -> dict[str, tuple[int, ...]]:
        """Chunks of the file: the library's own."""
        return {}

    @classmethod
    def from_content(cls, stored: Content) -> "Vectors":
        """Undo `content`."""
        return cls(
            name=str(stored.attributes["title"]),
            inputs=stored.variables["features"].values,
            outputs=stored.variables["targets"].values,
            split=stored.variables["split"].values,
            source=str(stored.attributes["source"]),
        )


def joined(
    name: str, train: tuple[Doubles, Doubles], test: tuple[Doubles, Doubles], *, noise: Doubles, source: str
) -> Vectors:
    """A data set of two splits, the training samples first.

    Parameters
    ----------
    name, source
        As in `Vectors`.
    train, test
        Inputs, and outputs without noise, of each split.
    noise
        What is added to the training outputs, of their shape.
    """
    counts = [len(inputs) for inputs, _ in (train, test)]
    return Vectors(
        name=name,
        inputs=np.concatenate([train[0], test[0]]),
        outputs=np.concatenate([train[1] + noise, test[1]]),
        split=np.repeat(np.array([*SPLIT_CODE.values()], dtype=np.int8), counts),
        source=source,
    )
