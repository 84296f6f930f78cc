"""Multivariate t weights: the weights of one neuron share a scale."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from initatlas.vocabulary import Bounds
from initatlas.weights.base import Family, Shape
from initatlas.weights.gaussian import Gaussian

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class MultivariateT(Family):
    """Rows of a multivariate t with identity covariance: uncorrelated entries that share one scale per row."""

    bounds: ClassVar[Mapping[str, Bounds]] = {
        "nu": Bounds(2.0, reason="with 2 degrees of freedom or fewer a weight has no variance")
    }
    nanoseconds = 3.0
    rotation_invariant = True
    independent = False

    nu: float

    def standard_deviation(self) -> float:
        """One: the nu / (nu - 2) of the identity shape matrix is divided out."""
        return 1.0

    def sample(self, shape: Shape, rng: "np.random.Generator", dtype: "np.dtype[Any]") -> "NDArray[Any]":
        """Normal rows over the root of ONE chi-square each."""
        import numpy as np

        weights = Gaussian().sample(shape, rng, dtype)
        weights *= np.sqrt((self.nu - 2.0) / rng.chisquare(self.nu, (shape[0], 1))).astype(dtype)
        return weights
