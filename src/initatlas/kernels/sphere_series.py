"""Spectra of zonal kernels on the sphere from their power series in the cosine: right in any dimension, at any degree."""

from collections.abc import Callable
from functools import lru_cache
from math import ceil, log

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from initatlas.arrays import Doubles
from initatlas.kernels.harmonics import checked_log_multiplicities
from initatlas.kernels.power_series import PowerSeries
from initatlas.kernels.sphere_spectrum import SphereSpectrum, spectrum_of_projections

_EPSILON = float(np.finfo(np.float64).eps)


def power_series_spectrum(series: PowerSeries, dimension: int, max_degree: int) -> SphereSpectrum:
    """Eigenvalues of kappa(t) = sum_m a_m t^m on S^(d-1), from its coefficients.

    All terms of the sum over m = k, k + 2, ... are positive, so eigenvalues far below rounding keep their digits:

        lambda_k = sum_m a_m Gamma(d / 2) m! / (2^m ((m - k) / 2)! Gamma((m + k + d) / 2)).

    Parameters
    ----------
    series
        a_0, ..., a_(M-1), their error, and kappa(1).
    dimension, max_degree
        As in `sphere_spectrum`.

    Returns
    -------
    SphereSpectrum
        Its errors hold those of the coefficients, a bound of what the terms from M on can add, and the rounding of
        the logarithms, log(M!) units of 2e-16 relative. The second is small where M is well above
        k (k + d - 2) / (d - 1) and d is large; for d = 3 it is not.

    Raises
    ------
    ValueError
        If d < 2, the degree is negative or a multiplicity leaves the range of doubles.
    """
    logs = checked_log_multiplicities(dimension, max_degree)
    sums = np.array([_power_sums(series, dimension, degree, 0.5 * logs[degree]) for degree in range(max_degree + 1)])
    return spectrum_of_projections(dimension, sums[:, 0], sums[:, 1], 0.5 * logs, series.trace)


def _power_sums(series: PowerSeries, dimension: int, degree: int, log_root: float) -> tuple[float, float]:
    """Projection b_k of a power series, and its error.

    Its weights of t^m rise up to m = k (k + d - 2) / (d - 1) and fall from there: that gives the bound of the terms
    that are left out.
    """
    count = len(series.coefficients)
    table = _log_gamma_of_halves(2 * (count + dimension))
    weights = np.exp(_log_weights(np.arange(degree, count, 2), degree, dimension, table.__getitem__) + log_root)
    terms = series.coefficients[degree::2]
    peak = max(count, degree, ceil(degree * (degree + dimension - 2) / (dimension - 1)))
    beyond = peak + (peak - degree) % 2 + np.array([0, -2, 2])
    largest = np.exp(_log_weights(beyond[beyond >= degree], degree, dimension, _log_gamma_of_half) + log_root).max()
    left_out = max(series.trace - float(series.coefficients.sum()), 0.0)
    projection = float((weights * terms).sum())
    rounding = _EPSILON * (float(gammaln(count + dimension)) + 4.0) * projection
    return projection, rounding + series.error * float(weights.sum()) + left_out * float(largest)


def _log_weights(
    powers: NDArray[np.int64], degree: int, dimension: int, log_gamma: Callable[[NDArray[np.int64]], Doubles]
) -> Doubles:
    """Logarithms of the eigenvalue of degree k of t^m, for m of k's parity, not below it; from log Gamma(j / 2)."""
    pairs = (powers - degree) // 2
    values: Doubles = (
        gammaln(0.5 * dimension)
        + log_gamma(2 * (powers + 1))
        - powers * log(2.0)
        - log_gamma(2 * (pairs + 1))
        - log_gamma(2 * (degree + pairs) + dimension)
    )
    return values


def _log_gamma_of_half(j: NDArray[np.int64]) -> Doubles:
    """log Gamma(j / 2), for j = 1 or more."""
    values: Doubles = gammaln(0.5 * j)
    return values


@lru_cache(maxsize=2)
def _log_gamma_of_halves(count: int) -> Doubles:
    """log Gamma(j / 2) for j = 0, ..., count - 1; inf at j = 0."""
    table = _log_gamma_of_half(np.arange(count))
    table.flags.writeable = False
    return table
