"""Gaussian weights."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from initatlas.weights.base import Family, Shape

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Gaussian(Family):
    """Standard normal entries."""

    nanoseconds = 8.0
    rotation_invariant = True

    def standard_deviation(self) -> float:
        """One."""
        return 1.0

    def sample(self, shape: Shape, rng: "np.random.Generator", dtype: "np.dtype[Any]") -> "NDArray[Any]":
        """Draw by numpy's ziggurat."""
        return rng.standard_normal(shape, dtype=dtype)
