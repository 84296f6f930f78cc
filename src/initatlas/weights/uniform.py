"""Uniform weights."""

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

from initatlas.weights.base import Family, Shape

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Uniform(Family):
    """Uniform entries on [-1, 1)."""

    nanoseconds = 2.0

    def standard_deviation(self) -> float:
        """Half-width over sqrt 3."""
        return sqrt(1.0 / 3.0)

    def sample(self, shape: Shape, rng: "np.random.Generator", dtype: "np.dtype[Any]") -> "NDArray[Any]":
        """Stretch numbers of [0, 1)."""
        weights: NDArray[Any] = rng.random(shape, dtype=dtype)
        weights *= 2.0
        weights -= 1.0
        return weights
