"""The step."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from initatlas.activations.base import Activation, InPlace

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from initatlas.duals.base import Dual


@dataclass(frozen=True)
class Step(Activation):
    """1 where z is positive, else 0."""

    symbol = "step"
    largest_mean_square = 0.5
    undefined_derivative = "its derivative is a pulse at 0"

    def phi(self, z: "NDArray[Any]") -> "NDArray[Any]":
        """See `Activation.phi`."""
        return (z > 0).astype(z.dtype)

    def derivative(self, z: "NDArray[Any]") -> "NDArray[Any]":
        """See `Activation.derivative`."""
        import numpy as np

        return np.zeros_like(z)

    def _dual(self) -> "Dual":
        from initatlas.duals.rectifier import Step as StepDual

        return StepDual()

    def in_place(self) -> InPlace:
        """Refused: there is no gradient.

        Raises
        ------
        ValueError
            Always.
        """
        raise ValueError(f"'step' cannot be trained: {self.undefined_derivative}")
