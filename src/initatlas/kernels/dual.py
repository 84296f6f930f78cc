"""Dual activations: E[phi(u) phi(v)] of a centred Gaussian pair with equal variances, and the same for phi'.

Closed forms where there are some; for smooth activations without one (tanh) a quadrature. By Price's theorem the
derivative of the dual with respect to the covariance of the pair is the dual of phi'.
"""

from collections.abc import Callable
from math import ceil, pi, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from initatlas.kernels.arccosine import derivative_dual, relu_map
from initatlas.vocabulary import ACTIVATIONS, canonical_label, parse_label

Doubles = NDArray[np.float64]
Function = Callable[[Doubles], Doubles]

_REACH = 9.0  # standard deviations; the Gaussian density beyond is below 1e-18
_MAX_NODES = 2001


def dual(activation: str, q: float, c: ArrayLike) -> Doubles:
    """E[phi(u) phi(v)] for centred Gaussian u and v of variance q and correlation c.

    Parameters
    ----------
    activation
        A label of `initatlas.vocabulary.ACTIVATIONS`.
    q
        Variance, 0 or more.
    c
        Correlations in [-1, 1], any shape.

    Returns
    -------
    ndarray
        Same shape as `c`.

    Notes
    -----
    Identity: q c. Leaky ReLU: Tsuchida et al. 2018, corollary 4. erf: (2 / pi) asin(2 q c / (1 + 2 q)) (Williams
    1997, with equal variances). tanh: quadrature, right to about 1e-13 for q up to 500.
    """
    name, slope = _name_and_slope(activation)
    c = np.asarray(c, dtype=np.float64)
    if name == "leaky":
        return q * _leaky_chi(slope) * (1.0 - 2.0 * relu_map(0.5 * (1.0 - c), slope))
    if name == "erf":
        values: Doubles = (2.0 / pi) * np.arcsin(2.0 * q * c / (1.0 + 2.0 * q))
        return values
    return gaussian_product_mean(np.tanh, q, c)


def dual_derivative(activation: str, q: float, c: ArrayLike) -> Doubles:
    """E[phi'(u) phi'(v)] for centred Gaussian u and v of variance q and correlation c; parameters as in `dual`.

    Notes
    -----
    Identity: 1. Leaky ReLU: a + (1 - a)^2 (pi - t) / (2 pi), at the angle t with cos t = c.
    erf: (4 / pi) / sqrt((1 + 2 q)^2 - (2 q c)^2). tanh: quadrature.
    """
    name, slope = _name_and_slope(activation)
    c = np.asarray(c, dtype=np.float64)
    if name == "leaky":
        return _leaky_chi(slope) * derivative_dual(0.5 * (1.0 - c), slope)
    if name == "erf":
        values: Doubles = (4.0 / pi) / np.sqrt((1.0 + 2.0 * q * (1.0 - c)) * (1.0 + 2.0 * q * (1.0 + c)))
        return values
    return gaussian_product_mean(_tanh_derivative, q, c)


def gaussian_product_mean(function: Function, q: float, c: ArrayLike) -> Doubles:
    """E[f(u) f(v)] for centred Gaussian u and v of variance q and correlation c, by quadrature.

    The trapezoidal rule on a square of +-9 standard deviations. For a function that is analytic in a strip around the
    real axis, like tanh and its derivatives (half-width pi / 2), it converges geometrically, and faster than
    Gauss-Hermite nodes of the same number; its step shrinks with 1 / sqrt(q), as the strip does.

    Parameters
    ----------
    function
        Entrywise function, analytic for imaginary parts below pi / 2.
    q
        Variance, 0 or more. Above about 500 the number of nodes is capped and digits are lost.
    c
        Correlations in [-1, 1], any shape.

    Returns
    -------
    ndarray
        Same shape as `c`.
    """
    c = np.asarray(c, dtype=np.float64)
    count = min(2 * ceil(_REACH * max(4.0, 4.0 * sqrt(q))) + 1, _MAX_NODES)
    nodes = np.linspace(-_REACH, _REACH, count)
    weights = np.exp(-0.5 * nodes**2)
    weights /= weights.sum()
    first = function(sqrt(q) * nodes) * weights

    def mean(correlation: float) -> float:
        """One correlation: the inner integral runs over the part of v that is independent of u."""
        rest = sqrt(max(0.0, (1.0 - correlation) * (1.0 + correlation)))
        second = function(sqrt(q) * (correlation * nodes[:, None] + rest * nodes[None, :])) @ weights
        return float(first @ second)

    return np.array([mean(value) for value in c.ravel()]).reshape(c.shape)


def is_homogeneous(activation: str) -> bool:
    """Whether phi(t z) = t phi(z) for t > 0: identity, ReLU, leaky ReLU."""
    return _name_and_slope(activation)[0] == "leaky"


def _name_and_slope(activation: str) -> tuple[str, float]:
    """'leaky' with its slope for the homogeneous activations (slope 1 is the identity), else the name."""
    name, parameters = parse_label(canonical_label(activation, ACTIVATIONS))
    slopes = {"identity": 1.0, "relu": 0.0, "leaky_relu": parameters.get("slope", 0.0)}
    return ("leaky", slopes[name]) if name in slopes else (name, 0.0)


def _leaky_chi(slope: float) -> float:
    """E[phi'(u)^2] of the leaky ReLU."""
    return 0.5 * (1.0 + slope**2)


def _tanh_derivative(z: Doubles) -> Doubles:
    """1 / cosh(z)^2 as 1 - tanh(z)^2."""
    values: Doubles = 1.0 - np.tanh(z) ** 2
    return values
