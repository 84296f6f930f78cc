"""The kernel of an infinitely wide layer with finitely many inputs, against its Gaussian limit.

Tsuchida, Roosta-Khorasani, Gallagher 2018, theorem 6 with corollaries 7, 13 and 14. The sampling error comes from the sample of
weights that stands for their distribution; there is none from a finite number of neurons.
"""

from collections.abc import Mapping, Sequence
from math import log2, sqrt
from typing import TYPE_CHECKING, Any

from pydantic import Field

from initatlas.experiments.activation_labels import ActivationLabel
from initatlas.experiments.weights_labels import IndependentWeightsLabel
from initatlas.sweeps.experiment import Coordinate, Experiment, Output, Parameters
from initatlas.weights.base import family_of

if TYPE_CHECKING:
    import numpy as np

_ANGLES = (60.0, 90.0, 120.0)
_OPPOSITE = (0.25, 0.5, 0.75)
"""Angles of flat inputs, and the share of their coordinates that have opposite signs."""


class ManyInputsParameters(Parameters):
    """One distribution of independent weights and one activation."""

    activation: ActivationLabel = Field(default="relu", description="activation of the layer")
    weights: IndependentWeightsLabel = Field(default="laplace", description="distribution of the independent weights")
    inputs: int = Field(default=4096, ge=4, description="largest number of inputs; 4, 8, 16, ... are recorded")
    samples: int = Field(default=1_000_000, ge=1000, description="weights drawn to stand for their distribution")


def _coordinates(parameters: ManyInputsParameters) -> Mapping[str, Coordinate]:
    """Numbers of inputs, and angles."""
    return {
        "m": Coordinate([2**k for k in range(2, int(log2(parameters.inputs)) + 1)], "number of inputs"),
        "angle": Coordinate(_ANGLES, "angle between the inputs", "degree"),
    }


def _run(
    points: Sequence[ManyInputsParameters], rngs: Sequence["np.random.Generator"], data: Any
) -> list[dict[str, Any]]:
    """Each point has its own sample of weights."""
    return [_against_limit(point, rng) for point, rng in zip(points, rngs, strict=True)]


def _against_limit(point: ManyInputsParameters, rng: "np.random.Generator") -> dict[str, Any]:
    """Kernel at every number of inputs, and its limit."""
    import numpy as np

    from initatlas.networks.many_inputs import excess_kurtosis, flat_cosines, sampled_law

    law = sampled_law(point.weights, samples=point.samples, rng=rng)
    numbers = [int(m) for m in _coordinates(point)["m"].values]
    opposite = np.array(_OPPOSITE)
    cosine = np.stack([flat_cosines(law, point.activation, m, opposite * m) for m in numbers])
    limit = _limit(point.activation)
    return {"cosine": cosine, "limit": limit, "departure": cosine - limit, "excess_kurtosis": excess_kurtosis(law)}


def _limit(activation: str) -> "np.ndarray":
    """Gaussian limit at the angles."""
    import numpy as np

    from initatlas.kernels.angles import one_minus_cosine

    return 1.0 - one_minus_cosine(np.deg2rad(_ANGLES), 1, activation)


def _seconds(parameters: ManyInputsParameters) -> float:
    """The sample, and double sums over lattices, which grow with the number of inputs and with the tails of the weights."""
    nanoseconds = family_of(parameters.weights).nanoseconds + 10.0
    return 1e-9 * nanoseconds * parameters.samples + 0.0015 * sqrt(parameters.inputs)


def _megabytes(parameters: ManyInputsParameters) -> float:
    """The sample, and its sizes beside it."""
    return 10e-6 * parameters.samples


EXPERIMENT = Experiment(
    summary="Kernel of an infinitely wide layer with m inputs and independent weights, against its Gaussian limit.",
    parameters=ManyInputsParameters,
    outputs=(
        Output("cosine", "normalised kernel with m inputs", dims=("m", "angle")),
        Output("limit", "normalised kernel with Gaussian weights", dims=("angle",)),
        Output("departure", "kernel with m inputs minus its limit", dims=("m", "angle")),
        Output("excess_kurtosis", "excess kurtosis of the sampled weights"),
    ),
    run=_run,
    static=("inputs",),
    coordinates=_coordinates,
    seconds=_seconds,
    megabytes=_megabytes,
)
