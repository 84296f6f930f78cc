"""Parameter types that experiments share: labels checked against the vocabulary."""

from typing import Annotated

from pydantic import AfterValidator

from initatlas.vocabulary import ACTIVATIONS, WEIGHTS, canonical_label, parse_label


def _activation(label: str) -> str:
    """Canonical label of an activation."""
    return canonical_label(label, ACTIVATIONS)


def _weights(label: str) -> str:
    """Canonical label of a weight distribution."""
    return canonical_label(label, WEIGHTS)


def _rectifier(label: str) -> str:
    """Canonical label of an activation that is linear on both half-lines."""
    canonical = canonical_label(label, ACTIVATIONS)
    rectifier_slope(canonical)
    return canonical


ActivationLabel = Annotated[str, AfterValidator(_activation)]
RectifierLabel = Annotated[str, AfterValidator(_rectifier)]
WeightsLabel = Annotated[str, AfterValidator(_weights)]


def rectifier_slope(activation: str) -> float:
    """Slope of the negative half-line of a ReLU, a leaky ReLU or the identity.

    Raises
    ------
    ValueError
        If the activation is none of these.
    """
    name, parameters = parse_label(activation)
    slopes = {"relu": 0.0, "identity": 1.0, "leaky_relu": parameters.get("slope", 0.0)}
    if name not in slopes:
        raise ValueError(f"{activation!r} is not linear on both half-lines; allowed: {', '.join(slopes)}")
    return slopes[name]
