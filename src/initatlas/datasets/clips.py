"""Sound recordings in memory: a data set of clips, and what of it goes into its netCDF4 file.

=========  =====  ===========  =====  =====================================================
variable   type   dimensions   units  meaning
=========  =====  ===========  =====  =====================================================
samples    int16  clip, time   1      sound pressure in steps; 0 behind the end of a clip
length     int64  clip         1      number of samples of a clip
=========  =====  ===========  =====  =====================================================

Attributes of the file are those of `initatlas.datasets.dataset`, and ``rate``, the samples per second.
"""

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from initatlas.datasets.traits import RECORDED, DataTraits
from initatlas.netcdf import Content, Variable


@dataclass(frozen=True, eq=False)
class Recordings:
    """Clips of one sample rate.

    Attributes
    ----------
    name
        The data set's name in the config.
    samples
        int16, shape (clip, time); behind the end of a clip 0.
    length
        Samples of each clip, int64, shape (clip,).
    rate
        Samples per second.
    source
        Where the clips come from, in words.
    raw_sha256
        SHA-256 of every raw file that was read, by name.

    Raises
    ------
    ValueError
        If shapes or types do not agree.
    """

    name: str
    samples: NDArray[np.int16]
    length: NDArray[np.int64]
    rate: int
    source: str
    raw_sha256: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together."""
        if (self.samples.dtype, self.length.dtype) != (np.dtype(np.int16), np.dtype(np.int64)):
            raise ValueError(f"samples, length are {self.samples.dtype}, {self.length.dtype}, not int16, int64")
        if self.samples.ndim != 2 or self.samples.size == 0 or self.length.shape != self.samples.shape[:1]:
            raise ValueError(f"shapes do not agree: {self.samples.shape}, {self.length.shape}")
        if int(self.length.min()) < 1 or int(self.length.max()) > self.samples.shape[1] or self.rate < 1:
            raise ValueError("a clip is empty or longer than its row, or the rate is below 1")

    @property
    def traits(self) -> DataTraits:
        """What there is, for experiments that need some of it."""
        return RECORDED

    @cached_property
    def content_sha256(self) -> str:
        """SHA-256 of the arrays, their shape and the rate: the same on every machine, whatever the file's bytes."""
        digest = hashlib.sha256(json.dumps([self.rate, self.samples.shape]).encode())
        digest.update(self.samples.astype("<i2", copy=False).tobytes())
        digest.update(self.length.astype("<i8", copy=False).tobytes())
        return digest.hexdigest()

    def __len__(self) -> int:
        """Number of clips."""
        return len(self.length)

    def summary(self) -> str:
        """What there is, in words."""
        return f"{len(self)} clips of up to {self.samples.shape[1] / self.rate:.1f} s"

    def content(self) -> Content:
        """What goes into the file: dimensions named, variables described."""
        samples = {"long_name": "sound pressure, in steps", "units": "1"}
        length = {"long_name": "number of samples of the clip", "units": "1"}
        return Content(
            {
                "samples": Variable(("clip", "time"), self.samples, samples),
                "length": Variable(("clip",), self.length, length),
            },
            {
                "Conventions": "CF-1.11",
                "title": self.name,
                "source": self.source,
                "comment": "",
                "rate": np.int64(self.rate),
                "content_sha256": self.content_sha256,
                "raw_sha256": json.dumps(self.raw_sha256, sort_keys=True),
            },
        )

    def chunks(self) -> dict[str, tuple[int, ...]]:
        """Chunks of the file: the library's own."""
        return {}

    @classmethod
    def from_content(cls, stored: Content) -> "Recordings":
        """Undo `content`."""
        return cls(
            name=str(stored.attributes["title"]),
            samples=stored.variables["samples"].values,
            length=stored.variables["length"].values,
            rate=int(stored.attributes["rate"]),
            source=str(stored.attributes["source"]),
            raw_sha256=json.loads(stored.attributes["raw_sha256"]),
        )
