"""Multiplier bootstrap of the decay exponent."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from initatlas.arrays import Doubles
from initatlas.smoothness.slopes import decay_exponents, fit_weights, last_index
from initatlas.smoothness.tail_sums import tail_sums

_CHUNK_ENTRIES = 1 << 20  # of one chunk of draws: some 50 MB of workspace


def slope_draws(
    squared: Doubles,
    windows: Sequence[int],
    *,
    inclusive: bool = True,
    degrees: int | NDArray[np.int64] = 1,
    draws: int = 1000,
    rng: np.random.Generator,
) -> Doubles:
    """Decay exponents of randomly reweighted squared coefficients.

    Parameters
    ----------
    squared
        Squared coefficients by decreasing eigenvalue, shape (..., n). All rows share the multipliers.
    windows, inclusive
        Fit windows, see `initatlas.smoothness.slopes.last_index`; all are fitted to the same draws.
    degrees
        Number of independent coefficients that each square sums: 1 for a scalar target, classes - 1 for one-hot. One
        number, or one per square (`initatlas.smoothness.tail_sums.with_rest`).
    draws
        Number of draws.
    rng
        Source of randomness.

    Returns
    -------
    ndarray, shape (draws, ..., windows)

    Notes
    -----
    Take C_k = sum of m squares of independent N(0, s_k^2): Var C_k = 2 m s_k^4. A multiplier M_k of mean 1 and
    variance v gives the conditional variance v C_k^2, with mean v (m^2 + 2 m) s_k^4 over C_k. The two agree for
    v = 2 / (m + 2), so M_k ~ Gamma(shape (m + 2) / 2, mean 1): shape 1.5 for m = 1.
    """
    n = squared.shape[-1]
    shape = 0.5 * (np.asarray(degrees) + 2)
    # From the last coefficient on, as the tail sums are taken: what lies in memory in their order is summed several times faster
    rows = np.ascontiguousarray((squared.reshape(-1, n) / shape)[:, ::-1])
    weights = _weights([last_index(window, n, inclusive=inclusive) for window in windows])
    per_chunk = max(1, _CHUNK_ENTRIES // n)
    exponents = []
    for start in range(0, draws, per_chunk):
        multipliers = np.ascontiguousarray(rng.standard_gamma(shape, (min(per_chunk, draws - start), n))[:, ::-1])
        exponents.append(np.stack([_slopes(multipliers * row, weights) for row in rows], axis=1))
    return np.concatenate(exponents).reshape(draws, *squared.shape[:-1], len(windows))


def _weights(lasts: Sequence[int]) -> Doubles:
    """`fit_weights` of windows with these last indices, a column each, with zeros below."""
    weights = np.zeros((max(lasts), len(lasts)))
    for column, last in zip(weights.T, lasts, strict=True):
        column[:last] = fit_weights(last)
    return weights


def _slopes(squared: Doubles, weights: Doubles) -> Doubles:
    """Decay exponents of rows of squared coefficients, the last one first.

    Their tail sums need no extended precision: the draws scatter.
    """
    tails = np.cumsum(squared, axis=1)[:, -len(weights) :]
    slopes: Doubles = -(np.log(tails) @ weights[::-1])
    return slopes


def slope_intervals(
    squared: Doubles,
    windows: Sequence[int],
    *,
    inclusive: bool = True,
    degrees: int | NDArray[np.int64] = 1,
    level: float = 0.95,
    draws: int = 1000,
    rng: np.random.Generator,
) -> Doubles:
    """Confidence intervals of the decay exponents by the multiplier bootstrap, one per row and window.

    Each covers the exponent of the expected tail sums, when the coefficients are independent Gaussians with smoothly
    decaying variances. None covers the choice of the window. Coverage of the 95 % interval in simulations with
    3000 coefficients of variances k^-1.4 and a window of 400: .88 for degrees 1, where few large coefficients rule the
    slope and the bootstrap gives .88 of its variance; .96 for degrees 9.

    Parameters
    ----------
    squared, windows, inclusive, degrees, draws, rng
        See `slope_draws`.
    level
        Coverage.

    Returns
    -------
    ndarray, shape (..., windows, 2)
        Lower and upper ends. Basic intervals: the quantiles of the draws, reflected at the estimate. A draw is biased against the
        estimate as the estimate is against the truth; reflection removes this bias, plain quantiles would double it.
    """
    estimates = decay_exponents(tail_sums(squared), windows, inclusive=inclusive)
    exponents = slope_draws(squared, windows, inclusive=inclusive, degrees=degrees, draws=draws, rng=rng)
    upper, lower = np.quantile(exponents, [0.5 + 0.5 * level, 0.5 - 0.5 * level], axis=0)
    return np.stack([2.0 * estimates - upper, 2.0 * estimates - lower], axis=-1)
