"""Parameter types that experiments share: labels checked against the vocabulary."""

from typing import Annotated

from pydantic import AfterValidator

from initatlas.vocabulary import ACTIVATIONS, canonical_label, parse_label
from initatlas.weights.families import WEIGHTS, family_of


def _activation(label: str) -> str:
    """Canonical label of an activation."""
    return canonical_label(label, ACTIVATIONS)


def _weights(label: str) -> str:
    """Canonical label of a weight distribution."""
    return canonical_label(label, WEIGHTS)


def _independent_weights(label: str) -> str:
    """Canonical label of a distribution whose weights are independent."""
    canonical = canonical_label(label, WEIGHTS)
    if not family_of(canonical).independent:
        raise ValueError(f"{canonical!r}: its weights share a scale; here they must be independent")
    return canonical


ActivationLabel = Annotated[str, AfterValidator(_activation)]
WeightsLabel = Annotated[str, AfterValidator(_weights)]
IndependentWeightsLabel = Annotated[str, AfterValidator(_independent_weights)]


def check_ntk(kernel: str, activation: str) -> None:
    """Refuse the NTK of an activation whose derivative is a pulse.

    Raises
    ------
    ValueError
        If there is none.
    """
    if kernel == "ntk" and parse_label(activation)[0] == "step":
        raise ValueError(
            "kernel = 'ntk' with activation = 'step': the dual of its derivative is infinite; take kernel nngp"
        )


def check_norm_preserving(activation: str, *, weight_variance: float | None, rms: float) -> None:
    """Refuse to look for a weight variance that keeps norms where the activation never reaches them.

    Raises
    ------
    ValueError
        If none is given and none does it.
    """
    largest = _LARGEST_MEAN_SQUARES.get(activation)
    if weight_variance is None and largest is not None and rms**2 >= largest:
        raise ValueError(
            f"weight_variance = None with activation = {activation!r}: its mean square is at most {largest:g}, so no variance "
            f"keeps a root mean square of {rms:g}; give weight_variance as a number"
        )


_LARGEST_MEAN_SQUARES = {"step": 0.5, "sin": 0.5, "cos": 1.0, "erf": 1.0, "tanh": 1.0, "hermite(degree=0)": 1.0}
"""Bounds of E[phi(z)^2] over centred Gaussians z."""


def rectifier_slope(activation: str) -> float | None:
    """Slope of the negative half-line of a ReLU, a leaky ReLU or the identity; None for any other activation."""
    name, parameters = parse_label(activation)
    return {"relu": 0.0, "identity": 1.0, "leaky_relu": parameters.get("slope", 0.0)}.get(name)
