"""Softplus."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from initatlas.activations.base import Activation, InPlace

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor


@dataclass(frozen=True)
class Softplus(Activation):
    """log(1 + exp z); its derivative is the logistic function."""

    symbol = "softplus"
    training_nanoseconds = 4.0

    def phi(self, z: "NDArray[Any]") -> "NDArray[Any]":
        """See `Activation.phi`."""
        import numpy as np

        result: NDArray[Any] = np.logaddexp(z, z.dtype.type(0.0))
        return result

    def derivative(self, z: "NDArray[Any]") -> "NDArray[Any]":
        """See `Activation.derivative`."""
        from scipy.special import expit

        result: NDArray[Any] = expit(z)
        return result

    def in_place(self) -> InPlace:
        """See `Activation.in_place`."""
        import torch

        def apply(z: "Tensor", h: "Tensor") -> None:
            """max(z, 0) + log(1 + exp(-|z|)), which does not overflow."""
            rest = torch.abs(z).neg_().exp_().log1p_()
            torch.clamp_min(z, 0, out=h).add_(rest)

        def pull_back(gradient: "Tensor", z: "Tensor", h: "Tensor") -> None:
            """Divide by 1 + exp(-z)."""
            gradient.div_(z.neg_().exp_().add_(1))

        return InPlace(apply, pull_back, needs_input=True)
