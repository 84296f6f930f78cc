"""Where the breakpoints of a network lie before and after training, against the curvature of what it learns.

Sahs et al. 2020, appendix A.6: figure 9 and table 4.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, model_validator

from initatlas.experiments.target_labels import TargetLabel, check_interval, evenly_spaced, target_function
from initatlas.piecewise.descent_cost import LOOK_SECONDS, update_seconds
from initatlas.sweeps.experiment import Coordinate, Experiment, Output, Parameters

if TYPE_CHECKING:
    import numpy as np


class BreakpointDensityParameters(Parameters):
    """One network, its data, its training, and how the density is estimated."""

    target: TargetLabel = Field(default="sine", description="function that it learns")
    low: float = Field(default=-2.0, description="left end of the interval")
    high: float = Field(default=2.0, description="right end of the interval")
    samples: int = Field(default=101, ge=2, description="training points, evenly spaced with both ends")
    width: int = Field(default=125, ge=1, description="units per hidden layer")
    depth: int = Field(default=4, ge=1, description="number of hidden layers")
    scheme: Literal["he", "glorot", "pytorch"] = Field(default="he", description="weights, as in `train_univariate`")
    biases: Literal["pytorch", "normal"] = Field(default="pytorch", description="biases, as in `train_univariate`")
    optimiser: Literal["gd", "adam"] = Field(default="gd", description="optimiser, over all data in each step")
    learning_rate: float = Field(default=2e-5, gt=0, description="step size of the optimiser")
    epochs: int = Field(default=4000, ge=1, description="updates")
    bandwidth: float = Field(
        default=0.2, gt=0, description="standard deviation of the Gaussian that stands for a breakpoint"
    )
    places: int = Field(default=81, ge=9, description="places of the density, evenly spaced with both ends")

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        """Refuse an empty interval."""
        check_interval(self.low, self.high, 0.0)
        return self


def _coordinates(parameters: BreakpointDensityParameters) -> Mapping[str, Coordinate]:
    """Before and after, and places."""
    low, high, count = parameters.low, parameters.high, parameters.places
    return {
        "time": Coordinate(["before", "after"], "before or after training"),
        "place": Coordinate([low + (high - low) * i / (count - 1) for i in range(count)], "input"),
    }


def _run(
    points: Sequence[BreakpointDensityParameters], rngs: Sequence["np.random.Generator"], data: Any
) -> list[dict[str, Any]]:
    """Each point is one network."""
    return [_densities(point, rng) for point, rng in zip(points, rngs, strict=True)]


def _densities(point: BreakpointDensityParameters, rng: "np.random.Generator") -> dict[str, Any]:
    """Train a network and look at its breakpoints before and after."""
    import numpy as np

    from initatlas.piecewise.descent import Descent
    from initatlas.piecewise.starts import drawn
    from initatlas.piecewise.trained import half_sum, trained, view

    target = target_function(point.target, point.low, point.high)
    x = evenly_spaced(point.low, point.high, 0.0, point.samples)
    start = drawn([point.width] * point.depth, scheme=point.scheme, biases=point.biases, rng=rng)
    descent = Descent(point.learning_rate, optimiser=point.optimiser)
    networks = trained(start, x, target(x), descent, record=[0, point.epochs])
    places = np.linspace(point.low, point.high, point.places)
    bends = curvature(target, places)
    missing: dict[str, Any] = {"density": np.full(point.places, np.nan), "correlation": np.nan, "loss": np.nan}
    looks = [
        missing
        if network is None
        else _look(view(network).breakpoints.positions, places, bends, point.bandwidth)
        | {"loss": half_sum(view(network).function, x, target(x))}
        for network in networks
    ]
    return {"curvature": bends, **{name: np.stack([look[name] for look in looks]) for name in missing}}


def curvature(target: Any, places: "np.ndarray") -> "np.ndarray":
    """Size of the second derivative at some places, by central differences."""
    import numpy as np

    step = 1e-3
    second: np.ndarray = target(places + step) - 2.0 * target(places) + target(places - step)
    bends: np.ndarray = abs(second) / step**2
    return bends


def density(positions: "np.ndarray", places: "np.ndarray", bandwidth: float) -> "np.ndarray":
    """Breakpoints per unit of length by a Gaussian kernel; those outside count by what they reach inside."""
    import numpy as np

    distances = (places[:, None] - positions) / bandwidth
    heights: np.ndarray = np.exp(-0.5 * distances**2).sum(axis=1) / (bandwidth * np.sqrt(2.0 * np.pi))
    return heights


def _look(positions: "np.ndarray", places: "np.ndarray", bends: "np.ndarray", bandwidth: float) -> dict[str, Any]:
    """Density of the breakpoints and its correlation with the curvature over the places."""
    import numpy as np

    heights = density(positions, places, bandwidth)
    varies = heights.std() > 0 and bends.std() > 1e-6 * (1.0 + bends.max())  # beyond rounding
    return {"density": heights, "correlation": float(np.corrcoef(heights, bends)[0, 1]) if varies else np.nan}


def _seconds(parameters: BreakpointDensityParameters) -> float:
    """Updates by the pieces of the network, and two looks with a density each."""
    adam = parameters.optimiser == "adam"
    update = update_seconds(parameters.width, parameters.depth, parameters.samples, adam=adam)
    return update * parameters.epochs + 4 * LOOK_SECONDS


_DIVERGED = "the network diverged, or there is nothing to correlate"

EXPERIMENT = Experiment(
    summary="Density of the breakpoints of a univariate network before and after training, against the curvature of its target.",
    parameters=BreakpointDensityParameters,
    outputs=(
        Output("density", "breakpoints of all units per unit of length", dims=("time", "place"), nan_means=_DIVERGED),
        Output("curvature", "size of the target's second derivative", dims=("place",)),
        Output(
            "correlation", "correlation of density and curvature over the places", dims=("time",), nan_means=_DIVERGED
        ),
        Output("loss", "half the sum of the squared residuals", dims=("time",), nan_means=_DIVERGED),
    ),
    run=_run,
    static=("low", "high", "places"),
    coordinates=_coordinates,
    seconds=_seconds,
)
