"""Duals of Hermite polynomials."""

from math import factorial, sqrt

import numpy as np

from initatlas.arrays import Doubles
from initatlas.duals.base import Dual


class Hermite(Dual):
    """Hermite polynomial h_k with E[h_k(Z)^2] = 1: cos^k at variances 1 (Daniely et al. 2016), and by its expansion
    h_k(s z) = sum_j a_j(s) h_(k - 2 j)(z) at others.
    """

    def __init__(self, degree: int) -> None:
        self.polynomial_degree = degree
        self.parity = -1 if degree % 2 else 1

    def product(self, p: Doubles, q: Doubles, theta: Doubles) -> Doubles:
        """See `Dual.product`."""
        return _hermite_product(self.polynomial_degree, p, q, theta)

    def derivative(self, p: Doubles, q: Doubles, theta: Doubles) -> Doubles:
        """See `Dual.derivative`: h_k' = sqrt(k) h_(k - 1)."""
        k = self.polynomial_degree
        if k == 0:
            return np.zeros(np.broadcast_shapes(np.shape(p), np.shape(q), np.shape(theta)))
        return k * _hermite_product(k - 1, p, q, theta)


def _hermite_product(degree: int, p: Doubles, q: Doubles, theta: Doubles) -> Doubles:
    """Sum of the products of the expansion's coefficients and powers of the cosine."""
    cosine = np.cos(theta)
    terms = (
        _hermite_scaling(degree, j, p) * _hermite_scaling(degree, j, q) * cosine ** (degree - 2 * j)
        for j in range(degree // 2 + 1)
    )
    return np.asarray(sum(terms))


def _hermite_scaling(degree: int, j: int, variance: Doubles) -> Doubles:
    """Coefficient of h_(k - 2 j)(z) in h_k(s z), with s^2 the variance."""
    rest = degree - 2 * j
    factor = sqrt(factorial(degree) / factorial(rest)) / (factorial(j) * 2.0**j)
    scaling: Doubles = factor * np.sqrt(variance) ** rest * (np.asarray(variance) - 1.0) ** j
    return scaling
