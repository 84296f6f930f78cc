"""The empirical kernel of a random network of finite width, against its limit, layer by layer.

Daniely, Frostig, Singer 2016, theorems 2 and 3: with r replicas of every node, the mean product of the representations of
two inputs of the sphere is within eps of the composed dual, for r of order 1 / eps^2.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic import Field

from initatlas.experiments.activation_labels import ActivationLabel
from initatlas.experiments.forward_kernel import drawing_seconds
from initatlas.experiments.weights_labels import WeightsLabel
from initatlas.kernels.arguments import MOST_LAYERS
from initatlas.sweeps.experiment import Coordinate, Experiment, Output, Parameters

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PAIR_DEGREES = 60.0
"""Angle between the first two inputs, the fixed pair of the theorems."""


class ReplicationParameters(Parameters):
    """One random network and its inputs."""

    activation: ActivationLabel = Field(default="relu", description="activation of every layer")
    width: int = Field(default=128, ge=1, description="replicas r of every node: neurons per layer")
    depth: int = Field(default=5, ge=1, le=MOST_LAYERS, description="number of hidden layers; all of them are measured")
    dimension: int = Field(default=10, ge=2, description="dimension of the inputs, which lie on the unit sphere")
    inputs: int = Field(default=20, ge=2, description="number of inputs; the first two are 60 degrees apart")
    weights: WeightsLabel = Field(default="gaussian", description="distribution of the weights")
    weight_scale: float = Field(
        default=1.0, gt=0, description="factor of all weights; 1 is the initialisation of the theorems"
    )


def _coordinates(parameters: ReplicationParameters) -> Mapping[str, Coordinate]:
    """The hidden layers."""
    return {"layer": Coordinate(range(1, parameters.depth + 1), "hidden layer")}


def _run(
    points: Sequence[ReplicationParameters], rngs: Sequence["np.random.Generator"], data: Any
) -> list[dict[str, Any]]:
    """Each point is one network."""
    return [_network(point, rng) for point, rng in zip(points, rngs, strict=True)]


def _network(point: ReplicationParameters, rng: "np.random.Generator") -> dict[str, Any]:
    """Errors of the empirical kernel in every layer."""
    import numpy as np

    from initatlas.kernels.architecture import Architecture
    from initatlas.kernels.fully_connected import fully_connected
    from initatlas.kernels.gram import gram_matrices
    from initatlas.networks.forward import RandomNetwork, forward_signals

    x = _inputs(point, rng)
    variance = Architecture(point.activation).hidden_variance
    drawn = point.weight_scale**2 * variance
    network = RandomNetwork(point.activation, point.weights, drawn, point.depth, point.width, fan="in")
    scaled = np.sqrt(point.dimension / variance) * x  # so that the first pre-activations have variance 1, as all others
    # in single precision, whose rounding is far below what the width does
    layers = forward_signals(scaled, network, rng=rng)
    empirical = np.array([signals @ signals.T for signals in layers], dtype=np.float64)
    depths = [Architecture(point.activation, depth) for depth in range(1, point.depth + 1)]
    limits = np.array([*gram_matrices(fully_connected(x, [("nngp", depth) for depth in depths]))])
    return {
        **_errors(variance / point.width * empirical, limits),
        "bound_constant": _bound_constant(point.activation, variance),
    }


def _inputs(point: ReplicationParameters, rng: "np.random.Generator") -> "NDArray[np.float64]":
    """Uniform points of the sphere; the second is moved to the angle of the fixed pair, in the plane of the first two.

    A plane of the axes would show weights that are not Gaussian their distribution.
    """
    import numpy as np

    from initatlas.datasets.unit_sphere import sphere_points

    x, angle = sphere_points(point.inputs, point.dimension, rng=rng), np.deg2rad(PAIR_DEGREES)
    across = x[1] - (x[1] @ x[0]) * x[0]
    x[1] = np.cos(angle) * x[0] + np.sin(angle) * across / np.linalg.norm(across)
    return x


def _errors(empirical: "NDArray[np.float64]", limits: "NDArray[np.float64]") -> "dict[str, NDArray[np.float64]]":
    """Distances between the kernel matrices of every layer, shape (layers, inputs, inputs)."""
    import numpy as np

    differences = empirical - limits
    return {
        "max_error": np.abs(differences).max(axis=(1, 2)),
        "spectral_error": _spectral_norms(differences) / _spectral_norms(limits),
        "pair_deviation": differences[:, 0, 1],
    }


def _spectral_norms(matrices: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """Largest sizes of an eigenvalue of symmetric matrices."""
    import numpy as np

    norms: NDArray[np.float64] = np.abs(np.linalg.eigvalsh(matrices)).max(axis=1)
    return norms


@lru_cache(maxsize=64)
def _bound_constant(activation: str, variance: float) -> float:
    """The C that bounds the normalised activation and its first two derivatives; nan if nothing does."""
    import numpy as np

    from initatlas.activations.base import activation_of

    phi = activation_of(activation)
    if not phi.smooth_bounded:
        return np.nan
    z = np.linspace(-10.0, 10.0, 20_001)
    slopes = phi.derivative(z)
    return float(np.sqrt(variance) * max(np.abs(f).max() for f in (phi.phi(z), slopes, np.gradient(slopes, z))))


def _seconds(parameters: ReplicationParameters) -> float:
    """Drawing the weights, and the products of all inputs, in double precision."""
    single = drawing_seconds(
        parameters.weights,
        vectors=parameters.inputs,
        width=parameters.width,
        input_dimension=parameters.dimension,
        depth=parameters.depth,
    )
    return 5e-4 + 6e-4 * parameters.depth + 2.0 * single


def _megabytes(parameters: ReplicationParameters) -> float:
    """The largest layer of weights, and the kernels."""
    fan_in = parameters.dimension if parameters.depth == 1 else max(parameters.width, parameters.dimension)
    return 10.0 + 1.6e-5 * parameters.width * fan_in


EXPERIMENT = Experiment(
    summary="Distance between the empirical kernel of a random network and that of infinite width, in every layer.",
    parameters=ReplicationParameters,
    outputs=(
        Output("max_error", "largest entry of the difference of the kernels", dims=("layer",)),
        Output("spectral_error", "spectral norm of the difference over that of the limit", dims=("layer",)),
        Output("pair_deviation", "empirical kernel minus limit for the fixed pair of inputs", dims=("layer",)),
        Output(
            "bound_constant",
            "bound of the normalised activation and its first two derivatives",
            nan_means="the activation is not bounded so",
        ),
    ),
    run=_run,
    static=("depth",),
    coordinates=_coordinates,
    seconds=_seconds,
    megabytes=_megabytes,
)
