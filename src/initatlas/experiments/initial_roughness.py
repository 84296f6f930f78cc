"""Roughness of random shallow networks: sum of the squared delta-slopes. Sahs et al. 2020, theorem 2."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from initatlas.sweeps.experiment import Coordinate, Experiment, Output, Parameters

if TYPE_CHECKING:
    import numpy as np

EXCESSES = (0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0)
"""Excesses over the mean, in standard deviations of the theory."""


class InitialRoughnessParameters(Parameters):
    """Random networks of one width."""

    family: Literal["gaussian", "uniform"] = Field(default="gaussian", description="law of weights and biases")
    preset: Literal["he", "glorot"] = Field(default="he", description="variances of the weights")
    width: int = Field(default=21, ge=1, description="units")
    networks: int = Field(default=1000, ge=2, description="number of networks")


def _coordinates(parameters: InitialRoughnessParameters) -> Mapping[str, Coordinate]:
    """Excesses over the mean."""
    return {"excess": Coordinate(EXCESSES, "excess over the mean, in standard deviations")}


def _run(
    points: Sequence[InitialRoughnessParameters], rngs: Sequence["np.random.Generator"], data: Any
) -> list[dict[str, Any]]:
    """Each point is one set of networks."""
    return [_roughness(point, rng) for point, rng in zip(points, rngs, strict=True)]


def _roughness(point: InitialRoughnessParameters, rng: "np.random.Generator") -> dict[str, Any]:
    """Moments and tails of the roughness."""
    import numpy as np

    from initatlas.piecewise.densities import GaussianInitialisation, UniformInitialisation

    kind = GaussianInitialisation if point.family == "gaussian" else UniformInitialisation
    law = kind.preset(point.preset, point.width)
    theory = law.roughness(point.width)
    roughness = law.sample_roughness(point.networks, point.width, rng=rng)
    excesses = theory.variance**0.5 * np.array(EXCESSES)
    tails = roughness[:, None] - theory.mean >= excesses
    return {
        "mean": float(roughness.mean()),
        "mean_squared_distance": float(((roughness - theory.mean) ** 2).mean()),
        "beyond": tails.sum(axis=0),
        "theory_mean": theory.mean,
        "theory_variance": theory.variance,
        "bound": theory.tail_bound(excesses),
        "beyond_half": (roughness[:, None] - 0.5 * theory.mean >= excesses).sum(axis=0),
    }


EXPERIMENT = Experiment(
    summary="Roughness of random shallow networks, with mean, variance and tail bound in closed form.",
    parameters=InitialRoughnessParameters,
    outputs=(
        Output("mean", "mean roughness of the networks"),
        Output("mean_squared_distance", "mean squared distance of the roughness from its mean in theory"),
        Output("beyond", "networks whose roughness exceeds the mean by so much", dims=("excess",), dtype="int64"),
        Output("theory_mean", "mean roughness in theory"),
        Output("theory_variance", "variance of the roughness in theory"),
        Output("bound", "bound of the probability of such an excess (Cantelli)", dims=("excess",)),
        Output(
            "beyond_half", "networks whose roughness exceeds half the mean by so much", dims=("excess",), dtype="int64"
        ),
    ),
    run=_run,
    coordinates=_coordinates,
    seconds=lambda point: 3e-4 + 1.5e-8 * point.networks * point.width,
    megabytes=lambda point: 1.0 + 2e-4 * point.networks,
)
