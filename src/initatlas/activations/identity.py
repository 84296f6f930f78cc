"""The identity: a linear network."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from initatlas.activations.base import Activation, InPlace

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from initatlas.duals.base import Dual


@dataclass(frozen=True)
class Identity(Activation):
    """z."""

    symbol = "identity"
    parity = -1
    rectifier_slope = 1.0
    training_nanoseconds = 0.0

    def phi(self, z: "NDArray[Any]") -> "NDArray[Any]":
        """See `Activation.phi`."""
        return z

    def derivative(self, z: "NDArray[Any]") -> "NDArray[Any]":
        """See `Activation.derivative`."""
        import numpy as np

        return np.ones_like(z)

    def _dual(self) -> "Dual":
        from initatlas.duals.rectifier import Rectifier

        return Rectifier(1.0)

    def in_place(self) -> InPlace:
        """See `Activation.in_place`."""
        return InPlace(lambda z, h: None if h is z else h.copy_(z), lambda gradient, z, h: None)
