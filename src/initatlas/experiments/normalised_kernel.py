"""The kernel of an infinitely wide network in its layers, against the angle between its inputs.

Tsuchida, Roosta-Khorasani, Gallagher 2018: corollaries 3 and 4 for one layer of rectifiers, section 6.1 for their composition.
Any other activation, a bias, weights with a mean and residual connections go by a recursion in Hermite coefficients.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from initatlas.activations import activation_of
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
    return [_rectifier(point) if _is_plain(point) else _general(point) for point in points]


def _is_plain(point: NormalisedKernelParameters) -> bool:
    """Whether the closed form of rectifiers holds: no bias, no mean, no residual connection."""
    extras = point.bias_variance or point.weight_mean or point.residual
    return activation_of(point.activation).rectifier_slope is not None and not extras


def _rectifier(point: NormalisedKernelParameters) -> dict[str, Any]:
    """Closed form, with all digits of one minus the cosine."""
    import numpy as np

    from initatlas.kernels.recursion import layerwise_one_minus_cosine
    from initatlas.networks.wide_limit import cosine_sampling_variance

    slope = activation_of(point.activation).rectifier_slope or 0.0
    grid = kernel_coordinates(point)
    angles, layers = np.deg2rad(grid["angle"].values), np.array(grid["layer"].values, dtype=int)
    gaps = layerwise_one_minus_cosine(angles, point.depth, point.activation)[layers]
    growth = weight_variance(point) * (1.0 + slope**2) / 2.0
    return {
        "cosine": 1.0 - gaps,
        "one_minus_cosine": gaps,
        "norm_ratio": growth ** (0.5 * layers),
        "sampling_variance": cosine_sampling_variance(angles, slope),
    }


def _general(point: NormalisedKernelParameters) -> dict[str, Any]:
    """Recursion in Hermite coefficients."""
    from itertools import islice

    import numpy as np

    from initatlas.networks.wide_limit import wide_layers

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
    """The closed form costs some microseconds a layer, the recursion some milliseconds."""
    each = 5e-6 * parameters.angles if _is_plain(parameters) else 1e-2
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
