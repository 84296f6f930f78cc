"""Means of products over Gaussian pairs of equal variances, for many variances and angles at once."""

from math import pi

import numpy as np
from numpy.polynomial.legendre import leggauss

from initatlas.arrays import Doubles
from initatlas.duals.quadrature import Function

_REACH = 9.0
"""Standard deviations: beyond, the Gaussian density is below 1e-17."""


def equal_variance_means(
    f: Function, deviations: Doubles, angles: Doubles, *, symmetric: bool = False, nodes: int = 48
) -> Doubles:
    """E[f(u) f(v)] for centred Gaussian u and v of one deviation, whose correlation is the cosine of an angle.

    By a fixed polar rule between the kinks, where u or v is 0. `initatlas.duals.quadrature` doubles its rule until 1e-13 is sure;
    this one is for curves, and for whoever compares them with that.

    Parameters
    ----------
    f
        Function of an array, analytic but for a kink at 0, that grows no faster than a polynomial.
    deviations
        Shape (m,), 0 or more.
    angles
        Shape (k,), in [0, pi].
    symmetric
        Whether f is even or odd, which halves the work.
    nodes
        Radii, and angles per sector; an even number.

    Returns
    -------
    ndarray, shape (m, k)
    """
    return np.stack([_means_at(f, deviations, theta, symmetric, nodes) for theta in angles.tolist()], axis=1)


def _means_at(f: Function, deviations: Doubles, theta: float, symmetric: bool, nodes: int) -> Doubles:
    """The means at one angle, from the sector where both signs agree and the one where they differ, and their antipodes."""
    x, weights = _crowded(nodes)
    radii = _REACH * x
    radial = _REACH * weights * radii * np.exp(-0.5 * radii * radii) / (2.0 * pi)
    total = np.zeros(len(deviations))
    half = x[: nodes // 2]  # the other half swaps u and v, or u and -v, and has the same products
    alike, unlike = (pi - theta) * half, theta * half
    sectors = (
        (np.sin(theta + alike), np.sin(alike), pi - theta),
        (np.sin(unlike), -np.sin(theta - unlike), theta),
    )
    for cos_u, cos_v, width in sectors:
        u, v = (np.multiply.outer(deviations, np.outer(cosines, radii)) for cosines in (cos_u, cos_v))
        products = f(u) * f(v)
        products = 2.0 * products if symmetric else products + f(-u) * f(-v)
        total += np.einsum("mar,a,r->m", products, 2.0 * width * weights[: nodes // 2], radial, optimize=True)
    return total


def _crowded(count: int) -> tuple[Doubles, Doubles]:
    """Gauss-Legendre nodes and weights on (0, 1), crowded towards both ends, where functions vary fast."""
    x, weights = leggauss(count)
    x, weights = 0.5 * (x + 1.0), 0.5 * weights
    return x * x * (3.0 - 2.0 * x), weights * 6.0 * x * (1.0 - x)
