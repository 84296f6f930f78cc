"""Activations and their derivatives, entrywise, in single or double precision.

An activation is named by a label of `initatlas.vocabulary.ACTIVATIONS`. None is normalised: the variance that keeps a
signal's norm is the business of the weights.
"""

from collections.abc import Callable
from math import factorial, pi, sqrt
from typing import Any

import numpy as np
from numpy.polynomial import hermite_e
from numpy.typing import NDArray
from scipy.special import erf, ndtr

from initatlas.vocabulary import ACTIVATIONS, canonical_label, parse_label

Floats = NDArray[Any]
Function = Callable[..., Floats]


def activate(label: str, z: Floats) -> Floats:
    """Apply an activation entrywise.

    Parameters
    ----------
    label
        A label of `initatlas.vocabulary.ACTIVATIONS`.
    z
        Pre-activations, any shape, float32 or float64.

    Returns
    -------
    ndarray
        Same shape and precision as `z`.

    Raises
    ------
    ValueError
        If the label is not in the vocabulary.
    """
    name, parameters = parse_label(canonical_label(label, ACTIVATIONS))
    return _FUNCTIONS[name](z, **parameters)


def activation_derivative(label: str, z: Floats) -> Floats:
    """Apply the derivative of an activation entrywise, where it has one; parameters as in `activate`.

    At the kink of a rectifier the value is the one from the left. The derivative of the step is zero: its Dirac pulse
    is left out.
    """
    name, parameters = parse_label(canonical_label(label, ACTIVATIONS))
    return _DERIVATIVES[name](z, **parameters)


def _leaky_relu(z: Floats, slope: float) -> Floats:
    """The larger one of z and slope z."""
    result: Floats = np.maximum(z, z.dtype.type(slope) * z)
    return result


def _slopes(z: Floats, slope: float) -> Floats:
    """Slope of a leaky rectifier: 1 where z is positive."""
    slopes: Floats = np.where(z > 0, z.dtype.type(1.0), z.dtype.type(slope))
    return slopes


def _elu(z: Floats) -> Floats:
    """The argument itself where positive, exp(z) - 1 elsewhere."""
    return np.where(z > 0, z, np.expm1(np.minimum(z, 0)))


def _gelu(z: Floats) -> Floats:
    """Compute z Phi(z), with the exact normal distribution function."""
    result: Floats = z * ndtr(z)
    return result


def _gelu_derivative(z: Floats) -> Floats:
    """Compute Phi(z) + z times the normal density."""
    result: Floats = ndtr(z) + z * np.exp(-0.5 * z * z) / z.dtype.type(sqrt(2.0 * pi))
    return result


def _hermite(z: Floats, degree: float) -> Floats:
    """Hermite polynomial with E[h_k(Z)^2] = 1 for a standard normal Z."""
    coefficients = np.zeros(int(degree) + 1, dtype=z.dtype)
    coefficients[-1] = 1.0 / sqrt(factorial(int(degree)))
    result: Floats = hermite_e.hermeval(z, coefficients)
    return result


def _hermite_derivative(z: Floats, degree: float) -> Floats:
    """Compute h_k' = sqrt(k) h_(k-1)."""
    return z.dtype.type(sqrt(degree)) * _hermite(z, degree - 1.0) if degree else np.zeros_like(z)


def _erf_derivative(z: Floats) -> Floats:
    """Compute 2 exp(-z^2) / sqrt(pi)."""
    result: Floats = z.dtype.type(2.0 / sqrt(pi)) * np.exp(-z * z)
    return result


_FUNCTIONS: dict[str, Function] = {
    "identity": lambda z: z,
    "relu": lambda z: np.maximum(z, 0),
    "leaky_relu": _leaky_relu,
    "abs": np.abs,
    "step": lambda z: (z > 0).astype(z.dtype),
    "exp": np.exp,
    "sin": np.sin,
    "cos": np.cos,
    "erf": erf,
    "tanh": np.tanh,
    "elu": _elu,
    "gelu": _gelu,
    "hermite": _hermite,
}

_DERIVATIVES: dict[str, Function] = {
    "identity": np.ones_like,
    "relu": lambda z: _slopes(z, 0.0),
    "leaky_relu": _slopes,
    "abs": lambda z: _slopes(z, -1.0),
    "step": np.zeros_like,
    "exp": np.exp,
    "sin": np.cos,
    "cos": lambda z: -np.sin(z),
    "erf": _erf_derivative,
    "tanh": lambda z: 1.0 - np.tanh(z) ** 2,
    "elu": lambda z: np.exp(np.minimum(z, 0)),
    "gelu": _gelu_derivative,
    "hermite": _hermite_derivative,
}
