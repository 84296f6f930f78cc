"""What a fit keeps of a Gram matrix: something that multiplies with a function g of it."""

import warnings
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.linalg import LinAlgWarning, cho_solve, solve_triangular
from scipy.linalg.lapack import dpocon, dpotrf

from initatlas.arrays import Doubles
from initatlas.estimators.eigenbasis import Eigenbasis

ILL_CONDITIONED = 1e12
"""Condition number above which few digits are left of the coefficients."""


class Solver(Protocol):
    """g(K) for a function g of the eigenvalues of a Gram matrix K."""

    @property
    def condition(self) -> float:
        """Condition number of the problem that g solves."""

    @property
    def left_out(self) -> int:
        """Number of eigenvectors that g sets to zero."""

    def apply(self, right: Doubles) -> Doubles:
        """g(K) times some columns, shape (n, k)."""

    def quadratic(self, columns: Doubles) -> Doubles:
        """c^T g(K) c for each column c, shape (k,)."""


@dataclass(frozen=True)
class Factor:
    """(K + ridge)^-1 by Cholesky's factor.

    Attributes
    ----------
    lower
        The factor; what is above its diagonal counts for nothing.
    condition
        Estimate of the condition number of K + ridge in the 1-norm.
    left_out
        None is.
    """

    lower: Doubles
    condition: float
    left_out: int = 0

    def apply(self, right: Doubles) -> Doubles:
        """(K + ridge)^-1 times some columns."""
        product: Doubles = cho_solve((self.lower, True), right)
        return product

    def quadratic(self, columns: Doubles) -> Doubles:
        """c^T (K + ridge)^-1 c for each column."""
        squares: Doubles = np.sum(solve_triangular(self.lower, columns, lower=True) ** 2, axis=0)
        return squares


@dataclass(frozen=True)
class Filtered:
    """g(K) in the eigenbasis.

    Attributes
    ----------
    basis
        Of K.
    values
        g at the eigenvalues, shape (n,).
    condition
        Of the problem that g solves.
    """

    basis: Eigenbasis
    values: Doubles
    condition: float

    @property
    def left_out(self) -> int:
        """Number of eigenvectors that the pseudo-inverse sets to zero."""
        return int(np.sum(self.values == 0.0))

    def apply(self, right: Doubles) -> Doubles:
        """g(K) times some columns."""
        return self.basis.apply(self.values, right)

    def quadratic(self, columns: Doubles) -> Doubles:
        """c^T g(K) c for each column."""
        squares: Doubles = self.values @ (self.basis.vectors.T @ columns) ** 2
        return squares


def ridge_solver(gram: Doubles, ridge: float) -> Solver:
    """(K + ridge)^-1: by Cholesky's factor, or by the eigenbasis where that is ill-conditioned.

    Parameters
    ----------
    gram
        K, which is DESTROYED.
    ridge
        0 or more; with 0 the pseudo-inverse of a singular matrix.
    """
    factor = _factor(gram, ridge)
    return filtered_ridge(Eigenbasis.of(gram), ridge) if factor is None else factor


def _factor(gram: Doubles, ridge: float) -> Factor | None:
    """Cholesky's factor of K + ridge; None where the condition number is too large."""
    shifted = gram.T.copy(order="F")
    shifted[np.diag_indices_from(shifted)] += ridge
    norm = float(np.abs(shifted).sum(axis=0).max())
    lower, failed = dpotrf(shifted, lower=1, clean=0, overwrite_a=1)
    if failed:
        return None
    reciprocal, _ = dpocon(lower, norm, uplo="L")
    return Factor(lower, 1.0 / reciprocal) if reciprocal * ILL_CONDITIONED > 1.0 else None


def filtered_ridge(basis: Eigenbasis, ridge: float) -> Filtered:
    """(K + ridge)^-1 in the eigenbasis; without ridge the pseudo-inverse."""
    return Filtered(basis, basis.ridge_filter(ridge), basis.ridge_condition(ridge))


def filtered_flow(basis: Eigenbasis, tau: float) -> Filtered:
    """What gradient flow makes of targets in the time tau."""
    return Filtered(basis, basis.flow_filter(tau), basis.flow_condition(tau))


def warn_of_condition(solver: Solver, stacklevel: int) -> None:
    """Give a `scipy.linalg.LinAlgWarning` with the condition number, and what is left out, if that is large.

    Parameters
    ----------
    solver
        Of the problem.
    stacklevel
        As in `warnings.warn`, from the caller.
    """
    if solver.condition <= ILL_CONDITIONED:
        return
    left = f", and {solver.left_out} directions of the inputs are left out" if solver.left_out else ""
    warnings.warn(
        f"the kernel matrix is ill-conditioned: condition number {solver.condition:.2g}{left}; predictions between "
        "training inputs may hold few digits. A larger ridge, or a shorter time, mends it",
        LinAlgWarning,
        stacklevel=stacklevel + 1,
    )
