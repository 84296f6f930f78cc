"""Formulas as the paper prints them, where that differs from what they have to be; and the right ones."""

from math import acos, cos, e, erfc, exp, pi, sin, sqrt
from typing import Literal

import numpy as np

from initatlas.arrays import Doubles


def normalised_kernel(cosine: Doubles, slope: float) -> Doubles:
    """Corollary 4, normalised: the cosine behind one layer of leaky ReLU."""
    angle = np.arccos(np.clip(cosine, -1.0, 1.0))
    curve: Doubles = (1.0 - slope) ** 2 / pi * (np.sin(angle) + (pi - angle) * np.cos(angle)) + 2.0 * slope * cosine
    return curve / (1.0 + slope**2)


def composed_cosine(angle: float, layers: int, slope: float, *, as_printed: bool) -> float:
    """Cosine behind some layers by section 6.1, from an angle in radians.

    As printed the last term keeps the angle theta_0 of the inputs in every layer; it has to be theta_(j-1).
    """
    start = cosine = cos(angle)
    for _ in range(layers):
        theta = acos(cosine)
        curved = (1.0 - slope) ** 2 / pi * (sin(theta) + (pi - theta) * cosine)
        cosine = (curved + 2.0 * slope * (start if as_printed else cosine)) / (1.0 + slope**2)
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


def opposite_cosine_of_supplement(slope: float, *, mixed: float = -0.5, last: float) -> float:
    """Cosine behind one layer for opposite inputs, by the four integrals of the supplement's proof of corollary 4.

    Parameters
    ----------
    mixed
        E[Theta(u) u v] over E[u^2], which the two integrals in the middle have: -1/2 for v = -u.
    last
        E[Theta(u) Theta(v) u v] over E[u^2] of the last one: 0. With Theta(w.x) twice, as in print, it is -1/2.
    """
    terms = -(slope**2) + 2.0 * slope * (1.0 - slope) * mixed + (1.0 - slope) ** 2 * last
    return terms / (0.5 * (1.0 + slope**2))


def elu_right_angle(fourth: Literal["sum", "product", "none"]) -> float:
    """Normalised ELU kernel at a right angle and variance one, by the four terms of corollary 14.

    Parameters
    ----------
    fourth
        The fourth term: a sum in print, Theta(-Z1)(e^Z1 - 1) + Theta(-Z2)(e^Z2 - 1); it has to be their product.
    """
    upper = 1.0 / sqrt(2.0 * pi)
    lower = sqrt(e) * _phi(-1.0) - 0.5
    last = {"sum": 2.0 * lower, "product": lower**2, "none": 0.0}[fourth]
    mean_square = 0.5 + exp(2.0) * _phi(-2.0) - 2.0 * sqrt(e) * _phi(-1.0) + 0.5
    return (upper**2 + 2.0 * upper * lower + last) / mean_square


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
