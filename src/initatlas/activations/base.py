"""What an activation is: everything that kernels, random networks and training need to know of one.

The classes are declared whenever the workflow is parsed, so numpy and PyTorch are imported inside the methods, not here.
docs/activations.md shows how to add one.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

from initatlas.components import Room
from initatlas.vocabulary import Bounds, format_number

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from initatlas.duals.base import Dual


@dataclass(frozen=True)
class InPlace:
    """An activation with its derivative in PyTorch, both writing into given tensors.

    Attributes
    ----------
    apply
        ``apply(z, h)`` writes phi(z) to `h`, which may be `z` itself unless `needs_input`.
    pull_back
        ``pull_back(gradient, z, h)`` multiplies `gradient` by phi'(z) in place; it may overwrite `z` and `h`.
    needs_input
        Whether the derivative needs z. If not, h takes the place of z in memory.
    """

    apply: Callable[["Tensor", "Tensor"], object]
    pull_back: Callable[["Tensor", "Tensor", "Tensor"], object]
    needs_input: bool = False


@dataclass(frozen=True)
class Activation(ABC):
    """An activation phi, entrywise, in single or double precision.

    Subclasses are frozen data classes whose fields are the parameters in `bounds`, one per module of this package. They give
    `phi`, `derivative` and `in_place`; the rest has defaults that hold for any activation which is smooth but for a kink at 0.

    Attributes
    ----------
    bounds
        The parameters, each with the interval that is allowed.
    symbol
        What figures call it, without its parameters.
    parity
        1 if phi(-z) = phi(z), -1 if phi(-z) = -phi(z), else 0.
    rectifier_slope
        a, where phi is max(z, a z); None for any other activation.
    largest_mean_square
        Bound of E[phi(z)^2] over centred Gaussians z, where there is one; it is not reached, or by a constant alone.
    smooth_bounded
        Whether phi and its first two derivatives are bounded.
    undefined_derivative
        Why there is no derivative to train by, or for an NTK; empty where there is one.
    training_nanoseconds
        Time for phi or phi' of one number in training by PyTorch, beyond a ReLU's.
    is_tanh
        Whether it is the hyperbolic tangent, which the compiled training loop knows beside the rectifiers.
    """

    bounds: ClassVar[Mapping[str, Bounds]] = {}
    symbol: ClassVar[str]
    parity: ClassVar[int] = 0
    rectifier_slope: ClassVar[float | None] = None
    largest_mean_square: ClassVar[float | None] = None
    smooth_bounded: ClassVar[bool] = False
    undefined_derivative: ClassVar[str] = ""
    training_nanoseconds: ClassVar[float] = 2.5
    is_tanh: ClassVar[bool] = False

    @property
    def title(self) -> str:
        """What figures and tables call it: ``leaky ReLU 0.2``."""
        return " ".join([self.symbol, *(format_number(getattr(self, key)) for key in self.bounds)])

    @abstractmethod
    def phi(self, z: "NDArray[Any]") -> "NDArray[Any]":
        """Compute phi(z): same shape and precision as `z`."""

    @abstractmethod
    def derivative(self, z: "NDArray[Any]") -> "NDArray[Any]":
        """Compute phi'(z), the value from the left at a kink; a pulse is left out."""

    @property
    def dual(self) -> "Dual":
        """The dual activation: in closed form, or by quadrature (`initatlas.duals.numerical`).

        Equal activations share one, and with it whatever a process keeps for a dual.
        """
        return _dual_of(self)

    def _dual(self) -> "Dual":
        """Make the dual."""
        from initatlas.duals.numerical import Numerical

        return Numerical(self.phi, self.derivative, parity=self.parity)

    @abstractmethod
    def in_place(self) -> InPlace:
        """How PyTorch applies phi and phi'.

        A network's numbers do not depend on its companions only where PyTorch computes an entry with the same code wherever
        it stands in a tensor. That holds for exp, expm1, log1p, erf, tanh, sin, cos and the arithmetic operations; sigmoid,
        softplus, silu and elu take other code at the end of a tensor.
        """

    @property
    def maps_zero_to_zero(self) -> bool:
        """Whether phi(0) = 0."""
        import numpy as np

        return float(self.phi(np.zeros(1))[0]) == 0.0


ACTIVATIONS: Room[Activation] = Room("initatlas.activations", Activation)
"""All activations by name."""


def activation_of(label: str) -> Activation:
    """The activation of a label such as ``relu`` or ``leaky_relu(slope=0.2)``.

    Raises
    ------
    ValueError
        If there is none of this name, or a parameter is missing, unknown or out of its bounds.
    """
    activation = _made(label)
    ACTIVATIONS.note(type(activation).__module__.rpartition(".")[2])
    return activation


@lru_cache(maxsize=256)
def _made(label: str) -> Activation:
    """Make an activation once."""
    return ACTIVATIONS.make(label)


@lru_cache(maxsize=256)
def _dual_of(activation: Activation) -> "Dual":
    """Make a dual once: it keeps what was compiled for it."""
    return activation._dual()
