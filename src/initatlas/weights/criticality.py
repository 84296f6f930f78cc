"""Weight variances that preserve the norm of a signal from layer to layer."""

from math import pi, sqrt

import numpy as np
from scipy.optimize import brentq

from initatlas.activations import activate
from initatlas.errors import UserError
from initatlas.vocabulary import ACTIVATIONS, canonical_label, parse_label

_WIDEST = 1e4


def norm_preserving_variance(activation: str, *, rms: float | None = None) -> float:
    """Variance of a weight times the number of neurons at which a layer preserves the norm of its input.

    Parameters
    ----------
    activation
        A label of `initatlas.vocabulary.ACTIVATIONS`.
    rms
        Root mean square of the signals. Where the activation is homogeneous (identity, relu, leaky_relu, abs) it does not
        matter; elsewhere it does and has to be given.

    Returns
    -------
    float
        n E[W^2] =: v. Homogeneous: 1 for the identity, 2 for the ReLU, 2 / (1 + a^2) for the leaky ReLU with slope a. Else
        the root of E[phi(sqrt(v) rms Z)^2] = rms^2 for a standard normal Z. Here n is the number of neurons of the layer
        (its fan-out), not the number of inputs.

    Raises
    ------
    UserError
        If no variance does it: for every norm, if none is given, or for the given one.
    ValueError
        If the label is not in the vocabulary.

    References
    ----------
    Tsuchida et al. 2018, corollary 10 and equation 10; Tsuchida et al. 2021 (arXiv 2002.08517) for ELU and GELU.
    """
    name, parameters = parse_label(canonical_label(activation, ACTIVATIONS))
    slopes = {"identity": 1.0, "abs": -1.0, "relu": 0.0, "leaky_relu": parameters.get("slope", 0.0)}
    if name in slopes:
        return float(2.0 / (1.0 + slopes[name] ** 2))
    if rms is None:
        raise UserError(
            f"activation {activation!r}: the norm-preserving variance depends on the norm of the input; "
            "give the weight variance as a number"
        )
    return _root(activation, rms)


def _root(activation: str, rms: float) -> float:
    """The variance at which signals of this root mean square keep it."""

    def growth(variance: float) -> float:
        """Relative change of the mean square."""
        return _mean_square(activation, variance * rms**2) / rms**2 - 1.0

    low, high = 1e-4, 1e-4
    while growth(high) < 0.0:
        low, high = high, 2.0 * high
        if high > _WIDEST:
            raise UserError(
                f"activation {activation!r}: no weight variance keeps signals of root mean square {rms:g}; "
                "take smaller inputs, or give the weight variance as a number"
            )
    return high if low == high else float(brentq(growth, low, high, xtol=1e-14, rtol=1e-13))


def _mean_square(activation: str, variance: float) -> float:
    """E[phi(sqrt(variance) Z)^2], by Gauss-Legendre on both sides of a kink at zero."""
    nodes, weights = np.polynomial.legendre.leggauss(200)
    half = 6.0 * (nodes + 1.0)
    density = 6.0 * weights * np.exp(-0.5 * half**2) / sqrt(2.0 * pi)
    squares = activate(activation, sqrt(variance) * half) ** 2 + activate(activation, -sqrt(variance) * half) ** 2
    return float(density @ squares)
