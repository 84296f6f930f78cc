"""The kernel of a random network, measured: cosines between the signals of input pairs after some layers.

For every angle a pair of unit vectors with that angle is drawn in a Haar-random plane and sent through one random network
without biases (Tsuchida, Roosta-Khorasani, Gallagher 2018, figures 2 and 4). The pairs of one point share the network.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field

from initatlas.experiments.grids import angle_coordinate
from initatlas.experiments.labels import RectifierLabel, WeightsLabel
from initatlas.sweeps.experiment import Coordinate, Experiment, Output, Parameters
from initatlas.vocabulary import parse_label

if TYPE_CHECKING:
    import numpy as np


class ForwardKernelParameters(Parameters):
    """One random network and the angles of its input pairs."""

    activation: RectifierLabel = Field(default="relu", description="activation of every layer")
    weights: WeightsLabel = Field(default="gaussian", description="weight distribution")
    width: int = Field(default=1000, ge=2, description="neurons per layer")
    depth: int = Field(default=1, ge=1, description="number of hidden layers")
    input_dimension: int = Field(default=1000, ge=2, description="number of inputs")
    angles: int = Field(default=37, ge=2, description="number of angles, evenly spaced from 0 to 180 degrees")
    weight_variance: float | None = Field(
        default=None,
        gt=0,
        description="weight variance times the number of neurons; none takes the norm-preserving one",
    )


def _angles(parameters: ForwardKernelParameters) -> Mapping[str, Coordinate]:
    """The angles of the input pairs."""
    return {"angle": angle_coordinate(parameters.angles)}


def _run(
    points: Sequence[ForwardKernelParameters], rngs: Sequence["np.random.Generator"], data: Any
) -> list[dict[str, Any]]:
    """Each point is one network; nothing is shared between points."""
    return [_network(point, rng) for point, rng in zip(points, rngs, strict=True)]


def _network(point: ForwardKernelParameters, rng: "np.random.Generator") -> dict[str, Any]:
    """Cosines and norm ratios of one network."""
    import numpy as np

    from initatlas.networks.forward import random_network_cosines
    from initatlas.weights.criticality import norm_preserving_variance

    variance = norm_preserving_variance(point.activation) if point.weight_variance is None else point.weight_variance
    cosine, norm_ratio = random_network_cosines(
        np.deg2rad(_angles(point)["angle"].values),
        depth=point.depth,
        width=point.width,
        input_dimension=point.input_dimension,
        activation=point.activation,
        weights=point.weights,
        weight_variance=variance,
        rng=rng,
    )
    return {"cosine": cosine, "norm_ratio": norm_ratio}


_NANOSECONDS_PER_WEIGHT = {
    "gaussian": 10,
    "uniform": 5,
    "laplace": 12,
    "generalized_normal": 35,
    "multivariate_t": 14,
}


def _weights_drawn(parameters: ForwardKernelParameters) -> int:
    """Number of weights of a network."""
    return parameters.width * (parameters.input_dimension + parameters.width * (parameters.depth - 1))


def _seconds(parameters: ForwardKernelParameters) -> float:
    """Sampling the weights is nine tenths of the work; the products of the pairs are the rest."""
    nanoseconds = _NANOSECONDS_PER_WEIGHT[parse_label(parameters.weights)[0]] + 0.1 * parameters.angles
    return 1e-9 * nanoseconds * _weights_drawn(parameters) + 1e-3


def _megabytes(parameters: ForwardKernelParameters) -> float:
    """One layer of weights at a time, and the signals of all pairs."""
    layer = parameters.width * max(parameters.input_dimension, parameters.width)
    return 8e-6 * (layer + 4 * parameters.angles * parameters.width)


EXPERIMENT = Experiment(
    summary="Cosine between the signals of two inputs after a number of random layers, against their angle.",
    parameters=ForwardKernelParameters,
    outputs=(
        Output("cosine", "cosine similarity of the signals in the last layer", dims=("angle",)),
        Output("norm_ratio", "norm of the last signal over the norm of the input", dims=("angle",)),
    ),
    run=_run,
    static=("angles",),
    coordinates=_angles,
    seconds=_seconds,
    megabytes=_megabytes,
)
