"""Data of one variable for segmented regression: sorted, with the moments of points that share an x, and fits to them."""

from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import solveh_banded

from initatlas.arrays import Doubles, Integers
from initatlas.piecewise.arrays import points, vector
from initatlas.piecewise.linear import PiecewiseLinear
from initatlas.piecewise.segmentations import Fit

_LARGEST, _SMALLEST = 1e150, 1e-150
"""Sizes of numbers whose squares can be added up, and of steps whose squares can be divided by."""


class SortedData:
    """Points in the order of x.

    Parameters
    ----------
    x, y
        Shape (n,), in any order.
    weights
        Above 0, shape (n,); all 1 if None.

    Raises
    ------
    ValueError
        If there are no points, lengths differ, a number is not finite, a weight is not above 0, or squares are beyond
        floating point.
    """

    def __init__(self, x: ArrayLike, y: ArrayLike, weights: ArrayLike | None) -> None:
        inputs, targets = points(x, y)
        given = np.ones(inputs.size) if weights is None else vector("weights", weights)
        if given.shape != inputs.shape:
            raise ValueError(f"weights: {given.size} weights for {inputs.size} points")
        if (given <= 0).any():
            raise ValueError("weights: must be above 0; leave points out that have none")
        for name, values in (("x", inputs), ("y", targets)):
            if abs(values).max() > _LARGEST / given.sum() ** 0.5:
                raise ValueError(
                    f"{name}: {abs(values).max():g} is too large to be squared and added up; take other units"
                )
        order = np.argsort(inputs, kind="stable")
        self.x, self.y, self.w = inputs[order], targets[order], given[order]
        self.starts = np.flatnonzero(np.concatenate([[True], np.diff(self.x) > 0]))
        self.distinct = self.x[self.starts]

    def moments(self) -> Doubles:
        """Weight, mean x, mean y and centred sums of x^2, x y and y^2 at each distinct x, shape (distinct, 6).

        x is measured from its mean, y from the line through all data, so that little is lost to rounding.
        """
        middle = np.average(self.x, weights=self.w)
        level, slope = _line(self.x - middle, self.y, self.w)
        rest = self.y - level - slope * (self.x - middle)
        weights = np.add.reduceat(self.w, self.starts)
        means = np.add.reduceat(self.w * rest, self.starts) / weights
        away = rest - np.repeat(means, np.diff(np.append(self.starts, self.x.size)))
        spread = np.add.reduceat(self.w * away**2, self.starts)
        nothing = np.zeros(self.distinct.size)
        return np.stack([weights, self.distinct - middle, means, nothing, nothing, spread], axis=1)

    def check_steps(self) -> None:
        """Refuse x so close to each other that the square of their distance vanishes.

        Raises
        ------
        ValueError
            If there are such.
        """
        steps = np.diff(self.distinct)
        if steps.size and steps.min() < _SMALLEST:
            raise ValueError(f"x: two are {steps.min():g} apart, too close for a slope between them; take other units")

    @property
    def resolution(self) -> float:
        """Sum of squares that rounding alone makes."""
        unit = 8.0 * np.finfo(np.float64).eps
        return float((self.w * (unit * abs(self.y).max()) ** 2).sum())

    def fit_apart(self, breaks: Integers) -> Fit:
        """Independent lines; `breaks` are the places of the first distinct x of the second and later pieces."""
        starts = self.starts[np.concatenate([[0], breaks])]
        sizes = np.diff(np.append(starts, self.x.size))

        def of_pieces(values: Doubles) -> Doubles:
            return np.add.reduceat(self.w * values, starts)

        whole = of_pieces(np.ones(self.x.size))
        mean_x, mean_y = of_pieces(self.x) / whole, of_pieces(self.y) / whole
        x, y = self.x - np.repeat(mean_x, sizes), self.y - np.repeat(mean_y, sizes)
        xx = of_pieces(x * x)
        single = np.diff(np.append(np.concatenate([[0], breaks]), self.distinct.size)) == 1
        slopes = np.where(single, 0.0, of_pieces(x * y) / np.where(single, 1.0, xx))
        squares = float((self.w * (y - np.repeat(slopes, sizes) * x) ** 2).sum())
        return Fit(PiecewiseLinear(self._between(breaks), slopes, mean_y - slopes * mean_x), squares)

    def _between(self, breaks: Integers) -> Doubles:
        """Knots in the middle between the data points beside each break."""
        before, behind = self.distinct[breaks - 1], self.distinct[breaks]
        middles = before + (behind - before) / 2.0
        return np.where(middles > before, middles, behind)

    def fit_meeting(self, knots: Integers) -> Fit:
        """The continuous function with knots at these distinct x, the first and the last among them."""
        at = self.distinct[knots]
        piece = np.clip(np.searchsorted(at, self.x, side="right") - 1, 0, at.size - 2)
        right = (self.x - at[piece]) / (at[piece + 1] - at[piece])
        values = _hat_values(piece, right, self.y, self.w, at.size)
        left = values[piece]
        squares = float((self.w * (self.y - left - right * (values[piece + 1] - left)) ** 2).sum())
        slopes = np.diff(values) / np.diff(at)
        return Fit(PiecewiseLinear(at[1:-1], slopes, values[:-1] - slopes * at[:-1]), squares)

    def fit_crossing(self, places: Integers, gaps: Integers) -> Fit:
        """The continuous function with knots at these distinct x, or where `gaps` is 1 in the gap behind them.

        Lines left and right of a gap are fitted apart, and the knot is where they cross, or the nearer end of the gap.
        """
        behind = np.concatenate([[-1], places[gaps == 1], [self.distinct.size - 1]])
        parts = [self._part(a + 1, b, places[gaps == 0]) for a, b in pairwise(behind)]
        knots, slopes, intercepts = [parts[0].function.knots], [], []
        for place, left, right in zip(behind[1:-1], parts, parts[1:], strict=False):
            crossing = _crossing(self.distinct[place : place + 2], left.function, right.function)
            knots += [np.array([crossing]), right.function.knots]
        for part in parts:
            slopes.append(part.function.slopes)
            intercepts.append(part.function.intercepts)
        function = PiecewiseLinear(*map(np.concatenate, (knots, slopes, intercepts)))
        return Fit(function, sum(part.squares for part in parts))

    def _part(self, first: int, last: int, knots: Integers) -> Fit:
        """The fit to the points from one distinct x to another, with knots at those of these distinct x that lie between."""
        start, end = self.starts[first], np.append(self.starts, self.x.size)[last + 1]
        part = SortedData(self.x[start:end], self.y[start:end], self.w[start:end])
        return part.fit_meeting(np.array([first, *knots[(knots > first) & (knots < last)], last]) - first)


def _crossing(gap: Doubles, left: PiecewiseLinear, right: PiecewiseLinear) -> float:
    """Where the last line of one function meets the first of another between the ends of a gap, or the nearer end."""
    near, far = (left.slopes[-1] - right.slopes[0]) * gap + left.intercepts[-1] - right.intercepts[0]
    share = near / (near - far) if near != far else 0.5
    return float(np.clip(gap[0] + share * (gap[1] - gap[0]), *gap))


def _line(x: Doubles, y: Doubles, w: Doubles) -> tuple[float, float]:
    """Level at 0 and slope of the weighted least squares line, for x with the mean 0; the slope is 0 where x does not vary."""
    level = float(np.average(y, weights=w))
    spread = float((w * x * x).sum())
    return level, float((w * x * (y - level)).sum()) / spread if np.ptp(x) > 0 else 0.0


def _hat_values(piece: Integers, right: Doubles, y: Doubles, w: Doubles, knots: int) -> Doubles:
    """Values at the knots of the continuous least squares fit, by its tridiagonal normal equations.

    Parameters
    ----------
    piece, right
        The piece of each point and where it lies in it, from 0 at its left knot to 1.
    """
    left = 1.0 - right
    level = float(np.average(y, weights=w))

    def at_knots(values: Doubles, place: Integers) -> Doubles:
        return np.bincount(place, w * values, minlength=knots).astype(np.float64)

    diagonal = at_knots(left * left, piece) + at_knots(right * right, piece + 1)
    sides = at_knots(left * (y - level), piece) + at_knots(right * (y - level), piece + 1)
    above = at_knots(left * right, piece + 1)
    return np.asarray(solveh_banded(np.stack([above, diagonal]), sides) + level)
