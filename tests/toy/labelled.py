"""A toy experiment with an inner dimension of labels."""

from pydantic import Field

from initatlas.sweeps.experiment import Coordinate, Experiment, Output, Parameters


class LabelledParameters(Parameters):
    """One number."""

    offset: float = Field(default=0.0, description="what is returned")


def _run(points, rngs, data):
    return [{"number": [point.offset, 10.0 + point.offset]} for point in points]


EXPERIMENT = Experiment(
    summary="A number and ten more.",
    parameters=LabelledParameters,
    outputs=(Output("number", "a number", dims=("kind",)),),
    run=_run,
    coordinates=lambda parameters: {"kind": Coordinate(("small", "large"), "which of the two")},
)
