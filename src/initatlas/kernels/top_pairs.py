"""The largest eigenpairs of a symmetric operator, by a block Krylov method that applies the operator rarely.

An operator on disk is read once per product, whatever the number of vectors: so vectors come in blocks, some 24 of them. The
basis is orthogonalised as a whole, and the residual of every pair is known from the coefficients of that.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import LinAlgError, cholesky, eigh, qr, solve_triangular
from scipy.sparse.linalg import LinearOperator, aslinearoperator

from initatlas.arrays import Doubles

log = logging.getLogger(__name__)


_CHECK_GROWTH = 1.2
# Eigenvalues below this share of the largest are converged when their residuals are small beside this share.
_NEGLIGIBLE = 1e-6


@dataclass(frozen=True)
class TopPairs:
    """The largest eigenpairs of K / n.

    Attributes
    ----------
    values
        Eigenvalues in decreasing order, shape (k,).
    vectors
        Orthonormal eigenvectors as columns, shape (n, k).
    residuals
        |K v / n - lambda v| of each pair, shape (k,). Some eigenvalue of K / n lies within this distance of lambda.
    passes, products
        How often the operator was applied, and to how many vectors.
    """

    values: Doubles
    vectors: Doubles
    residuals: Doubles
    passes: int
    products: int


def top_eigenpairs(
    operator: Any,
    k: int,
    *,
    rng: np.random.Generator,
    tolerance: float = 1e-4,
    width: int | None = None,
    largest_basis: int | None = None,
    advanced: Callable[[], None] = lambda: None,
) -> TopPairs:
    """The k largest eigenpairs of K / n, for a positive semidefinite K that can be multiplied with blocks of vectors.

    Parameters
    ----------
    operator
        K: a matrix, or a `scipy.sparse.linalg.LinearOperator`, shape (n, n).
    k
        Number of pairs.
    rng
        Source of the starting block.
    tolerance
        Wanted bound of the residuals over their eigenvalues. The tail sums of `initatlas.smoothness` err by some
        square of it.
    width
        Vectors in a block; about k / 8 if None.
    largest_basis
        Where to stop: then the residuals are larger than the tolerance, and a warning says so. 4 k + 8 `width` if None.
    advanced
        Called after every product, which adds `width` vectors to the basis.

    Returns
    -------
    TopPairs

    Raises
    ------
    ValueError
        If k does not lie between 1 and n, or the operator gives a value that is not finite.

    Notes
    -----
    Block Lanczos with whole reorthogonalisation and a Rayleigh-Ritz step (Golub and Van Loan 2013, section 10.3.6). Memory:
    the basis and the vectors, 8 n (basis + k) bytes, and four blocks. Where the basis would fill the space, the matrix is
    formed and decomposed by LAPACK.
    """
    linear = aslinearoperator(operator)
    n = linear.shape[0]
    if not 1 <= k <= n:
        raise ValueError(f"from 1 to n = {n} eigenpairs can be asked for, got {k}")
    width = width or default_width(k)
    limit = width * -(-(largest_basis or default_limit(k, width)) // width)
    if limit + width > n:
        return _all_at_once(linear, k)
    return _Krylov(linear, limit, width, rng).run(k, tolerance, advanced)


def default_width(k: int) -> int:
    """Vectors in a block, for k pairs: some 24 products lead to the pairs of a kernel matrix."""
    return max(8, min(k // 8, 256))


def default_limit(k: int, width: int) -> int:
    """Largest basis for k pairs; commonly 3 k vectors suffice."""
    return 4 * k + 8 * width


def basis_megabytes(n: int, k: int) -> float:
    """Most memory that `top_eigenpairs` takes for n rows and k pairs, in MB, beside the operator's."""
    width = default_width(k)
    return 8e-6 * n * min(default_limit(k, width) + k + 4 * width, 2 * n)


class _Krylov:
    """A growing basis Q of a block Krylov space, with A Q = Q H + (next block) R for its newest block, A = K / n."""

    def __init__(self, linear: LinearOperator, limit: int, width: int, rng: np.random.Generator) -> None:
        self._linear, self._limit, self._width = linear, limit, width
        self._n = linear.shape[0]
        self._basis = np.empty((self._n, limit), order="F")  # pages that are never touched cost nothing
        self._h = np.zeros((limit, limit))
        self._size = 0
        self._next, _ = _orthonormal(rng.standard_normal((self._n, width)))
        self._coupling = np.zeros((width, width))

    def run(self, k: int, tolerance: float, advanced: Callable[[], None]) -> TopPairs:
        """Grow until the pairs have converged, or the basis is at its limit."""
        check = 2 * k
        while True:
            self._grow()
            advanced()
            full = self._size == self._limit
            if self._size >= check or full:
                values, rotation, residuals = self._ritz(k)
                worst = float(np.max(residuals / np.maximum(values, _NEGLIGIBLE * values[0])))
                if worst <= tolerance or full:
                    break
                check = int(_CHECK_GROWTH * self._size)
        if worst > tolerance:
            log.warning("eigenpairs: a residual is %.1e of its eigenvalue; %.0e was wanted", worst, tolerance)
        vectors = self._basis[:, : self._size] @ rotation
        return TopPairs(values, vectors, residuals, self._size // self._width, self._size)

    def _grow(self) -> None:
        """Append the next block, apply the operator to it, and make the product orthonormal to the basis."""
        old, width = self._size, self._width
        new = self._size = old + width
        self._basis[:, old:new] = self._next
        if old:
            self._h[old:new, old - width : old] = self._coupling
        product = np.asarray(self._linear.matmat(self._next), dtype=np.float64) / self._n
        if not np.isfinite(product).all():
            raise ValueError("the kernel matrix holds a value that is not finite")
        # In exact arithmetic the last two blocks would do; the whole basis takes away what rounding adds.
        first = max(0, old - width)
        recent, basis = self._basis[:, first:new], self._basis[:, :new]
        local = recent.T @ product
        product -= recent @ local
        block, upper = _orthonormal(product)
        whole = basis.T @ block
        block -= basis @ whole
        self._next, again = _orthonormal(block)
        self._h[first:new, old:new] += local
        self._h[:new, old:new] += whole @ upper
        self._coupling = again @ upper

    def _ritz(self, k: int) -> tuple[Doubles, Doubles, Doubles]:
        """Ritz values in decreasing order, their coordinates in the basis, and the norms of their residuals."""
        h = self._h[: self._size, : self._size]
        values, rotation = eigh(0.5 * (h + h.T), subset_by_index=(self._size - k, self._size - 1))
        values, rotation = values[::-1], rotation[:, ::-1]
        inside = np.linalg.norm(h @ rotation - rotation * values, axis=0)
        outside = np.linalg.norm(self._coupling @ rotation[-self._width :], axis=0)
        return values, rotation, np.hypot(inside, outside)


def _orthonormal(block: Doubles) -> tuple[Doubles, Doubles]:
    """Q R = block with orthonormal Q: by Cholesky twice, in matrix products; by Householder where the block is deficient."""
    try:
        once, first = _cholesky_qr(block)
        twice, second = _cholesky_qr(once)
    except LinAlgError:
        q, r = qr(block, mode="economic", check_finite=False)
        return q, r
    return twice, second @ first


def _cholesky_qr(block: Doubles) -> tuple[Doubles, Doubles]:
    """One step of Cholesky QR; its Q is orthonormal to the square of the condition number."""
    upper = cholesky(block.T @ block, check_finite=False)
    inverse = solve_triangular(upper, np.eye(len(upper)), check_finite=False)
    return block @ inverse, upper


def _all_at_once(linear: LinearOperator, k: int) -> TopPairs:
    """All eigenpairs by LAPACK, of which k are kept."""
    n = linear.shape[0]
    matrix = np.asarray(linear.matmat(np.eye(n)), dtype=np.float64) / n
    values, vectors = eigh(matrix, driver="evd")
    values, vectors = values[::-1][:k], np.ascontiguousarray(vectors[:, ::-1][:, :k])
    residuals = np.linalg.norm(matrix @ vectors - vectors * values, axis=0)
    return TopPairs(values, vectors, residuals, 1, n)
