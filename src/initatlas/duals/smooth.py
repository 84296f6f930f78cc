"""Duals of smooth activations in closed form: exponential, sine, cosine, erf, GELU."""

from math import pi

import numpy as np

from initatlas.arrays import Doubles
from initatlas.duals.base import Dual, covariance


class Exponential(Dual):
    """exp(z): E = exp((p + q) / 2 + covariance), from the moments of a log-normal; its own derivative."""

    closed_gap = True

    def product(self, p: Doubles, q: Doubles, theta: Doubles) -> Doubles:
        """See `Dual.product`."""
        product: Doubles = np.exp(0.5 * (np.asarray(p) + q) + covariance(p, q, theta))
        return product

    derivative = product

    def gap(self, p: Doubles, q: Doubles, theta: Doubles) -> Doubles:
        """See `Dual.gap`."""
        lost = 2.0 * np.sqrt(p) * np.sqrt(q) * np.sin(0.5 * theta) ** 2
        gap: Doubles = -self.product(p, q, np.zeros(())) * np.expm1(-lost)
        return gap


class Wave(Dual):
    """sin z or cos z: E = exp(-(p + q) / 2) sinh or cosh of the covariance, from E[exp(i (u +- v))]; each other's derivative."""

    closed_gap = True

    def __init__(self, *, odd: bool) -> None:
        self.parity = -1 if odd else 1

    def product(self, p: Doubles, q: Doubles, theta: Doubles) -> Doubles:
        """See `Dual.product`."""
        return self._mean(p, q, theta, self.parity)

    def derivative(self, p: Doubles, q: Doubles, theta: Doubles) -> Doubles:
        """See `Dual.derivative`."""
        return self._mean(p, q, theta, -self.parity)

    def gap(self, p: Doubles, q: Doubles, theta: Doubles) -> Doubles:
        """See `Dual.gap`; a product of two hyperbolic sines, or their cosine, of half sums and differences."""
        sine, cosine = np.sin(0.5 * theta) ** 2, np.cos(0.5 * theta) ** 2
        root = np.sqrt(p) * np.sqrt(q)
        # sinh r - sinh(r cos t) = 2 cosh(r cos^2(t/2)) sinh(r sin^2(t/2)); with cosh the first one is a sinh too
        scale = np.exp(-0.5 * (np.sqrt(p) - np.sqrt(q)) ** 2)
        gap: Doubles = -0.5 * scale * np.expm1(-2.0 * root * sine) * (1.0 - self.parity * np.exp(-2.0 * root * cosine))
        return gap

    @staticmethod
    def _mean(p: Doubles, q: Doubles, theta: Doubles, sign: int) -> Doubles:
        """Mean of the waves of the difference and of the sum of the pair, without overflow."""
        base = (np.sqrt(p) - np.sqrt(q)) ** 2
        lost = 4.0 * np.sqrt(p) * np.sqrt(q)
        difference = np.exp(-0.5 * (base + lost * np.sin(0.5 * theta) ** 2))
        total = np.exp(-0.5 * (base + lost * np.cos(0.5 * theta) ** 2))
        mean: Doubles = 0.5 * (difference + sign * total)
        return mean


class Erf(Dual):
    """erf z: E = (2 / pi) asin(rho cos t) with rho^2 = (2 p / (1 + 2 p)) (2 q / (1 + 2 q)) (Williams 1997).

    E[phi' phi'] = (4 / pi) / sqrt((1 + 2 p) (1 + 2 q) - 4 covariance^2).
    """

    parity = -1
    closed_gap = True

    def product(self, p: Doubles, q: Doubles, theta: Doubles) -> Doubles:
        """See `Dual.product`."""
        rho, rest = _shrunk_correlation(2.0 * np.asarray(p), 2.0 * np.asarray(q), theta)
        product: Doubles = (2.0 / pi) * np.arctan2(rho, rest)
        return product

    def derivative(self, p: Doubles, q: Doubles, theta: Doubles) -> Doubles:
        """See `Dual.derivative`."""
        p, q = 2.0 * np.asarray(p), 2.0 * np.asarray(q)
        _, rest = _shrunk_correlation(p, q, theta)
        derivative: Doubles = (4.0 / pi) / (np.sqrt(1.0 + p) * np.sqrt(1.0 + q) * rest)
        return derivative

    def gap(self, p: Doubles, q: Doubles, theta: Doubles) -> Doubles:
        """See `Dual.gap`: the difference of two arcus sines as the angle of one vector, all terms positive."""
        p, q = 2.0 * np.asarray(p), 2.0 * np.asarray(q)
        top, top_rest = _shrunk_correlation(p, q, np.zeros(()))
        rho, rest = _shrunk_correlation(p, q, theta)
        sine, cosine = np.sin(0.5 * theta) ** 2, np.cos(0.5 * theta) ** 2
        growth = 4.0 * top**2 * sine * cosine / (rest + top_rest)
        gap: Doubles = (2.0 / pi) * np.arctan2(top * (growth + 2.0 * sine * top_rest), rest * top_rest + top * rho)
        return gap


class Gelu(Dual):
    """z Phi(z). With r = sqrt(p q), i = 1 / (1 + p), j = 1 / (1 + q), rho = r sqrt(i j) and w^2 = 1 - rho^2 cos^2 t,

    E[phi phi] = r (rho (sin^2 t + cos^2 t (i + j)) / (2 pi w) + cos t (1/4 + asin(rho cos t) / (2 pi))), and E[phi' phi'] =
    1/4 + asin(rho cos t) / (2 pi) + rho cos t ((i + j) / w + i j / w^3) / (2 pi): from Stein's lemma, with the Gaussian
    factors absorbed in the density; another form of Tsuchida et al. 2021 ("Avoiding kernel fixed points", section 3).
    """

    def product(self, p: Doubles, q: Doubles, theta: Doubles) -> Doubles:
        """See `Dual.product`."""
        p, q = np.asarray(p), np.asarray(q)
        i, j = 1.0 / (1.0 + p), 1.0 / (1.0 + q)
        shrunk, rest = _shrunk_correlation(p, q, theta)
        rho, _ = _shrunk_correlation(p, q, np.zeros(()))
        cosine = np.cos(theta)
        normal = rho * (np.sin(theta) ** 2 + cosine**2 * (i + j)) / rest
        half_plane = cosine * (0.5 * pi + np.arctan2(shrunk, rest))
        product: Doubles = np.sqrt(p) * np.sqrt(q) * (normal + half_plane) / (2.0 * pi)
        return product

    def derivative(self, p: Doubles, q: Doubles, theta: Doubles) -> Doubles:
        """See `Dual.derivative`."""
        p, q = np.asarray(p), np.asarray(q)
        i, j = 1.0 / (1.0 + p), 1.0 / (1.0 + q)
        shrunk, rest = _shrunk_correlation(p, q, theta)
        normal = shrunk * ((i + j) + (i / rest) * (j / rest)) / rest
        derivative: Doubles = (0.5 * pi + np.arctan2(shrunk, rest) + normal) / (2.0 * pi)
        return derivative


def _shrunk_correlation(p: Doubles, q: Doubles, theta: Doubles) -> tuple[Doubles, Doubles]:
    """Correlation of u + x and v + y, with x and y independent standard normal, and the root of 1 - its square.

    With i = 1 / (1 + p), 1 - rho^2 is i + j - i j at equal directions: no cancellation, no overflow.
    """
    p, q = np.asarray(p), np.asarray(q)
    i, j = 1.0 / (1.0 + p), 1.0 / (1.0 + q)
    rho = np.sqrt(p * i) * np.sqrt(q * j)
    rest = np.sqrt(i + j * (1.0 - i) + (rho * np.sin(theta)) ** 2)
    return rho * np.cos(theta), rest
