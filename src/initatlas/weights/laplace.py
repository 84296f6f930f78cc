"""Laplace weights."""

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

from initatlas.weights.base import Family, Shape

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Laplace(Family):
    """Entries with the density exp(-|w|) / 2."""

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
