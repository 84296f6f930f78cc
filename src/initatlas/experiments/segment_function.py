"""Lines through the values of a function, as many as wanted, by segmented regression. Sahs et al. 2020, figure 1 left."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from initatlas.experiments.target_labels import TargetLabel, evenly_spaced, target_function
from initatlas.sweeps.experiment import Experiment, Output, Parameters

if TYPE_CHECKING:
    import numpy as np

    from initatlas.piecewise.segmentations import Fit


class SegmentFunctionParameters(Parameters):
    """A function, the method and the number of pieces."""

    target: TargetLabel = Field(default="polynomial(c2=0.5)", description="function whose values are fitted")
    low: float = Field(default=-2.0, description="left end of the interval")
    high: float = Field(default=2.0, description="right end of the interval")
    samples: int = Field(default=400, ge=8, description="values, evenly spaced with both ends")
    algorithm: Literal["separate", "continuous", "merged"] = Field(
        default="separate",
        description=(
            "dynamic programming with lines that need not meet, or that meet at values; or greedy merging, with parameters that "
            "give no more pieces than wanted"
        ),
    )
    pieces: int = Field(default=10, ge=5, description="pieces that are wanted")


def _run(
    points: Sequence[SegmentFunctionParameters], rngs: Sequence["np.random.Generator"], data: Any
) -> list[dict[str, Any]]:
    """Each point is one fit."""
    return [_fitted(point) for point in points]


def _fitted(point: SegmentFunctionParameters) -> dict[str, Any]:
    """Pieces and loss of a fit."""
    x = evenly_spaced(point.low, point.high, 0.0, point.samples)
    fit = _fit(point, x, target_function(point.target, point.low, point.high)(x))
    return {"pieces_taken": fit.function.knots.size + 1, "loss": 0.5 * fit.squares}


def _fit(point: SegmentFunctionParameters, x: "np.ndarray", y: "np.ndarray") -> "Fit":
    """The fit of a method."""
    from initatlas.piecewise.segmentations import Fit
    from initatlas.piecewise.segments import greedy_merge, segment, segment_continuous

    if point.algorithm == "merged":  # tau = 1, gamma = 1: at most four times as many pieces as its parameter, and one
        return greedy_merge(x, y, pieces=(point.pieces - 1) // 4)
    segmentations = (segment if point.algorithm == "separate" else segment_continuous)(x, y, pieces=point.pieces)
    return Fit(segmentations.functions[-1], float(segmentations.squares[-1]))


def _seconds(parameters: SegmentFunctionParameters) -> float:
    """Lines that meet are tried with all numbers of pieces on both sides of a point; merging costs next to nothing."""
    separate = 8e-10 * parameters.pieces * parameters.samples**2
    by_algorithm = {"separate": separate, "continuous": 1.75 * parameters.pieces * separate, "merged": 0.0}
    return 1e-3 + by_algorithm[parameters.algorithm]


EXPERIMENT = Experiment(
    summary="Loss of the best lines through values of a function, by method and number of pieces.",
    parameters=SegmentFunctionParameters,
    outputs=(
        Output("pieces_taken", "pieces of the fit", dtype="int64"),
        Output("loss", "half the sum of the squared residuals"),
    ),
    run=_run,
    seconds=_seconds,
)
