"""Laplace weights."""

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

from initatlas.weights.base import Family, Shape

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from initatlas.arrays import Doubles


@dataclass(frozen=True)
class Laplace(Family):
    """Entries with the density exp(-|w|) / 2."""

    nanoseconds = 0.7

    def standard_deviation(self) -> float:
        """sqrt 2 times the scale."""
        return sqrt(2.0)

    def exceeded(self, share: "Doubles") -> "Doubles":
        """Sizes that are exceeded with some probabilities."""
        import numpy as np

        return np.asarray(-np.log(share))

    def not_reached(self, share: "Doubles") -> "Doubles":
        """Sizes that are not reached with some probabilities."""
        import numpy as np

        return np.asarray(-np.log1p(-share))

    def sample(self, shape: Shape, rng: "np.random.Generator", dtype: "np.dtype[Any]") -> "NDArray[Any]":
        """Take logarithms of random bits in single precision, and invert the law in double."""
        if dtype.itemsize == 4:
            from initatlas.exponentials import laplace_numbers

            return laplace_numbers(shape, rng=rng)
        from initatlas.inversion import inverted

        return inverted(self, shape, rng=rng, dtype=dtype)
