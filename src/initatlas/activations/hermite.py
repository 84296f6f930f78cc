"""Hermite polynomials."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import factorial, sqrt
from typing import TYPE_CHECKING, Any, ClassVar

from initatlas.activations.base import Activation, InPlace
from initatlas.vocabulary import Bounds

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from initatlas.duals.base import Dual


@dataclass(frozen=True)
class Hermite(Activation):
    """Hermite polynomial h_k with E[h_k(Z)^2] = 1 for a standard normal Z; h_k' = sqrt(k) h_(k - 1)."""

    bounds: ClassVar[Mapping[str, Bounds]] = {"degree": Bounds(0.0, 41.0, closed_below=True, whole=True)}
    symbol = "Hermite"
    training_nanoseconds = 8.0

    degree: float

    @property
    def parity(self) -> int:  # type: ignore[override]
        """See `Activation.parity`."""
        return -1 if self.degree % 2 else 1

    @property
    def largest_mean_square(self) -> float | None:  # type: ignore[override]
        """See `Activation.largest_mean_square`: h_0 is 1."""
        return 1.0 if self.degree == 0 else None

    def phi(self, z: "NDArray[Any]") -> "NDArray[Any]":
        """See `Activation.phi`."""
        import numpy as np
        from numpy.polynomial import hermite_e

        coefficients = np.zeros(int(self.degree) + 1, dtype=z.dtype)
        coefficients[-1] = 1.0 / sqrt(factorial(int(self.degree)))
        result: NDArray[Any] = hermite_e.hermeval(z, coefficients)
        return result

    def derivative(self, z: "NDArray[Any]") -> "NDArray[Any]":
        """See `Activation.derivative`."""
        import numpy as np

        return z.dtype.type(sqrt(self.degree)) * Hermite(self.degree - 1.0).phi(z) if self.degree else np.zeros_like(z)

    def _dual(self) -> "Dual":
        from initatlas.duals.hermite import Hermite as HermiteDual

        return HermiteDual(int(self.degree))

    def in_place(self) -> InPlace:
        """See `Activation.in_place`; by h_(j + 1) = (z h_j - sqrt(j) h_(j - 1)) / sqrt(j + 1)."""
        import torch

        degree = int(self.degree)

        def polynomials(z: "Tensor") -> "tuple[Tensor, Tensor]":
            """h_(k - 1) and h_k."""
            before, now = torch.zeros_like(z), torch.ones_like(z)
            for j in range(degree):
                before, now = now, torch.mul(z, now).sub_(before.mul_(sqrt(j))).div_(sqrt(j + 1))
            return before, now

        return InPlace(
            lambda z, h: h.copy_(polynomials(z)[1]),
            lambda gradient, z, h: gradient.mul_(polynomials(z)[0].mul_(sqrt(degree))),
            needs_input=True,
        )
