"""Tail sums of squared eigen-coefficients."""

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]


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
