"""How far breakpoints travel in training, many shallow univariate networks at once: the lazy and the adaptive regime.

After Sahs et al. 2020. Where networks are wide, or their weights large, outputs are learned before breakpoints have moved
(Chizat, Oyallon and Bach 2019).
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, model_validator

from initatlas.experiments.target_labels import TargetLabel, check_interval, target_function
from initatlas.piecewise.descent_cost import LOOK_SECONDS, update_seconds
from initatlas.sweeps.experiment import Coordinate, Experiment, Output, Parameters

if TYPE_CHECKING:
    import numpy as np

    from initatlas.piecewise.shallow import ShallowNetwork


class BreakpointTravelParameters(Parameters):
    """Networks of one width and scale, their data and their training."""

    target: TargetLabel = Field(default="sine(frequency=0.5)", description="function that they learn")
    low: float = Field(default=-2.0, description="left end of the interval")
    high: float = Field(default=2.0, description="right end of the interval")
    samples: int = Field(default=41, ge=2, description="training points, evenly spaced with both ends")
    width: int = Field(default=40, ge=1, description="units of the hidden layer")
    scale: float = Field(default=1.0, gt=0, description="factor of all weights and biases at the start; He's at 1")
    output_at_start: Literal["kept", "removed"] = Field(
        default="kept", description="whether the output at the start stays, or is taken off the output at all times"
    )
    networks: int = Field(default=10, ge=1, description="independent networks")
    epochs: int = Field(default=5000, ge=1, description="updates")
    step: float = Field(
        default=1.0, gt=0, lt=2, description="learning rate times the largest curvature of the loss, see `learned`"
    )
    learned: float = Field(
        default=3000.0,
        ge=0,
        description="room for the curvature to grow: what is added to that at the start before `step` is divided by it",
    )

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        """Refuse an empty interval."""
        check_interval(self.low, self.high, 0.0)
        return self


def _coordinates(parameters: BreakpointTravelParameters) -> Mapping[str, Coordinate]:
    """Networks."""
    return {"network": Coordinate(range(parameters.networks), "network")}


def _run(
    points: Sequence[BreakpointTravelParameters], rngs: Sequence["np.random.Generator"], data: Any
) -> list[dict[str, Any]]:
    """Each point is a number of networks."""
    import numpy as np

    rows = [[_travelled(point, rng) for _ in range(point.networks)] for point, rng in zip(points, rngs, strict=True)]
    return [{name: np.array([one[name] for one in row]) for name in row[0]} for row in rows]


def _travelled(point: BreakpointTravelParameters, rng: "np.random.Generator") -> dict[str, float]:
    """Train one network and compare it with its start."""
    import numpy as np

    from initatlas.piecewise.descent import Descent, train_shallow
    from initatlas.piecewise.starts import drawn, layers_of, shallow_of
    from initatlas.piecewise.trained import if_usable

    start = shallow_of(drawn([point.width], scheme="he", biases="normal", scale=point.scale, rng=rng))
    x = np.linspace(point.low, point.high, point.samples)
    y = target_function(point.target, point.low, point.high)(x)
    if point.output_at_start == "removed":
        y = y + start(x)
    rate = point.step / (largest_curvature(start, x) + point.learned)
    trajectory = train_shallow(start, x, y, Descent(rate), record=[0, point.epochs])
    if trajectory.diverged >= 0 or if_usable(layers_of(trajectory.networks())) is None:
        return dict.fromkeys(("travel", "slope_change", "loss_share"), np.nan)
    end = trajectory.networks()
    before, after = start.delta_slopes, end.delta_slopes
    return {
        "travel": travel(start.breakpoints, end.breakpoints, point.low, point.high),
        "slope_change": float(np.linalg.norm(after - before) / np.linalg.norm(before)),
        "loss_share": float(trajectory.losses[-1] / trajectory.losses[0]),
    }


def travel(before: "np.ndarray", after: "np.ndarray", low: float, high: float) -> float:
    """Median distance of breakpoints that were inside an interval, no farther than to its ends; nan if there were none."""
    import numpy as np

    inside = (before > low) & (before < high)
    distances = abs(np.clip(after[inside], low, high) - before[inside])
    return float(np.median(distances)) if inside.any() else np.nan


def largest_curvature(network: "ShallowNetwork", x: "np.ndarray") -> float:
    """Largest eigenvalue of the tangent kernel on the data: that of the loss's Gauss-Newton matrix."""
    import numpy as np

    signals = network.input_weights * x[:, None] + network.biases
    active = signals > 0
    through = active * network.output_weights
    gradients = np.concatenate([through * x[:, None], through, signals * active, np.ones((x.size, 1))], axis=1)
    return float(np.linalg.norm(gradients, ord=2) ** 2)


def _seconds(parameters: BreakpointTravelParameters) -> float:
    """Updates, a look at both ends, and the curvature."""
    update = update_seconds(parameters.width, 1, parameters.samples)
    return parameters.networks * (update * parameters.epochs + LOOK_SECONDS + 2e-6 * parameters.width)


_NONE = "the network diverged, or had no breakpoint inside the interval"

EXPERIMENT = Experiment(
    summary="How far the breakpoints of shallow univariate networks travel in training: the lazy and the adaptive regime.",
    parameters=BreakpointTravelParameters,
    outputs=(
        Output(
            "travel",
            "median distance between breakpoints before and after training",
            dims=("network",),
            nan_means=_NONE,
        ),
        Output(
            "slope_change",
            "distance between delta-slopes before and after training, relative to those before",
            dims=("network",),
            nan_means=_NONE,
        ),
        Output("loss_share", "training loss over that at the start", dims=("network",), nan_means=_NONE),
    ),
    run=_run,
    static=("networks",),
    coordinates=_coordinates,
    seconds=_seconds,
)
