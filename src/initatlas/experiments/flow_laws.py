"""How breakpoints and delta-slopes move under gradient descent, against their laws of motion. Sahs et al. 2020, theorem 5."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from initatlas.experiments.target_labels import TargetLabel, target_function
from initatlas.sweeps.experiment import Coordinate, Experiment, Output, Parameters

if TYPE_CHECKING:
    import numpy as np

    from initatlas.piecewise.shallow import ShallowNetwork

STEPS = (1e-3, 1e-4, 1e-5, 1e-6)
"""Learning rates."""


class FlowLawsParameters(Parameters):
    """A random network, its data, and the laws that its first step is held against."""

    target: TargetLabel = Field(default="sine", description="function that it learns")
    width: int = Field(default=21, ge=1, description="units")
    samples: int = Field(default=41, ge=1, description="training points, evenly spaced between -2 and 2 with both ends")
    laws: Literal["right", "no_correlation", "gradient"] = Field(
        default="right",
        description="the laws of the theorem; without the term of the correlation with the inputs; or minus the gradient of the "
        "loss in breakpoint and delta-slope, which the theorem's first line prints",
    )


def _coordinates(parameters: FlowLawsParameters) -> Mapping[str, Coordinate]:
    """Learning rates."""
    return {"step": Coordinate(STEPS, "learning rate")}


def _run(
    points: Sequence[FlowLawsParameters], rngs: Sequence["np.random.Generator"], data: Any
) -> list[dict[str, Any]]:
    """Each point is one network."""
    return [_distances(point, rng) for point, rng in zip(points, rngs, strict=True)]


def _distances(point: FlowLawsParameters, rng: "np.random.Generator") -> dict[str, Any]:
    """Distance of velocities and laws, relative to the laws."""
    import numpy as np

    from initatlas.piecewise.descent import Descent, train_shallow
    from initatlas.piecewise.starts import drawn, shallow_of

    network = shallow_of(drawn([point.width], scheme="he", biases="normal", rng=rng))
    x = np.linspace(-2.0, 2.0, point.samples)
    y = target_function(point.target, -2.0, 2.0)(x)
    laws = _laws(network, network(x) - y, x, point.laws)
    errors: dict[str, list[float]] = {"breakpoint": [], "delta_slope": []}
    for step in STEPS:
        after = train_shallow(network, x, y, Descent(step), record=[1]).networks()
        moved = (after.breakpoints - network.breakpoints, after.delta_slopes - network.delta_slopes)
        for name, change, law in zip(errors, moved, laws, strict=True):
            errors[name].append(float(np.linalg.norm(change / step - law) / np.linalg.norm(law)))
    return {name: np.array(distances) for name, distances in errors.items()}


def _laws(
    network: "ShallowNetwork", residuals: "np.ndarray", x: "np.ndarray", laws: str
) -> tuple["np.ndarray", "np.ndarray"]:
    """Velocities of breakpoints and delta-slopes by the laws, each of shape (units,)."""
    w, b, v = network.input_weights, network.biases, network.output_weights
    active = w[:, None] * x + b[:, None] > 0
    residual, correlation = active @ residuals, active @ (residuals * x)
    beta = network.breakpoints
    if laws == "gradient":
        return w * v * residual, -(correlation - beta * residual)
    kept = 0.0 if laws == "no_correlation" else 1.0
    return v / w * (residual + kept * beta * correlation), -kept * (v**2 + w**2) * correlation - w * b * residual


EXPERIMENT = Experiment(
    summary="Velocities of breakpoints and delta-slopes in a step of gradient descent, against their laws.",
    parameters=FlowLawsParameters,
    outputs=(
        Output("breakpoint", "distance of the breakpoints' velocities from their law, relative to it", dims=("step",)),
        Output(
            "delta_slope", "distance of the delta-slopes' velocities from their law, relative to it", dims=("step",)
        ),
    ),
    run=_run,
    coordinates=_coordinates,
    seconds=lambda point: 8e-4,
)
