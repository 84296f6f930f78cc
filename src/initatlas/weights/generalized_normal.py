"""Generalized normal weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, lgamma, sqrt
from typing import TYPE_CHECKING, Any, ClassVar

from initatlas.vocabulary import Bounds
from initatlas.weights.base import Family, Shape
from initatlas.weights.gaussian import Gaussian
from initatlas.weights.laplace import Laplace
from initatlas.weights.uniform import Uniform

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class GeneralizedNormal(Family):
    """Entries with a density proportional to exp(-|w / alpha|^beta) (Tsuchida et al. 2018, equation 9), at variance one.

    beta = 2 is the normal, beta = 1 the Laplace, and beta to infinity the uniform distribution.
    """

    bounds: ClassVar[Mapping[str, Bounds]] = {"beta": Bounds(0.0)}
    nanoseconds = 23.0

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
