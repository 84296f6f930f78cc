"""An experiment of no cost that declares none: what its points take is the engine's."""

from pydantic import Field

from initatlas.sweeps.experiment import Experiment, Output, Parameters


class EmptyParameters(Parameters):
    """One point."""

    position: float = Field(default=0.0, description="what the point returns")
    width: int = Field(default=1, description="what all points share")


EXPERIMENT = Experiment(
    summary="What the point was given.",
    parameters=EmptyParameters,
    outputs=(Output("value", "what the point was given"),),
    run=lambda points, rngs, data: [{"value": point.position} for point in points],
)
