"""The error function."""

from dataclasses import dataclass
from math import pi, sqrt
from typing import TYPE_CHECKING, Any

from initatlas.activations.base import Activation, InPlace

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from initatlas.duals.base import Dual


@dataclass(frozen=True)
class Erf(Activation):
    """erf z; its derivative is 2 exp(-z^2) / sqrt(pi)."""

    symbol = "erf"
    parity = -1
    largest_mean_square = 1.0
    smooth_bounded = True

    def phi(self, z: "NDArray[Any]") -> "NDArray[Any]":
        """See `Activation.phi`."""
        from scipy.special import erf

        result: NDArray[Any] = erf(z)
        return result

    def derivative(self, z: "NDArray[Any]") -> "NDArray[Any]":
        """See `Activation.derivative`."""
        import numpy as np

        result: NDArray[Any] = z.dtype.type(2.0 / sqrt(pi)) * np.exp(-z * z)
        return result

    def _dual(self) -> "Dual":
        from initatlas.duals.smooth import Erf as ErfDual

        return ErfDual()

    def in_place(self) -> InPlace:
        """See `Activation.in_place`."""
        import torch

        def pull_back(gradient: "Tensor", z: "Tensor", h: "Tensor") -> None:
            """Multiply by the derivative."""
            gradient.mul_(z.square_().neg_().exp_()).mul_(2 / sqrt(pi))

        return InPlace(lambda z, h: torch.erf(z, out=h), pull_back, needs_input=True)
