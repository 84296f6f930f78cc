"""The size of a data set."""

from pydantic import Field

from initatlas.sweeps.experiment import Experiment, Output, Parameters


class SizedParameters(Parameters):
    dataset: str = Field(default="glyphs", description="data set")
    offset: int = Field(default=0, description="what is added to the size")


EXPERIMENT = Experiment(
    summary="The size of the data set, and more.",
    parameters=SizedParameters,
    outputs=(Output("number", "the sum"),),
    run=lambda points, rngs, data: [{"number": float(len(data) + point.offset)} for point in points],
)
