"""Eigen-coefficients of targets in the empirical eigenbasis of a kernel."""

import numpy as np
from scipy.linalg import eigh

from initatlas.arrays import Doubles


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
    values, vectors = eigenpairs(gram)
    return values, squared_coefficients(vectors, targets)
