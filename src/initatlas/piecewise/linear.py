"""Piecewise linear functions of one variable, continuous or not."""

from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import ArrayLike

from initatlas.arrays import Doubles
from initatlas.piecewise.arrays import interval, points, vector


@dataclass(frozen=True)
class PiecewiseLinear:
    """A line on each side of some knots.

    Attributes
    ----------
    knots
        Where one piece ends and the next begins, increasing, shape (k,); k may be 0.
    slopes, intercepts
        Piece p is slopes[p] x + intercepts[p], shape (k + 1,).

    Raises
    ------
    ValueError
        If the shapes do not fit, the knots do not increase, or a number is not finite.
    """

    knots: Doubles
    slopes: Doubles
    intercepts: Doubles

    def __post_init__(self) -> None:
        for name in ("knots", "slopes", "intercepts"):
            object.__setattr__(self, name, vector(name, getattr(self, name)))
        for name in ("slopes", "intercepts"):
            pieces = getattr(self, name).size
            if pieces != self.knots.size + 1:
                raise ValueError(f"{name}: {pieces} pieces for {self.knots.size} knots, give {self.knots.size + 1}")
        if (np.diff(self.knots) <= 0).any():
            raise ValueError("knots: must increase")

    def __call__(self, x: ArrayLike) -> Doubles:
        """Values, in the shape of `x`; at a knot those of the piece on its right."""
        inputs = np.asarray(x, dtype=np.float64)
        piece = np.searchsorted(self.knots, inputs, side="right")
        values: Doubles = self.slopes[piece] * inputs + self.intercepts[piece]
        return values

    @property
    def jumps(self) -> Doubles:
        """Change of the slope at each knot, from left to right: the delta-slopes of the function, shape (k,)."""
        return np.diff(self.slopes)

    @property
    def gaps(self) -> Doubles:
        """Change of the value at each knot, zero up to rounding where the function is continuous, shape (k,)."""
        return self.jumps * self.knots + np.diff(self.intercepts)

    def roughness(self, low: float = -inf, high: float = inf) -> float:
        """Sum of the squared jumps of the slope at the knots between `low` and `high`, ends excluded.

        Raises
        ------
        ValueError
            If an end is nan, or `high` is below `low`.

        References
        ----------
        Sahs et al. 2020, section 2.
        """
        low, high = interval(low, high)
        inside = (self.knots > low) & (self.knots < high)
        return float((self.jumps[inside] ** 2).sum())

    def simplified(self, tolerance: float = 0.0) -> "PiecewiseLinear":
        """The function without the knots at which neither slope nor value changes by more than `tolerance`.

        The piece on the left of such a knot goes on.

        Raises
        ------
        ValueError
            If the tolerance is not at least 0.
        """
        if not tolerance >= 0:
            raise ValueError(f"tolerance: {tolerance!r}, give a number of at least 0")
        kept = (abs(self.jumps) > tolerance) | (abs(self.gaps) > tolerance)
        pieces = np.concatenate([[True], kept])
        return PiecewiseLinear(self.knots[kept], self.slopes[pieces], self.intercepts[pieces])


def interpolation(x: ArrayLike, y: ArrayLike) -> PiecewiseLinear:
    """The continuous piecewise linear function through points, with a knot at each inner one.

    Parameters
    ----------
    x, y
        Shape (n,), in any order; no two `x` are equal. One point gives a constant.

    Raises
    ------
    ValueError
        If there is no point, two have the same `x`, or a number is not finite.
    """
    inputs, targets = points(x, y)
    order = np.argsort(inputs)
    inputs, targets = inputs[order], targets[order]
    steps = np.diff(inputs)
    if (steps == 0).any():
        raise ValueError(f"x: {inputs[:-1][steps == 0][0]:g} is there twice")
    if inputs.size == 1:
        return PiecewiseLinear(np.empty(0), np.zeros(1), targets)
    slopes = np.diff(targets) / steps
    return PiecewiseLinear(inputs[1:-1], slopes, targets[:-1] - slopes * inputs[:-1])
