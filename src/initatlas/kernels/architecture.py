"""A fully connected network of infinite width, in the conventions of this package (docs/conventions.md)."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from initatlas.activations.base import ACTIVATIONS, activation_of
from initatlas.duals.base import Dual
from initatlas.kernels.arguments import MOST_LAYERS, check_variance, check_whole
from initatlas.kernels.preserving import preactivation_preserving_variance
from initatlas.validation import shown

KernelName = Literal["ntk", "nngp"]
"""The two kernels of a network of infinite width."""


def dual_of(activation: str | Dual) -> Dual:
    """The dual behind a label, or a dual as it is.

    Raises
    ------
    TypeError
        If it is neither.
    UserError
        If there is no such activation.
    """
    if isinstance(activation, Dual):
        return activation
    if isinstance(activation, str):
        return activation_of(activation).dual
    raise TypeError(
        f"activation = {shown(activation)}: give a label ({', '.join(ACTIVATIONS)}), or a dual; that of a "
        "function of your own is initatlas.duals.numerical.Numerical(function, derivative)"
    )


@dataclass(frozen=True)
class Architecture:
    """A fully connected network of infinite width.

    Attributes
    ----------
    activation
        A label of `initatlas.activations.base.ACTIVATIONS`, or a `Dual` of one's own.
    depth
        Number of hidden layers, from 0 to `initatlas.kernels.arguments.MOST_LAYERS`.
    weight_variance
        Variance of a weight times the fan-in, in every layer after the first. None takes the one that preserves a pre-activation
        variance of 1 (`initatlas.kernels.preserving`), 1 / E[phi(Z)^2] for a standard normal Z: 2 for the ReLU.
    bias_variance
        Variance of a bias of a hidden layer.
    input_variance
        Variance of a weight of the first layer, which is not multiplied by the fan-in: 1 takes scalar products as they are,
        sigma^2 / d is the usual scaling with the dimension d.
    output_weight_variance
        As `weight_variance`, for the output layer; None takes the same.
    output_bias_variance
        Variance of the output's bias.

    Raises
    ------
    TypeError
        If a value is of another type.
    ValueError
        If a variance is negative or not finite, the depth is out of its range, or there is no such activation.
    """

    activation: str | Dual = "relu"
    depth: int = 1
    weight_variance: float | None = None
    bias_variance: float = 0.0
    input_variance: float = 1.0
    output_weight_variance: float | None = None
    output_bias_variance: float = 0.0

    def __post_init__(self) -> None:
        check_whole("depth", self.depth, 0, MOST_LAYERS)
        for name in (
            "weight_variance",
            "bias_variance",
            "input_variance",
            "output_weight_variance",
            "output_bias_variance",
        ):
            value = getattr(self, name)
            if value is not None or name not in ("weight_variance", "output_weight_variance"):
                check_variance(name, value)
        try:
            _ = self.dual
        except ValueError as error:
            raise ValueError(f"activation = {shown(self.activation)}: {error}") from None

    @cached_property
    def dual(self) -> Dual:
        """The activation's dual."""
        return dual_of(self.activation)

    @property
    def hidden_variance(self) -> float:
        """`weight_variance`, or the one that preserves pre-activations."""
        given = self.weight_variance
        return preactivation_preserving_variance(self.dual) if given is None else given

    @property
    def output_variance(self) -> float:
        """`output_weight_variance`, or that of the hidden layers."""
        return self.hidden_variance if self.output_weight_variance is None else self.output_weight_variance

    @property
    def homogeneous(self) -> bool:
        """Whether the kernel, but for the output's bias, is (|x| |y|)^degree times a function of the angle."""
        return self.depth == 0 or (self.dual.degree is not None and self.bias_variance == 0.0)

    @property
    def degree(self) -> int:
        """Degree of homogeneity in the inputs, where there is one."""
        return 1 if self.depth == 0 else (self.dual.degree or 0)
