"""Breakpoints across time: which one is which, births, deaths and travel.

Between two moments a breakpoint keeps its unit. Among those of one unit the order is kept, for they are zeros of one function
that changes continuously, and two of them meet only to vanish together. So the breakpoints of a unit before and after are matched
in order, such that the total distance is least, where one that is left alone counts as half the reach: pairs farther apart than
the reach are a death and a birth. A velocity is how far a matched breakpoint moved by the time in
between, to the right positive; one that died or was born has none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf

import numpy as np
from numpy.typing import ArrayLike

from initatlas.arrays import Doubles, Flags, Integers
from initatlas.piecewise.arrays import vector, whole
from initatlas.piecewise.deep import Breakpoints


@dataclass(frozen=True)
class Changes:
    """What became of the breakpoints of a network between two moments.

    Attributes
    ----------
    before, after
        The breakpoints that are the same, by their places in either list, shape (kept,).
    moved
        How far each of these moved, to the right positive, shape (kept,).
    died, born
        Whether each of the earlier ones vanished, and each of the later ones is new, shape (m before,) and (m after,).
    """

    before: Integers
    after: Integers
    moved: Doubles
    died: Flags
    born: Flags

    def velocities(self, time: float) -> Doubles:
        """Velocity of each breakpoint that stayed, to the right positive, shape (kept,).

        Parameters
        ----------
        time
            Between the two moments, above 0: epochs, or step size by steps for the time of gradient flow.

        Raises
        ------
        ValueError
            If `time` is not above 0.
        """
        if not time > 0:
            raise ValueError(f"time: {time!r}, give a time above 0")
        return self.moved / time


def match(before: Breakpoints, after: Breakpoints, *, reach: float) -> Changes:
    """Find the breakpoints of one moment among those of a later one.

    Parameters
    ----------
    reach
        Farther than this no breakpoint travels in between; above 0.

    Raises
    ------
    ValueError
        If `reach` is not above 0, or infinite.
    """
    _check(reach)
    pairs: list[tuple[int, int]] = []
    mine, later = _by_unit(before), _by_unit(after)
    for unit in mine.keys() & later.keys():
        matches = _pairs_in_order(before.positions[mine[unit]], after.positions[later[unit]], reach)
        pairs += [(mine[unit][i], later[unit][j]) for i, j in matches]
    kept = np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)
    died, born = np.ones(before.positions.size, dtype=bool), np.ones(after.positions.size, dtype=bool)
    died[kept[:, 0]], born[kept[:, 1]] = False, False
    moved = after.positions[kept[:, 1]] - before.positions[kept[:, 0]]
    return Changes(kept[:, 0], kept[:, 1], moved, died, born)


def _check(reach: float) -> None:
    """Refuse what is no distance."""
    if not 0 < reach < inf:
        raise ValueError(f"reach: {reach!r}, give a finite distance above 0")


def _by_unit(breakpoints: Breakpoints) -> dict[tuple[int, int], list[int]]:
    """Places of the breakpoints of each layer and unit, in their order."""
    places: dict[tuple[int, int], list[int]] = {}
    for place, unit in enumerate(zip(breakpoints.layers.tolist(), breakpoints.units.tolist(), strict=True)):
        places.setdefault(unit, []).append(place)
    return places


def match_in_order(before: ArrayLike, after: ArrayLike, *, reach: float) -> list[tuple[int, int]]:
    """Pairs of increasing numbers that keep their order, of least total distance; one that is left alone costs reach / 2.

    Parameters
    ----------
    before, after
        Increasing, shape (m,) and (n,).

    Raises
    ------
    ValueError
        If numbers decrease or are not finite, or `reach` is not above 0, or infinite.
    """
    _check(reach)
    earlier, later = vector("before", before), vector("after", after)
    for name, places in (("before", earlier), ("after", later)):
        if (np.diff(places) < 0).any():
            raise ValueError(f"{name}: must increase")
    return _pairs_in_order(earlier, later, reach)


def _pairs_in_order(before: Doubles, after: Doubles, reach: float) -> list[tuple[int, int]]:
    """The pairs, by dynamic programming; of single ones, as most are, by their distance."""
    if before.size == after.size == 1:
        return [(0, 0)] if abs(before[0] - after[0]) <= reach else []
    single = 0.5 * reach
    cost = np.add.outer(np.arange(before.size + 1), np.arange(after.size + 1)) * single
    for i in range(1, before.size + 1):
        for j in range(1, after.size + 1):
            together = cost[i - 1, j - 1] + abs(before[i - 1] - after[j - 1])
            cost[i, j] = min(together, cost[i - 1, j] + single, cost[i, j - 1] + single)
    pairs, i, j = [], before.size, after.size
    while i and j:
        if cost[i, j] == cost[i - 1, j - 1] + abs(before[i - 1] - after[j - 1]):
            pairs.append((i - 1, j - 1))
            i, j = i - 1, j - 1
        elif cost[i, j] == cost[i - 1, j] + single:
            i -= 1
        else:
            j -= 1
    return pairs[::-1]


@dataclass(frozen=True)
class LayerChanges:
    """Changes of breakpoints by hidden layer.

    Attributes
    ----------
    births, deaths
        How many, shape (layers,).
    travelled
        Total distance of those that stayed, shape (layers,).
    stayed
        How many stayed, shape (layers,).
    """

    births: Integers
    deaths: Integers
    travelled: Doubles
    stayed: Integers


def changes_by_layer(moments: Sequence[Breakpoints], *, layers: int, reach: float) -> LayerChanges:
    """Births, deaths and travel by layer over all steps of a sequence of moments.

    Parameters
    ----------
    moments
        The breakpoints of one network, earlier ones first.
    layers
        Hidden layers of the network.
    reach
        As in `match`, for each step.

    Raises
    ------
    ValueError
        If a breakpoint is of a later layer, or `reach` is not above 0, or infinite.
    """
    _check(reach)
    whole("layers", layers, max((int(moment.layers.max(initial=1)) for moment in moments), default=1))
    births, deaths, stayed = (np.zeros(layers, dtype=np.int64) for _ in range(3))
    travelled = np.zeros(layers)
    for before, after in pairwise(moments):
        changes = match(before, after, reach=reach)
        births += np.bincount(after.layers[changes.born] - 1, minlength=layers)
        deaths += np.bincount(before.layers[changes.died] - 1, minlength=layers)
        kept = before.layers[changes.before] - 1
        stayed += np.bincount(kept, minlength=layers)
        travelled += np.bincount(kept, weights=np.abs(changes.moved), minlength=layers)
    return LayerChanges(births, deaths, travelled, stayed)
