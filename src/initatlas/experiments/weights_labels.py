"""The parameter types of weight distributions."""

from typing import Annotated

from pydantic import AfterValidator

from initatlas.components import NamedIn
from initatlas.vocabulary import canonical_label
from initatlas.weights.base import WEIGHTS, family_of


def _weights(label: str) -> str:
    """Canonical label of a weight distribution."""
    return canonical_label(label, WEIGHTS)


def _independent_weights(label: str) -> str:
    """Canonical label of a distribution whose weights are independent."""
    canonical = canonical_label(label, WEIGHTS)
    if not family_of(canonical).independent:
        raise ValueError(f"{canonical!r}: its weights share a scale; here they must be independent")
    return canonical


WeightsLabel = Annotated[str, AfterValidator(_weights), NamedIn(WEIGHTS)]
IndependentWeightsLabel = Annotated[str, AfterValidator(_independent_weights), NamedIn(WEIGHTS)]
