"""Mean-field theory of deep random networks: fixed points of variance and correlation, and depth scales.

Layer j + 1 has pre-activation variance q' = sigma_w^2 E[phi(sqrt(q) z)^2] + sigma_b^2 and correlation
c' = (sigma_w^2 E[phi(u) phi(v)] + sigma_b^2) / q (Poole et al. 2016, equations 3 to 5; Schoenholz et al. 2017,
sections 3 and 4). `weight_variance` is sigma_w^2, the variance of a weight times the width; `bias_variance` is
sigma_b^2.
"""

from collections.abc import Callable
from math import inf, log

import numpy as np
from scipy.optimize import brentq

from initatlas.kernels.dual import dual, dual_derivative, is_homogeneous


def variance_map(activation: str, q: float, *, weight_variance: float, bias_variance: float = 0.0) -> float:
    """Pre-activation variance of the next layer, for variance q of this one."""
    return weight_variance * float(dual(activation, q, 1.0)) + bias_variance


def variance_fixed_point(activation: str, *, weight_variance: float, bias_variance: float = 0.0) -> float:
    """Variance q* that the layers tend to from any positive start.

    Returns
    -------
    float
        Homogeneous activations: bias_variance / (1 - chi) if chi < 1, else inf, with chi =
        weight_variance (1 + a^2) / 2 (a = 1 for the identity).
        Critical without bias (chi = 1) every q stays as it is: nan.
        erf, tanh: the positive fixed point, or 0 where there is none.
    """
    if is_homogeneous(activation):
        slope = chi(activation, 1.0, weight_variance=weight_variance)
        if slope < 1.0:
            return bias_variance / (1.0 - slope)
        return np.nan if slope == 1.0 and bias_variance == 0.0 else inf

    def growth(q: float) -> float:
        """How much the variance grows in a layer."""
        return variance_map(activation, q, weight_variance=weight_variance, bias_variance=bias_variance) - q

    # |phi| <= 1, so the map stays below `high`; it is concave with a value of bias_variance at 0, so that growth
    # changes its sign once.
    high = weight_variance + bias_variance
    low = _last_positive(growth, high)
    return float(brentq(growth, low, high, xtol=1e-15 * high, rtol=1e-14)) if low > 0.0 else 0.0


def chi(activation: str, q: float, *, weight_variance: float) -> float:
    """chi_1 = sigma_w^2 E[phi'(sqrt(q) z)^2]: growth of a small difference, and of a gradient's norm, per layer.

    For homogeneous activations it is weight_variance (1 + a^2) / 2 whatever q and the bias are.
    """
    return weight_variance * float(dual_derivative(activation, q, 1.0))


def correlation_map(
    activation: str, c: float, *, q: float, weight_variance: float, bias_variance: float = 0.0
) -> float:
    """Correlation of two inputs in the next layer, for correlation c and variances at the fixed point q."""
    return (weight_variance * float(dual(activation, q, c)) + bias_variance) / q


def correlation_fixed_point(activation: str, *, weight_variance: float, bias_variance: float = 0.0) -> float:
    """Correlation c* that two different inputs tend to: 1 in the ordered phase, below 1 in the chaotic phase.

    The map is a power series in c with coefficients that are not negative, so convex on [0, 1]: where its slope at
    c = 1, chi_1, exceeds 1, there is exactly one other fixed point. Homogeneous activations have c* = 1 always (where
    q* is 0 or infinite, the bias or the signal has become negligible and the normalised map alone remains), except
    the identity without bias or with chi_1 > 1, whose limit depends on the start: nan.
    """
    if is_homogeneous(activation):
        kept = bias_variance == 0.0 or chi(activation, 1.0, weight_variance=weight_variance) > 1.0
        return np.nan if kept and activation.strip() == "identity" else 1.0
    q = variance_fixed_point(activation, weight_variance=weight_variance, bias_variance=bias_variance)
    if q == 0.0 or chi(activation, q, weight_variance=weight_variance) <= 1.0:
        return 1.0

    def growth(c: float) -> float:
        """How much the correlation grows in a layer."""
        return correlation_map(activation, c, q=q, weight_variance=weight_variance, bias_variance=bias_variance) - c

    if growth(0.0) <= 0.0:
        return 0.0  # odd activations without bias: orthogonal inputs stay orthogonal
    gap = _last_positive(lambda d: -growth(1.0 - d), 1.0)
    return float(brentq(growth, 0.0, 1.0 - gap, xtol=1e-15, rtol=1e-14)) if gap > 0.0 else 1.0


def correlation_depth(activation: str, *, weight_variance: float, bias_variance: float = 0.0) -> float:
    """Depth scale xi_c of the correlation: |c_j - c*| falls as exp(-j / xi_c) (Schoenholz et al. 2017, equation 9).

    Returns
    -------
    float
        -1 / log of the correlation map's slope at c*, in layers; inf at criticality, where the decay is polynomial.
        For homogeneous activations that is chi >= 1, or no bias at all: then the normalised map, with slope 1, rules
        whatever the weight variance is.
    """
    if is_homogeneous(activation):
        slope = chi(activation, 1.0, weight_variance=weight_variance) if bias_variance > 0.0 else 1.0
    else:
        q = variance_fixed_point(activation, weight_variance=weight_variance, bias_variance=bias_variance)
        c = correlation_fixed_point(activation, weight_variance=weight_variance, bias_variance=bias_variance)
        slope = weight_variance * float(dual_derivative(activation, q, c))
    return -1.0 / log(slope) if 0.0 < slope < 1.0 else (0.0 if slope == 0.0 else inf)


def depth_scale(activation: str, *, weight_variance: float, bias_variance: float = 0.0) -> float:
    """Depth scale 1 / |log chi_1| over which gradients vanish or explode; inf at criticality.

    For homogeneous activations without bias it is also the scale on which squared signal norms do.
    """
    q = 1.0
    if not is_homogeneous(activation):
        q = variance_fixed_point(activation, weight_variance=weight_variance, bias_variance=bias_variance)
    slope = chi(activation, q, weight_variance=weight_variance)
    if slope == 0.0:
        return 0.0
    return inf if slope == 1.0 else 1.0 / abs(log(slope))


def _last_positive(function: Callable[[float], float], start: float) -> float:
    """Largest start / 2^k, k >= 1, where the function is positive; 0 if there is none above 1e-13 start."""
    point = 0.5 * start
    while point > 1e-13 * start:
        if function(point) > 0.0:
            return point
        point *= 0.5
    return 0.0
