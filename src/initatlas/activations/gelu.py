"""The Gaussian error linear unit."""

from dataclasses import dataclass
from math import pi, sqrt
from typing import TYPE_CHECKING, Any

from initatlas.activations.base import Activation, InPlace

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from initatlas.duals.base import Dual


@dataclass(frozen=True)
class Gelu(Activation):
    """z Phi(z), with the exact normal distribution function Phi; its derivative is Phi(z) + z times the normal density."""

    symbol = "GELU"
    training_nanoseconds = 5.0

    def phi(self, z: "NDArray[Any]") -> "NDArray[Any]":
        """See `Activation.phi`."""
        from scipy.special import ndtr

        result: NDArray[Any] = z * ndtr(z)
        return result

    def derivative(self, z: "NDArray[Any]") -> "NDArray[Any]":
        """See `Activation.derivative`."""
        import numpy as np
        from scipy.special import ndtr

        result: NDArray[Any] = ndtr(z) + z * np.exp(-0.5 * z * z) / z.dtype.type(sqrt(2.0 * pi))
        return result

    def _dual(self) -> "Dual":
        from initatlas.duals.smooth import Gelu as GeluDual

        return GeluDual()

    def in_place(self) -> InPlace:
        """See `Activation.in_place`."""
        import torch

        def distribution(z: "Tensor", out: "Tensor | None" = None) -> "Tensor":
            """Normal distribution function."""
            return torch.mul(z, sqrt(0.5), out=out).erf_().add_(1).mul_(0.5)

        def pull_back(gradient: "Tensor", z: "Tensor", h: "Tensor") -> None:
            """Multiply by the derivative."""
            slope = torch.mul(z, z, out=h).mul_(-0.5).exp_().mul_(1 / sqrt(2.0 * pi)).mul_(z)
            gradient.mul_(slope.add_(distribution(z)))

        return InPlace(lambda z, h: distribution(z, h).mul_(z), pull_back, needs_input=True)
