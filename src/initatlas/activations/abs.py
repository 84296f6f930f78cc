"""The absolute value."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from initatlas.activations.base import Activation, InPlace

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from initatlas.duals.base import Dual


@dataclass(frozen=True)
class Abs(Activation):
    """|z|."""

    symbol = "|z|"
    parity = 1
    rectifier_slope = -1.0
    training_nanoseconds = 0.3

    def phi(self, z: "NDArray[Any]") -> "NDArray[Any]":
        """See `Activation.phi`."""
        import numpy as np

        result: NDArray[Any] = np.abs(z)
        return result

    def derivative(self, z: "NDArray[Any]") -> "NDArray[Any]":
        """See `Activation.derivative`."""
        import numpy as np

        signs: NDArray[Any] = np.where(z > 0, z.dtype.type(1.0), z.dtype.type(-1.0))
        return signs

    def _dual(self) -> "Dual":
        from initatlas.duals.rectifier import Rectifier

        return Rectifier(-1.0)

    def in_place(self) -> InPlace:
        """See `Activation.in_place`."""
        import torch

        return InPlace(
            lambda z, h: torch.abs(z, out=h),
            lambda gradient, z, h: gradient.mul_(torch.where(z > 0, 1.0, -1.0)),
            needs_input=True,
        )
