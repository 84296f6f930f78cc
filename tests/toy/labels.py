"""Parameters of every kind: numbers, flags, texts, labels, none at all; what is drawn at a point is its result."""

from typing import Annotated

from pydantic import Field

from initatlas.activations.base import ACTIVATIONS
from initatlas.components import NamedIn
from initatlas.sweeps.experiment import Experiment, Output, Parameters


class LabelsParameters(Parameters):
    width: int = Field(default=64, description="a whole number")
    gain: float | None = Field(default=None, description="a number or none")
    flag: bool = Field(default=False, description="yes or no")
    note: str = Field(default="", description="a text")
    activation: Annotated[str, NamedIn(ACTIVATIONS)] = Field(default="relu", description="a label")
    second: Annotated[str, NamedIn(ACTIVATIONS)] | None = Field(default=None, description="a label or none")
    dataset: str = Field(default="digits", description="a data set")


def _run(points, rngs, data):
    return [{"number": rng.standard_normal()} for rng in rngs]


EXPERIMENT = Experiment(
    summary="Numbers drawn.",
    parameters=LabelsParameters,
    outputs=(Output("number", "a random number"),),
    run=_run,
)
