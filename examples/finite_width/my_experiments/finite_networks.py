"""Squared norm of the last hidden layer and diagonal of the NTK of many random networks of one shape.

Gaussian weights, no biases, one input x of squared norm n_0. By rotation the law of both numbers depends neither on the direction
of x nor on n_0.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field, model_validator

from initatlas.experiments.activation_labels import ActivationLabel, check_norm_preserving
from initatlas.sweeps.experiment import Coordinate, Experiment, Output, Parameters

if TYPE_CHECKING:
    import numpy as np

MOST_WEIGHTS = 2**21
"""Weights that are drawn together, so that memory does not grow with the number of networks; one network at least is drawn."""


class FiniteNetworksParameters(Parameters):
    """One shape of networks."""

    activation: ActivationLabel = Field(default="relu", description="activation of the hidden layers")
    weight_variance: float | None = Field(
        default=None, gt=0, description="weight variance times the fan-in; none takes the one that preserves norms"
    )
    depth: int = Field(default=1, ge=1, description="number of hidden layers")
    width: int = Field(default=32, ge=1, description="neurons per hidden layer")
    input_dimension: int = Field(default=1, ge=1, description="number of inputs")
    networks: int = Field(default=100, ge=1, description="how many networks are drawn")

    @model_validator(mode="after")
    def _norms_can_be_preserved(self) -> Self:
        """Refuse a norm-preserving variance that does not exist; the input has a root mean square of 1."""
        check_norm_preserving(self.activation, weight_variance=self.weight_variance, rms=1.0)
        return self


def _coordinates(point: FiniteNetworksParameters) -> Mapping[str, Coordinate]:
    """The networks by number."""
    return {"network": Coordinate(range(point.networks), "number of the network")}


def _run(
    points: Sequence[FiniteNetworksParameters], rngs: Sequence["np.random.Generator"], data: Any
) -> list[dict[str, "np.ndarray"]]:
    """Each point is many networks."""
    return [_measure(point, rng) for point, rng in zip(points, rngs, strict=True)]


def _measure(point: FiniteNetworksParameters, rng: "np.random.Generator") -> dict[str, "np.ndarray"]:
    """Both numbers of all networks of a point."""
    import numpy as np

    from initatlas.activations.base import activation_of
    from initatlas.kernels.preserving import signal_preserving_variance
    from initatlas.networks.empirical_ntk import draw_networks, empirical_ntk, forward

    given = point.weight_variance
    variance = signal_preserving_variance(point.activation, rms=1.0) if given is None else given
    widths = (point.input_dimension, *[point.width] * point.depth)
    norms, kernels = [], []
    for count in _portions(point):
        networks = draw_networks(
            widths, count, activation=activation_of(point.activation), weight_variance=variance, rng=rng
        )
        passed = forward(networks, np.ones((1, point.input_dimension)))
        norms.append((passed.signals[-1][:, 0] ** 2).mean(axis=1))
        kernels.append(empirical_ntk(networks, passed)[:, 0, 0])
    return {"norm": np.concatenate(norms), "ntk": np.concatenate(kernels)}


def _weights(point: FiniteNetworksParameters) -> int:
    """Number of weights of one network."""
    return point.width * (point.input_dimension + point.width * (point.depth - 1) + 1)


def _portions(point: FiniteNetworksParameters) -> Iterator[int]:
    """How many networks are drawn together, until all are."""
    most = max(1, MOST_WEIGHTS // _weights(point))
    for first in range(0, point.networks, most):
        yield min(most, point.networks - first)


EXPERIMENT = Experiment(
    summary="Squared norm and diagonal of the NTK of many random networks of one shape.",
    parameters=FiniteNetworksParameters,
    outputs=(
        Output("norm", "mean square of the last hidden layer", dims=("network",)),
        Output("ntk", "diagonal of the NTK", dims=("network",)),
    ),
    run=_run,
    static=("networks",),
    coordinates=_coordinates,
    seconds=lambda point: 1e-3 + 2e-8 * point.networks * _weights(point),
    megabytes=lambda point: 3e-5 * max(MOST_WEIGHTS, _weights(point)) + 2e-5 * point.networks,
)
