"""Mean square of the signal behind one random layer, before and behind the activation.

An experiment is a pure function from points to numbers; docs/experiments.md says what it may do. It is read at every start of the
workflow, so heavy libraries are imported inside.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field

from initatlas.experiments.activation_labels import ActivationLabel
from initatlas.sweeps.experiment import Coordinate, Experiment, Output, Parameters

if TYPE_CHECKING:
    import numpy as np


class LayerParameters(Parameters):
    """Random layers of one width."""

    activation: ActivationLabel = Field(default="relu", description="activation of the layer")
    width: int = Field(default=16, ge=1, description="neurons of the layer")
    networks: int = Field(default=200, ge=2, description="how many layers are drawn")


def _coordinates(point: LayerParameters) -> Mapping[str, Coordinate]:
    """The layers by number."""
    return {"network": Coordinate(range(point.networks), "number of the layer")}


def _run(
    points: Sequence[LayerParameters], rngs: Sequence["np.random.Generator"], data: Any
) -> list[dict[str, "np.ndarray"]]:
    """Each point is many layers; random numbers come from its own generator alone."""
    from initatlas.activations.base import activation_of

    means = []
    for point, rng in zip(points, rngs, strict=True):
        z = rng.standard_normal((point.networks, point.width))
        h = activation_of(point.activation).phi(z)
        means.append({"before": (z**2).mean(axis=1), "behind": (h**2).mean(axis=1)})
    return means


EXPERIMENT = Experiment(
    summary="Mean square of the signal behind one random layer.",
    parameters=LayerParameters,
    outputs=(
        Output("before", "mean square before the activation", dims=("network",)),
        Output("behind", "mean square behind the activation", dims=("network",)),
    ),
    run=_run,
    static=("networks",),
    coordinates=_coordinates,
    seconds=lambda point: 1e-3 + 2e-8 * point.networks * point.width,
    megabytes=lambda point: 1.0 + 3e-5 * point.networks * point.width,
)
