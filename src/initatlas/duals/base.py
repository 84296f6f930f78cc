"""What a dual activation is: E[phi(u) phi(v)] of a centred Gaussian pair, the same for phi', and the gap to equal directions.

A pair has variances p and q and the correlation cos theta. Everything is a function of the angle, because the cosine of a
small angle has lost the angle's digits. The *gap* is the dual at theta = 0 minus the dual at theta, without cancellation:
it is what the recursion of a deep network needs to follow small angles.

By Price's theorem the derivative of the dual with respect to the covariance of the pair is the dual of phi'.
"""

from functools import lru_cache
from math import pi

import numpy as np
from numpy.polynomial.legendre import leggauss
from numpy.typing import ArrayLike

from initatlas.arrays import Doubles


class Dual:
    """The dual of one activation. Subclasses give `product` and `derivative`; the rest follows, or is done better.

    In all methods `p` and `q` are the variances of the pair, 0 or more, and `theta` is its angle in [0, pi]; arrays of
    shapes that broadcast.

    Attributes
    ----------
    degree
        The activation is homogeneous of this degree, phi(t z) = t^degree phi(z) for t > 0; None if it is not.
    parity
        1 if phi(-z) = phi(z), -1 if phi(-z) = -phi(z), else 0.
    closed_gap
        Whether `gap` has a closed form, as cheap as `product`.
    differentiable
        Whether E[phi'(u) phi'(v)] is finite for equal directions, so that the network has an NTK.
    """

    degree: int | None = None
    parity: int = 0
    closed_gap: bool = False
    differentiable: bool = True

    def product(self, p: Doubles, q: Doubles, theta: Doubles) -> Doubles:
        """E[phi(u) phi(v)]."""
        raise NotImplementedError

    def derivative(self, p: Doubles, q: Doubles, theta: Doubles) -> Doubles:
        """E[phi'(u) phi'(v)]."""
        raise NotImplementedError

    def moment(self, q: Doubles) -> Doubles:
        """E[phi(u)^2]."""
        return self.product(q, q, np.zeros(()))

    def gap(self, p: Doubles, q: Doubles, theta: Doubles) -> Doubles:
        """Difference `product(p, q, 0) - product(p, q, theta)`, with full relative accuracy at small angles.

        Up to an angle of 1 the integral of `derivative` over the covariance, by Gauss-Legendre nodes in the sine of the
        half-angle on panels that shrink towards 0: a sum of terms of one sign. Beyond, the difference itself.
        """
        p, q, theta = np.asarray(p), np.asarray(q), np.asarray(theta)
        if self.parity == 1:
            theta = np.minimum(theta, pi - theta)
        nodes, weights = _graded_nodes()
        top = np.sin(0.5 * np.minimum(theta, 1.0))
        sines = top[..., None] * nodes
        slopes = self.derivative(p[..., None], q[..., None], 2.0 * np.arcsin(sines))
        near = 4.0 * np.sqrt(p) * np.sqrt(q) * top * np.sum(weights * sines * slopes, axis=-1)
        far = self.product(p, q, np.zeros(())) - self.product(p, q, np.maximum(theta, 1.0))
        return np.where(theta <= 1.0, near, far)

    def at_correlation(self, q: ArrayLike, c: ArrayLike) -> Doubles:
        """E[phi(u) phi(v)] for a pair of equal variances `q` and correlation `c` in [-1, 1]."""
        q = np.asarray(q, dtype=np.float64)
        return np.asarray(self.product(q, q, np.arccos(np.asarray(c, dtype=np.float64))))

    def derivative_at_correlation(self, q: ArrayLike, c: ArrayLike) -> Doubles:
        """E[phi'(u) phi'(v)] for a pair of equal variances `q` and correlation `c` in [-1, 1]."""
        q = np.asarray(q, dtype=np.float64)
        return np.asarray(self.derivative(q, q, np.arccos(np.asarray(c, dtype=np.float64))))

    def in_closed_form(self, variance: float) -> bool:
        """Whether pairs of unequal variances up to this one cost microseconds, not a quadrature each."""
        return True

    def mismatch(self, p: Doubles, q: Doubles, *, weight_variance: float, bias_variance: float) -> Doubles:
        """1 - cosine of the next layer's signals for equal directions and variances p and q; zero where p equals q.

        The absolute error is a few 1e-16.
        """
        a, b = weight_variance, bias_variance
        norms = np.sqrt(a * self.moment(p) + b) * np.sqrt(a * self.moment(q) + b)
        with np.errstate(divide="ignore", invalid="ignore"):
            cosine = (a * self.product(p, q, np.zeros(())) + b) / norms
        return np.where((p == q) | (norms == 0.0), 0.0, np.maximum(1.0 - cosine, 0.0))


@lru_cache(maxsize=1)
def _graded_nodes() -> tuple[Doubles, Doubles]:
    """Nodes and weights on (0, 1): 16 Gauss-Legendre nodes on each of 14 panels, each four times the one below."""
    x, w = leggauss(16)
    edges = np.concatenate([[0.0], 4.0 ** np.arange(-13.0, 1.0)])
    left, width = edges[:-1, None], np.diff(edges)[:, None]
    return (left + width * 0.5 * (x + 1.0)).ravel(), (width * 0.5 * w).ravel()


def covariance(p: Doubles, q: Doubles, theta: Doubles) -> Doubles:
    """Covariance of a pair with variances p and q at an angle theta."""
    product: Doubles = np.sqrt(p) * np.sqrt(q) * np.cos(theta)
    return product
