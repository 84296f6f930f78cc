"""Laws of the breakpoint, the delta-slope and the roughness of shallow univariate networks with random parameters.

Input weight w, bias b and output weight v of a unit are independent, all Gaussian or all uniform, with mean 0. Then the
breakpoint beta = -b / w and the delta-slope mu = w v have the joint density of theorem 1 of Sahs et al. 2020.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import sqrt
from typing import ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike

from initatlas.arrays import Doubles
from initatlas.piecewise.arrays import finite
from initatlas.piecewise.laws import (
    BesselBreakpoint,
    Cauchy,
    Laplace,
    Law,
    LogarithmicBreakpoint,
    NormalProduct,
    Shape,
    Triangular,
    UniformProduct,
    UniformRatio,
    integral,
)
from initatlas.piecewise.shallow import ShallowNetwork

_DRAWN = 1 << 14
"""Units whose weights are drawn at a time: they stay in the cache."""


@dataclass(frozen=True)
class Roughness:
    """Mean and variance of rho = sum mu_i^2 over the units of a network.

    References
    ----------
    Sahs et al. 2020, theorem 2.
    """

    mean: float
    variance: float

    def tail_bound(self, excess: ArrayLike) -> Doubles:
        """A bound of P[rho - mean >= excess], for excesses of at least 0: Cantelli's inequality.

        Raises
        ------
        ValueError
            If an excess is below 0 or no finite number.
        """
        excesses = finite("excess", excess)
        if (excesses < 0).any():
            raise ValueError("excess: must not be below 0")
        return np.asarray(self.variance / (self.variance + excesses**2))


Preset = Literal["he", "glorot"]


@dataclass(frozen=True)
class _Initialisation(ABC):
    """What Gaussian and uniform initialisation share."""

    input_scale: float
    bias_scale: float
    output_scale: float
    variance_at_1: ClassVar[float]

    def __post_init__(self) -> None:
        for name in ("input_scale", "bias_scale", "output_scale"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0):
                raise ValueError(f"{name}: {value!r}, give a number above 0")

    @classmethod
    def preset(cls, name: Preset, units: int, *, bias_scale: float = 1.0) -> Self:
        """The scales of He et al. 2015 (variance 2 / inputs) or of Glorot and Bengio 2010 (variance 2 / (inputs + outputs)).

        Parameters
        ----------
        units
            Width of the hidden layer, at least 1.
        bias_scale
            Of the biases, which neither paper scales.

        Raises
        ------
        ValueError
            If there is no such preset or no unit.
        """
        if units < 1:
            raise ValueError(f"units: {units}, give at least 1")
        if name not in ("he", "glorot"):
            raise ValueError(f"name: {name!r}, allowed: he, glorot")
        variances = (2.0, 2.0 / units) if name == "he" else (2.0 / (1 + units), 2.0 / (1 + units))
        inner, outer = (sqrt(variance / cls.variance_at_1) for variance in variances)
        return cls(inner, bias_scale, outer)

    @abstractmethod
    def _draw(self, shape: Shape, rng: np.random.Generator) -> Doubles:
        """Parameters at the scale 1."""

    @property
    def _spread(self) -> Doubles:
        """Scale of the breakpoints."""
        return np.asarray(self.bias_scale / self.input_scale)

    @property
    @abstractmethod
    def breakpoint(self) -> Law:
        """Law of beta."""

    @property
    @abstractmethod
    def delta_slope(self) -> Law:
        """Law of mu."""

    @abstractmethod
    def delta_slope_given(self, beta: ArrayLike) -> Law:
        """Law of mu for each known beta."""

    @abstractmethod
    def breakpoint_given(self, mu: ArrayLike) -> Law:
        """Law of beta for each known mu."""

    @abstractmethod
    def _quadrant(self, beta: Doubles, mu: Doubles) -> Doubles:
        """Probability that a unit lies between 0 and `beta`, and 0 and `mu`, both at least 0."""

    def joint_pdf(self, beta: ArrayLike, mu: ArrayLike) -> Doubles:
        """Density of beta and mu together, in the common shape of both.

        Raises
        ------
        ValueError
            If a number is not finite.
        """
        given = self.delta_slope_given(beta)
        return self.breakpoint.pdf(finite("beta", beta)) * given.pdf(finite("mu", mu))

    def joint_cdf(self, beta: ArrayLike, mu: ArrayLike) -> Doubles:
        """Probability that neither beta nor mu is greater, in the common shape of both.

        Raises
        ------
        ValueError
            If a number is not finite.
        """
        x, y = np.broadcast_arrays(finite("beta", beta), finite("mu", mu))
        alone = self.breakpoint.cdf(x) + self.delta_slope.cdf(y)
        together: Doubles = np.sign(x) * np.sign(y) * self._quadrant(abs(x), abs(y))
        return alone / 2.0 - 0.25 + together

    def network(self, shape: Shape, *, rng: np.random.Generator) -> ShallowNetwork:
        """Random networks with the output bias 0.

        Parameters
        ----------
        shape
            (..., units).
        """
        scales = (self.input_scale, self.bias_scale, self.output_scale)
        return ShallowNetwork(*(scale * self._draw(shape, rng) for scale in scales))

    def sample(self, shape: Shape, *, rng: np.random.Generator) -> tuple[Doubles, Doubles]:
        """Breakpoints and delta-slopes of independent units, both of this shape."""
        drawn = self.network(shape, rng=rng)
        return drawn.breakpoints, drawn.delta_slopes

    def sample_roughness(self, networks: int, units: int, *, rng: np.random.Generator) -> Doubles:
        """Roughness of so many random networks of a width, whose biases are not drawn, shape (networks,)."""
        square, step = (self.input_scale * self.output_scale) ** 2, max(1, _DRAWN // max(1, units))
        roughness = np.empty(networks)
        for first in range(0, networks, step):
            rows = roughness[first : first + step]
            slopes = self._draw((rows.size, units), rng)
            slopes *= self._draw((rows.size, units), rng)
            np.einsum("ij,ij->i", slopes, slopes, out=rows)
        return square * roughness

    def roughness(self, units: int) -> Roughness:
        """Law of the roughness of a network of this width.

        Raises
        ------
        ValueError
            If there are fewer than 0 units.
        """
        if units < 0:
            raise ValueError(f"units: {units}, give at least 0")
        variance = float(self.delta_slope.variance)
        return Roughness(units * variance, units * variance**2 * (float(self.delta_slope.excess_kurtosis) + 2.0))


@dataclass(frozen=True)
class GaussianInitialisation(_Initialisation):
    """w, b and v are normal with mean 0.

    Attributes
    ----------
    input_scale, bias_scale, output_scale
        Their standard deviations, above 0.

    References
    ----------
    Sahs et al. 2020, theorem 1 (a). Their K0 density is written with Meijer's G.
    """

    variance_at_1 = 1.0

    def _draw(self, shape: Shape, rng: np.random.Generator) -> Doubles:
        return rng.standard_normal(shape)

    @property
    def breakpoint(self) -> Cauchy:
        """Law of beta."""
        return Cauchy(self._spread)

    @property
    def delta_slope(self) -> NormalProduct:
        """Law of mu."""
        return NormalProduct(np.asarray(self.input_scale * self.output_scale))

    def delta_slope_given(self, beta: ArrayLike) -> Laplace:
        """Law of mu for each known beta.

        Raises
        ------
        ValueError
            If a number is not finite.
        """
        far = np.hypot(1.0, finite("beta", beta) / self._spread)
        return Laplace(np.asarray(self.delta_slope.scale / far))

    def breakpoint_given(self, mu: ArrayLike) -> BesselBreakpoint:
        """Law of beta for each known mu.

        Raises
        ------
        ValueError
            If a delta-slope is 0, where there is no such law, or not finite.
        """
        z = abs(finite("mu", mu)) / self.delta_slope.scale
        if (z == 0).any():
            raise ValueError("mu: the breakpoint has no law where the delta-slope is 0")
        return BesselBreakpoint(self._spread, np.asarray(z))

    def _quadrant(self, beta: Doubles, mu: Doubles) -> Doubles:
        end = np.minimum(np.arcsinh(beta / self._spread), 40.0)
        z = (mu / self.delta_slope.scale)[..., None]
        return integral(lambda t: -np.expm1(-z * np.cosh(t)) / np.cosh(t), end) / (2.0 * np.pi)


@dataclass(frozen=True)
class UniformInitialisation(_Initialisation):
    """w, b and v are uniform about 0.

    Attributes
    ----------
    input_scale, bias_scale, output_scale
        Their half-widths, above 0.

    References
    ----------
    Sahs et al. 2020, theorem 1 (b).
    """

    variance_at_1 = 1.0 / 3.0

    def _draw(self, shape: Shape, rng: np.random.Generator) -> Doubles:
        return rng.uniform(-1.0, 1.0, shape)

    @property
    def breakpoint(self) -> UniformRatio:
        """Law of beta."""
        return UniformRatio(self._spread)

    @property
    def delta_slope(self) -> UniformProduct:
        """Law of mu."""
        return UniformProduct(np.asarray(self.input_scale * self.output_scale))

    def delta_slope_given(self, beta: ArrayLike) -> Triangular:
        """Law of mu for each known beta.

        Raises
        ------
        ValueError
            If a number is not finite.
        """
        far = np.maximum(abs(finite("beta", beta)) / self._spread, 1.0)
        return Triangular(np.asarray(self.delta_slope.scale / far))

    def breakpoint_given(self, mu: ArrayLike) -> LogarithmicBreakpoint:
        """Law of beta for each known mu.

        Raises
        ------
        ValueError
            If a delta-slope is 0, where there is no such law, not inside the support, or not finite.
        """
        size = abs(finite("mu", mu)) / self.delta_slope.scale
        if (size == 0).any() or (size >= 1).any():
            raise ValueError(f"mu: give numbers other than 0, inside of +-{self.delta_slope.scale:g}")
        return LogarithmicBreakpoint(self._spread, np.asarray(-np.log(size)))

    def _quadrant(self, beta: Doubles, mu: Doubles) -> Doubles:
        far, size = beta / self._spread, np.minimum(mu / self.delta_slope.scale, 1.0)
        with np.errstate(divide="ignore"):
            shared = np.minimum(far, 1.0 / size)  # up to there a slope of `mu` is inside of the support
        left = size * (np.minimum(shared, 1.0) + np.log(np.maximum(shared, 1.0))) - size**2 * shared / 2.0
        return np.asarray((left + (size - 1.0 / np.maximum(far, 1e-300)).clip(0.0) / 2.0) / 4.0)
