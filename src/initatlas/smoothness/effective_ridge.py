"""The smoothness of targets without a window: from averages of their squared coefficients at every effective ridge.

Ridge regression of n samples with the ridge mu sees the kernel's true eigenvalues through an effective ridge kappa (Jacot et al.
2020; Wei, Hu and Steinhardt 2022). With the eigenvalues l_i of K / n and squared coefficients c_i^2,

    kappa(mu) = n / sum_i 1 / (l_i + mu),
    g(mu) = n sum_i c_i^2 (l_i + mu)^-2 / sum_i (l_i + mu)^-2  ~  sum_j theta_j^2 kappa^2 / (lambda_j + kappa)^2.

On the right stand the true eigenvalues lambda_j and coefficients theta_j: the end of the sample has gone, and labels without
information give a constant. Where theta_j^2 = lambda_j^s / j, which is the edge of the smoothness s, the right side falls as
kappa^s while s < 2. The s whose curve has the shape of log g, by least squares over effective ridges in equal ratios of their
degrees of freedom, is the estimate.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import hyp2f1

from initatlas.arrays import Doubles

LARGEST = 2.0
"""Smoothness from which on no difference is seen."""

_RIDGES, _FEWEST_FREEDOMS = 24, 10.0
_STEP = 0.01
_BANDWIDTH = 0.1  # relative, of the average that takes empirical eigenvalues to true ones
_SMALLEST = 1e-12  # of the largest eigenvalue: what is below is rounding
_ROWS = 256
_QUANTILE = 1.96
# In simulations on spheres the finite spectrum adds about as much to the variance as the random coefficients have.
_INFLATION = 2.0


class SourceExponent(NamedTuple):
    """A smoothness between 0 and `LARGEST`, with the ends of its 95 % interval."""

    value: float
    low: float
    high: float


class EffectiveRidges:
    """What the eigenvalues of a kernel matrix say on effective ridges; it fits any targets on the same samples.

    Parameters
    ----------
    eigenvalues
        Of K / n, in decreasing order, shape (n,).

    Raises
    ------
    ValueError
        If there are fewer than 24, or half of them are zero to rounding.
    """

    def __init__(self, eigenvalues: Doubles) -> None:
        values = np.asarray(eigenvalues, dtype=np.float64)
        n, smallest = len(values), _SMALLEST * values[0]
        if n < _RIDGES or values[n // 2] <= smallest:
            raise ValueError(f"{n} eigenvalues, of which half are above rounding: an estimate needs {_RIDGES} or more")
        values = np.maximum(values, smallest)
        freedoms = np.geomspace(0.5 * n, min(_FEWEST_FREEDOMS, 0.25 * n), _RIDGES)
        resolvents = 1.0 / (values + _ridges(values, freedoms)[:, None])
        self.ridges: Doubles = 1.0 / resolvents.mean(axis=1)
        squares = resolvents**2
        self._weights = n * squares / squares.sum(axis=1, keepdims=True)
        half = slice(_RIDGES // 2)
        decay = -np.polyfit(np.log(freedoms[half]), np.log(self.ridges[half]), 1)[0]
        self._exponents = np.arange(0.0, LARGEST + 0.5 * _STEP, _STEP)
        curves = np.log(_curves(self._exponents, self.ridges, true_eigenvalues(values), max(float(decay), 1.0)))
        self._curves = curves - curves.mean(axis=1, keepdims=True)

    def averages(self, squared: Doubles) -> Doubles:
        """g at every effective ridge, shape (24,), of squared coefficients (n,)."""
        averages: Doubles = self._weights @ squared
        return averages

    def fit(self, squared: Doubles, *, degrees: int = 1) -> SourceExponent:
        """The smoothness of a target.

        Parameters
        ----------
        squared
            Squared coefficients by decreasing eigenvalue, shape (n,).
        degrees
            Number of independent coefficients that each square sums.

        Notes
        -----
        The interval is that of the multiplier bootstrap (`initatlas.smoothness.bootstrap`), to first order, with twice its
        variance.
        """
        averages = self.averages(squared)
        shape = np.log(averages) - np.log(averages).mean()
        errors = np.sum((self._curves - shape) ** 2, axis=1)
        value = _lowest(self._exponents, errors)
        direction = np.gradient(self._curves, _STEP, axis=0)[int(np.argmin(errors))]
        pulls = (direction / (direction @ direction) / averages) @ self._weights * squared
        reach = _QUANTILE * float(np.sqrt(_INFLATION * 2.0 / (degrees + 2.0)) * np.linalg.norm(pulls))
        return SourceExponent(value, max(value - reach, 0.0), value + reach)


def true_eigenvalues(values: Doubles) -> Doubles:
    """The first half of the kernel's true eigenvalues, from those of K / n: |kappa| a little beside each of them.

    Parameters
    ----------
    values
        Eigenvalues of K / n in decreasing order, shape (n,).

    Returns
    -------
    ndarray, shape (n // 2,)
        Not increasing.
    """
    places = values[: len(values) // 2] * (1.0 + 1j * _BANDWIDTH)
    rows = [places[start : start + _ROWS, None] for start in range(0, len(places), _ROWS)]
    means = np.concatenate([(1.0 / (values - row)).mean(axis=1) for row in rows])
    return np.minimum.accumulate(1.0 / np.abs(means))


def _ridges(values: Doubles, freedoms: Doubles) -> Doubles:
    """Ridges with so many degrees of freedom, sum of l / (l + mu); decreasing freedoms."""
    ridges = np.geomspace(1e-2 * values[-1], 1e2 * values[0], 600)
    known = np.array([np.sum(values / (values + ridge)) for ridge in ridges])
    found: Doubles = np.exp(np.interp(-np.log(freedoms), -np.log(known), np.log(ridges)))
    return found


def _curves(exponents: Doubles, ridges: Doubles, values: Doubles, decay: float) -> Doubles:
    """Sums of lambda^s / j kappa^2 / (lambda + kappa)^2, shape (exponents, ridges).

    Eigenvalues beyond those that are given fall as j^-decay: their sum is an integral over lambda from 0 to the last of them.
    """
    filters = (ridges[:, None] / (values + ridges[:, None])) ** 2
    powers = values ** exponents[:, None] / np.arange(1.0, len(values) + 1.0)
    s, last = np.maximum(exponents, 1e-6)[:, None], values[-1]
    beyond = last**s * hyp2f1(2.0, s, s + 1.0, -last / ridges) / (s * decay)
    curves: Doubles = powers @ filters.T + beyond
    return curves


def _lowest(places: Doubles, errors: Doubles) -> float:
    """Where the parabola through the smallest value and its neighbours is lowest; at an end, the end."""
    at = int(np.argmin(errors))
    if at in (0, len(places) - 1):
        return float(places[at])
    before, here, after = errors[at - 1 : at + 2]
    return float(places[at] + 0.5 * _STEP * (before - after) / (before - 2.0 * here + after))
