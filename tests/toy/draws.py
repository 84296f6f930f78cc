"""A number drawn from the point's own generator, and a curve whose length is a parameter."""

from pydantic import Field

from initatlas.sweeps.experiment import Coordinate, Experiment, Output, Parameters


class DrawsParameters(Parameters):
    offset: float = Field(default=0.0, description="shift of the number", json_schema_extra={"units": "m"})
    length: int = Field(default=3, ge=1, description="length of the curve")
    weights: str = Field(default="gaussian", description="a label")


def _run(points, rngs, data):
    return [
        {"number": point.offset + rng.standard_normal(), "curve": rng.standard_normal(point.length), "count": 7}
        for point, rng in zip(points, rngs, strict=True)
    ]


EXPERIMENT = Experiment(
    summary="Random numbers.",
    parameters=DrawsParameters,
    outputs=(
        Output("number", "a random number", "m"),
        Output("curve", "random numbers along a line", dims=("place",)),
        Output("count", "a whole number", dtype="int32"),
    ),
    run=_run,
    static=("length",),
    coordinates=lambda parameters: {"place": Coordinate(range(parameters.length), "place on the line", "mm")},
)
