"""Points of no cost: what they take is the engine's."""

from pydantic import Field

from initatlas.sweeps.experiment import Experiment, Output, Parameters


class CountedParameters(Parameters):
    number: int = Field(default=0, description="number of the point")


EXPERIMENT = Experiment(
    summary="The number of the point.",
    parameters=CountedParameters,
    outputs=(Output("value", "the number of the point"),),
    run=lambda points, rngs, data: [{"value": float(point.number)} for point in points],
)
