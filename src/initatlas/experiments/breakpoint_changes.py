"""Births, deaths and travel of breakpoints by layer while a deep univariate network learns. Sahs et al. 2020, figure 2."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, model_validator

from initatlas.experiments.target_labels import TargetLabel, check_interval, evenly_spaced, target_function
from initatlas.piecewise.descent_cost import LOOK_SECONDS, update_seconds
from initatlas.sweeps.experiment import Coordinate, Experiment, Output, Parameters

if TYPE_CHECKING:
    import numpy as np


class BreakpointChangesParameters(Parameters):
    """One network, its data, its training and how often it is looked at."""

    target: TargetLabel = Field(default="step", description="function that it learns")
    low: float = Field(default=-3.0, description="left end of the interval")
    high: float = Field(default=3.0, description="right end of the interval")
    samples: int = Field(default=61, ge=1, description="training points, evenly spaced with both ends")
    gap: float = Field(
        default=0.5, ge=0, description="training points nearer to the middle of the interval are left out"
    )
    width: int = Field(default=8, ge=1, description="units per hidden layer")
    depth: int = Field(default=5, ge=1, description="number of hidden layers")
    scheme: Literal["he", "glorot", "pytorch"] = Field(default="he", description="weights, as in `train_univariate`")
    biases: Literal["pytorch", "normal"] = Field(default="pytorch", description="biases, as in `train_univariate`")
    learning_rate: float = Field(
        default=5e-5, gt=0, description="step size of gradient descent on half the sum of squares"
    )
    epochs: int = Field(default=10_000, ge=1, description="updates")
    every: int = Field(default=100, ge=1, description="updates between two looks")
    reach: float = Field(default=0.5, gt=0, description="farther than this no breakpoint travels between two looks")

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        """Refuse an empty interval, a gap that leaves nothing, and looks rarer than the training is long."""
        check_interval(self.low, self.high, self.gap)
        if self.every > self.epochs:
            raise ValueError(f"every = {self.every} with epochs = {self.epochs}: take at most epochs")
        return self


def _coordinates(parameters: BreakpointChangesParameters) -> Mapping[str, Coordinate]:
    """Hidden layers."""
    return {"layer": Coordinate(range(1, parameters.depth + 1), "hidden layer")}


def _run(
    points: Sequence[BreakpointChangesParameters], rngs: Sequence["np.random.Generator"], data: Any
) -> list[dict[str, Any]]:
    """Each point is one network."""
    return [_changes(point, rng) for point, rng in zip(points, rngs, strict=True)]


def _changes(point: BreakpointChangesParameters, rng: "np.random.Generator") -> dict[str, Any]:
    """Train a network and follow its breakpoints inside the interval."""
    import numpy as np

    from initatlas.piecewise.deep import pieces
    from initatlas.piecewise.descent import Descent
    from initatlas.piecewise.starts import drawn
    from initatlas.piecewise.tracking import changes_by_layer
    from initatlas.piecewise.trained import trained

    start = drawn([point.width] * point.depth, scheme=point.scheme, biases=point.biases, rng=rng)
    x = evenly_spaced(point.low, point.high, point.gap, point.samples)
    y = target_function(point.target, point.low, point.high)(x)
    record = range(0, point.epochs + 1, point.every)
    networks = trained(start, x, y, Descent(point.learning_rate), record=record)
    moments = [pieces(*network)[1].within(point.low, point.high) for network in networks if network is not None]
    changes = changes_by_layer(moments, layers=point.depth, reach=point.reach)
    counts = sum(np.bincount(one.layers - 1, minlength=point.depth) for one in moments) / len(moments)
    return {
        "births": changes.births,
        "deaths": changes.deaths,
        "travelled": changes.travelled,
        "stayed": changes.stayed,
        "breakpoints": counts,
        "looks": len(moments),
    }


def _seconds(parameters: BreakpointChangesParameters) -> float:
    """Training, and looks whose breakpoints are matched with those before."""
    update = update_seconds(parameters.width, parameters.depth, parameters.samples)
    return parameters.epochs * (update + 3 * LOOK_SECONDS / parameters.every)


EXPERIMENT = Experiment(
    summary="Births, deaths and travel of breakpoints by layer while a deep univariate network learns.",
    parameters=BreakpointChangesParameters,
    outputs=(
        Output("births", "breakpoints that are new at a look, over all looks", dims=("layer",), dtype="int64"),
        Output("deaths", "breakpoints that are gone at the next look, over all looks", dims=("layer",), dtype="int64"),
        Output("travelled", "distance travelled by those that stayed, between looks, over all looks", dims=("layer",)),
        Output(
            "stayed", "breakpoints that are there at the next look too, over all looks", dims=("layer",), dtype="int64"
        ),
        Output("breakpoints", "breakpoints inside the interval, mean over looks", dims=("layer",)),
        Output("looks", "looks at which the network was finite", dtype="int64"),
    ),
    run=_run,
    static=("depth", "width"),
    coordinates=_coordinates,
    seconds=_seconds,
)
