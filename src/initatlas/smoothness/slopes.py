"""Decay exponents of tail sums: least squares of log T_i on log i over a window of small indices.

The exponent is minus the slope, so that it is positive for decaying sums and estimates the smoothness (times the decay
exponent of the eigenvalues, which is 1 to three digits for images; Chen, Li and Lin 2024, section 5.2 and appendix G).
"""

from collections.abc import Sequence

import numpy as np

from initatlas.arrays import Doubles
from initatlas.smoothness.tail_sums import tail_sums

REFERENCE_SAMPLES = 3000


def scaled_window(window: int, n: int) -> int:
    """Scale a window stated for 3000 samples to n samples: round(window n / 3000), at least 2."""
    return max(2, round(window * n / REFERENCE_SAMPLES))


def last_index(window: int, n: int, *, inclusive: bool) -> int:
    """Last index i that the fit uses.

    Parameters
    ----------
    window
        Bound of the window.
    n
        Number of coefficients.
    inclusive
        Whether the window is i <= window, or i < window ("index i smaller than 2700" in the paper's appendix G).

    Raises
    ------
    ValueError
        If the window holds fewer than two indices or more than n.
    """
    last = window if inclusive else window - 1
    if not 2 <= last <= n:
        raise ValueError(f"a window needs from 2 to n = {n} indices, got i {'<=' if inclusive else '<'} {window}")
    return last


def decay_exponent(tails: Doubles, window: int, *, inclusive: bool = True) -> Doubles:
    """Minus the least-squares slope of log T_i on log i, over every integer i from 1 to the window.

    Parameters
    ----------
    tails
        T_1, T_2, ... along the last axis, shape (..., n).
    window, inclusive
        See `last_index`.

    Returns
    -------
    ndarray, shape (...)
        -inf or nan where a tail sum of the window is zero.

    Raises
    ------
    ValueError
        If the window does not fit.
    """
    last = last_index(window, tails.shape[-1], inclusive=inclusive)
    with np.errstate(divide="ignore", invalid="ignore"):
        exponent: Doubles = -(np.log(tails[..., :last]) @ fit_weights(last))
    return exponent


def decay_exponents(tails: Doubles, windows: Sequence[int], *, inclusive: bool = True) -> Doubles:
    """`decay_exponent` over many windows at once, by running sums.

    Parameters
    ----------
    tails
        T_1, T_2, ... along the last axis, shape (..., n); above zero.
    windows, inclusive
        See `last_index`.

    Returns
    -------
    ndarray, shape (..., windows)

    Raises
    ------
    ValueError
        If a window does not fit.
    """
    lasts = np.array([last_index(window, tails.shape[-1], inclusive=inclusive) for window in windows])
    y = np.log(tails[..., : lasts.max()])
    x = np.log(np.arange(1.0, y.shape[-1] + 1.0))
    sum_x, sum_xx, sum_y, sum_xy = (np.cumsum(terms, axis=-1)[..., lasts - 1] for terms in (x, x * x, y, x * y))
    exponents: Doubles = -(sum_xy - sum_x * sum_y / lasts) / (sum_xx - sum_x**2 / lasts)
    return exponents


def fit_weights(last: int) -> Doubles:
    """Write the least-squares slope as a functional: slope = fit_weights(last) @ log T, over i = 1, ..., last."""
    abscissa = np.log(np.arange(1.0, last + 1.0))
    abscissa -= abscissa.mean()
    weights: Doubles = abscissa / (abscissa @ abscissa)
    return weights


def null_slope(n: int, window: int, *, inclusive: bool = True) -> float:
    """Exponent that labels without information give: flat coefficients, T_i proportional to n - i + 1.

    It is not zero, because the sum ends at n: .449 for n = 3000 and i < 2700.
    """
    return float(decay_exponent(np.arange(n, 0.0, -1.0), window, inclusive=inclusive))


def null_corrected_slope(squared: Doubles, window: int, *, inclusive: bool = True) -> float:
    """Decay exponent of the tail sums of squared coefficients (n,), minus the null exponent of the same window."""
    exponent = decay_exponent(tail_sums(squared), window, inclusive=inclusive)
    return float(exponent) - null_slope(len(squared), window, inclusive=inclusive)
