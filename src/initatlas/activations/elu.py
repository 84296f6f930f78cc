"""The exponential linear unit."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from initatlas.activations.base import Activation, InPlace

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from initatlas.duals.base import Dual


@dataclass(frozen=True)
class Elu(Activation):
    """z where positive, exp(z) - 1 elsewhere."""

    symbol = "ELU"
    training_nanoseconds = 2.0

    def phi(self, z: "NDArray[Any]") -> "NDArray[Any]":
        """See `Activation.phi`."""
        import numpy as np

        return np.where(z > 0, z, np.expm1(np.minimum(z, 0)))

    def derivative(self, z: "NDArray[Any]") -> "NDArray[Any]":
        """See `Activation.derivative`."""
        import numpy as np

        result: NDArray[Any] = np.exp(np.minimum(z, 0))
        return result

    def _dual(self) -> "Dual":
        from initatlas.duals.elu import Elu as EluDual

        return EluDual(self.phi, self.derivative)

    def in_place(self) -> InPlace:
        """See `Activation.in_place`; the derivative is 1 + min(phi, 0)."""
        import torch

        def apply(z: "Tensor", h: "Tensor") -> None:
            """max(z, 0) + (exp(min(z, 0)) - 1): one of the two is 0."""
            below = torch.clamp_max(z, 0).expm1_()
            torch.clamp_min(z, 0, out=h).add_(below)

        return InPlace(apply, lambda gradient, z, h: gradient.mul_(h.clamp_max_(0).add_(1)))
