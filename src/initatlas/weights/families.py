"""The families of weight distributions: one class each, with its name, its bounds, its variance and its sampler.

A class here is all that a distribution needs: the vocabulary of labels, the reference of the config, the estimate of time and
every experiment read it. docs/weights.md shows how to add one. The classes are declared whenever the workflow is parsed, so numpy
is imported inside the samplers, not here.

A weight matrix has one row per neuron. Rows are independent and identically distributed; entries of a row are uncorrelated,
symmetric around zero, and independent except in the multivariate t, whose rows have one scale each.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, lgamma, sqrt
from typing import TYPE_CHECKING, Any, ClassVar

from initatlas.vocabulary import Bounds, Vocabulary, canonical_label, parse_label

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Shape = tuple[int, int]


class Family(ABC):
    """A family of weight distributions, centred, at a scale that its sampler is free to choose.

    Attributes
    ----------
    name
        What a config calls it.
    bounds
        Its parameters, each with the interval in which the variance exists and the sampler is right. Every one is a field
        of the class.
    nanoseconds
        Time to draw one weight in single precision, on one core.
    independent
        Whether the weights of one neuron are independent.
    """

    name: ClassVar[str]
    bounds: ClassVar[Mapping[str, Bounds]] = {}
    nanoseconds: ClassVar[float] = 20.0
    independent: ClassVar[bool] = True

    @abstractmethod
    def standard_deviation(self) -> float:
        """Exact standard deviation of what `sample` draws."""

    @abstractmethod
    def sample(self, shape: Shape, rng: "np.random.Generator", dtype: "np.dtype[Any]") -> "NDArray[Any]":
        """Draw a matrix of shape (neurons, inputs) with mean zero, in the precision `dtype` (float32 or float64)."""


@dataclass(frozen=True)
class Gaussian(Family):
    """Standard normal entries."""

    name = "gaussian"
    nanoseconds = 8.0

    def standard_deviation(self) -> float:
        """One."""
        return 1.0

    def sample(self, shape: Shape, rng: "np.random.Generator", dtype: "np.dtype[Any]") -> "NDArray[Any]":
        """Draw by numpy's ziggurat."""
        return rng.standard_normal(shape, dtype=dtype)


@dataclass(frozen=True)
class Uniform(Family):
    """Uniform entries on [-1, 1)."""

    name = "uniform"
    nanoseconds = 3.0

    def standard_deviation(self) -> float:
        """Half-width over sqrt 3."""
        return sqrt(1.0 / 3.0)

    def sample(self, shape: Shape, rng: "np.random.Generator", dtype: "np.dtype[Any]") -> "NDArray[Any]":
        """Stretch numbers of [0, 1)."""
        weights: NDArray[Any] = rng.random(shape, dtype=dtype)
        weights *= 2.0
        weights -= 1.0
        return weights


@dataclass(frozen=True)
class Laplace(Family):
    """Entries with the density exp(-|w|) / 2."""

    name = "laplace"
    nanoseconds = 14.0

    def standard_deviation(self) -> float:
        """sqrt 2 times the scale."""
        return sqrt(2.0)

    def sample(self, shape: Shape, rng: "np.random.Generator", dtype: "np.dtype[Any]") -> "NDArray[Any]":
        """Exponentials with random signs, one random bit per sign."""
        import numpy as np

        weights: NDArray[Any] = rng.standard_exponential(shape, dtype=dtype)
        random_bytes = np.frombuffer(rng.bytes(-(-weights.size // 8)), dtype=np.uint8)
        flip = np.unpackbits(random_bytes, count=weights.size).view(np.bool_).reshape(shape)
        np.negative(weights, out=weights, where=flip)
        return weights


@dataclass(frozen=True)
class GeneralizedNormal(Family):
    """Entries with a density proportional to exp(-|w / alpha|^beta) (Tsuchida et al. 2018, equation 9), at variance one.

    beta = 2 is the normal, beta = 1 the Laplace, and beta to infinity the uniform distribution.
    """

    name = "generalized_normal"
    bounds: ClassVar[Mapping[str, Bounds]] = {"beta": Bounds(0.0)}
    nanoseconds = 32.0

    beta: float

    @property
    def log_alpha(self) -> float:
        """Log of alpha at variance one: alpha^2 = Gamma(1 / beta) / Gamma(3 / beta)."""
        return 0.5 * (lgamma(1.0 / self.beta) - lgamma(3.0 / self.beta))

    def standard_deviation(self) -> float:
        """One."""
        return 1.0

    def sample(self, shape: Shape, rng: "np.random.Generator", dtype: "np.dtype[Any]") -> "NDArray[Any]":
        """G^(1 / beta) times U(-1, 1) with G ~ Gamma(1 + 1 / beta).

        Given G, w uniform on |w / alpha|^beta < G is the slice representation of the density. The scale goes in before the power,
        so that a small beta does not overflow single precision.
        """
        import numpy as np

        equal = {2.0: (Gaussian(), 1.0), 1.0: (Laplace(), sqrt(0.5))}.get(self.beta)
        if equal is not None:
            weights = equal[0].sample(shape, rng, dtype)
            weights *= equal[1]
            return weights
        weights = rng.standard_gamma(1.0 + 1.0 / self.beta, shape, dtype=dtype)
        weights *= exp(self.beta * self.log_alpha)
        np.power(weights, 1.0 / self.beta, out=weights)
        weights *= Uniform().sample(shape, rng, dtype)
        return weights


@dataclass(frozen=True)
class MultivariateT(Family):
    """Rows of a multivariate t with identity covariance: uncorrelated entries that share one scale per row."""

    name = "multivariate_t"
    bounds: ClassVar[Mapping[str, Bounds]] = {
        "nu": Bounds(2.0, reason="with 2 degrees of freedom or fewer a weight has no variance")
    }
    nanoseconds = 11.0
    independent = False

    nu: float

    def standard_deviation(self) -> float:
        """One: the nu / (nu - 2) of the identity shape matrix is divided out."""
        return 1.0

    def sample(self, shape: Shape, rng: "np.random.Generator", dtype: "np.dtype[Any]") -> "NDArray[Any]":
        """Normal rows over the root of ONE chi-square each."""
        import numpy as np

        weights = rng.standard_normal(shape, dtype=dtype)
        weights *= np.sqrt((self.nu - 2.0) / rng.chisquare(self.nu, (shape[0], 1))).astype(dtype)
        return weights


FAMILIES: dict[str, type[Family]] = {
    family.name: family for family in (Gaussian, Uniform, Laplace, GeneralizedNormal, MultivariateT)
}
"""All families by name. A new class goes in here, and is known everywhere."""

WEIGHTS: Vocabulary = {name: family.bounds for name, family in FAMILIES.items()}
"""The vocabulary of weight distributions."""


def family_of(label: str) -> Family:
    """The distribution that a label names.

    Raises
    ------
    ValueError
        If the name is unknown, or a parameter is missing, unknown or out of its bounds.
    """
    name, parameters = parse_label(canonical_label(label, WEIGHTS))
    return FAMILIES[name](**parameters)
