"""Laplace weights."""

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

from initatlas.weights.base import Family, Shape

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BLOCK = 1 << 15  # weights whose signs are set at once; a multiple of 8


@dataclass(frozen=True)
class Laplace(Family):
    """Entries with the density exp(-|w|) / 2."""

    nanoseconds = 6.0

    def standard_deviation(self) -> float:
        """sqrt 2 times the scale."""
        return sqrt(2.0)

    def sample(self, shape: Shape, rng: "np.random.Generator", dtype: "np.dtype[Any]") -> "NDArray[Any]":
        """Exponentials with random signs, one random bit per sign.

        Sign bits are turned block by block, in the cache; a masked negation would take longer than the exponentials.
        """
        import numpy as np

        weights: NDArray[Any] = rng.standard_exponential(shape, dtype=dtype)
        random_bytes = np.frombuffer(rng.bytes(-(-weights.size // 8)), dtype=np.uint8)
        patterns = weights.reshape(-1).view(f"u{dtype.itemsize}")
        sign = patterns.dtype.type(1 << (8 * dtype.itemsize - 1))
        for start in range(0, weights.size, _BLOCK):
            block = patterns[start : start + _BLOCK]
            block ^= np.unpackbits(random_bytes[start // 8 :], count=block.size) * sign
        return weights
