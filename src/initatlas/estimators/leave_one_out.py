"""Predictions at each training input by a fit to all others, for many ridges or times from one eigendecomposition.

**Ridge.** With G = (K + ridge)^-1 the fit without input i predicts y_i - (G y)_i / G_ii there.

**Gradient flow.** Flow to tau is the inverse Laplace transform, from s to tau, of ridge regression with the ridge s, over s:
(1 - exp(-tau lambda)) / lambda is that of 1 / (s (s + lambda)). This holds for the Gram matrix without input i as well. So what
is predicted there is y_i less the transform of (G(s) y)_i / (s G(s)_ii), whose singularities lie on the negative real axis:
Talbot's contour takes it with 24 points to about 12 digits (Trefethen, Weideman, Schmelzer 2006, equation 3.2).
"""

import numpy as np

from initatlas.arrays import Complexes, Doubles
from initatlas.estimators.eigenbasis import Eigenbasis

Numbers = Doubles | Complexes

CONTOUR_POINTS = 24


def ridge_predictions(basis: Eigenbasis, targets: Doubles, ridges: Doubles) -> Doubles:
    """Leave-one-out predictions of ridge regression.

    Parameters
    ----------
    basis
        Of the Gram matrix of all inputs.
    targets
        Shape (n, k).
    ridges
        Positive numbers that are added to the diagonal, shape (r,).

    Returns
    -------
    ndarray, shape (r, n, k)
    """
    solutions, diagonals = _resolvents(basis, targets, np.asarray(ridges, dtype=np.float64))
    predictions: Doubles = np.real(targets - solutions / diagonals[:, :, None])
    return predictions


def flow_predictions(basis: Eigenbasis, targets: Doubles, taus: Doubles) -> Doubles:
    """Leave-one-out predictions of gradient flow from zero.

    Parameters
    ----------
    basis, targets
        As in `ridge_predictions`.
    taus
        Times of the flow of the residuals r' = -K r, shape (r,), above 0.

    Returns
    -------
    ndarray, shape (r, n, k)
    """
    nodes, weights = talbot()
    points = nodes[None, :] / np.asarray(taus)[:, None]
    solutions, diagonals = _resolvents(basis, targets, points.ravel())
    ratios = (solutions / diagonals[:, :, None]).reshape(*points.shape, *targets.shape)
    # the transform's 1 / tau goes with the 1 / s of the integrand
    predictions: Doubles = targets - np.einsum("p,tpnk->tnk", weights / nodes, ratios).real
    return predictions


def _resolvents(basis: Eigenbasis, targets: Doubles, shifts: Numbers) -> tuple[Numbers, Numbers]:
    """(K + s)^-1 y and the diagonal of (K + s)^-1 for every shift s: shapes (s, n, k) and (s, n)."""
    inverse = 1.0 / (basis.values[:, None] + shifts[None, :])
    coefficients = basis.vectors.T @ targets
    right = (inverse[:, :, None] * coefficients[:, None, :]).reshape(len(inverse), -1)
    solutions = _times(basis.vectors, right).reshape(*inverse.shape, -1)
    return solutions.transpose(1, 0, 2), _times(basis.vectors**2, inverse).T


def _times(real: Doubles, columns: Numbers) -> Numbers:
    """A real matrix times columns that may be complex, without making a complex matrix of it."""
    if not np.iscomplexobj(columns):
        return real @ columns
    # real and imaginary parts are columns side by side
    return (real @ np.ascontiguousarray(columns).view(np.float64)).view(np.complex128)


def talbot(points: int = CONTOUR_POINTS) -> tuple[Complexes, Complexes]:
    """Nodes z and weights w of f(t) = Re sum w F(z / t) / t, the inverse Laplace transform of a function real on the axis.

    Parameters
    ----------
    points
        Of the whole contour, even; those below the real axis are left out, since they are the conjugates of the others.

    Notes
    -----
    z = n (0.5017 theta cot(0.6407 theta) - 0.6122 + 0.2645 i theta), whose error is about 3.89^-n; f(t) = (1 / (i n t)) sum
    exp(z) F(z / t) dz / dtheta over the midpoints theta of n equal parts of [-pi, pi].
    """
    theta = np.pi * (2 * np.arange(points // 2) + 1) / points
    cotangent = 1.0 / np.tan(0.6407 * theta)
    nodes = points * (0.5017 * theta * cotangent - 0.6122 + 0.2645j * theta)
    slopes = points * (0.5017 * cotangent - 0.5017 * 0.6407 * theta * (1.0 + cotangent**2) + 0.2645j)
    return nodes, 2.0 * np.exp(nodes) * slopes / (1j * points)
