"""The kernel of a random network, measured: cosines between the signals of input pairs in its layers.

For every angle a pair of vectors of one norm with that angle is drawn in a Haar-random plane and sent through one random network
(Tsuchida, Roosta-Khorasani, Gallagher 2018, figures 2 and 4). All pairs, and all recorded layers, come from one pass: a point is
one network. Biases, weights with a mean, sparse inputs, rectangular layers and residual connections go beyond the paper.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from initatlas.experiments.network_law import NetworkLawParameters, kernel_coordinates, weight_variance
from initatlas.experiments.weights_labels import WeightsLabel
from initatlas.sweeps.experiment import Experiment, Output
from initatlas.weights.base import family_of

if TYPE_CHECKING:
    import numpy as np


class ForwardKernelParameters(NetworkLawParameters):
    """One random network and the angles of its input pairs."""

    weights: WeightsLabel = Field(default="gaussian", description="weight distribution")
    width: int = Field(default=1000, ge=2, description="neurons per layer")
    input_dimension: int = Field(default=1000, ge=2, description="number of inputs")
    fan: Literal["out", "in"] = Field(
        default="out",
        description="number of neurons that scales mean and variance of weights: of the layer, or of the one before it",
    )
    plane: Literal["random", "axes", "flat", "graded"] = Field(
        default="random",
        description=(
            "plane of the inputs: a random one for every angle; that of the first two coordinates, so that the inputs are "
            "sparse; or one in which they have many coordinates of like size, or of falling size"
        ),
    )


def _run(
    points: Sequence[ForwardKernelParameters], rngs: Sequence["np.random.Generator"], data: Any
) -> list[dict[str, Any]]:
    """Each point is one network; nothing is shared between points."""
    return [_network(point, rng) for point, rng in zip(points, rngs, strict=True)]


def _network(point: ForwardKernelParameters, rng: "np.random.Generator") -> dict[str, Any]:
    """Signals of the pairs in the recorded layers of one network."""
    from dataclasses import asdict

    import numpy as np

    from initatlas.networks.forward import RandomNetwork, pair_signals

    network = RandomNetwork(
        activation=point.activation,
        weights=point.weights,
        weight_variance=weight_variance(point),
        weight_mean=point.weight_mean,
        bias_variance=point.bias_variance,
        depth=point.depth,
        width=point.width,
        fan=point.fan,
        residual=point.residual,
    )
    grid = kernel_coordinates(point)
    signals = pair_signals(
        np.deg2rad(grid["angle"].values),
        network,
        layers=[int(layer) for layer in grid["layer"].values],
        input_dimension=point.input_dimension,
        input_rms=point.input_rms,
        plane=point.plane,
        rng=rng,
    )
    return asdict(signals)


def drawing_seconds(label: str, *, vectors: int, width: int, input_dimension: int, depth: int) -> float:
    """Time to draw the weights of a network and to send some vectors through it, in single precision.

    Where the weights are drawn in the space of the vectors, a basis of that is computed in every layer.
    """
    family = family_of(label)
    seconds = 1e-4 * depth
    for inputs, layers in ((input_dimension, 1), (width, depth - 1)):
        drawn = family.inputs_drawn(vectors, inputs)
        basis = 0.04 * vectors**2 * inputs if drawn < inputs else 0.0
        nanoseconds = family.nanoseconds + 0.5 + 0.025 * vectors
        seconds += 1e-9 * layers * (nanoseconds * width * drawn + basis)
    return seconds


def _seconds(parameters: ForwardKernelParameters) -> float:
    """One pass for all pairs."""
    return drawing_seconds(
        parameters.weights,
        vectors=2 * parameters.angles,
        width=parameters.width,
        input_dimension=parameters.input_dimension,
        depth=parameters.depth,
    )


def _megabytes(parameters: ForwardKernelParameters) -> float:
    """The weights of the largest layer, and the signals of all pairs."""
    inputs = parameters.input_dimension if parameters.depth == 1 else max(parameters.input_dimension, parameters.width)
    return 8e-6 * parameters.width * (inputs + 8 * parameters.angles)


_PLANE = ("layer", "angle")

EXPERIMENT = Experiment(
    summary="Cosine between the signals of two inputs in the layers of a random network, against their angle.",
    parameters=ForwardKernelParameters,
    outputs=(
        Output("cosine", "cosine similarity of the two signals", dims=_PLANE),
        Output("norm_ratio", "norm of the first signal over the norm of the input", dims=_PLANE),
        Output("squared_difference", "squared distance of the two signals over the squared norm of one", dims=_PLANE),
    ),
    run=_run,
    static=("angles", "depth"),
    coordinates=kernel_coordinates,
    seconds=_seconds,
    megabytes=_megabytes,
)
