"""A number from a data set."""

from pydantic import Field

from initatlas.sweeps.experiment import Experiment, Output, Parameters


class ShiftedParameters(Parameters):
    dataset: str = Field(default="digits", description="data set")
    offset: float = Field(default=0.0, description="shift of the number")


EXPERIMENT = Experiment(
    summary="The data set, which is a number here, shifted.",
    parameters=ShiftedParameters,
    outputs=(Output("number", "the shifted number"),),
    run=lambda points, rngs, data: [{"number": data + point.offset} for point in points],
)
