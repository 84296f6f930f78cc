"""Independent t weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any, ClassVar

from initatlas.vocabulary import Bounds
from initatlas.weights.base import Family, Shape

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class StudentT(Family):
    """Independent entries of Student's t: each has the law of an entry of the multivariate t, which is another matrix."""

    bounds: ClassVar[Mapping[str, Bounds]] = {
        "nu": Bounds(2.0, reason="with 2 degrees of freedom or fewer a weight has no variance")
    }
    nanoseconds = 27.0

    nu: float

    def standard_deviation(self) -> float:
        """sqrt(nu / (nu - 2))."""
        return sqrt(self.nu / (self.nu - 2.0))

    def sample(self, shape: Shape, rng: "np.random.Generator", dtype: "np.dtype[Any]") -> "NDArray[Any]":
        """Normal entries over the root of a chi-square each: twice a gamma of shape nu / 2, over nu."""
        import numpy as np

        weights: NDArray[Any] = rng.standard_normal(shape, dtype=dtype)
        scales: NDArray[Any] = rng.standard_gamma(0.5 * self.nu, shape, dtype=dtype)
        scales *= 2.0 / self.nu
        weights /= np.sqrt(scales, out=scales)
        return weights
