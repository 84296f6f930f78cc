"""Swish, also called SiLU."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from initatlas.activations.base import Activation, InPlace
from initatlas.vocabulary import Bounds

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor


@dataclass(frozen=True)
class Swish(Activation):
    """z s(beta z) with the logistic function s (Ramachandran et al. 2017); beta = 1 is the SiLU.

    Its derivative is s + beta z s (1 - s) at s = s(beta z).
    """

    bounds: ClassVar[Mapping[str, Bounds]] = {"beta": Bounds(0.0, 10.0)}
    symbol = "swish"
    training_nanoseconds = 4.0

    beta: float

    def phi(self, z: "NDArray[Any]") -> "NDArray[Any]":
        """See `Activation.phi`."""
        from scipy.special import expit

        result: NDArray[Any] = z * expit(z.dtype.type(self.beta) * z)
        return result

    def derivative(self, z: "NDArray[Any]") -> "NDArray[Any]":
        """See `Activation.derivative`."""
        from scipy.special import expit

        scaled = z.dtype.type(self.beta) * z
        logistic = expit(scaled)
        result: NDArray[Any] = logistic * (1.0 + scaled * expit(-scaled))
        return result

    def in_place(self) -> InPlace:
        """See `Activation.in_place`."""
        import torch

        def logistic(z: "Tensor", out: "Tensor | None" = None) -> "Tensor":
            """1 / (1 + exp(-beta z))."""
            return torch.mul(z, -self.beta, out=out).exp_().add_(1).reciprocal_()

        def pull_back(gradient: "Tensor", z: "Tensor", h: "Tensor") -> None:
            """Multiply by s (1 + (beta z) (1 - s)); where s is 0 or 1 to rounding, the second term is 0 too."""
            s = logistic(z, h)
            slope = torch.sub(1, s).mul_(z.mul_(self.beta)).add_(1).mul_(s)
            gradient.mul_(slope)

        return InPlace(lambda z, h: logistic(z, h).mul_(z), pull_back, needs_input=True)
