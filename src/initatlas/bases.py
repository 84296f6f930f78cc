"""Vectors by their coordinates in an orthonormal basis of the space that they span."""

from typing import Any

import numpy as np

from initatlas.arrays import Doubles, Floats
from initatlas.caches import compiled

_NO_DIRECTION = 1e-14
"""Share of a squared norm below which what is left of a vector is rounding: an angle of 1e-7, as single precision has it."""


def coordinates(vectors: Floats) -> Floats:
    """Coordinates of some vectors, as many as there are vectors: all scalar products are kept.

    In single precision they come from the scalar products in double precision, by Cholesky's method, some times faster than by
    the vectors themselves. Those would lose half of the digits of double precision, which takes Householder's method.

    Parameters
    ----------
    vectors
        Shape (k, n) with k <= n, float32 or float64.

    Returns
    -------
    ndarray, shape (k, k)
        In the precision of the vectors.
    """
    double = vectors.astype(np.float64)
    if vectors.dtype == np.float64:
        return np.asarray(np.linalg.qr(double.T, mode="r")).T
    factor = double @ double.T
    _factorise(factor)
    return factor.astype(vectors.dtype)


@compiled(fastmath={"reassoc", "contract"})
def _factorise(products: Doubles) -> None:
    """Put the lower triangular factor L of a matrix L L' into its place; a vector within the others' span opens no direction."""
    for j in range(len(products)):
        allowed = _NO_DIRECTION * products[j, j]
        rest = _less_product(products, j, j)
        known: Any = rest > allowed
        root = np.sqrt(rest) if known else 1.0
        products[j, j] = root if known else 0.0
        for i in range(j + 1, len(products)):
            products[i, j] = _less_product(products, i, j) / root if known else 0.0
            products[j, i] = 0.0


@compiled(fastmath={"reassoc", "contract"})
def _less_product(products: Doubles, i: int, j: int) -> float:
    """An entry less the scalar product of what stands left of it in its row and in row j."""
    total = 0.0
    for k in range(j):
        total += products[i, k] * products[j, k]
    return float(products[i, j] - total)
