"""The infinitely wide limit of a random network, for any activation, with biases, means of weights and residual connections.

A pre-activation is Gaussian with mean m and variance q, equal for both inputs of a pair, whose correlation is c. An activation
phi enters by the Hermite coefficients a_n of z -> phi(m + sqrt(q) z): the covariance of phi(u) and phi(v) is the sum over
n >= 1 of a_n^2 c^n, and their mean is a_0. The rectifiers without any of these have the closed recursion of
`initatlas.kernels.recursion`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import pi, sqrt

import numpy as np
from numpy.typing import NDArray

from initatlas.activations import activation_of

Doubles = NDArray[np.float64]

_DEGREE = 600
_REACH = 14.0  # standard deviations; beyond, the density times any Hermite function of the series is below 1e-20
_NODES = 400  # per half; the fastest Hermite function has some 50 periods there


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


def hermite_coefficients(activation: str, *, mean: float, variance: float) -> tuple[Doubles, float]:
    """Coefficients of z -> phi(mean + sqrt(variance) z) in the normalised Hermite polynomials.

    Parameters
    ----------
    activation
        A label of `initatlas.activations.ACTIVATIONS`.
    mean, variance
        Of the argument of phi.

    Returns
    -------
    coefficients : ndarray, shape (601,)
        a_n = E[phi(mean + sqrt(variance) Z) h_n(Z)] for a standard normal Z.
    mean_square : float
        E[phi^2], to which the squares of all a_n sum up. The kink of a rectifier leaves a tail of a_n^2 ~ n^(-5/2).
    """
    # Our activations are smooth but for a kink or step at 0; Gauss-Legendre on both sides of it.
    kink = min(max(-mean / sqrt(variance), -_REACH), _REACH) if variance > 0.0 else 0.0
    nodes, weights = _two_panels(kink)
    values = activation_of(activation).phi(mean + sqrt(variance) * nodes)
    density = weights * np.exp(-0.5 * nodes**2) / sqrt(2.0 * pi)
    weighted = values * density
    coefficients = np.empty(_DEGREE + 1)
    before, now = np.zeros_like(nodes), np.ones_like(nodes)
    for degree in range(_DEGREE + 1):
        coefficients[degree] = weighted @ now
        before, now = now, (nodes * now - sqrt(degree) * before) / sqrt(degree + 1)
    return coefficients, float(weighted @ values)


def _two_panels(kink: float) -> tuple[Doubles, Doubles]:
    """Gauss-Legendre nodes and weights on both sides of `kink`, out to the reach."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    panels = [(-_REACH, kink), (kink, _REACH)]
    halves = [(0.5 * (high - low), 0.5 * (high + low)) for low, high in panels]
    return (
        np.concatenate([half * nodes + middle for half, middle in halves]),
        np.concatenate([half * weights for half, _ in halves]),
    )


def covariance(coefficients: Doubles, mean_square: float, correlation: Doubles) -> Doubles:
    """Covariance of phi(u) and phi(v) for a correlation of u and v, shape (k,).

    What the series leaves out, all of it positive, is laid on its next term: exact at correlation 1, and below 1e-5 of the
    mean square elsewhere for a kink.
    """
    squares = coefficients**2
    left = max(mean_square - float(squares.sum()), 0.0)
    series = np.polynomial.polynomial.polyval(correlation, np.concatenate([[0.0], squares[1:], [left]]))
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
    """
    scale = weight_variance * input_variance + bias_variance
    start = (weight_variance * input_variance * np.cos(angles) + bias_variance) / scale
    now = _Arguments(0.0, scale, start)
    while True:
        coefficients, mean_square = hermite_coefficients(activation, mean=now.mean, variance=now.variance)
        products = covariance(coefficients, mean_square, now.correlation) + coefficients[0] ** 2
        yield _stream(now) if residual else WideLayer(products / mean_square, mean_square)
        branch = _Arguments(
            weight_mean * float(coefficients[0]),
            weight_variance * mean_square + bias_variance,
            (weight_variance * products + bias_variance) / (weight_variance * mean_square + bias_variance),
        )
        now = _added(now, branch) if residual else branch


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
