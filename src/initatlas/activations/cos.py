"""The cosine."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from initatlas.activations.base import Activation, InPlace

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from initatlas.duals.base import Dual


@dataclass(frozen=True)
class Cos(Activation):
    """cos z."""

    symbol = "cos"
    parity = 1
    largest_mean_square = 1.0
    smooth_bounded = True

    def phi(self, z: "NDArray[Any]") -> "NDArray[Any]":
        """See `Activation.phi`."""
        import numpy as np

        result: NDArray[Any] = np.cos(z)
        return result

    def derivative(self, z: "NDArray[Any]") -> "NDArray[Any]":
        """See `Activation.derivative`."""
        import numpy as np

        result: NDArray[Any] = -np.sin(z)
        return result

    def _dual(self) -> "Dual":
        from initatlas.duals.smooth import Wave

        return Wave(odd=False)

    def in_place(self) -> InPlace:
        """See `Activation.in_place`."""
        import torch

        return InPlace(
            lambda z, h: torch.cos(z, out=h), lambda gradient, z, h: gradient.mul_(z.sin_().neg_()), needs_input=True
        )
