"""Formulas as the paper prints them, where that differs from what they have to be; and the right ones."""

from math import cos, e, erfc, exp, pi, sin, sqrt

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]


def normalised_kernel(cosine: Doubles, slope: float) -> Doubles:
    """Corollary 4, normalised: the cosine behind one layer of leaky ReLU."""
    angle = np.arccos(np.clip(cosine, -1.0, 1.0))
    curve: Doubles = (1.0 - slope) ** 2 / pi * (np.sin(angle) + (pi - angle) * np.cos(angle)) + 2.0 * slope * cosine
    return curve / (1.0 + slope**2)


def printed_composition(angle: float, layers: int, slope: float) -> float:
    """Section 6.1 as printed: the last term keeps the angle theta_0 of the inputs (radians) in every layer.

    Returns
    -------
    float
        "cos theta_j"; nan once it leaves [-1, 1] and has no angle.
    """
    cosine = cos(angle)
    for _ in range(layers):
        if abs(cosine) > 1.0:
            return float("nan")
        theta = float(np.arccos(cosine))
        curved = (1.0 - slope) ** 2 / pi * (sin(theta) + (pi - theta) * cos(theta))
        cosine = (curved + 2.0 * slope * cos(angle)) / (1.0 + slope**2)
    return cosine


def opposite_cosine(strength: float) -> float:
    """T(-1) for a map T of cosines with T(1) = 1 and T'(z) = 1 - strength arccos(z) / pi.

    The integral of arccos over [-1, 1] is pi.
    """
    return -1.0 + strength


def printed_strength(slope: float) -> float:
    """Factor of arccos(z) / pi in T'(z) as printed in the proof of corollary 8."""
    return ((1.0 - slope) / (1.0 + slope)) ** 2


def right_strength(slope: float) -> float:
    """Factor of arccos(z) / pi in T'(z): the derivative of corollary 4."""
    return (1.0 - slope) ** 2 / (1.0 + slope**2)


def opposite_cosine_of_supplement(slope: float, *, as_printed: bool) -> float:
    """Cosine behind one layer for opposite inputs, by the four integrals of the supplement's proof of corollary 4.

    The last integrand has Theta(w.x) twice in print; it has to be Theta(w.x) Theta(w.y), which is 0 for opposite inputs.
    """
    mixed = 2.0 * slope * (1.0 - slope) * -0.5
    last = (1.0 - slope) ** 2 * (-0.5 if as_printed else 0.0)
    return (-(slope**2) + mixed + last) / (0.5 * (1.0 + slope**2))


def elu_right_angle(*, as_printed: bool) -> float:
    """Normalised ELU kernel at a right angle and variance one, by the four terms of corollary 14.

    The fourth term is a sum in print, Theta(-Z1)(e^Z1 - 1) + Theta(-Z2)(e^Z2 - 1); it has to be their product.
    """
    upper = 1.0 / sqrt(2.0 * pi)
    lower = sqrt(e) * _phi(-1.0) - 0.5
    fourth = 2.0 * lower if as_printed else lower**2
    mean_square = 0.5 + exp(2.0) * _phi(-2.0) - 2.0 * sqrt(e) * _phi(-1.0) + 0.5
    return (upper**2 + 2.0 * upper * lower + fourth) / mean_square


def _phi(z: float) -> float:
    """Normal distribution function."""
    return 0.5 * erfc(-z / sqrt(2.0))


def rate_constant(slope: float) -> float:
    """Limit of j^2 (1 - cos theta_j): 9 pi^2 / (2 s^2) with s = (1 - a)^2 / (1 + a^2).

    Near 0 a layer maps z = (1 - cos theta) / 2 to z - 4 s / (3 pi) z^(3/2), so that z ~ (3 pi / (2 s j))^2.
    """
    return 9.0 * pi**2 / (2.0 * right_strength(slope) ** 2)


def smallest_eigenvalue(cosines: Doubles) -> float:
    """Smallest eigenvalue, over the largest, of a kernel's Gram matrix on evenly spaced points of a circle.

    Parameters
    ----------
    cosines
        The kernel at evenly spaced angles from 0 to pi, both included: the matrix is circulant, its eigenvalues the
        Fourier coefficients.
    """
    row = np.concatenate([cosines, cosines[-2:0:-1]])
    eigenvalues = np.fft.rfft(row).real
    return float(eigenvalues.min() / eigenvalues.max())
