"""The kernel of an infinitely wide network in its layers, against the angle between its inputs.

Tsuchida, Roosta-Khorasani, Gallagher 2018: corollaries 3 and 4 for one layer of rectifiers, section 6.1 for their composition.
Any other activation and a bias go by the same recursion; weights with a mean and residual connections have one of their own.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from initatlas.activations.base import activation_of
from initatlas.experiments.network_law import NetworkLawParameters, kernel_coordinates, weight_variance
from initatlas.sweeps.experiment import Experiment, Output

if TYPE_CHECKING:
    import numpy as np


class NormalisedKernelParameters(NetworkLawParameters):
    """One infinitely wide network, at evenly spaced angles."""


def _run(
    points: Sequence[NormalisedKernelParameters], rngs: Sequence["np.random.Generator"], data: Any
) -> list[dict[str, Any]]:
    """The recursion, point by point."""
    return [_general(point) if point.weight_mean or point.residual else _plain(point) for point in points]


def _plain(point: NormalisedKernelParameters) -> dict[str, Any]:
    """The recursion in the angle, with all digits of one minus the cosine."""
    import numpy as np

    from initatlas.kernels.angles import layerwise_signals
    from initatlas.kernels.wide_layers import cosine_sampling_variance

    grid, variance = kernel_coordinates(point), weight_variance(point)
    angles, layers = np.deg2rad(grid["angle"].values), np.array(grid["layer"].values, dtype=int)
    slope = None if point.bias_variance else activation_of(point.activation).rectifier_slope
    # The angles of a homogeneous network do not depend on its variance, and its norms are a power
    law = (None, 1.0) if slope is not None else (variance, variance * point.input_rms**2)
    gaps, squares = layerwise_signals(
        angles,
        point.depth,
        point.activation,
        weight_variance=law[0],
        bias_variance=point.bias_variance,
        squared_norm=law[1],
    )
    norms = np.sqrt(squares) / point.input_rms
    sampling = np.full(point.angles, np.nan)
    if slope is not None:
        norms = np.power(variance * (1.0 + slope**2) / 2.0, 0.5 * np.arange(point.depth + 1), dtype=np.float64)
        sampling = cosine_sampling_variance(angles, slope)
    return {
        "cosine": 1.0 - gaps[layers],
        "one_minus_cosine": gaps[layers],
        "norm_ratio": norms[layers],
        "sampling_variance": sampling,
    }


def _general(point: NormalisedKernelParameters) -> dict[str, Any]:
    """Means of weights and residual connections, which need more than the angle."""
    from itertools import islice

    import numpy as np

    from initatlas.kernels.wide_layers import wide_layers

    grid = kernel_coordinates(point)
    limit = wide_layers(
        np.deg2rad(grid["angle"].values),
        activation=point.activation,
        weight_variance=weight_variance(point),
        weight_mean=point.weight_mean,
        bias_variance=point.bias_variance,
        residual=point.residual,
        input_variance=point.input_rms**2,
    )
    all_layers = list(islice(limit, point.depth))
    layers = [all_layers[int(layer) - 1] for layer in grid["layer"].values]
    cosine = np.stack([layer.cosine for layer in layers])
    return {
        "cosine": cosine,
        "one_minus_cosine": 1.0 - cosine,
        "norm_ratio": np.sqrt([layer.mean_square for layer in layers]) / point.input_rms,
        "sampling_variance": np.full(point.angles, np.nan),
    }


def _seconds(parameters: NormalisedKernelParameters) -> float:
    """Some 0.1 ms per layer in closed form; activations whose dual is a quadrature, and means, some milliseconds."""
    closed = activation_of(parameters.activation).rectifier_slope is not None and not parameters.weight_mean
    each = 1.2e-4 + 3e-7 * parameters.angles if closed else 4e-3
    return each * parameters.depth + 1e-3


_PLANE = ("layer", "angle")

EXPERIMENT = Experiment(
    summary="Cosine between the signals of two inputs in an infinitely wide network, against their angle.",
    parameters=NormalisedKernelParameters,
    outputs=(
        Output("cosine", "normalised kernel", dims=_PLANE),
        Output("one_minus_cosine", "one minus the normalised kernel; for rectifiers with all its digits", dims=_PLANE),
        Output("norm_ratio", "norm of a signal over the norm of the input, square layers", dims=("layer",)),
        Output(
            "sampling_variance",
            "width times the variance of the cosine behind one layer of Gaussian weights",
            dims=("angle",),
            nan_means="known for rectifiers without bias alone",
        ),
    ),
    run=_run,
    static=("angles", "depth"),
    coordinates=kernel_coordinates,
    seconds=_seconds,
)
