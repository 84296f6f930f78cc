"""Gaussian weights."""

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

from initatlas.weights.base import Family, Shape

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from initatlas.arrays import Doubles


@dataclass(frozen=True)
class Gaussian(Family):
    """Standard normal entries."""

    nanoseconds = 2.5
    rotation_invariant = True

    def standard_deviation(self) -> float:
        """One."""
        return 1.0

    def exceeded(self, share: "Doubles") -> "Doubles":
        """Sizes that are exceeded with some probabilities."""
        from scipy.special import ndtri

        sizes: Doubles = -ndtri(0.5 * share)
        return sizes

    def not_reached(self, share: "Doubles") -> "Doubles":
        """Sizes that are not reached with some probabilities."""
        from scipy.special import erfinv

        sizes: Doubles = sqrt(2.0) * erfinv(share)
        return sizes

    def sample(self, shape: Shape, rng: "np.random.Generator", dtype: "np.dtype[Any]") -> "NDArray[Any]":
        """Draw by inversion."""
        from initatlas.inversion import inverted

        return inverted(self, shape, rng=rng, dtype=dtype)
