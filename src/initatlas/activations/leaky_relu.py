"""The leaky rectified linear unit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from initatlas.activations.base import Activation, InPlace
from initatlas.vocabulary import Bounds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from initatlas.duals.base import Dual


@dataclass(frozen=True)
class LeakyRelu(Activation):
    """max(z, slope z)."""

    bounds: ClassVar[Mapping[str, Bounds]] = {"slope": Bounds(0.0, 1.0, closed_below=True)}
    symbol = "leaky ReLU"
    training_nanoseconds = 0.0

    slope: float

    @property
    def rectifier_slope(self) -> float:  # type: ignore[override]
        """See `Activation.rectifier_slope`."""
        return self.slope

    def phi(self, z: "NDArray[Any]") -> "NDArray[Any]":
        """See `Activation.phi`."""
        import numpy as np

        result: NDArray[Any] = np.asarray(z.dtype.type(self.slope) * z)
        np.maximum(z, result, out=result)
        return result

    def derivative(self, z: "NDArray[Any]") -> "NDArray[Any]":
        """See `Activation.derivative`."""
        import numpy as np

        slopes: NDArray[Any] = np.where(z > 0, z.dtype.type(1.0), z.dtype.type(self.slope))
        return slopes

    def _dual(self) -> "Dual":
        from initatlas.duals.rectifier import Rectifier

        return Rectifier(self.slope)

    def in_place(self) -> InPlace:
        """See `Activation.in_place`."""
        import torch

        forward, backward = torch.ops.aten.leaky_relu.out, torch.ops.aten.leaky_relu_backward.grad_input
        return InPlace(
            lambda z, h: forward(z, self.slope, out=h),
            lambda gradient, z, h: backward(gradient, h, self.slope, True, grad_input=gradient),
        )
