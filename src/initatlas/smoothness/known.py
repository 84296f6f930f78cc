"""Random functions on the sphere whose smoothness relative to a kernel is known."""

from collections.abc import Sequence

import numpy as np
from scipy.linalg import cholesky

from initatlas.arrays import Doubles
from initatlas.kernels.harmonics import log_multiplicities
from initatlas.kernels.sphere_spectrum import SphereSpectrum

_JITTER = 1e-9
_PART = 1 << 14
_SEEN = 10.0
"""Errors by which an eigenvalue must differ from zero to count: without bias those of odd degrees vanish."""


def degrees_up_to(dimension: int, indices: float, most: int) -> int:
    """Least degree up to which there are so many harmonics on the sphere in R^d; `most`, if there are fewer up to that."""
    counts = np.cumsum(np.exp(np.minimum(log_multiplicities(dimension, most), 700.0)))
    return min(int(np.searchsorted(counts, indices)), most)


def degree_shares(spectrum: SphereSpectrum, smoothness: float) -> Doubles:
    """Share of the variance in every degree of functions with theta_j^2 = lambda_j^s / j.

    Such a function lies in [H]^t of the kernel for t < s, and for no t >= s. All harmonics of a degree have the mean index of
    the degree, in decreasing order of the eigenvalues.

    Parameters
    ----------
    spectrum
        Of the kernel.
    smoothness
        s, above 0.

    Returns
    -------
    ndarray, shape (degrees,)
        They sum to 1.
    """
    seen = spectrum.eigenvalue > _SEEN * spectrum.error
    counts = np.where(seen, np.exp(spectrum.log_multiplicity), 0.0)
    indices = np.cumsum(counts) - 0.5 * counts + 0.5
    powers = np.where(seen, spectrum.eigenvalue, 1.0) ** smoothness
    variances = counts * powers / indices
    shares: Doubles = variances / variances.sum()
    return shares


def zonal_covariances(cosines: Doubles, shares: Doubles, dimension: int) -> Doubles:
    """Sums over degrees k of share_k P_k(t), with the Gegenbauer polynomials of the sphere in R^d, P_k(1) = 1.

    Parameters
    ----------
    cosines
        t, shape (...).
    shares
        One row per sum, shape (sums, degrees), two degrees at least.

    Returns
    -------
    ndarray, shape (sums, ...)

    Notes
    -----
    (k + d - 2) P_(k+1) = (2 k + d - 2) t P_k - k P_(k-1).
    """
    before, here = np.ones_like(cosines), cosines.copy()
    sums = np.multiply.outer(shares[:, 0], before) + np.multiply.outer(shares[:, 1], here)
    scratch = np.empty_like(here)
    for k in range(1, shares.shape[1] - 1):
        np.multiply(cosines, here, out=scratch)
        scratch *= (2 * k + dimension - 2) / (k + dimension - 2)
        before *= k / (k + dimension - 2)
        np.subtract(scratch, before, out=before)
        before, here = here, before
        for total, share in zip(sums, shares[:, k + 1], strict=True):
            if share:
                np.multiply(here, share, out=scratch)
                total += scratch
    return sums


def functions_of_smoothness(
    inputs: Doubles, spectrum: SphereSpectrum, smoothness: Sequence[float], functions: int, *, rng: np.random.Generator
) -> Doubles:
    """Values of Gaussian random functions of some smoothness at inputs on the sphere.

    Parameters
    ----------
    inputs
        Unit vectors, shape (n, d).
    spectrum
        Of the kernel, on the sphere in R^d.
    smoothness
        See `degree_shares`.
    functions
        Independent functions for each smoothness.

    Returns
    -------
    ndarray, shape (len(smoothness), n, functions)
    """
    shares = np.array([degree_shares(spectrum, s) for s in smoothness])
    covariances = _lower_covariances(inputs, shares)
    covariances[:, np.arange(len(inputs)), np.arange(len(inputs))] += _JITTER
    normal = rng.standard_normal((len(smoothness), len(inputs), functions))
    return np.array([cholesky(one, lower=True) @ draw for one, draw in zip(covariances, normal, strict=True)])


def _lower_covariances(inputs: Doubles, shares: Doubles) -> Doubles:
    """`zonal_covariances` between inputs in the lower triangles, shape (sums, n, n): all that Cholesky's factors need.

    By parts that stay in the cache while all degrees pass.
    """
    n, dimension = inputs.shape
    rows, columns = np.tril_indices(n)
    cosines = np.clip(inputs @ inputs.T, -1.0, 1.0)[rows, columns]
    covariances = np.zeros((len(shares), n, n))
    for start in range(0, len(cosines), _PART):
        part = slice(start, start + _PART)
        covariances[:, rows[part], columns[part]] = zonal_covariances(cosines[part], shares, dimension)
    return covariances
