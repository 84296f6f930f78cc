"""Dual of any activation over a range of variances, from a table: for inputs of different norms.

The dual of phi' is analytic in the two standard deviations and in the half-angle's sine (near) or cosine (far), kinks of
phi at 0 included. So a Chebyshev series in three variables holds it, and quadrature is needed at its nodes alone. The
table does not know the layers: one serves a network of any depth.
"""

from functools import lru_cache
from math import asinh, sinh

import numpy as np
from numpy.polynomial import chebyshev
from numpy.polynomial.legendre import leggauss
from numpy.typing import NDArray

from initatlas.arrays import Doubles
from initatlas.duals.base import Dual
from initatlas.duals.elu import Elu
from initatlas.duals.numerical import Numerical
from initatlas.duals.quadrature import grid_means
from initatlas.duals.univariate import ROOT_HALF, chebyshev_coefficients, chebyshev_nodes, position

_TOLERANCE = 1e-12
_SIDES = (12, 16, 20, 24, 28, 32, 40, 48, 64)
_SPARE = 4
"""Coefficients at the end of a series that must be negligible, and are kept."""

_ROUNDING = 1e-15
"""Coefficients below this part of the largest are left out."""

_LEAST = 2.0**-6
"""Deviations below this are as good as 0: the range of a table then begins there."""


_MOST = 2.0**300
"""No activation is anything but its limit there, and the squares of larger deviations overflow."""


class Tabulated(Dual):
    """An activation by a table of its dual; errors are below some 1e-12 of the largest value in the table's range.

    Parameters
    ----------
    dual
        The activation.
    low, high
        Least and largest standard deviation of a pre-activation, 0 <= low < high.

    Raises
    ------
    ValueError
        If no table of 64 deviations a side is exact enough: the activation varies too fast, or has a kink that is not at 0.
    """

    closed_gap = True

    def __init__(self, dual: Numerical, low: float, high: float) -> None:
        self.parity = dual.parity
        self._low, self._high = asinh(low), asinh(high)
        size = self._enough_nodes(dual)
        deviations = self._deviations(size)
        steepest = dual.derivative_series(high**2, high**2)
        near, far = (chebyshev_nodes(len(series) + _SPARE) * ROOT_HALF for series in (steepest.near, steepest.far))
        near_angles, far_angles = 2.0 * np.arcsin(near), np.pi - 2.0 * np.arcsin(far)
        even = dual.parity != 0
        slopes = grid_means(dual.slope, deviations, near_angles, symmetric=even)
        self._slopes = _series(slopes), _series(grid_means(dual.slope, deviations, far_angles, symmetric=even))
        self._gap = _series(_mean_to(slopes, near))
        self._far = _series(grid_means(dual.function, deviations, far_angles, symmetric=even))
        self._top = _series(grid_means(dual.function, deviations, np.zeros(1), symmetric=even))
        self._moment = chebyshev_coefficients(dual.moment(deviations**2))

    def product(self, p: Doubles, q: Doubles, theta: Doubles) -> Doubles:
        """See `Dual.product`; `p` a column and `q` a row, or both scalars."""
        near = self._sum(self._top, p, q, np.zeros(())) - self._near_gap(p, q, theta)
        return self._two_sided(near, self._far, p, q, theta)

    def derivative(self, p: Doubles, q: Doubles, theta: Doubles) -> Doubles:
        """See `Dual.derivative`; shapes as in `product`."""
        near, far = self._slopes
        return self._two_sided(self._sum(near, p, q, position(np.sin(0.5 * theta))), far, p, q, theta)

    def gap(self, p: Doubles, q: Doubles, theta: Doubles) -> Doubles:
        """See `Dual.gap`; shapes as in `product`."""
        near = self._near_gap(p, q, theta)
        if not np.any(theta > 0.5 * np.pi):
            return near
        far = self._sum(self._top, p, q, np.zeros(())) - self._sum(self._far, p, q, position(np.cos(0.5 * theta)))
        return np.where(theta > 0.5 * np.pi, far, near)

    def moment(self, q: Doubles) -> Doubles:
        """See `Dual.moment`."""
        return np.asarray(chebyshev.chebval(self._place(q), self._moment), dtype=np.float64)

    def _near_gap(self, p: Doubles, q: Doubles, theta: Doubles) -> Doubles:
        """The gap, for angles up to a right one."""
        if not np.any(theta):
            return np.zeros(())
        sine = np.sin(0.5 * np.minimum(theta, 0.5 * np.pi))
        gap: Doubles = 4.0 * np.sqrt(p) * np.sqrt(q) * sine * sine * self._sum(self._gap, p, q, position(sine))
        return gap

    def _two_sided(self, near: Doubles, far: list[Doubles], p: Doubles, q: Doubles, theta: Doubles) -> Doubles:
        """Values for small angles, and a series for large ones, where there are any."""
        if not np.any(theta > 0.5 * np.pi):
            return near
        return np.where(theta > 0.5 * np.pi, self._sum(far, p, q, position(np.cos(0.5 * theta))), near)

    def _sum(self, series: list[Doubles], p: Doubles, q: Doubles, x: Doubles) -> Doubles:
        """A series at a column of variances p, a row q and positions x: Clenshaw's recurrence over matrices of low rank."""
        left, right = (chebyshev.chebvander(np.ravel(self._place(variance)), len(series[0]) - 1) for variance in (p, q))
        shape = np.broadcast_shapes(np.shape(p), np.shape(q))

        def coefficient(part: Doubles) -> Doubles:
            """One coefficient in the angle, for all pairs."""
            size = len(part)
            return (left[:, :size] @ part @ right[:, :size].T).reshape(shape)

        current, before = np.zeros(()), np.zeros(())
        for part in series[:0:-1]:
            current, before = coefficient(part) + 2.0 * x * current - before, current
        total: Doubles = coefficient(series[0]) + x * current - before
        return total

    def _place(self, variance: Doubles) -> Doubles:
        """Where a variance is on the table's side, from -1 to 1."""
        place: Doubles = (2.0 * np.arcsinh(np.sqrt(variance)) - (self._low + self._high)) / (self._high - self._low)
        return place

    def _deviations(self, count: int) -> Doubles:
        """Standard deviations at which the table is made."""
        deviations: Doubles = np.sinh(self._low + (self._high - self._low) * chebyshev_nodes(count))
        return deviations

    def _enough_nodes(self, dual: Numerical) -> int:
        """How many deviations the table needs, by the edges of its range at three angles."""
        angles, even = np.array([0.0, 0.5, 2.5]), dual.parity != 0
        for count in _SIDES:
            ends = np.concatenate([self._deviations(count), [sinh(self._low), sinh(self._high)]])
            edges = [
                chebyshev_coefficients(means[:count, count:])
                for function in (dual.function, dual.slope)
                for means in grid_means(function, ends, angles, symmetric=even)
            ]
            if all(np.abs(edge[-_SPARE:]).max() <= _TOLERANCE * np.abs(edge).max() for edge in edges):
                return count
        raise ValueError(
            f"no table of the dual converges for deviations from {sinh(self._low):.3g} to {sinh(self._high):.3g}: normalise the "
            "inputs to the sphere, or lower input_variance"
        )


def tabulated(dual: Dual, low: float, high: float) -> Tabulated:
    """The table of an activation that is taken by quadrature, for deviations from `low` to `high`.

    Its range is rounded outwards to powers of two, and a process makes it once.

    Raises
    ------
    ValueError
        If there is no such table.
    """
    numerical = dual.wide if isinstance(dual, Elu) else dual
    assert isinstance(numerical, Numerical)  # all others have closed forms
    if not high < _MOST:
        raise ValueError(
            f"pre-activations of standard deviation {high:.3g} are beyond a table of the dual, which ends at {_MOST:.3g}: "
            "normalise the inputs to the sphere, or take smaller variances"
        )
    rounded = 0.0 if low < _LEAST else float(2.0 ** np.floor(np.log2(low)))
    return _made(numerical, rounded, float(2.0 ** np.ceil(np.log2(max(high, 2.0 * _LEAST)))))


@lru_cache(maxsize=8)
def _made(dual: Numerical, low: float, high: float) -> Tabulated:
    """Make a table, once."""
    return Tabulated(dual, low, high)


def _series(values: Doubles) -> list[Doubles]:
    """Chebyshev coefficients in all three variables, of values at nodes: a square matrix for each in the angle.

    The higher the coefficient in the angle, the fewer in the deviations are left above rounding.
    """
    for axis in range(3):
        values = chebyshev_coefficients(values, axis)
    negligible = _ROUNDING * np.abs(values).max()
    return [part[:size, :size] for part, size in zip(values, _sizes(np.abs(values) > negligible), strict=True)]


def _sizes(needed: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Side of the smallest leading square, of each matrix, that holds all marked entries; at least 1, and all of the first."""
    places = np.arange(1, needed.shape[1] + 1)
    sides = np.maximum(np.max(needed * places, axis=(1, 2)), np.max(needed * places[:, None], axis=(1, 2)))
    sides[0] = needed.shape[1]
    return np.asarray(np.maximum(sides, 1), dtype=np.int64)


def _mean_to(values: Doubles, sines: Doubles) -> Doubles:
    """Integral of D(s t) t over t in [0, 1] at each s, of a D that is given there: what the gap is 4 s^2 times of."""
    nodes, weights = leggauss(len(sines))
    nodes, weights = 0.5 * (nodes + 1.0), 0.5 * weights
    inner = chebyshev.chebvander(position(sines[:, None] * nodes), len(sines) - 1)
    means: Doubles = np.tensordot(
        np.einsum("j,sjk->sk", weights * nodes, inner), chebyshev_coefficients(values), axes=1
    )
    return means
