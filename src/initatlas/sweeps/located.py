"""Where the results of points are: for each place of a grid the file of the store and the row in it.

That is kept by places, in a file beside the store where it is much; of each file of the store only what it says of itself is in
memory.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from initatlas.sweeps.places import Places
from initatlas.sweeps.points import canonical_json
from initatlas.sweeps.spool import Spool
from initatlas.sweeps.store import StoredFile

PLACES_OF_A_BUCKET = 1 << 16
"""So many places are read together."""

_RECORD: "np.dtype[Any]" = np.dtype([("place", "<i8"), ("file", "<i4"), ("row", "<i4")])


class Located:
    """Where the results of the points of a grid are.

    Parameters
    ----------
    size
        Number of places.
    folder
        Of the store.

    Attributes
    ----------
    places
        Number of places with a result.
    """

    def __init__(self, size: int, folder: Path) -> None:
        self.places = 0
        self._files: list[StoredFile] = []
        self._points: list[int] = []
        self._environments: dict[str, Any] = {}
        self._records = Spool(_RECORD, -(-size // PLACES_OF_A_BUCKET), folder)

    def number(self, file: StoredFile) -> int:
        """Take note of a file; give the number that stands for it."""
        # One object for all files that were computed alike.
        text = canonical_json(file.execution.environment)
        environment = self._environments.setdefault(text, file.execution.environment)
        self._files.append(replace(file, execution=replace(file.execution, environment=environment)))
        self._points.append(0)
        return len(self._files) - 1

    def lay(self, files: np.ndarray | int, rows: np.ndarray, places: Places, *, again: bool = False) -> None:
        """Note that rows of files are the results at some places.

        Parameters
        ----------
        files, rows, places
            Numbers of the files, or of the one file; the rows; the places.
        again
            Whether these points stand at other places too, which were noted before.
        """
        records = np.empty(places.size, _RECORD)
        records["place"], records["file"], records["row"] = places, files, rows
        self._records.add(records, places // PLACES_OF_A_BUCKET)
        self.places += places.size
        if not again:
            numbers, counts = np.unique(records["file"], return_counts=True)
            for number, count in zip(numbers.tolist(), counts.tolist(), strict=True):
                self._points[number] += count

    def used(self) -> Iterator[tuple[StoredFile, int]]:
        """The files that hold points of the grid, each with the number of these."""
        return ((file, count) for file, count in zip(self._files, self._points, strict=True) if count)

    def in_order(self) -> Iterator[StoredFile]:
        """The files that hold points of the grid, in the order of the first place of each."""
        seen: set[int] = set()
        for bucket in range(self._records.buckets):
            records = np.sort(self._records.read(bucket), order="place")
            numbers, first = np.unique(records["file"], return_index=True)
            for number in numbers[np.argsort(first)].tolist():
                if number not in seen:
                    seen.add(number)
                    yield self._files[number]

    def within(self, start: int, stop: int) -> Iterator[tuple[StoredFile, np.ndarray, Places]]:
        """The results from one place to before another: the files, each with its rows and their places."""
        buckets = range(start // PLACES_OF_A_BUCKET, -(-stop // PLACES_OF_A_BUCKET))
        records = np.concatenate([np.empty(0, _RECORD), *map(self._records.read, buckets)])
        records = records[(start <= records["place"]) & (records["place"] < stop)]
        records = records[np.argsort(records["file"], kind="stable")]
        numbers, starts = np.unique(records["file"], return_index=True)
        stops = np.append(starts[1:], len(records))[: len(numbers)]
        for number, start_of_file, stop_of_file in zip(numbers.tolist(), starts, stops, strict=True):
            part = records[start_of_file:stop_of_file]
            yield self._files[number], part["row"], part["place"]
