"""How many partitions of data have continuous piecewise least-squares fits: critical points. Sahs et al. 2020, figure 7."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field

from initatlas.experiments.target_labels import TargetLabel, target_function
from initatlas.sweeps.experiment import Coordinate, Experiment, Output, Parameters

if TYPE_CHECKING:
    import numpy as np


class PartitionCountParameters(Parameters):
    """Data with noise, and the largest number of breakpoints."""

    points: int = Field(default=10, ge=1, le=100, description="data points N, uniform on [-1, 1]")
    breakpoints: int = Field(default=20, ge=0, le=200, description="largest number of breakpoints H")
    target: TargetLabel = Field(default="sine", description="function that the data have")
    noise: float = Field(default=1.0, gt=0, description="standard deviation of the noise")


def _coordinates(parameters: PartitionCountParameters) -> Mapping[str, Coordinate]:
    """Numbers of breakpoints."""
    return {"used": Coordinate(range(parameters.breakpoints + 1), "breakpoints H")}


def _run(
    points: Sequence[PartitionCountParameters], rngs: Sequence["np.random.Generator"], data: Any
) -> list[dict[str, Any]]:
    """Each point is one draw of data."""
    return [_counts(point, rng) for point, rng in zip(points, rngs, strict=True)]


def _counts(point: PartitionCountParameters, rng: "np.random.Generator") -> dict[str, Any]:
    """Partitions that are continuous, and all."""
    from math import comb

    from initatlas.piecewise.partitions import continuous_partitions

    x = rng.uniform(-1.0, 1.0, point.points)
    y = target_function(point.target, -1.0, 1.0)(x) + point.noise * rng.standard_normal(point.points)
    return {
        "continuous": continuous_partitions(x, y, pieces=point.breakpoints + 1),
        "partitions": [float(comb(point.points + used, used)) for used in range(point.breakpoints + 1)],
    }


def _seconds(parameters: PartitionCountParameters) -> float:
    """The last pieces that a partition may have grow with the square of the data, and each has as many behind it."""
    return 3.5e-6 * parameters.points**3 + 1e-3


EXPERIMENT = Experiment(
    summary="Partitions of data whose piecewise least-squares fits are continuous, counted exactly by number of breakpoints.",
    parameters=PartitionCountParameters,
    outputs=(
        Output("continuous", "partitions with a continuous piecewise least-squares fit", dims=("used",)),
        Output("partitions", "all partitions, C(N + H, H)", dims=("used",)),
    ),
    run=_run,
    static=("breakpoints",),
    coordinates=_coordinates,
    seconds=_seconds,
)
