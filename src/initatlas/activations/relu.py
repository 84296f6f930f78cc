"""The rectified linear unit."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from initatlas.activations.base import Activation, InPlace

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from initatlas.duals.base import Dual


@dataclass(frozen=True)
class Relu(Activation):
    """max(z, 0)."""

    symbol = "ReLU"
    rectifier_slope = 0.0
    training_nanoseconds = 0.0

    def phi(self, z: "NDArray[Any]") -> "NDArray[Any]":
        """See `Activation.phi`."""
        import numpy as np

        result: NDArray[Any] = np.maximum(z, 0)
        return result

    def derivative(self, z: "NDArray[Any]") -> "NDArray[Any]":
        """See `Activation.derivative`."""
        return (z > 0).astype(z.dtype)

    def _dual(self) -> "Dual":
        from initatlas.duals.rectifier import Rectifier

        return Rectifier(0.0)

    def in_place(self) -> InPlace:
        """See `Activation.in_place`."""
        import torch

        backward = torch.ops.aten.threshold_backward.grad_input
        return InPlace(
            lambda z, h: torch.clamp_min(z, 0, out=h),
            lambda gradient, z, h: backward(gradient, h, 0, grad_input=gradient),
        )
