"""Mean-field theory of deep random networks: fixed points of variance and correlation, stability, and depth scales.

Layer j + 1 has pre-activation variance q' = sigma_w^2 E[phi(sqrt(q) z)^2] + sigma_b^2 and correlation
c' = (sigma_w^2 E[phi(u) phi(v)] + sigma_b^2) / q (Poole et al. 2016, equations 3 to 5; Schoenholz et al. 2017,
sections 3 and 4). `weight_variance` is sigma_w^2, the variance of a weight times the width; `bias_variance` is
sigma_b^2.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import inf, log

import numpy as np
from scipy.optimize import brentq

from initatlas.duals.base import Dual
from initatlas.kernels.architecture import dual_of


@dataclass(frozen=True)
class FixedPoint:
    """A variance that layers leave as it is.

    Attributes
    ----------
    variance
        Of the pre-activations.
    slope
        Derivative of the variance map there: a deviation changes by this factor per layer.
    """

    variance: float
    slope: float

    @property
    def stable(self) -> bool:
        """Whether small deviations shrink."""
        return abs(self.slope) < 1.0


_LOW, _HIGH, _STEPS = 1e-8, 1e4, 241
_SCANNED = [_LOW * (_HIGH / _LOW) ** (step / (_STEPS - 1)) for step in range(_STEPS)]
_STEP = 1e-4


def variance_map(activation: str | Dual, q: float, *, weight_variance: float, bias_variance: float = 0.0) -> float:
    """Pre-activation variance of the next layer, for variance q of this one."""
    return weight_variance * float(dual_of(activation).at_correlation(q, 1.0)) + bias_variance


@lru_cache(maxsize=16)
def _mean_squares(activation: str | Dual) -> list[float]:
    """E[phi(sqrt(q) z)^2] at the variances that are scanned: the same whatever the weights and biases have."""
    return [float(dual_of(activation).at_correlation(q, 1.0)) for q in _SCANNED]


def variance_fixed_points(
    activation: str | Dual, *, weight_variance: float, bias_variance: float = 0.0
) -> list[FixedPoint]:
    """All isolated fixed points of the variance map between 1e-8 and 1e4, and 0 where it is one, in increasing order.

    Parameters
    ----------
    activation
        A label such as "tanh" or "leaky_relu(slope=0.2)", or a `Dual` of one's own.
    weight_variance, bias_variance
        sigma_w^2 and sigma_b^2.

    Notes
    -----
    Found by changes of the growth's sign on 20 points a decade. At criticality without bias every variance is a fixed point
    of a rectifier, and none is isolated: only 0 is listed, with slope 1.
    """
    variances = {"weight_variance": weight_variance, "bias_variance": bias_variance}

    def growth(q: float) -> float:
        """How much the variance grows in a layer, relative to itself."""
        return variance_map(activation, q, **variances) / q - 1.0

    with np.errstate(over="ignore"):
        squares = _mean_squares(activation)
    values = [(weight_variance * square + bias_variance) / q - 1.0 for q, square in zip(_SCANNED, squares, strict=True)]
    brackets = [
        (low, high)
        for low, high, before, after in zip(_SCANNED, _SCANNED[1:], values, values[1:], strict=False)
        if before * after < 0.0 and max(abs(before), abs(after)) > 1e-13
    ]
    roots = [float(brentq(growth, low, high, xtol=1e-15 * low, rtol=1e-14)) for low, high in brackets]
    zero = [0.0] if variance_map(activation, 0.0, **variances) == 0.0 else []
    return [FixedPoint(q, _variance_slope(activation, q, **variances)) for q in zero + roots]


def variance_fixed_point(activation: str | Dual, *, weight_variance: float, bias_variance: float = 0.0) -> float:
    """Variance q* that the layers tend to from variance 1.

    Returns
    -------
    float
        Rectifiers: bias_variance / (1 - chi) if chi < 1, else inf, with chi = weight_variance (1 + a^2) / 2 (a = 1 for the
        identity); critical without bias (chi = 1) every q stays as it is: nan.
        Others: the stable fixed point next to 1 in the direction in which 1 moves; inf where there is none.
    """
    variances = {"weight_variance": weight_variance, "bias_variance": bias_variance}
    if _is_rectifier(activation):
        slope = chi(activation, 1.0, weight_variance=weight_variance)
        if slope < 1.0:
            return bias_variance / (1.0 - slope)
        return np.nan if slope == 1.0 and bias_variance == 0.0 else inf
    points = [point.variance for point in variance_fixed_points(activation, **variances)]
    if variance_map(activation, 1.0, **variances) >= 1.0:
        return min((q for q in points if q >= 1.0 - 1e-12), default=inf)
    return max((q for q in points if q <= 1.0), default=0.0)


def _variance_slope(activation: str | Dual, q: float, *, weight_variance: float, bias_variance: float) -> float:
    """Derivative of the variance map, by a central difference (one-sided at 0)."""
    high, low = (q * (1.0 + _STEP), q * (1.0 - _STEP)) if q > 0.0 else (_LOW, 0.0)
    ends = [
        variance_map(activation, end, weight_variance=weight_variance, bias_variance=bias_variance)
        for end in (low, high)
    ]
    return (ends[1] - ends[0]) / (high - low)


def chi(activation: str | Dual, q: float, *, weight_variance: float) -> float:
    """chi_1 = sigma_w^2 E[phi'(sqrt(q) z)^2]: growth of a small difference, and of a gradient's norm, per layer.

    For homogeneous activations it is weight_variance (1 + a^2) / 2 whatever q and the bias are.
    """
    return weight_variance * float(dual_of(activation).derivative_at_correlation(q, 1.0))


def correlation_map(
    activation: str | Dual, c: float, *, q: float, weight_variance: float, bias_variance: float = 0.0
) -> float:
    """Correlation of two inputs in the next layer, for correlation c and variances at the fixed point q."""
    return (weight_variance * float(dual_of(activation).at_correlation(q, c)) + bias_variance) / q


def correlation_fixed_point(activation: str | Dual, *, weight_variance: float, bias_variance: float = 0.0) -> float:
    """Correlation c* that two different inputs tend to: 1 in the ordered phase, below 1 in the chaotic phase.

    The map is a power series in c with coefficients that are not negative, so convex on [0, 1]: where its slope at
    c = 1, chi_1, exceeds 1, there is exactly one other fixed point. Homogeneous activations have c* = 1 always (where
    q* is 0 or infinite, the bias or the signal has become negligible and the normalised map alone remains), except
    the identity without bias or with chi_1 > 1, whose limit depends on the start: nan.
    """
    if _is_rectifier(activation):
        kept = bias_variance == 0.0 or chi(activation, 1.0, weight_variance=weight_variance) > 1.0
        return np.nan if kept and _keeps_orthogonal(activation, 1.0) else 1.0
    q = variance_fixed_point(activation, weight_variance=weight_variance, bias_variance=bias_variance)
    if q == 0.0 or chi(activation, q, weight_variance=weight_variance) <= 1.0:
        return 1.0

    def growth(c: float) -> float:
        """How much the correlation grows in a layer."""
        return correlation_map(activation, c, q=q, weight_variance=weight_variance, bias_variance=bias_variance) - c

    if bias_variance == 0.0 and _keeps_orthogonal(activation, q):
        return 0.0
    gap = _last_positive(lambda d: -growth(1.0 - d), 1.0)
    return float(brentq(growth, 0.0, 1.0 - gap, xtol=1e-15, rtol=1e-14)) if gap > 0.0 else 1.0


def correlation_depth(activation: str | Dual, *, weight_variance: float, bias_variance: float = 0.0) -> float:
    """Depth scale xi_c of the correlation: |c_j - c*| falls as exp(-j / xi_c) (Schoenholz et al. 2017, equation 9).

    Returns
    -------
    float
        -1 / log of the correlation map's slope at c*, in layers; inf at criticality, where the decay is polynomial.
        For homogeneous activations that is chi >= 1, or no bias at all: then the normalised map, with slope 1, rules
        whatever the weight variance is.
    """
    if _is_rectifier(activation):
        slope = chi(activation, 1.0, weight_variance=weight_variance) if bias_variance > 0.0 else 1.0
    else:
        q = variance_fixed_point(activation, weight_variance=weight_variance, bias_variance=bias_variance)
        c = correlation_fixed_point(activation, weight_variance=weight_variance, bias_variance=bias_variance)
        slope = weight_variance * float(dual_of(activation).derivative_at_correlation(q, c))
    return -1.0 / log(slope) if 0.0 < slope < 1.0 else (0.0 if slope == 0.0 else inf)


def depth_scale(activation: str | Dual, *, weight_variance: float, bias_variance: float = 0.0) -> float:
    """Depth scale 1 / |log chi_1| over which gradients vanish or explode; inf at criticality.

    For homogeneous activations without bias it is also the scale on which squared signal norms do.
    """
    q = 1.0
    if not _is_rectifier(activation):
        q = variance_fixed_point(activation, weight_variance=weight_variance, bias_variance=bias_variance)
    slope = chi(activation, q, weight_variance=weight_variance)
    if slope == 0.0:
        return 0.0
    return inf if slope == 1.0 else 1.0 / abs(log(slope))


def critical_variances(activation: str | Dual, q: float) -> tuple[float, float]:
    """Weight and bias variance at which q is a fixed point and chi is 1: the edge of chaos (Schoenholz et al. 2017).

    Parameters
    ----------
    activation
        A label, or a `Dual`, whose derivative has a dual.
    q
        Pre-activation variance, above 0.

    Returns
    -------
    weight_variance, bias_variance : float
        The bias variance is negative where no network is critical at this variance.
    """
    weight_variance = 1.0 / float(dual_of(activation).derivative_at_correlation(q, 1.0))
    return weight_variance, q - weight_variance * float(dual_of(activation).at_correlation(q, 1.0))


def critical_weight_variance(activation: str | Dual, *, bias_variance: float = 0.0) -> float:
    """Weight variance on the edge of chaos for a bias variance.

    Returns
    -------
    float
        Rectifiers without bias: the norm-preserving variance. Others: from the variance at which `critical_variances` gives
        this bias, the smallest one; for odd activations without bias the limit of q to 0, 1 / phi'(0)^2.

    Raises
    ------
    ValueError
        If no network with this bias is critical, or the activation has no chi (step).
    """
    if not dual_of(activation).differentiable:
        raise ValueError(f"{activation!r} has no critical variance: the dual of its derivative is infinite")
    if _is_rectifier(activation):
        if bias_variance == 0.0:
            return critical_variances(activation, 1.0)[0]
        raise ValueError(
            f"{activation!r} with a bias variance of {bias_variance:g} is nowhere critical: take bias_variance 0"
        )
    points = [1e-8 * 10.0 ** (step / 20) for step in range(241)]

    def excess(q: float) -> float:
        """Bias variance at q, less the one asked for."""
        return critical_variances(activation, q)[1] - bias_variance

    with np.errstate(over="ignore", invalid="ignore"):
        values = [excess(q) for q in points]
    if abs(values[0]) < 1e-12:  # already there as q tends to 0
        return critical_variances(activation, points[0])[0]
    for low, high, before, after in zip(points, points[1:], values, values[1:], strict=False):
        if before * after <= 0.0:
            return critical_variances(activation, float(brentq(excess, low, high, xtol=1e-15, rtol=1e-13)))[0]
    raise ValueError(
        f"{activation!r} with a bias variance of {bias_variance:g} is nowhere critical up to a variance of 1e4"
    )


def _is_rectifier(activation: str | Dual) -> bool:
    """Whether phi(t z) = t phi(z) for t > 0."""
    return dual_of(activation).degree == 1


def _keeps_orthogonal(activation: str | Dual, q: float) -> bool:
    """Whether orthogonal inputs stay orthogonal without a bias: E[phi] = 0, as for odd activations, up to rounding."""
    return float(dual_of(activation).at_correlation(q, 0.0)) <= 1e-13 * float(
        dual_of(activation).at_correlation(q, 1.0)
    )


def _last_positive(function: Callable[[float], float], start: float) -> float:
    """Largest start / 2^k, k >= 1, where the function is positive; 0 if there is none above 1e-13 start."""
    point = 0.5 * start
    while point > 1e-13 * start:
        if function(point) > 0.0:
            return point
        point *= 0.5
    return 0.0
