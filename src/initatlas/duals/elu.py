"""Dual of the ELU."""

from math import pi, sqrt

import numpy as np
from scipy.special import ndtr, owens_t

from initatlas.arrays import Doubles
from initatlas.duals.base import Dual
from initatlas.duals.numerical import Function, Numerical
from initatlas.duals.rectifier import Rectifier


class Elu(Dual):
    """z where positive, exp(z) - 1 elsewhere: exponentials and powers of a Gaussian pair over quadrants, by Owen's T.

    The exponentials, of up to twice the variances, multiply its rounding error: above variances of 4 the mean is taken by
    quadrature instead. (Tsuchida et al. 2021 give another closed form.)

    Parameters
    ----------
    function, derivative
        The activation and its derivative, for the quadrature.

    Attributes
    ----------
    wide
        The same activation by quadrature.
    """

    _WELL_CONDITIONED = 4.0

    def __init__(self, function: Function, derivative: Function) -> None:
        self.wide = Numerical(function, derivative)

    def product(self, p: Doubles, q: Doubles, theta: Doubles) -> Doubles:
        """See `Dual.product`."""
        if self._is_wide(p, q):
            return self.wide.product(p, q, theta)
        p, q = np.maximum(p, _TINY), np.maximum(q, _TINY)
        mixed = _linear_times_exponential(p, q, theta) + _linear_times_exponential(q, p, theta)
        both = sum(
            sign * _lower_exponential(s, t, p, q, theta)
            for s, t, sign in ((1, 1, 1), (1, 0, -1), (0, 1, -1), (0, 0, 1))
        )
        product: Doubles = Rectifier(0.0).product(p, q, theta) + mixed + both
        return product

    def derivative(self, p: Doubles, q: Doubles, theta: Doubles) -> Doubles:
        """See `Dual.derivative`."""
        if self._is_wide(p, q):
            return self.wide.derivative(p, q, theta)
        p, q = np.maximum(p, _TINY), np.maximum(q, _TINY)
        mixed = _quadrant_exponential(p, q, theta) + _quadrant_exponential(q, p, theta)
        derivative: Doubles = (pi - theta) / (2.0 * pi) + mixed + _lower_exponential(1, 1, p, q, theta)
        return derivative

    def gap(self, p: Doubles, q: Doubles, theta: Doubles) -> Doubles:
        """See `Dual.gap`."""
        return self.wide.gap(p, q, theta) if self._is_wide(p, q) else super().gap(p, q, theta)

    def in_closed_form(self, variance: float) -> bool:
        """See `Dual.in_closed_form`."""
        return variance <= self._WELL_CONDITIONED

    def _is_wide(self, p: Doubles, q: Doubles) -> bool:
        """Whether a variance is too large for the closed form."""
        return not self.in_closed_form(max(np.max(p, initial=0.0), np.max(q, initial=0.0)))


_TINY = 1e-300


def _lower_exponential(s: int, t: int, p: Doubles, q: Doubles, theta: Doubles) -> Doubles:
    """E[exp(s u + t v); u < 0, v < 0]: the exponential's mean times the probability of a shifted quadrant."""
    first, second, sine, cosine = s * np.sqrt(p), t * np.sqrt(q), np.sin(theta), np.cos(theta)
    rest = 2.0 * np.cos(0.5 * theta) ** 2  # 1 + cos, without cancellation where it is small
    h, k = (second - first) - second * rest, (first - second) - first * rest
    with np.errstate(divide="ignore", invalid="ignore"):
        h_slope, k_slope = -second * sine / h, -first * sine / k
    if s == t == 0:
        return (pi - theta) / (2.0 * pi)
    # Owen 1956, equation 3.1, for the probability that both of a standard pair lie below h and k
    owen = owens_t(h, np.nan_to_num(h_slope)) + owens_t(k, np.nan_to_num(k_slope)) + np.where(h * k < 0.0, 0.5, 0.0)
    mean = np.exp(0.5 * (first * first + second * second) + first * second * cosine)
    lower: Doubles = mean * (0.5 * (ndtr(h) + ndtr(k)) - owen)
    return lower


def _quadrant_exponential(p: Doubles, q: Doubles, theta: Doubles) -> Doubles:
    """E[exp(v); u > 0, v < 0]."""
    quadrant: Doubles = np.exp(0.5 * q) * ndtr(-np.sqrt(q)) - _lower_exponential(0, 1, p, q, theta)
    return quadrant


def _linear_times_exponential(p: Doubles, q: Doubles, theta: Doubles) -> Doubles:
    """E[u (exp(v) - 1); u > 0, v < 0], by Stein's lemma."""
    root, sine, cosine = np.sqrt(q), np.sin(theta), np.cos(theta)
    # Given u = 0 the shifted v has the deviation -root sin; given v = 0 the shifted u is centred: probability 1/2
    edge_u = ndtr(-root * sine) * np.exp(-0.5 * (root * cosine) ** 2)
    edge_v = 0.5 * cosine * np.exp(-0.5 * q)
    exponential = np.exp(0.5 * q) * (edge_u - edge_v) / sqrt(2.0 * pi) + root * cosine * _quadrant_exponential(
        p, q, theta
    )
    product: Doubles = np.sqrt(p) * (exponential - np.sin(0.5 * theta) ** 2 / sqrt(2.0 * pi))
    return product
