"""Generalized normal weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import lgamma
from typing import TYPE_CHECKING, Any, ClassVar

from initatlas.vocabulary import Bounds
from initatlas.weights.base import Family, Shape
from initatlas.weights.laplace import Laplace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from initatlas.arrays import Doubles


@dataclass(frozen=True)
class GeneralizedNormal(Family):
    """Entries with a density proportional to exp(-|w / alpha|^beta) (Tsuchida et al. 2018, equation 9), at variance one.

    beta = 2 is the normal, beta = 1 the Laplace, and beta to infinity the uniform distribution.
    """

    bounds: ClassVar[Mapping[str, Bounds]] = {"beta": Bounds(0.0)}
    nanoseconds = 2.5

    beta: float

    @property
    def log_alpha(self) -> float:
        """Log of alpha at variance one: alpha^2 = Gamma(1 / beta) / Gamma(3 / beta)."""
        return 0.5 * (lgamma(1.0 / self.beta) - lgamma(3.0 / self.beta))

    @property
    def rotation_invariant(self) -> bool:  # type: ignore[override]
        """Whether it is the normal law."""
        return self.beta == 2.0

    def standard_deviation(self) -> float:
        """One."""
        return 1.0

    def exceeded(self, share: "Doubles") -> "Doubles":
        """Sizes that are exceeded with some probabilities."""
        from scipy.special import gammainccinv

        return self._sizes(gammainccinv(1.0 / self.beta, share))

    def not_reached(self, share: "Doubles") -> "Doubles":
        """Sizes that are not reached with some probabilities."""
        from scipy.special import gammaincinv

        return self._sizes(gammaincinv(1.0 / self.beta, share))

    def _sizes(self, powers: "Doubles") -> "Doubles":
        """Sizes |w| from |w / alpha|^beta, whose law is Gamma(1 / beta); a small beta gives an alpha beyond double precision."""
        import numpy as np

        return np.asarray(np.exp(self.log_alpha + np.log(powers) / self.beta))

    def sample(self, shape: Shape, rng: "np.random.Generator", dtype: "np.dtype[Any]") -> "NDArray[Any]":
        """Draw by inversion; a Laplace law has a faster way."""
        if self.beta == 1.0:
            weights = Laplace().sample(shape, rng, dtype)
            weights *= 1.0 / Laplace().standard_deviation()
            return weights
        from initatlas.inversion import inverted

        return inverted(self, shape, rng=rng, dtype=dtype)
