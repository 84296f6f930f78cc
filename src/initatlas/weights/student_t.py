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

    from initatlas.arrays import Doubles


@dataclass(frozen=True)
class StudentT(Family):
    """Independent entries of Student's t: each has the law of an entry of the multivariate t, which is another matrix."""

    bounds: ClassVar[Mapping[str, Bounds]] = {
        "nu": Bounds(2.0, reason="with 2 degrees of freedom or fewer a weight has no variance")
    }
    nanoseconds = 2.5

    nu: float

    def standard_deviation(self) -> float:
        """sqrt(nu / (nu - 2))."""
        return sqrt(self.nu / (self.nu - 2.0))

    def exceeded(self, share: "Doubles") -> "Doubles":
        """Sizes that are exceeded with some probabilities: nu / (nu + t^2) is Beta(nu / 2, 1 / 2)."""
        import numpy as np
        from scipy.special import betaincinv

        rest = betaincinv(0.5 * self.nu, 0.5, share)
        return np.asarray(np.sqrt(self.nu * (1.0 - rest) / rest))

    def not_reached(self, share: "Doubles") -> "Doubles":
        """Sizes that are not reached with some probabilities: t^2 / (nu + t^2) is Beta(1 / 2, nu / 2)."""
        import numpy as np
        from scipy.special import betaincinv

        part = betaincinv(0.5, 0.5 * self.nu, share)
        return np.asarray(np.sqrt(self.nu * part / (1.0 - part)))

    def sample(self, shape: Shape, rng: "np.random.Generator", dtype: "np.dtype[Any]") -> "NDArray[Any]":
        """Draw by inversion."""
        from initatlas.inversion import inverted

        return inverted(self, shape, rng=rng, dtype=dtype)
