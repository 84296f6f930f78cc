"""Depth scales of mean-field theory: how far signals, correlations and gradients travel in a random network.

Poole et al. 2016 and Schoenholz et al. 2017. For a rectifier chi = weight variance (1 + slope^2) / 2: norms and gradients
change by a factor chi per layer, and 1 / |log chi| is the number of layers over which they change by e. Below chi = 1, and
with a bias, the same number is the correlation depth.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field

from initatlas.activations.base import activation_of
from initatlas.experiments.activation_labels import ActivationLabel
from initatlas.sweeps.experiment import Experiment, Output, Parameters

if TYPE_CHECKING:
    import numpy as np


class DepthScaleParameters(Parameters):
    """One initialisation of an infinitely wide network."""

    activation: ActivationLabel = Field(default="relu", description="activation of every layer")
    weight_variance: float = Field(default=2.0, gt=0, description="weight variance times fan-in")
    bias_variance: float = Field(default=0.0, ge=0, description="bias variance")


def _run(
    points: Sequence[DepthScaleParameters], rngs: Sequence["np.random.Generator"], data: Any
) -> list[dict[str, float]]:
    """The scales of each point, from the fixed points of the variance and correlation maps."""
    return [_scales(point) for point in points]


def _scales(point: DepthScaleParameters) -> dict[str, float]:
    """Fixed point, slope and scales of one initialisation."""
    from initatlas.kernels import meanfield

    variances = {"weight_variance": point.weight_variance, "bias_variance": point.bias_variance}
    fixed_point = meanfield.variance_fixed_point(point.activation, **variances)
    return {
        "variance_fixed_point": fixed_point,
        "chi": meanfield.chi(point.activation, fixed_point, weight_variance=point.weight_variance),
        "depth_scale": meanfield.depth_scale(point.activation, **variances),
        "correlation_depth": meanfield.correlation_depth(point.activation, **variances),
    }


def _seconds(point: DepthScaleParameters) -> float:
    """Rectifiers have closed forms; of others every dual is a quadrature."""
    return 1e-4 if activation_of(point.activation).rectifier_slope is not None else 0.07


EXPERIMENT = Experiment(
    summary="Depth scales of signals, correlations and gradients in an infinitely wide random network.",
    parameters=DepthScaleParameters,
    outputs=(
        Output(
            "variance_fixed_point",
            "variance of a pre-activation in the depth limit",
            nan_means="every variance is a fixed point",
            inf_means="the variance grows without bound",
        ),
        Output(
            "chi",
            "factor by which squared gradients change per layer",
            inf_means="the activation jumps: its derivative has no mean square",
        ),
        Output(
            "depth_scale",
            "layers over which squared norms or gradients change by a factor e",
            "layer",
            inf_means="criticality: they do not change",
        ),
        Output(
            "correlation_depth",
            "layers over which the distance of two inputs falls by a factor e",
            "layer",
            inf_means="criticality: the distance falls as a power of the depth",
        ),
    ),
    run=_run,
    seconds=_seconds,
)
