"""Laws of one variable that the units of random univariate networks follow, symmetric about 0."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from initatlas.arrays import Doubles

Shape = int | tuple[int, ...]

_NODES = 200
"""Of the Gauss-Legendre rule: enough for rounding, as the integrands are analytic in a wide strip."""


class Law(Protocol):
    """A law of one variable, symmetric about 0.

    Attributes
    ----------
    mean, variance, excess_kurtosis
        nan where they do not exist, in the shape of the law's parameters.
    """

    @property
    def mean(self) -> Doubles:
        """0, or nan where there is none."""
        ...

    @property
    def variance(self) -> Doubles:
        """Mean square, or nan where there is none."""
        ...

    @property
    def excess_kurtosis(self) -> Doubles:
        """Fourth moment over the squared variance, less the Gaussian's 3; nan where there is none."""
        ...

    def pdf(self, x: ArrayLike) -> Doubles:
        """Density, in the common shape of `x` and the law's parameters."""
        ...

    def cdf(self, x: ArrayLike) -> Doubles:
        """Probability of at most `x`, in the common shape of `x` and the law's parameters."""
        ...

    def sample(self, shape: Shape, *, rng: np.random.Generator) -> Doubles:
        """Independent draws; the parameters' shape must fit into `shape`."""
        ...


def _from_halves(x: Doubles, half: Doubles) -> Doubles:
    """Cumulative probability from that between 0 and |x|."""
    return np.asarray(0.5 + np.sign(x) * half)


def integral(integrand: Callable[[Doubles], Doubles], end: Doubles) -> Doubles:
    """Integral from 0 to each `end` by the Gauss-Legendre rule; the integrand sees a further last axis of nodes."""
    nodes, weights = _legendre()
    t = end[..., None] * (nodes + 1.0) / 2.0
    return np.asarray(end / 2.0 * (integrand(t) @ weights))


@lru_cache(1)
def _legendre() -> tuple[Doubles, Doubles]:
    """Nodes and weights on [-1, 1]."""
    return np.polynomial.legendre.leggauss(_NODES)


class _Moments:
    """Mean, variance and excess kurtosis of a law whose scale sets its variance alone."""

    scale: Doubles
    variance_at_1: ClassVar[float]
    kurtosis: ClassVar[float]

    @property
    def mean(self) -> Doubles:
        """0 by symmetry, nan where it does not exist."""
        return np.zeros_like(self.scale) * self.variance_at_1

    @property
    def variance(self) -> Doubles:
        """Mean square, nan where it does not exist."""
        return np.asarray(self.variance_at_1 * self.scale**2)

    @property
    def excess_kurtosis(self) -> Doubles:
        """Fourth moment over the squared variance, less the Gaussian's 3."""
        return np.full_like(self.scale, self.kurtosis)


@dataclass(frozen=True)
class Cauchy(_Moments):
    """Breakpoint of a Gaussian unit; `scale` is sigma_b / sigma_w. It has no moments."""

    scale: Doubles
    variance_at_1 = np.nan
    kurtosis = np.nan

    def pdf(self, x: ArrayLike) -> Doubles:
        """1 / (pi scale (1 + (x / scale)^2))."""
        return np.asarray(1.0 / (np.pi * self.scale * (1.0 + (np.asarray(x) / self.scale) ** 2)))

    def cdf(self, x: ArrayLike) -> Doubles:
        """By the arctangent."""
        return np.asarray(0.5 + np.arctan(np.asarray(x) / self.scale) / np.pi)

    def sample(self, shape: Shape, *, rng: np.random.Generator) -> Doubles:
        """Scaled standard Cauchy numbers."""
        return np.asarray(self.scale * rng.standard_cauchy(shape))


@dataclass(frozen=True)
class NormalProduct(_Moments):
    """Delta-slope of a Gaussian unit: a product of two normal numbers; `scale` is sigma_w sigma_v."""

    scale: Doubles
    variance_at_1 = 1.0
    kurtosis = 6.0

    def pdf(self, x: ArrayLike) -> Doubles:
        """K0(|x| / scale) / (pi scale); infinite at 0."""
        return np.asarray(special.k0(abs(np.asarray(x)) / self.scale) / (np.pi * self.scale))

    def cdf(self, x: ArrayLike) -> Doubles:
        """By the integral of K0."""
        inputs = np.asarray(x, dtype=np.float64)
        return _from_halves(inputs, special.iti0k0(np.minimum(abs(inputs) / self.scale, 700.0))[1] / np.pi)

    def sample(self, shape: Shape, *, rng: np.random.Generator) -> Doubles:
        """Products of two standard normal numbers, scaled."""
        return np.asarray(self.scale * rng.standard_normal(shape) * rng.standard_normal(shape))


@dataclass(frozen=True)
class Laplace(_Moments):
    """Delta-slope of a Gaussian unit whose breakpoint is known."""

    scale: Doubles
    variance_at_1 = 2.0
    kurtosis = 3.0

    def pdf(self, x: ArrayLike) -> Doubles:
        """exp(-|x| / scale) / (2 scale)."""
        return np.asarray(np.exp(-abs(np.asarray(x)) / self.scale) / (2.0 * self.scale))

    def cdf(self, x: ArrayLike) -> Doubles:
        """By the exponential function."""
        inputs = np.asarray(x, dtype=np.float64)
        return _from_halves(inputs, -np.expm1(-abs(inputs) / self.scale) / 2.0)

    def sample(self, shape: Shape, *, rng: np.random.Generator) -> Doubles:
        """Scaled standard Laplace numbers."""
        return np.asarray(self.scale * rng.laplace(size=shape))


def _try_half_bessel(z: Doubles, rng: np.random.Generator) -> tuple[Doubles, NDArray[np.bool_]]:
    """Proposals for t > 0 with the density exp(-z cosh t), and whether each is accepted."""
    flat = np.arccosh(
        1.0 + 1.0 / z
    )  # from there on, where the density has fallen to 1 / e, the envelope is its tangent
    decay = z * np.sinh(flat)
    in_tail = rng.uniform(0.0, 1.0, z.size) * (flat + np.exp(-1.0) / decay) > flat
    beyond = rng.exponential(size=z.size)
    t = np.where(in_tail, flat + beyond / decay, flat * rng.uniform(0.0, 1.0, z.size))
    envelope = np.where(in_tail, -1.0 - beyond, 0.0)
    return t, np.log1p(-rng.uniform(0.0, 1.0, z.size)) + envelope <= -2.0 * z * np.sinh(t / 2.0) ** 2


@dataclass(frozen=True)
class BesselBreakpoint:
    """Breakpoint of a Gaussian unit whose delta-slope mu is known.

    beta = scale sinh t, where t has the density exp(-z cosh t) / (2 K0(z)).

    Attributes
    ----------
    scale
        sigma_b / sigma_w.
    z
        |mu| / (sigma_w sigma_v), above 0.
    """

    scale: Doubles
    z: Doubles

    @property
    def mean(self) -> Doubles:
        """0 by symmetry."""
        return np.zeros_like(self.z)

    @property
    def variance(self) -> Doubles:
        """scale^2 K1(z) / (z K0(z))."""
        return np.asarray(self.scale**2 * special.k1e(self.z) / (self.z * special.k0e(self.z)))

    @property
    def excess_kurtosis(self) -> Doubles:
        """3 K0(z) K2(z) / K1(z)^2 - 3."""
        return np.asarray(3.0 * special.k0e(self.z) * special.kve(2, self.z) / special.k1e(self.z) ** 2 - 3.0)

    def pdf(self, x: ArrayLike) -> Doubles:
        """exp(-z cosh t) / (2 scale cosh t K0(z)) with sinh t = x / scale."""
        cosh = np.hypot(1.0, np.asarray(x) / self.scale)
        return np.asarray(np.exp(-self.z * (cosh - 1.0)) / (2.0 * self.scale * cosh * special.k0e(self.z)))

    def cdf(self, x: ArrayLike) -> Doubles:
        """By quadrature over t."""
        inputs, z = np.broadcast_arrays(np.asarray(x, dtype=np.float64), self.z)
        end = np.minimum(np.arcsinh(abs(inputs) / self.scale), np.arccosh(1.0 + 40.0 / z))
        inner = integral(lambda t: np.exp(-2.0 * z[..., None] * np.sinh(t / 2.0) ** 2), end)
        return _from_halves(inputs, inner / (2.0 * special.k0e(z)))

    def sample(self, shape: Shape, *, rng: np.random.Generator) -> Doubles:
        """By rejection from a constant with an exponential tail, which lies above the density: it is log-concave in t.

        References
        ----------
        Devroye 1986, Non-Uniform Random Variate Generation, section VII.2.
        """
        z = np.broadcast_to(self.z, shape).ravel()
        t = np.empty(z.size)
        left = np.arange(z.size)
        while left.size:
            tried, accepted = _try_half_bessel(z[left], rng)
            t[left[accepted]] = tried[accepted]
            left = left[~accepted]
        signs = rng.choice([-1.0, 1.0], shape)
        return np.asarray(self.scale * signs * np.sinh(t).reshape(signs.shape))


@dataclass(frozen=True)
class UniformRatio(_Moments):
    """Breakpoint of a uniform unit; `scale` is a_b / a_w. It has no moments."""

    scale: Doubles
    variance_at_1 = np.nan
    kurtosis = np.nan

    def pdf(self, x: ArrayLike) -> Doubles:
        """min(1, scale / |x|)^2 / (4 scale)."""
        far = np.maximum(abs(np.asarray(x)) / self.scale, 1.0)
        return np.asarray(1.0 / (4.0 * self.scale * far**2))

    def cdf(self, x: ArrayLike) -> Doubles:
        """Linear up to the scale; beyond it the tail is that of 1 / x."""
        inputs = np.asarray(x, dtype=np.float64)
        size = abs(inputs) / self.scale
        return _from_halves(inputs, np.where(size <= 1.0, size / 4.0, 0.5 - 0.25 / np.maximum(size, 1.0)))

    def sample(self, shape: Shape, *, rng: np.random.Generator) -> Doubles:
        """Ratios of two uniform numbers, scaled."""
        return np.asarray(self.scale * rng.uniform(-1.0, 1.0, shape) / (1.0 - rng.uniform(0.0, 1.0, shape)))


@dataclass(frozen=True)
class UniformProduct(_Moments):
    """Delta-slope of a uniform unit: a product of two uniform numbers; `scale` is a_w a_v, the end of its support."""

    scale: Doubles
    variance_at_1 = 1.0 / 9.0
    kurtosis = 6.0 / 25.0

    def pdf(self, x: ArrayLike) -> Doubles:
        """log(scale / |x|) / (2 scale) within the support; infinite at 0."""
        with np.errstate(divide="ignore"):
            logarithm = -np.log(np.minimum(abs(np.asarray(x)) / self.scale, 1.0))
        return np.asarray(logarithm / (2.0 * self.scale))

    def cdf(self, x: ArrayLike) -> Doubles:
        """By u (1 - log u) / 2 with u = |x| / scale."""
        inputs = np.asarray(x, dtype=np.float64)
        size = np.minimum(abs(inputs) / self.scale, 1.0)
        return _from_halves(inputs, (size - special.xlogy(size, size)) / 2.0)

    def sample(self, shape: Shape, *, rng: np.random.Generator) -> Doubles:
        """Products of two uniform numbers, scaled."""
        return np.asarray(self.scale * rng.uniform(-1.0, 1.0, shape) * rng.uniform(-1.0, 1.0, shape))


@dataclass(frozen=True)
class Triangular(_Moments):
    """Delta-slope of a uniform unit whose breakpoint is known; `scale` is the end of its support."""

    scale: Doubles
    variance_at_1 = 1.0 / 6.0
    kurtosis = -3.0 / 5.0

    def pdf(self, x: ArrayLike) -> Doubles:
        """(1 - |x| / scale) / scale within the support."""
        return np.asarray(np.maximum(1.0 - abs(np.asarray(x)) / self.scale, 0.0) / self.scale)

    def cdf(self, x: ArrayLike) -> Doubles:
        """By u (1 - u / 2) with u = |x| / scale."""
        inputs = np.asarray(x, dtype=np.float64)
        size = np.minimum(abs(inputs) / self.scale, 1.0)
        return _from_halves(inputs, size * (1.0 - size / 2.0))

    def sample(self, shape: Shape, *, rng: np.random.Generator) -> Doubles:
        """Differences of two uniform numbers, scaled."""
        return np.asarray(self.scale * (rng.uniform(0.0, 1.0, shape) - rng.uniform(0.0, 1.0, shape)))


@dataclass(frozen=True)
class LogarithmicBreakpoint:
    """Breakpoint of a uniform unit whose delta-slope mu is known.

    beta = b / w with b uniform and log |w| uniform on what mu leaves.

    Attributes
    ----------
    scale
        a_b / a_w.
    log_range
        log(a_w a_v / |mu|), above 0.
    """

    scale: Doubles
    log_range: Doubles

    @property
    def mean(self) -> Doubles:
        """0 by symmetry."""
        return np.zeros_like(self.log_range)

    @property
    def variance(self) -> Doubles:
        """scale^2 (exp(2 L) - 1) / (6 L) with the range L."""
        return np.asarray(self.scale**2 * np.expm1(2.0 * self.log_range) / (6.0 * self.log_range))

    @property
    def excess_kurtosis(self) -> Doubles:
        """9 L coth(L) / 5 - 3 with the range L."""
        return np.asarray(9.0 * self.log_range / (5.0 * np.tanh(self.log_range)) - 3.0)

    def pdf(self, x: ArrayLike) -> Doubles:
        """(min(1, scale / |x|) - exp(-L)) / (2 L scale) where that is above 0."""
        near = 1.0 / np.maximum(abs(np.asarray(x)) / self.scale, 1.0)
        return np.asarray(np.maximum(near - np.exp(-self.log_range), 0.0) / (2.0 * self.log_range * self.scale))

    def cdf(self, x: ArrayLike) -> Doubles:
        """Linear up to the scale, then by the logarithm, up to the end of the support at scale exp(L)."""
        inputs = np.asarray(x, dtype=np.float64)
        size = np.minimum(abs(inputs) / self.scale, np.exp(self.log_range))
        grown = np.log(np.maximum(size, 1.0))
        inner = np.minimum(size, 1.0) + grown - size * np.exp(-self.log_range)
        return _from_halves(inputs, inner / (2.0 * self.log_range))

    def sample(self, shape: Shape, *, rng: np.random.Generator) -> Doubles:
        """From a uniform bias and a log-uniform weight."""
        shrunk = np.exp(self.log_range * rng.uniform(0.0, 1.0, shape))
        return np.asarray(self.scale * rng.uniform(-1.0, 1.0, shape) * shrunk)
