"""A function of a point over a whole grid, asked once for each combination of the values that it reads."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import numpy as np

from initatlas.sweeps.grid import values_at
from initatlas.sweeps.places import GridPlaces, Places
from initatlas.sweeps.reads import axes_of, is_plain, traced

Value = TypeVar("Value")

MOST_KEPT = 1 << 16
"""Combinations that are remembered."""


class ByCombination(Generic[Value]):
    """A pure function of a point, such as an estimate of its cost.

    Which parameters it reads shows on the way: points that agree along the axes that it has read have one value. Where a
    parameter may depend on others (`is_plain`), or all axes are read, it is asked at every point.

    Parameters
    ----------
    grid
        The grid.
    function
        The function.
    """

    def __init__(self, grid: GridPlaces, function: Callable[[Any], Value]) -> None:
        self._grid = grid
        self._function = function
        self._all = {*range(len(grid.sweep.axes))}
        self._axes: set[int] = set() if is_plain(grid.experiment.parameters) else self._all
        self._known: dict[int, Value] = {}

    def at(self, places: Places) -> tuple[list[Value], np.ndarray]:
        """The values at some places, none of which is excluded.

        Returns
        -------
        values : list
            One for each combination.
        numbers : numpy.ndarray
            For each place, which of them is its own.
        """
        while self._axes != self._all:
            codes, first, numbers = np.unique(self._codes(places), return_index=True, return_inverse=True)
            if self._learn(codes.tolist(), places[first].tolist()):
                return [self._known[code] for code in codes.tolist()], numbers
        return [*map(self._function, self._grid.points(places))], np.arange(places.size)

    def reals_at(self, places: Places) -> np.ndarray:
        """The values at some places as an array of real numbers."""
        values, numbers = self.at(places)
        found: np.ndarray = np.array(values, dtype=float)[numbers]
        return found

    def _codes(self, places: Places) -> np.ndarray:
        """One number for each combination of positions along the axes that the function reads."""
        codes = np.zeros(places.size, dtype=np.int64)
        for axis in sorted(self._axes):
            codes = codes * self._grid.sweep.shape[axis] + self._grid.along(axis, places)
        return codes

    def _learn(self, codes: list[int], places: list[int]) -> bool:
        """Ask for the values of combinations, at a place of each; False where the function has read along a further axis."""
        if len(self._known) + len(codes) > MOST_KEPT:
            self._known.clear()
        points = traced(self._grid.experiment.parameters)
        for code, place in zip(codes, places, strict=True):
            if code in self._known:
                continue
            point, _ = points.checked(values_at(self._grid.sweep, self._grid.index(place)))
            self._known[code], reads = points.read(self._function, point)
            if further := axes_of(self._grid.sweep, reads) - self._axes:
                self._axes = self._axes | further
                self._known.clear()
                return False
        return True
