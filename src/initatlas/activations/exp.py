"""The exponential."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from initatlas.activations.base import Activation, InPlace

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from initatlas.duals.base import Dual


@dataclass(frozen=True)
class Exp(Activation):
    """exp z."""

    symbol = "exp"
    training_nanoseconds = 1.0

    def phi(self, z: "NDArray[Any]") -> "NDArray[Any]":
        """See `Activation.phi`."""
        import numpy as np

        result: NDArray[Any] = np.exp(z)
        return result

    def derivative(self, z: "NDArray[Any]") -> "NDArray[Any]":
        """See `Activation.derivative`."""
        return self.phi(z)

    def _dual(self) -> "Dual":
        from initatlas.duals.smooth import Exponential

        return Exponential()

    def in_place(self) -> InPlace:
        """See `Activation.in_place`."""
        import torch

        return InPlace(lambda z, h: torch.exp(z, out=h), lambda gradient, z, h: gradient.mul_(h))
