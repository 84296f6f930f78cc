"""The sine."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from initatlas.activations.base import Activation, InPlace

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from initatlas.duals.base import Dual


@dataclass(frozen=True)
class Sin(Activation):
    """sin z."""

    symbol = "sin"
    parity = -1
    largest_mean_square = 0.5
    smooth_bounded = True

    def phi(self, z: "NDArray[Any]") -> "NDArray[Any]":
        """See `Activation.phi`."""
        import numpy as np

        result: NDArray[Any] = np.sin(z)
        return result

    def derivative(self, z: "NDArray[Any]") -> "NDArray[Any]":
        """See `Activation.derivative`."""
        import numpy as np

        result: NDArray[Any] = np.cos(z)
        return result

    def _dual(self) -> "Dual":
        from initatlas.duals.smooth import Wave

        return Wave(odd=True)

    def in_place(self) -> InPlace:
        """See `Activation.in_place`."""
        import torch

        return InPlace(
            lambda z, h: torch.sin(z, out=h), lambda gradient, z, h: gradient.mul_(z.cos_()), needs_input=True
        )
