"""Whether small networks train or diverge: the boundary between both, over learning rate and weight variance.

All points of a sweep share the data and, up to the factor of the variance, the weights: `network` says which. What is seen
over the plane is then the dynamics' doing, and not the draw's.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field

from initatlas.networks.training_settings import SmallActivation
from initatlas.sweeps.experiment import Experiment, Output, Parameters

if TYPE_CHECKING:
    import numpy as np

LAST = 20
"""Steps over which the last loss is averaged."""


class TrainingBoundaryParameters(Parameters):
    """A network with one hidden layer, and its training."""

    learning_rate: float = Field(default=0.1, gt=0, description="learning rate of both layers")
    weight_variance: float = Field(default=1.0, gt=0, description="variance of the hidden weights, times the inputs")
    activation: SmallActivation = Field(default="tanh", description="activation of the hidden layer")
    width: int = Field(default=16, ge=1, description="hidden units")
    inputs: int = Field(default=16, ge=1, description="input dimension")
    samples: int = Field(default=16, ge=1, description="data points, all of them in each step")
    steps: int = Field(default=500, ge=LAST, description="steps of gradient descent")
    network: int = Field(default=0, ge=0, description="which draw of data and weights, the same at all points")


def _run(
    points: Sequence[TrainingBoundaryParameters], rngs: Sequence["np.random.Generator"], data: Any
) -> list[dict[str, Any]]:
    """Points draw from a generator of their network's own: they differ in nothing but the axes."""
    return [_trained(point) for point in points]


def _trained(point: TrainingBoundaryParameters) -> dict[str, Any]:
    """Train one network, and look at its losses."""
    import numpy as np

    from initatlas.networks.small_descent import descend_small, draw_small, sharpness

    drawn = draw_small(
        inputs=point.inputs,
        width=point.width,
        samples=point.samples,
        weight_variance=point.weight_variance,
        rng=np.random.default_rng(point.network),
    )
    losses = descend_small(*drawn, activation=point.activation, rate=point.learning_rate, steps=point.steps)
    x, _, hidden, readout = drawn
    return {**summary(losses), "sharpness": sharpness(x, hidden, readout, activation=point.activation)}


def summary(losses: "np.ndarray") -> dict[str, Any]:
    """Whether training diverged, and how fast it did what it did.

    Parameters
    ----------
    losses
        Shape (steps + 1,), infinite from where they are no longer finite.

    Notes
    -----
    As Sohl-Dickstein (2024) draws it: a network has diverged if its last losses are on average no smaller than the first.
    If it converged, the sum of the losses over the first one says how slow it was; if it diverged, the sum of the inverses
    says how long it took.
    """
    relative = losses / losses[0]
    diverged = not relative[-LAST:].mean() < 1.0
    return {"diverged": diverged, "slowness": float((1.0 / relative if diverged else relative).sum())}


EXPERIMENT = Experiment(
    summary="Small networks over learning rate and weight variance: which train, and which diverge.",
    parameters=TrainingBoundaryParameters,
    outputs=(
        Output("diverged", "whether the last 20 losses are on average no smaller than the first", dtype="int8"),
        Output(
            "slowness",
            "sum of the losses over the first one; of the inverses, if the network diverged",
            inf_means="a loss of exactly 0",
        ),
        Output("sharpness", "largest eigenvalue of the Gauss-Newton matrix of the loss at initialisation"),
    ),
    run=_run,
    seconds=lambda point: 1e-4 + 3.2e-10 * point.steps * point.samples * point.width * (point.inputs + 6),
    megabytes=lambda point: 1e-6 * (8 * point.steps + 24 * point.width * (point.inputs + point.samples)),
)
