"""Tail sums of squared eigen-coefficients."""

import numpy as np
from numpy.typing import NDArray

from initatlas.arrays import Doubles


def tail_sums(squared: Doubles) -> Doubles:
    """T_i = sum over k >= i of c_k^2 along the last axis (Chen, Li and Lin 2024, appendix G).

    Parameters
    ----------
    squared
        Squared coefficients c_k^2 by decreasing eigenvalue, shape (..., n).

    Returns
    -------
    ndarray, shape (..., n)
        Summed from the small end in extended precision: every T_i is right to the last place.
    """
    reverse = np.asarray(squared, dtype=np.longdouble)[..., ::-1]
    return np.cumsum(reverse, axis=-1)[..., ::-1].astype(np.float64)


def tail_sums_from_top(total: float, squared_top: Doubles) -> Doubles:
    """T_i = total - sum over k < i of c_k^2: the first tail sums, from the largest eigenpairs alone.

    Parameters
    ----------
    total
        Sum of all squared coefficients, which is the mean of y^2 over the samples (summed over the columns of y).
    squared_top
        The first squared coefficients by decreasing eigenvalue, shape (..., k).

    Returns
    -------
    ndarray, shape (..., k)
        Equal to the first k of `tail_sums`. The subtraction, in extended precision, loses log10(total / T_i) digits.
    """
    before = np.cumsum(np.asarray(squared_top, dtype=np.longdouble), axis=-1) - squared_top
    return (total - before).astype(np.float64)


def with_rest(total: float, squared_top: Doubles, n: int, degrees: int = 1) -> tuple[Doubles, NDArray[np.int64]]:
    """The first squared coefficients, and all others as one: what `initatlas.smoothness.bootstrap` needs.

    The tail sums T_1 ... T_k need the sum of the others only, and the bootstrap how many independent coefficients that
    sum has. They are taken as equally large; their share of an interval is small, of order 1 / (n - k).

    Parameters
    ----------
    total, squared_top
        See `tail_sums_from_top`; shape (k,), k < n.
    n
        Number of all coefficients.
    degrees
        Number of independent coefficients that each square sums.

    Returns
    -------
    squared : ndarray, shape (k + 1,)
    degrees : ndarray, shape (k + 1,)
        Number of independent coefficients that each of them sums.
    """
    k = len(squared_top)
    rest = max(total - float(np.sum(squared_top, dtype=np.longdouble)), 0.0)
    return np.append(squared_top, rest), np.append(np.full(k, degrees), degrees * (n - k))
