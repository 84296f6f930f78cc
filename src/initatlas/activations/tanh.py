"""The hyperbolic tangent."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from initatlas.activations.base import Activation, InPlace

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Tanh(Activation):
    """tanh z; its dual has no closed form."""

    symbol = "tanh"
    parity = -1
    largest_mean_square = 1.0
    smooth_bounded = True
    is_tanh = True

    def phi(self, z: "NDArray[Any]") -> "NDArray[Any]":
        """See `Activation.phi`."""
        import numpy as np

        result: NDArray[Any] = np.tanh(z)
        return result

    def derivative(self, z: "NDArray[Any]") -> "NDArray[Any]":
        """See `Activation.derivative`."""
        import numpy as np

        result: NDArray[Any] = 1.0 - np.tanh(z) ** 2
        return result

    def in_place(self) -> InPlace:
        """See `Activation.in_place`."""
        import torch

        backward = torch.ops.aten.tanh_backward.grad_input
        return InPlace(
            lambda z, h: torch.tanh(z, out=h), lambda gradient, z, h: backward(gradient, h, grad_input=gradient)
        )
