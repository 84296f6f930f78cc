"""How many partitions of data points have continuous piecewise least-squares fits: critical points of the loss, counted exactly.

Sahs et al. 2020, theorem 3 and figure 7. H breakpoints divide sorted data into H + 1 pieces, some of them empty, in C(N + H, H)
ways. A partition counts if lines that fit the points of each piece best can be joined at breakpoints between the points of
neighbouring pieces. A piece of two or more points has one such line. A piece of one point has all lines through it, an empty one
any line at all. So an empty piece joins whatever lies beside it; and from the left, the lines through a single point that can be
joined are those above or below a slope, or all but one. These sets are few, and all partitions that end in the same set are
counted together.
"""

from collections.abc import Iterator
from math import inf
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from initatlas.arrays import Doubles
from initatlas.piecewise.arrays import points, whole


def continuous_partitions(x: ArrayLike, y: ArrayLike, *, pieces: int) -> Doubles:
    """Numbers of partitions into 1, 2, ... pieces whose least-squares fits can be joined, exact up to 2^53.

    Parameters
    ----------
    x, y
        Data, shape (n,), in any order, each x once.
    pieces
        The largest number of pieces, empty ones included: one more than there are breakpoints.

    Returns
    -------
    Doubles
        Shape (pieces,).

    Raises
    ------
    ValueError
        If there are no data, an x is there twice, a number is not finite, or `pieces` is below 1.

    Notes
    -----
    Lines that meet at a data point alone, or everywhere, do not count as joined between two points: data with noise have none.
    """
    inputs, targets = points(x, y)
    order = np.argsort(inputs)
    inputs, targets = inputs[order], targets[order]
    if (np.diff(inputs) == 0).any():
        raise ValueError("x: a number is there twice, give each once")
    whole("pieces", pieces, 1)
    return _Beginnings(inputs, targets, pieces).whole()


class _Slopes(NamedTuple):
    """All slopes below one number, and all above another."""

    below: float
    above: float

    def reach_below(self, slope: float) -> bool:
        """Whether one of them is below a slope."""
        return self.below > -inf or self.above < slope

    def reach_above(self, slope: float) -> bool:
        """Whether one of them is above a slope."""
        return self.above < inf or self.below > slope


_ANY = _Slopes(inf, inf)


class _Piece(NamedTuple):
    """A piece that is not empty.

    Attributes
    ----------
    start, end
        Its first point, and the point behind its last one.
    slopes
        Those that a single point's line may have; None with more points, whose line is known.
    """

    start: int
    end: int
    slopes: _Slopes | None


class _Beginnings:
    """Partitions of the first points, by their last piece, with their numbers by number of pieces."""

    def __init__(self, x: Doubles, y: Doubles, pieces: int) -> None:
        self.x, self.y, self.pieces = x, y, pieces
        ends = range(x.size + 1)
        self.lines = {(i, j): np.polyfit(x[i:j], y[i:j], 1) for i in ends for j in range(i + 2, x.size + 1)}
        self.by_piece: list[dict[_Piece, Doubles]] = [{} for _ in ends]
        self.with_empty = [np.zeros(pieces + 1) for _ in ends]
        for end in ends:
            for piece, ways in self._next(end):
                more = np.concatenate([[0.0], ways[:-1]])
                self.by_piece[end][piece] = self.by_piece[end].get(piece, 0.0) + more
            ways = sum(self.by_piece[end].values(), self._nothing(end))
            self.with_empty[end][1:] = np.cumsum(ways)[:-1]  # one, two, ... empty pieces at the end

    def whole(self) -> Doubles:
        """Numbers of partitions of all points, shape (pieces,)."""
        total: Doubles = sum(self.by_piece[-1].values(), self.with_empty[-1])
        return total[1:]

    def _nothing(self, end: int) -> Doubles:
        """The one beginning without a piece, if it is a beginning of these points."""
        ways = np.zeros(self.pieces + 1)
        ways[0] = float(end == 0)
        return ways

    def _next(self, end: int) -> Iterator[tuple[_Piece, Doubles]]:
        """Last pieces that end before a point, with the numbers of what comes before them."""
        for start in range(end):
            single = end - start == 1
            yield _Piece(start, end, _ANY if single else None), self.with_empty[start] + self._nothing(start)
            for before, ways in self.by_piece[start].items():
                if single:
                    yield _Piece(start, end, self._slopes_behind(before)), ways
                elif self._joins(before, end):
                    yield _Piece(start, end, None), ways

    def _slopes_behind(self, before: _Piece) -> _Slopes:
        """Slopes with which the line through the next point crosses the piece before it, between their points."""
        left, right = self.x[before.end - 1], self.x[before.end]
        height = float(self.y[before.end])
        if before.slopes is not None:
            chord = (height - float(self.y[before.start])) / float(right - left)
            below = chord if before.slopes.reach_above(chord) else -inf
            return _Slopes(below, chord if before.slopes.reach_below(chord) else inf)
        at_left, at_right = np.polyval(self.lines[before.start, before.end], [left, right])
        slope = float((height - at_left) / (right - left))
        return _Slopes(-inf, slope) if height > at_right else _Slopes(slope, inf)

    def _joins(self, before: _Piece, end: int) -> bool:
        """Whether the line of the points up to an end crosses the piece before it, between their points."""
        left, right = self.x[before.end - 1], self.x[before.end]
        at_left, at_right = np.polyval(self.lines[before.end, end], [left, right])
        if before.slopes is None:
            gaps = np.polyval(self.lines[before.start, before.end], [left, right]) - [at_left, at_right]
            return bool(gaps[0] * gaps[1] < 0.0)
        height = float(self.y[before.start])
        slope = float((at_right - height) / (right - left))
        return before.slopes.reach_below(slope) if height > at_left else before.slopes.reach_above(slope)
