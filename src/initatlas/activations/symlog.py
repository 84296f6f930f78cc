"""The symmetric logarithm."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from initatlas.activations.base import Activation, InPlace

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor


@dataclass(frozen=True)
class Symlog(Activation):
    """sign(z) log(1 + |z|): unbounded, and slower than any power of |z|."""

    symbol = "symlog"
    parity = -1
    training_nanoseconds = 4.0

    def phi(self, z: "NDArray[Any]") -> "NDArray[Any]":
        """See `Activation.phi`."""
        import numpy as np

        result: NDArray[Any] = np.copysign(np.log1p(np.abs(z)), z)
        return result

    def derivative(self, z: "NDArray[Any]") -> "NDArray[Any]":
        """See `Activation.derivative`."""
        import numpy as np

        result: NDArray[Any] = 1.0 / (1.0 + np.abs(z))
        return result

    def in_place(self) -> InPlace:
        """See `Activation.in_place`."""
        import torch

        def apply(z: "Tensor", h: "Tensor") -> None:
            """The logarithm, with the sign of z."""
            torch.abs(z, out=h).log1p_().copysign_(z)

        def pull_back(gradient: "Tensor", z: "Tensor", h: "Tensor") -> None:
            """Divide by 1 + |z|."""
            gradient.div_(z.abs_().add_(1))

        return InPlace(apply, pull_back, needs_input=True)
