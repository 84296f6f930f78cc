"""Duals of the rectifiers, and of the step that is the derivative of one: arc-cosine kernels (Cho and Saul 2009)."""

from math import factorial, pi

import numpy as np

from initatlas.arrays import Doubles
from initatlas.duals.base import Dual

# sin t - t cos t = t^3 sum_k (-1)^k (2k + 2) t^(2k) / (2k + 3)!; below t = 1 these terms reach double precision.
_DEFECT_SERIES = tuple((-1) ** k * (2 * k + 2) / factorial(2 * k + 3) for k in range(10))


class Rectifier(Dual):
    """max(z, a z) for a slope a in [-1, 1]: ReLU (0), leaky ReLU, identity (1), absolute value (-1).

    E[phi phi] = sqrt(p q) (a cos t + (1 - a)^2 (sin t + (pi - t) cos t) / (2 pi)), E[phi' phi'] = a + (1 - a)^2
    (pi - t) / (2 pi) (Cho and Saul 2009, with n = 1; Tsuchida et al. 2018, corollary 4). sin t + (pi - t) cos t is
    sin s - s cos s at s = pi - t.
    """

    degree = 1
    closed_gap = True

    def __init__(self, slope: float) -> None:
        self.slope = slope
        self.parity = {1.0: -1, -1.0: 1}.get(slope, 0)

    def product(self, p: Doubles, q: Doubles, theta: Doubles) -> Doubles:
        """See `Dual.product`."""
        bent = (1.0 - self.slope) ** 2 / (2.0 * pi) * sine_defect(pi - theta)
        product: Doubles = np.sqrt(p) * np.sqrt(q) * (self.slope * np.cos(theta) + bent)
        return product

    def derivative(self, p: Doubles, q: Doubles, theta: Doubles) -> Doubles:
        """See `Dual.derivative`."""
        derivative: Doubles = self.slope + (1.0 - self.slope) ** 2 / (2.0 * pi) * (pi - theta)
        return derivative

    def gap(self, p: Doubles, q: Doubles, theta: Doubles) -> Doubles:
        """See `Dual.gap`."""
        if self.parity == 1:
            theta = np.minimum(theta, pi - theta)
        straight = (1.0 + self.slope**2) * np.sin(0.5 * theta) ** 2
        gap: Doubles = (1.0 - self.slope) ** 2 / (2.0 * pi) * sine_defect(theta)
        return np.sqrt(p) * np.sqrt(q) * (straight - gap)

    def mismatch(self, p: Doubles, q: Doubles, *, weight_variance: float, bias_variance: float) -> Doubles:
        """See `Dual.mismatch`; exact: with m = a E[phi^2] / q it is m b (sqrt p - sqrt q)^2 / (norms (norms + m r + b))."""
        m = weight_variance * 0.5 * (1.0 + self.slope**2)
        norms = np.sqrt(m * p + bias_variance) * np.sqrt(m * q + bias_variance)
        root = np.sqrt(p) * np.sqrt(q)
        share = m * bias_variance * (np.sqrt(p) - np.sqrt(q)) ** 2
        with np.errstate(divide="ignore", invalid="ignore"):
            mismatch = share / norms / (norms + m * root + bias_variance)
        return np.where(norms == 0.0, 0.0, mismatch)


class Step(Dual):
    """1 where z is positive: E = (pi - t) / (2 pi) (Cho and Saul 2009, n = 0). Its derivative is no function."""

    degree = 0
    closed_gap = True
    differentiable = False

    def product(self, p: Doubles, q: Doubles, theta: Doubles) -> Doubles:
        """See `Dual.product`; a variance of zero counts as a signal that is never positive."""
        return np.where((np.asarray(p) > 0.0) & (np.asarray(q) > 0.0), (pi - theta) / (2.0 * pi), 0.0)

    def gap(self, p: Doubles, q: Doubles, theta: Doubles) -> Doubles:
        """See `Dual.gap`."""
        return np.where((np.asarray(p) > 0.0) & (np.asarray(q) > 0.0), theta / (2.0 * pi), 0.0)

    def derivative(self, p: Doubles, q: Doubles, theta: Doubles) -> Doubles:
        """E[delta(u) delta(v)] = 1 / (2 pi sqrt(p q) sin t), infinite for equal directions."""
        with np.errstate(divide="ignore"):
            derivative: Doubles = 1.0 / (2.0 * pi * np.sqrt(p) * np.sqrt(q) * np.sin(theta))
        return derivative


def sine_defect(t: Doubles) -> Doubles:
    """Difference sin t - t cos t on [0, pi]; by its series below 1, where the difference cancels."""
    square = np.minimum(t, 1.0) ** 2
    series: Doubles = np.full_like(square, _DEFECT_SERIES[-1])
    for coefficient in _DEFECT_SERIES[-2::-1]:
        series = series * square + coefficient
    return np.where(t < 1.0, t**3 * series, np.sin(t) - t * np.cos(t))
