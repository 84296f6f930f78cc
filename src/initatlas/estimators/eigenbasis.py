"""The eigenbasis of a Gram matrix, where ridge regression and gradient flow act on each coefficient by itself.

Both predict k(x, X) g(K) y for a function g of the eigenvalues: 1 / (lambda + ridge), or (1 - exp(-tau lambda)) / lambda.
"""

from dataclasses import dataclass

import numpy as np

from initatlas.arrays import Doubles
from initatlas.kernels.spectrum import eigenpairs

EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Eigenbasis:
    """Eigenpairs of a Gram matrix.

    Attributes
    ----------
    values
        Eigenvalues of K in decreasing order, those below zero by rounding set to zero, shape (n,).
    vectors
        Orthonormal eigenvectors as columns, shape (n, n).
    """

    values: Doubles
    vectors: Doubles

    @classmethod
    def of(cls, gram: Doubles) -> "Eigenbasis":
        """Eigenpairs of a symmetric matrix, which is DESTROYED.

        Raises
        ------
        ValueError
            If an entry is not finite.
        """
        values, vectors = eigenpairs(gram)
        return cls(np.maximum(values * len(values), 0.0), vectors)

    @property
    def largest(self) -> float:
        """The largest eigenvalue; 1 for a matrix of zeros, which has no scale."""
        return float(self.values[0]) or 1.0

    @property
    def negligible(self) -> float:
        """What rounding adds to an eigenvalue at most."""
        return len(self.values) * EPSILON * self.largest

    def apply(self, filtered: Doubles, right: Doubles) -> Doubles:
        """g(K) times some columns, for the values g of the eigenvalues, shape (n,)."""
        product: Doubles = self.vectors @ (filtered[:, None] * (self.vectors.T @ right))
        return product

    def ridge_filter(self, ridge: float) -> Doubles:
        """1 / (lambda + ridge); without ridge the pseudo-inverse, which leaves out what rounding alone has made."""
        if ridge > 0.0:
            return 1.0 / (self.values + ridge)
        kept = self.values > self.negligible
        return np.divide(1.0, self.values, out=np.zeros_like(self.values), where=kept)

    def flow_filter(self, tau: float) -> Doubles:
        """(1 - exp(-tau lambda)) / lambda, tau where lambda is 0; the pseudo-inverse for infinite tau."""
        if np.isinf(tau):
            return self.ridge_filter(0.0)
        full = np.full_like(self.values, tau)
        return np.divide(-np.expm1(-tau * self.values), self.values, out=full, where=tau * self.values > 0.0)

    def ridge_condition(self, ridge: float) -> float:
        """Condition number of K + ridge, no larger than rounding lets one see."""
        least = max(float(self.values[-1]), EPSILON * self.largest)
        return (self.largest + ridge) / (least + ridge)

    def flow_condition(self, tau: float) -> float:
        """Ratio of the largest to the smallest value of the filter of gradient flow, no larger than rounding lets one see."""
        if np.isinf(tau):
            return self.ridge_condition(0.0)
        ends = np.array([max(self.values[-1], EPSILON * self.largest), self.largest])
        slow, fast = Eigenbasis(ends, np.eye(2)).flow_filter(tau)
        return float(slow / fast)
