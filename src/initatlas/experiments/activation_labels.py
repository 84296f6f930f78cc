"""The parameter type of activations, and what experiments ask of one."""

from typing import Annotated

from pydantic import AfterValidator

from initatlas.activations.base import ACTIVATIONS, activation_of
from initatlas.components import NamedIn
from initatlas.vocabulary import canonical_label


def _activation(label: str) -> str:
    """Canonical label of an activation."""
    return canonical_label(label, ACTIVATIONS)


ActivationLabel = Annotated[str, AfterValidator(_activation), NamedIn(ACTIVATIONS)]


def check_ntk(kernel: str, activation: str) -> None:
    """Refuse the NTK of an activation without a derivative.

    Raises
    ------
    ValueError
        If there is none.
    """
    reason = activation_of(activation).undefined_derivative
    if kernel == "ntk" and reason:
        raise ValueError(f"kernel = 'ntk' with activation = {activation!r}: {reason}; take kernel nngp")


def check_trainable(activation: str) -> None:
    """Refuse to train an activation without a derivative.

    Raises
    ------
    ValueError
        If there is none.
    """
    if reason := activation_of(activation).undefined_derivative:
        raise ValueError(f"activation = {activation!r} cannot be trained: {reason}; take another one")


def check_norm_preserving(activation: str, *, weight_variance: float | None, rms: float) -> None:
    """Refuse to look for a weight variance that keeps norms where the activation never reaches them.

    Raises
    ------
    ValueError
        If none is given and none does it.
    """
    largest = activation_of(activation).largest_mean_square
    if weight_variance is None and largest is not None and rms**2 >= largest:
        raise ValueError(
            f"weight_variance = None with activation = {activation!r}: its mean square is at most {largest:g}, so no variance "
            f"keeps a root mean square of {rms:g}; give weight_variance as a number"
        )
