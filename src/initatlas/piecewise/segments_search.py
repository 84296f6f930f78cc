"""The best breaks among many points, by branch and bound from blocks of places down to single ones.

If break k lies somewhere in a block of places, the pieces beside it hold at least the points up to the block before and from the
block behind. The points of the block itself cost at least what two lines leave. So dynamic programming over blocks gives lower
bounds; a block in which every segmentation costs more than a known one is left out, the others are halved.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf

import numpy as np

from initatlas.arrays import Doubles, Flags, Integers
from initatlas.piecewise.segments_kernel import (
    backward_bounds,
    chain,
    forward_bounds,
    improve,
    inner_costs,
    prefix_sums,
    total_cost,
)

_BLOCKS = 512
"""Blocks to begin with."""

ROUNDING = 1e-11
"""By how much of itself a sum of squares may be wrong where it is held against a bound."""


@dataclass
class Incumbent:
    """The best segmentation with some number of pieces that is known so far.

    Attributes
    ----------
    breaks
        First points of the second and later pieces.
    squares
        Its sum of squares.
    bound
        No segmentation has a smaller one.
    """

    breaks: Integers = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    squares: float = inf
    bound: float = 0.0


@dataclass(frozen=True)
class _Blocks:
    """Places in which each break may lie: first and last of each block, shape (breaks, blocks); counts[k] of row k are meant."""

    lows: Integers
    highs: Integers
    counts: Integers

    @classmethod
    def of_rows(cls, rows: Iterable[tuple[Integers, Integers]]) -> "_Blocks":
        """Blocks of each break, padded to the same number."""
        pairs = list(rows)
        counts = np.array([lows.size for lows, _ in pairs])
        lows, highs = np.zeros((2, len(pairs), max(1, int(counts.max()))), dtype=np.int64)
        for k, (low, high) in enumerate(pairs):
            lows[k, : low.size], highs[k, : high.size] = low, high
        return cls(lows, highs, counts)

    @classmethod
    def everywhere(cls, points: int, breaks: int) -> "_Blocks":
        """All places, in blocks of a power of two."""
        width = 1 << max(0, int(np.ceil(np.log2((points - 1) / _BLOCKS))))
        lows = np.arange(1, points, width)
        return cls.of_rows([(lows, np.minimum(lows + width - 1, points - 1))] * breaks)

    @property
    def width(self) -> int:
        """Places of the widest block."""
        return int((self.highs - self.lows).max()) + 1

    def halved(self, alive: Flags) -> "_Blocks":
        """The halves of those that are alive, shape (breaks, blocks)."""
        return _Blocks.of_rows(
            _halves(low[mask], high[mask]) for low, high, mask in zip(self.lows, self.highs, alive, strict=True)
        )


def _halves(lows: Integers, highs: Integers) -> tuple[Integers, Integers]:
    """Both halves of each block; a single place stays as it is."""
    middles = (lows + highs) // 2
    first = np.stack([lows, middles + 1], axis=1).ravel()
    last = np.stack([middles, highs], axis=1).ravel()
    return first[first <= last], last[first <= last]


@dataclass(frozen=True)
class _Bounds:
    """Lower bounds left and right of every block, as of `forward_bounds` and `backward_bounds`."""

    left: tuple[Doubles, Doubles]
    right: tuple[Doubles, Doubles]
    following: Integers
    inner: Doubles
    same: Integers

    @classmethod
    def of_blocks(cls, data: Doubles, sums: Doubles, blocks: _Blocks, shortest: int) -> "_Bounds":
        """All bounds of these blocks."""
        places = (blocks.lows, blocks.highs, blocks.counts)
        inner, same = inner_costs(data, sums, *places)
        left = forward_bounds(data, sums, *places, inner, same, shortest)
        *right, following = backward_bounds(data, sums, *places, inner, same, shortest)
        return cls(left, (right[0], right[1]), following, inner, same)

    def totals(self, k: int, breaks: int) -> Doubles:
        """Lower bounds with so many breaks, if break k lies in each block, shape (blocks,)."""
        alone, shared = (part[k] for part in self.left)
        alone_behind, shared_behind = (part[k, breaks - 1 - k] for part in self.right)
        several = np.minimum(np.minimum(alone, shared) + shared_behind, shared + alone_behind)
        return np.asarray(np.minimum(alone + self.inner[k] + alone_behind, several))

    def best(self, breaks: int) -> tuple[float, Integers]:
        """Lower bound with so many breaks, and the blocks in which they lie in the case that it describes."""
        totals = self.totals(0, breaks)
        return float(totals.min()), chain(totals, *self.right, self.following, self.inner, self.same, breaks)

    def within(self, breaks: int, squares: float) -> Flags:
        """Blocks in which a segmentation may cost as little as the best known one, shape (all breaks, blocks)."""
        alive = np.zeros(self.inner.shape, dtype=np.bool_)
        for k in range(breaks):
            alive[k] = self.totals(k, breaks) <= squares * (1.0 + ROUNDING)
        return alive


def search(data: Doubles, most: int, shortest: int, effort: float) -> list[Incumbent]:
    """The best segmentations with 2, 3, ..., `most` pieces.

    Parameters
    ----------
    data
        w, x and y, shape (3, points), x increasing.
    shortest
        Fewest points of a piece.
    effort
        Blocks per break beyond which the search for a number of pieces ends with a bound.
    """
    sums = prefix_sums(data)
    blocks = _Blocks.everywhere(data.shape[1], most - 1)
    best = [Incumbent() for _ in range(most - 1)]
    active = list(range(1, most))
    while active:
        bounds = _Bounds.of_blocks(data, sums, blocks, shortest)
        for breaks in active:
            bound, chosen = bounds.best(breaks)
            places = (blocks.lows + (blocks.highs - blocks.lows) // 2)[np.arange(breaks), chosen]
            _learn(best[breaks - 1], data, sums, bound, places, blocks.width, shortest)
        if blocks.width == 1:
            for breaks in active:
                best[breaks - 1].bound = best[breaks - 1].squares
            break
        alive = {breaks: bounds.within(breaks, best[breaks - 1].squares) for breaks in active}
        active = [breaks for breaks in active if alive[breaks].sum() <= effort * breaks]
        if active:
            blocks = blocks.halved(np.any([alive[breaks] for breaks in active], axis=0))
    return best


def _learn(
    known: Incumbent, data: Doubles, sums: Doubles, bound: float, places: Integers, reach: int, shortest: int
) -> None:
    """Raise the bound, and keep a segmentation near these places if it is better."""
    known.bound = max(known.bound, bound)
    breaks = _apart(places, data.shape[1], shortest)
    improve(data, sums, breaks, reach, shortest)
    squares = total_cost(data, sums, breaks)
    if squares < known.squares:
        known.breaks, known.squares = breaks, squares


def _apart(places: Integers, points: int, shortest: int) -> Integers:
    """Breaks near these places that leave each piece its fewest points."""
    steps = shortest * np.arange(1, places.size + 1)
    ahead = np.maximum.accumulate(np.maximum(places - steps, 0)) + steps
    last = points - shortest * np.arange(places.size, 0, -1)
    return np.minimum(ahead, last)
