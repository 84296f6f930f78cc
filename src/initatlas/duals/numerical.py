"""Dual of any activation, by quadrature."""

from collections.abc import Callable
from functools import lru_cache, partial
from math import pi, sqrt

import numpy as np
from numpy.polynomial.legendre import leggauss

from initatlas.arrays import Doubles
from initatlas.duals.base import Dual
from initatlas.duals.quadrature import gaussian_mean, pair_mean
from initatlas.duals.univariate import UnivariateKernel, compile_kernel, evaluate_kernel

Function = Callable[[Doubles], Doubles]


class Numerical(Dual):
    """An activation that is smooth but for a kink at 0, by quadrature: right to about 1e-12.

    For each pair of variances the dual of phi' is compiled to Chebyshev series in the half-angle's sine and cosine; the
    dual of phi is its integral. So equal variances, where all pairs share the series, cost little; unequal ones cost some
    0.1 s a pair, for which there is `initatlas.duals.tabulated`.

    Parameters
    ----------
    function, derivative
        phi and phi', entrywise.
    parity
        1 if phi(-z) = phi(z), -1 if phi(-z) = -phi(z), else 0.

    Attributes
    ----------
    derivative_series
        The dual of phi' at two variances, compiled.
    """

    def __init__(self, function: Function, derivative: Function, *, parity: int = 0) -> None:
        self.function = function
        self.slope = derivative
        self.parity = parity
        self.derivative_series = lru_cache(maxsize=4096)(self._compile)

    def product(self, p: Doubles, q: Doubles, theta: Doubles) -> Doubles:
        """See `Dual.product`: the mean at equal directions, less the gap."""
        top = np.vectorize(partial(_parallel_mean, self.function), otypes=[float])(p, q)
        product: Doubles = top - self.gap(p, q, theta)
        return product

    def derivative(self, p: Doubles, q: Doubles, theta: Doubles) -> Doubles:
        """See `Dual.derivative`."""
        return self._by_variances(self._derivative, p, q, theta)

    def moment(self, q: Doubles) -> Doubles:
        """See `Dual.moment`."""
        moment: Doubles = np.vectorize(lambda v: _parallel_mean(self.function, v, v), otypes=[float])(q)
        return moment

    def gap(self, p: Doubles, q: Doubles, theta: Doubles) -> Doubles:
        """See `Dual.gap`."""
        return self._by_variances(self._gap, p, q, theta)

    def in_closed_form(self, variance: float) -> bool:
        """See `Dual.in_closed_form`."""
        return False

    def _gap(self, p: float, q: float, theta: Doubles) -> Doubles:
        """Integral of the series from 0 to each angle, in two parts where they meet."""
        if not theta.any():
            return np.zeros(theta.shape)
        series = self.derivative_series(p, q)
        x, w = leggauss(48)
        middle = np.minimum(theta, 0.5 * pi)

        def integral(low: Doubles, high: Doubles) -> Doubles:
            """Integral of the dual of phi' over -d cos."""
            nodes = low[..., None] + (high - low)[..., None] * 0.5 * (x + 1.0)
            total: Doubles = 0.5 * (high - low) * np.sum(w * np.sin(nodes) * evaluate_kernel(series, nodes), axis=-1)
            return total

        return sqrt(p) * sqrt(q) * (integral(np.zeros_like(middle), middle) + integral(middle, theta))

    def _derivative(self, p: float, q: float, theta: Doubles) -> Doubles:
        """The dual of phi' at one pair of variances; equal directions need no series."""
        if not theta.any():
            return np.full(theta.shape, _parallel_mean(self.slope, p, q))
        return evaluate_kernel(self.derivative_series(p, q), theta)

    def _compile(self, p: float, q: float) -> UnivariateKernel:
        """The dual of phi' at one pair of variances."""

        def mean(theta: float) -> float:
            """One angle."""
            return pair_mean(lambda u, v: self.slope(u) * self.slope(v), p, q, theta)

        return compile_kernel(np.vectorize(mean, otypes=[float]), tolerance=1e-13)

    @staticmethod
    def _by_variances(
        function: Callable[[float, float, Doubles], Doubles], p: Doubles, q: Doubles, theta: Doubles
    ) -> Doubles:
        """Call a function of all angles that share their variances."""
        p, q, theta = np.broadcast_arrays(np.asarray(p, dtype=float), q, theta)
        result = np.empty(theta.shape)
        pairs = np.stack([p.ravel(), q.ravel()])
        kinds, members = np.unique(pairs, axis=1, return_inverse=True)
        for kind in range(kinds.shape[1]):
            chosen = members.reshape(theta.shape) == kind
            result[chosen] = function(float(kinds[0, kind]), float(kinds[1, kind]), theta[chosen])
        return result


def _parallel_mean(function: Function, p: float, q: float) -> float:
    """E[f(u) f(v)] at equal directions."""
    return gaussian_mean(lambda z: function(sqrt(p) * z) * function(sqrt(q) * z), 1.0)
