"""The grid of a sweep in bulk. A place is the number of a point in its grid, the last axis running fastest.

Millions of points are never held as objects: whoever walks through a grid takes a block of places at a time, as an array, and
makes points of the few that it needs.
"""

import math
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import repeat
from typing import Any

import numpy as np

from initatlas.sweeps.exclusions import Exclusions
from initatlas.sweeps.experiment import Experiment, Parameters
from initatlas.sweeps.grid import parameters_of
from initatlas.sweeps.spec import Sweep

BLOCK = 1 << 16
"""Places of a block: its arrays take some megabytes."""

Places = np.ndarray
"""Places of points, as 64-bit integers."""


class PlaceSet:
    """A set of places of a grid, as a bit for each.

    Parameters
    ----------
    size
        Number of places of the grid.
    """

    def __init__(self, size: int) -> None:
        self._bits = np.zeros(-(-size // 8), dtype=np.uint8)

    def add(self, places: Places) -> None:
        """Add places."""
        np.bitwise_or.at(self._bits, places >> 3, _bit_of(places))

    def has(self, places: Places) -> np.ndarray:
        """Which places are in the set."""
        inside: np.ndarray = (self._bits[places >> 3] & _bit_of(places)).astype(bool)
        return inside


def _bit_of(places: Places) -> np.ndarray:
    """The bit that stands for each place in its byte."""
    bits: np.ndarray = np.left_shift(1, places & 7).astype(np.uint8)
    return bits


class GridPlaces:
    """The places of a sweep's grid.

    Parameters
    ----------
    sweep, experiment
        What is to run.
    """

    def __init__(self, sweep: Sweep, experiment: Experiment) -> None:
        self.sweep = sweep
        self.experiment = experiment
        self.size = math.prod(sweep.shape)
        self._strides = [math.prod(sweep.shape[number + 1 :]) for number in range(len(sweep.shape))]

    def blocks(self, left_out: "PlaceSet | None" = None) -> Iterator[Places]:
        """The places in order, a block at a time, but for excluded ones and those of a set."""
        for start in range(0, self.size, BLOCK):
            places = np.arange(start, min(start + BLOCK, self.size))
            places = places[~self.excluded(places)]
            if left_out is not None:
                places = places[~left_out.has(places)]
            if places.size:
                yield places

    def along(self, axis: int, places: Places) -> np.ndarray:
        """The positions of places along an axis."""
        return places // self._strides[axis] % self.sweep.shape[axis]

    def index(self, place: int) -> tuple[int, ...]:
        """The position of a place along every axis."""
        return tuple(place // stride % size for stride, size in zip(self._strides, self.sweep.shape, strict=True))

    def excluded(self, places: Places) -> np.ndarray:
        """Which places are left out."""
        left_out = np.zeros(places.size, dtype=bool)
        for rule in self._rules:
            matched = np.ones(places.size, dtype=bool)
            for axis, agrees in rule.items():
                matched &= agrees[self.along(axis, places)]
            left_out |= matched
        return left_out

    @cached_property
    def _rules(self) -> list[dict[int, np.ndarray]]:
        """For each exclusion that can match: whether positions agree with it, for the axes along which some do not."""
        exclusions = Exclusions(self.sweep)
        agrees = [np.array(along, dtype=bool) for along in exclusions.by_position]
        return [
            {axis: along[:, number] for axis, along in enumerate(agrees) if not along[:, number].all()}
            for number, possible in enumerate(exclusions.by_fixed)
            if possible
        ]

    def points(self, places: Places) -> list[Parameters]:
        """The points at some places, with every check that the experiment makes.

        Raises
        ------
        UserError
            If the parameters of a point contradict each other.
        """
        columns: dict[str, Iterable[Any]] = {name: repeat(value) for name, value in self.sweep.fixed.items()}
        for number, axis in enumerate(self.sweep.axes):
            positions = self.along(number, places).tolist()
            columns |= {name: map(values.__getitem__, positions) for name, values in axis.values.items()}
        where = f"sweep {self.sweep.title}"
        return [
            parameters_of(self.experiment, dict(zip(columns, row, strict=True)), where)
            for _, *row in zip(range(places.size), *columns.values(), strict=False)
        ]
