"""A kernel matrix of low rank from a few products, to precondition systems with the whole one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import cholesky, eigh, qr, solve_triangular
from scipy.sparse.linalg import aslinearoperator

from initatlas.arrays import Doubles, Floats

STEP = 128
"""Columns of one product with the matrix."""

FLOOR = float(np.finfo(np.float32).eps)
"""Share of the largest eigenvalue below which an approximate one is left out: products may be in single precision."""


@dataclass(frozen=True)
class Nystrom:
    """U diag(values) U^T, close to K.

    Attributes
    ----------
    values
        In decreasing order, above 0, shape (l,).
    vectors
        U, orthonormal columns in single precision, shape (n, l).
    """

    values: Doubles
    vectors: Floats

    def precondition(self, right: Floats, shift: complex) -> Floats:
        """P^-1 times some columns of shape (n, k), where P is close to K + shift, up to a factor.

        On the range of U it is (values_l + shift) / (values + shift), elsewhere 1 (Frangella, Tropp, Udell 2023, equation 5.3).
        """
        if not self.values.size:
            return right
        factors = (self.values[-1] + shift) / (self.values + shift) - 1.0
        return right + real_times(self.vectors, factors[:, None] * real_times(self.vectors.T, right))


def nystrom(
    operator: Any, rank: int, *, rng: np.random.Generator, advanced: Callable[[int], None] = lambda columns: None
) -> Nystrom:
    """Randomised approximation of a positive semidefinite matrix by one of low rank.

    Parameters
    ----------
    operator
        K: a matrix, or a `scipy.sparse.linalg.LinearOperator`, shape (n, n).
    rank
        Number of products with a vector, at most n; a matrix of lower rank gives fewer pairs.
    rng
        Source of the vectors.
    advanced
        Called after every product with the number of its columns.

    Raises
    ------
    ValueError
        If the rank does not lie between 0 and n.

    Notes
    -----
    K W (W^T K W)^-1 (K W)^T for an orthonormal random W of `rank` columns, by a shift that keeps Cholesky's factor safe
    (Frangella, Tropp, Udell 2023, algorithm 2.1). Memory: 24 n rank bytes on the way, 4 n rank afterwards.
    """
    linear = aslinearoperator(operator)
    n = linear.shape[0]
    if not 0 <= rank <= n:
        raise ValueError(f"the rank must lie between 0 and n = {n}, got {rank}")
    if rank == 0:
        return Nystrom(np.zeros(0), np.zeros((n, 0), np.float32))
    test, _ = qr(rng.standard_normal((n, rank)), mode="economic", overwrite_a=True, check_finite=False)
    image = np.empty((n, rank))
    for start in range(0, rank, STEP):
        part = slice(start, min(start + STEP, rank))
        image[:, part] = linear.matmat(test[:, part])
        advanced(part.stop - part.start)
    return _factored(test, image)


def _factored(test: Doubles, image: Doubles) -> Nystrom:
    """From W and K W, of which the latter is DESTROYED."""
    shift = FLOOR * float(np.linalg.norm(image))
    image += shift * test
    inner = test.T @ image
    factor = cholesky(0.5 * (inner + inner.T), lower=True, check_finite=False)
    half = solve_triangular(factor, image.T, lower=True, check_finite=False).T
    squares, rotation = eigh(half.T @ half)
    values = np.maximum(squares[::-1] - shift, 0.0)
    kept = values > FLOOR * values[0]
    vectors = half @ (rotation[:, ::-1][:, kept] / np.sqrt(squares[::-1][kept]))
    return Nystrom(values[kept], vectors.astype(np.float32))


def real_times(real: Floats, columns: Floats) -> Floats:
    """A real matrix times columns that may be complex, in the precision of the matrix, without a complex matrix."""
    parts = np.ascontiguousarray(columns)
    is_complex = np.iscomplexobj(parts)
    parts = parts.view(np.float64) if is_complex else parts
    product = (real @ parts.astype(real.dtype, copy=False)).astype(np.float64)
    return product.view(np.complex128) if is_complex else product  # type: ignore[no-any-return]
