"""Eigen-coefficients of targets in the empirical eigenbasis of a kernel."""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.linalg import eigh
from scipy.linalg.lapack import get_lapack_funcs

from initatlas.arrays import Doubles, Floats


def eigenpairs(gram: Doubles) -> tuple[Doubles, Doubles]:
    """All eigenvalues of K / n in decreasing order, and the orthonormal eigenvectors as columns.

    Parameters
    ----------
    gram
        Symmetric matrix K, shape (n, n). DESTROYED: its memory holds the eigenvectors afterwards.

    Returns
    -------
    eigenvalues : ndarray, shape (n,)
    eigenvectors : ndarray, shape (n, n)

    Raises
    ------
    ValueError
        If an entry is not finite.

    Notes
    -----
    LAPACK's divide and conquer (syevd): its eigenvectors are orthogonal to 1e-14, those of syevr to 1e-10 only.
    """
    # The transpose of a C-ordered symmetric matrix is the matrix in LAPACK's own order: no copy is made.
    values, vectors = eigh(gram.T, overwrite_a=True, driver="evd")
    return values[::-1] / len(values), vectors[:, ::-1]


def squared_coefficients(eigenvectors: Doubles, targets: Doubles) -> Doubles:
    """Squared eigen-coefficients of targets, summed over the targets' columns.

    Parameters
    ----------
    eigenvectors
        Orthonormal columns, shape (n, n), by decreasing eigenvalue.
    targets
        Shape (n,) or (n, k).

    Returns
    -------
    ndarray, shape (n,)
        c_i^2 with c = (1/n) phi^T y and phi = sqrt(n) times the eigenvectors, so that they sum to the mean of y^2
        (Chen, Li and Lin 2024, appendix G).
    """
    n = len(eigenvectors)
    columns = np.asarray(targets, dtype=np.float64).reshape(n, -1)
    squares: Doubles = np.sum((eigenvectors.T @ columns) ** 2, axis=1) / n
    return squares


class EigenCoefficients:
    """Eigenvalues of a Gram matrix, and coefficients of any targets in its eigenvectors, which are never made.

    K = Q T Q^t with a tridiagonal T (LAPACK's sytrd), and T = Z D Z^t by divide and conquer (stevd). The coefficients are
    Z^t (Q^t y): to leave out the product Q Z saves a third of the time.

    Parameters
    ----------
    gram
        Symmetric matrix K, float64 or float32, shape (n, n). DESTROYED.

    Attributes
    ----------
    eigenvalues
        Of K / n, in decreasing order, in the type of K, shape (n,).

    Raises
    ------
    ValueError
        If an entry is not finite.
    """

    def __init__(self, gram: Floats) -> None:
        n = len(np.asarray_chkfinite(gram))
        # Of a C-ordered symmetric matrix the transpose is the matrix in LAPACK's own order: no copy is made.
        matrix = gram.T
        reduce, length, solve, self._multiply = get_lapack_funcs(("sytrd", "sytrd_lwork", "stevd", "ormqr"), (matrix,))
        reduced, diagonal, beside, self._scales, _ = reduce(
            matrix, lower=1, lwork=int(length(n, lower=1)[0]), overwrite_a=True
        )
        # The first reflector leaves the first place alone, so they are those of a QR decomposition of what is below.
        self._reflectors = np.asfortranarray(reduced[1:, :-1])
        # of a single entry nothing is beside the diagonal, and LAPACK wants an array all the same
        beside = np.resize(beside, max(n - 1, 1))
        values, vectors, failed = solve(diagonal, beside, overwrite_d=True, overwrite_e=True)
        if failed:
            raise ValueError(f"divide and conquer has not found eigenvalue {failed} of {n}")
        self.eigenvalues: Floats = values[::-1] / n
        self._vectors = vectors[:, ::-1]

    def of(self, targets: Doubles) -> Doubles:
        """Coefficients c = (1/n) phi^T y of targets y, shape (n, k): a row per eigenvalue, whose squares sum to the mean of y^2.

        They are computed in the type of K. The sign of each row is arbitrary.
        """
        rotated = np.asarray(targets).astype(self._vectors.dtype, order="F")
        if len(rotated) > 1:
            rotated[1:] = _product(self._multiply, self._reflectors, self._scales, rotated[1:])
        coefficients: Doubles = (self._vectors.T @ rotated).astype(np.float64) / np.sqrt(len(rotated))
        return coefficients

    def squared(self, targets: Doubles) -> Doubles:
        """Squared coefficients of targets (n,) or (n, k), summed over the k columns, as `squared_coefficients` does."""
        squares: Doubles = np.sum(self.of(targets.reshape(len(targets), -1)) ** 2, axis=1)
        return squares


def _product(multiply: Callable[..., Any], reflectors: Floats, scales: Floats, columns: Floats) -> Floats:
    """Q^t times some columns, for the product Q of Householder reflectors."""
    arguments = ("L", "T", reflectors, scales, columns)
    _, length, _ = multiply(*arguments, -1)
    product: Floats = multiply(*arguments, int(length[0]))[0]
    return product


def eigen_coefficients(gram: Doubles, targets: Doubles) -> tuple[Doubles, Doubles]:
    """Eigenvalues of K / n in decreasing order and the squared coefficients of the targets.

    Parameters
    ----------
    gram
        Symmetric matrix K, shape (n, n). DESTROYED, to save the memory of a second one.
    targets
        Shape (n,), or (n, k): the squares are summed over the k columns.

    Returns
    -------
    eigenvalues, squared : ndarray, shape (n,)
        See `eigenpairs` and `squared_coefficients`.
    """
    coefficients = EigenCoefficients(gram)
    return coefficients.eigenvalues, coefficients.squared(targets)
