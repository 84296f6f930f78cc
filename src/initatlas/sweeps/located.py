"""Where the results of points are: the rows of a file of the store, and the places of the grid that they belong to."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from initatlas.sweeps.packing import packed, unpacked
from initatlas.sweeps.store import StoredFile


@dataclass(frozen=True)
class Located:
    """Results in one file of the store.

    Attributes
    ----------
    file
        The file.
    rows, places
        Numbers of rows, and the places that they belong to, packed. A row may belong to several places.
    count, points
        How many places they are, and how many different rows.
    first, last
        The least place and the greatest.
    """

    file: StoredFile
    rows: bytes
    places: bytes
    count: int
    points: int
    first: int
    last: int

    @classmethod
    def of(cls, file: StoredFile, rows: np.ndarray, places: np.ndarray) -> Self:
        """Rows of a file at some places, one for each."""
        ends = (int(places.min()), int(places.max()))
        return cls(file, packed(rows), packed(places), places.size, np.unique(rows).size, *ends)

    def within(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """The rows, and their places, from one place to before another."""
        if stop <= self.first or start > self.last:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        places = unpacked(self.places)
        inside = (start <= places) & (places < stop)
        return unpacked(self.rows)[inside], places[inside]
