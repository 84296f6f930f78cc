"""How far the product of two neurons' signals is in law from its Gaussian limit, against the number of inputs.

Tsuchida, Roosta-Khorasani, Gallagher 2018, theorem 6: it states convergence in distribution of phi(w.x) phi(w.y). Its proof has
a bound of the order m^(-1/2) for flat inputs, wherever the weights have a third moment. A kernel is the mean of this product.
"""

from collections.abc import Mapping, Sequence
from math import log
from typing import TYPE_CHECKING, Any

from pydantic import Field

from initatlas.experiments.activation_labels import ActivationLabel
from initatlas.experiments.weights_labels import IndependentWeightsLabel
from initatlas.sweeps.experiment import Coordinate, Experiment, Output, Parameters
from initatlas.weights.base import family_of

if TYPE_CHECKING:
    import numpy as np


class ProductLawParameters(Parameters):
    """One distribution of independent weights and one activation."""

    activation: ActivationLabel = Field(default="relu", description="activation of the layer")
    weights: IndependentWeightsLabel = Field(default="laplace", description="distribution of the independent weights")
    inputs: int = Field(default=1024, ge=4, description="largest number of inputs; 4, 16, 64, ... are recorded")
    samples: int = Field(default=1_000_000, ge=1000, description="weights drawn to stand for their distribution")


def _coordinates(parameters: ProductLawParameters) -> Mapping[str, Coordinate]:
    """Numbers of inputs."""
    powers = range(1, int(log(parameters.inputs, 4) + 1e-9) + 1)
    return {"m": Coordinate([4**k for k in powers], "number of inputs")}


def _run(
    points: Sequence[ProductLawParameters], rngs: Sequence["np.random.Generator"], data: Any
) -> list[dict[str, Any]]:
    """Each point has its own sample of weights."""
    return [_distances(point, rng) for point, rng in zip(points, rngs, strict=True)]


def _distances(point: ProductLawParameters, rng: "np.random.Generator") -> dict[str, Any]:
    """Distance at every number of inputs."""
    from initatlas.networks.many_inputs import product_distance, sampled_law

    law = sampled_law(point.weights, samples=point.samples, rng=rng)
    return {"distance": [product_distance(law, point.activation, int(m)) for m in _coordinates(point)["m"].values]}


def _seconds(parameters: ProductLawParameters) -> float:
    """The sample, and sums over a plane of cells per number of inputs."""
    nanoseconds = family_of(parameters.weights).nanoseconds + 5.0
    return 1e-9 * nanoseconds * parameters.samples + 0.002 * log(parameters.inputs, 4)


def _megabytes(parameters: ProductLawParameters) -> float:
    """The sample, and its sizes beside it."""
    return 10e-6 * parameters.samples


EXPERIMENT = Experiment(
    summary="Distance in law of the product of two neurons' signals from its Gaussian limit, against the number of inputs.",
    parameters=ProductLawParameters,
    outputs=(
        Output(
            "distance", "Kolmogorov distance of phi(w.x) phi(w.y) from its limit, inputs at a right angle", dims=("m",)
        ),
    ),
    run=_run,
    static=("inputs",),
    coordinates=_coordinates,
    seconds=_seconds,
    megabytes=_megabytes,
)
