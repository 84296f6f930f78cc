"""Layers of infinitely wide networks with means of weights and residual connections, for pairs of inputs of equal norm.

A pre-activation is Gaussian with mean m and variance q, equal for both inputs of a pair, whose correlation is c. Where the mean
is 0, E[phi(u) phi(v)] is the activation's dual. Elsewhere it is the sum of a_n^2 c^n over the Hermite coefficients a_n of
z -> phi(m + sqrt(q) z). Networks without either are in `initatlas.kernels.recursion`, with all digits of small angles.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from math import isfinite, pi

import numpy as np

from initatlas.activations.base import Activation, activation_of
from initatlas.arrays import Doubles
from initatlas.duals.quadrature import gaussian_mean, hermite_coefficients

_DEGREE = 600


@dataclass(frozen=True)
class WideLayer:
    """The signals of one layer in the limit.

    Attributes
    ----------
    cosine
        Cosine of the angle between the signals, shape (k,).
    mean_square
        Mean square of a signal.
    """

    cosine: Doubles
    mean_square: float


def shifted_products(phi: Activation, correlation: Doubles, *, mean: float, variance: float) -> Doubles:
    """E[phi(u) phi(v)] for Gaussian u and v of a mean, a variance and some correlations, shape (k,).

    What 600 Hermite coefficients leave out, all of it positive, is laid on the next term: exact at correlation 1, and below 1e-5
    of the mean square elsewhere for a kink.
    """
    squares = hermite_coefficients(phi.phi, _DEGREE, mean=mean, variance=variance) ** 2
    left = max(gaussian_mean(lambda z: phi.phi(z) ** 2, variance, mean=mean) - float(squares.sum()), 0.0)
    series = np.polynomial.polynomial.polyval(correlation, np.concatenate([squares, [left]]))
    return np.asarray(series, dtype=np.float64)


@dataclass(frozen=True)
class _Arguments:
    """Gaussian arguments of an activation: mean, variance and correlation."""

    mean: float
    variance: float
    correlation: Doubles


def wide_layers(
    angles: Doubles,
    *,
    activation: str,
    weight_variance: float,
    weight_mean: float = 0.0,
    bias_variance: float = 0.0,
    residual: bool = False,
    input_variance: float = 1.0,
) -> Iterator[WideLayer]:
    """Signals of the infinitely wide network of `initatlas.networks.forward.RandomNetwork`, layer by layer without end.

    Parameters
    ----------
    angles
        Shape (k,), radians: angles of pairs of inputs of equal norm.
    activation, weight_variance, weight_mean, bias_variance, residual
        As in `RandomNetwork`.
    input_variance
        |x|^2 / n, with the n of the first layer: what the weight variance is multiplied with there. The mean of the
        weights does not act in the first layer: inputs in random directions have no common mean.

    Yields
    ------
    WideLayer
        Of layer 1, 2, ...

    Raises
    ------
    ValueError
        If a mean square overflows, naming the layer.
    """
    phi = activation_of(activation)
    scale = weight_variance * input_variance + bias_variance
    start = (weight_variance * input_variance * np.cos(angles) + bias_variance) / scale
    now = _Arguments(0.0, scale, start)
    for layer in count(1):
        with np.errstate(over="ignore", invalid="ignore"):
            products, mean_square = _second_moments(phi, now)
        if not (isfinite(mean_square) and np.isfinite(products).all()):
            raise ValueError(
                f"layer {layer}: the mean square of the signals overflows (pre-activations of variance {now.variance:.3g}, "
                f"weight_variance {weight_variance:.3g}); take smaller variances or inputs, or fewer layers"
            )
        yield _stream(now) if residual else WideLayer(products / mean_square, mean_square)
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is refused in the next layer
            branch = _Arguments(
                weight_mean * gaussian_mean(phi.phi, now.variance, mean=now.mean) if weight_mean else 0.0,
                weight_variance * mean_square + bias_variance,
                (weight_variance * products + bias_variance) / (weight_variance * mean_square + bias_variance),
            )
        now = _added(now, branch) if residual else branch


def _second_moments(phi: Activation, arguments: _Arguments) -> tuple[Doubles, float]:
    """E[phi(u) phi(v)] and E[phi(u)^2]."""
    mean, variance, correlation = arguments.mean, arguments.variance, arguments.correlation
    if mean:
        products = shifted_products(phi, np.append(correlation, 1.0), mean=mean, variance=variance)
        return products[:-1], float(products[-1])
    # Rounding may take a correlation of equal inputs beyond 1
    products = phi.dual.at_correlation(variance, np.clip(correlation, -1.0, 1.0))
    return products, float(phi.dual.moment(np.asarray(variance)))


def _stream(arguments: _Arguments) -> WideLayer:
    """The signals of a residual network are the pre-activations themselves."""
    square = arguments.mean**2 + arguments.variance
    return WideLayer((arguments.mean**2 + arguments.variance * arguments.correlation) / square, square)


def _added(stream: _Arguments, branch: _Arguments) -> _Arguments:
    """Sum of independent Gaussian arguments."""
    variance = stream.variance + branch.variance
    shared = stream.variance * stream.correlation + branch.variance * branch.correlation
    return replace(branch, mean=stream.mean + branch.mean, variance=variance, correlation=shared / variance)


def cosine_sampling_variance(angles: Doubles, slope: float) -> Doubles:
    """Width times the variance of the cosine behind one layer of finitely many rectifiers with Gaussian weights.

    By the delta method: n Var(cosine) = E[(s(u) s(v) - c (s(u)^2 + s(v)^2) / 2)^2] / E[s(u)^2]^2 for the activation s, its
    kernel c and Gaussian arguments u, v at the angle. All factors are homogeneous, so that the radius of (u, v) gives
    E[r^4] = 8 and the rest is a mean over a circle. Weights with a random scale t per neuron have this times
    E[t^4] / E[t^2]^2, if that exists.

    Parameters
    ----------
    angles
        Shape (k,), radians.
    slope
        Slope of the leaky ReLU; 0 is the ReLU.

    Returns
    -------
    ndarray, shape (k,)
    """
    circle = (np.arange(4096) + 0.5) * (2.0 * pi / 4096)

    def rectified(z: Doubles) -> Doubles:
        """Leaky ReLU."""
        return np.maximum(z, slope * z)

    first = rectified(np.cos(circle))[None, :]
    second = rectified(np.cos(circle[None, :] - angles[:, None]))
    mean_square = 0.5 * (1.0 + slope**2)
    cosine = 2.0 * np.mean(first * second, axis=1, keepdims=True) / mean_square
    residue = first * second - 0.5 * cosine * (first**2 + second**2)
    variance: Doubles = 8.0 * np.mean(residue**2, axis=1) / mean_square**2
    return variance
