"""Dual activations by their labels."""

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from initatlas.activations import activation_derivative
from initatlas.kernels.duals.base import Dual
from initatlas.kernels.duals.elu import Elu
from initatlas.kernels.duals.hermite import Hermite
from initatlas.kernels.duals.numerical import Numerical
from initatlas.kernels.duals.rectifier import Rectifier, Step
from initatlas.kernels.duals.smooth import Erf, Exponential, Gelu, Wave
from initatlas.vocabulary import ACTIVATIONS, canonical_label, parse_label

Doubles = NDArray[np.float64]


def dual_activation(activation: str) -> Dual:
    """The dual of an activation of the vocabulary.

    Parameters
    ----------
    activation
        A label of `initatlas.vocabulary.ACTIVATIONS`.

    Raises
    ------
    ValueError
        If the label is not in the vocabulary.
    """
    return _dual_of(canonical_label(activation, ACTIVATIONS))


@lru_cache(maxsize=64)
def _dual_of(label: str) -> Dual:
    """The same for a canonical label."""
    name, parameters = parse_label(label)
    match name:
        case "leaky_relu":
            return Rectifier(parameters["slope"])
        case "hermite":
            return Hermite(int(parameters["degree"]))
        case "tanh":
            return Numerical(np.tanh, lambda z: activation_derivative("tanh", z), parity=-1)
    return _CLOSED_FORMS[name]


_CLOSED_FORMS = {
    "identity": Rectifier(1.0),
    "relu": Rectifier(0.0),
    "abs": Rectifier(-1.0),
    "step": Step(),
    "exp": Exponential(),
    "sin": Wave(odd=True),
    "cos": Wave(odd=False),
    "erf": Erf(),
    "elu": Elu(),
    "gelu": Gelu(),
}


def dual(activation: str, q: ArrayLike, c: ArrayLike) -> Doubles:
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
        Of the shape that `q` and `c` broadcast to.
    """
    q = np.asarray(q, dtype=np.float64)
    return np.asarray(dual_activation(activation).product(q, q, np.arccos(np.asarray(c, dtype=np.float64))))


def dual_derivative(activation: str, q: ArrayLike, c: ArrayLike) -> Doubles:
    """E[phi'(u) phi'(v)] for centred Gaussian u and v of variance q and correlation c; parameters as in `dual`."""
    q = np.asarray(q, dtype=np.float64)
    return np.asarray(dual_activation(activation).derivative(q, q, np.arccos(np.asarray(c, dtype=np.float64))))
