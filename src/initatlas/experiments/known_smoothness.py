"""How well estimates find the smoothness of functions that have a known one.

Random functions on the sphere have the coefficients theta_j^2 = lambda_j^s / j in the harmonics of the NTK of one hidden ReLU
layer without bias, and so the smoothness s relative to it. Their values at random inputs are what an estimate gets to see.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import Field

from initatlas.sweeps.experiment import Coordinate, Experiment, Output, Parameters

if TYPE_CHECKING:
    import numpy as np

    from initatlas.kernels.architecture import Architecture
    from initatlas.kernels.sphere_spectrum import SphereSpectrum

SMOOTHNESS = (0.2, 0.4, 0.8, 1.2)

WINDOWS = (400, 2700)
"""Fit windows i < w beside the estimate without one, stated for 3000 samples: a short one, and that of Chen, Li and Lin 2024."""

_DRAWS, _MOST_DEGREES = 100, 600


class KnownSmoothnessParameters(Parameters):
    """One sample of inputs, and functions on it."""

    dimension: int = Field(
        default=5, ge=3, le=30, description="dimension d of the inputs, which lie on the unit sphere"
    )
    samples: int = Field(default=600, ge=40, description="number of inputs")
    functions: int = Field(default=8, ge=1, description="number of functions of each smoothness")
    indices: int = Field(
        default=200_000, ge=100, description="harmonics that the functions have, at least, within 600 degrees"
    )


def _coordinates(parameters: KnownSmoothnessParameters) -> Mapping[str, Coordinate]:
    """The known smoothness, the functions, and the windows."""
    return {
        "smoothness": Coordinate(SMOOTHNESS, "known smoothness s of the functions"),
        "function": Coordinate(range(parameters.functions), "random function"),
        "window": Coordinate(WINDOWS, "fit window i < w for 3000 samples, scaled to the number of samples"),
    }


def _run(
    points: Sequence[KnownSmoothnessParameters], rngs: Sequence["np.random.Generator"], data: Any
) -> list[dict[str, Any]]:
    """Each point has its own inputs."""
    return [_measure(point, rng) for point, rng in zip(points, rngs, strict=True)]


def _measure(point: KnownSmoothnessParameters, rng: "np.random.Generator") -> dict[str, Any]:
    """Estimates for all functions on one sample."""
    import numpy as np

    from initatlas.datasets.unit_sphere import sphere_points
    from initatlas.kernels.gram import gram_matrix
    from initatlas.kernels.spectrum import EigenCoefficients
    from initatlas.smoothness.bootstrap import slope_intervals
    from initatlas.smoothness.effective_ridge import EffectiveRidges
    from initatlas.smoothness.known import degrees_up_to, functions_of_smoothness
    from initatlas.smoothness.slopes import decay_exponents, scaled_window
    from initatlas.smoothness.tail_sums import tail_sums

    inputs = sphere_points(point.samples, point.dimension, rng=rng)
    degrees = degrees_up_to(point.dimension, point.indices, _MOST_DEGREES)
    spectrum = _spectrum(point.dimension, max(degrees, 2))
    values = functions_of_smoothness(inputs, spectrum, SMOOTHNESS, point.functions, rng=rng)
    coefficients = EigenCoefficients(gram_matrix(inputs, kernel="ntk", architecture=_architecture()))
    # smoothness, function, coefficient
    squared = np.array([coefficients.of(of_one).T ** 2 for of_one in values])
    ridges = EffectiveRidges(coefficients.eigenvalues)
    found = np.array([[ridges.fit(one) for one in row] for row in squared])
    windows = [scaled_window(window, point.samples) for window in WINDOWS]
    ends = slope_intervals(squared, windows, inclusive=False, draws=_DRAWS, rng=rng)
    return {
        **dict(zip(("exponent", "exponent_low", "exponent_high"), np.moveaxis(found, 2, 0), strict=True)),
        "slope": decay_exponents(tail_sums(squared), windows, inclusive=False),
        "slope_low": ends[..., 0],
        "slope_high": ends[..., 1],
    }


@cache
def _architecture() -> "Architecture":
    """One hidden ReLU layer without bias."""
    from initatlas.activations.relu import Relu
    from initatlas.kernels.architecture import Architecture

    return Architecture(Relu().dual, 1)


@cache
def _spectrum(dimension: int, degrees: int) -> "SphereSpectrum":
    """Its NTK's eigenvalues on the sphere in R^d up to a degree, found once in a process: all samples have the same."""
    from initatlas.kernels.network_spectrum import network_spectrum

    return network_spectrum("ntk", _architecture(), dimension, degrees)


def _seconds(parameters: KnownSmoothnessParameters) -> float:
    """Covariances degree by degree, the eigenvalue problem, and the bootstrap."""
    n, degrees = parameters.samples, 2.0 * parameters.indices ** (1.0 / (parameters.dimension - 1))
    covariances = 3e-9 * min(degrees, _MOST_DEGREES) * n**2
    return float(covariances) + 2.9 * (n / 3000) ** 3 + 6e-6 * n * parameters.functions + 0.05


def _megabytes(parameters: KnownSmoothnessParameters) -> float:
    """A covariance for every smoothness, and some matrices more."""
    return 100.0 + 8e-6 * (len(SMOOTHNESS) + 6) * parameters.samples**2


_EVERYWHERE = ("smoothness", "function")

EXPERIMENT = Experiment(
    summary="Estimates of the smoothness of random functions on the sphere that have a known one.",
    parameters=KnownSmoothnessParameters,
    outputs=(
        Output("exponent", "smoothness by averages over effective ridges, without a window", dims=_EVERYWHERE),
        Output("exponent_low", "lower end of its 95 % interval", dims=_EVERYWHERE),
        Output("exponent_high", "upper end of its 95 % interval", dims=_EVERYWHERE),
        Output(
            "slope",
            "decay of the tail sums: minus the slope of log T against log i",
            dims=(*_EVERYWHERE, "window"),
        ),
        Output("slope_low", "lower end of the bootstrap's 95 % interval of the slope", dims=(*_EVERYWHERE, "window")),
        Output("slope_high", "upper end of the bootstrap's 95 % interval of the slope", dims=(*_EVERYWHERE, "window")),
    ),
    run=_run,
    static=("functions",),
    coordinates=_coordinates,
    seconds=_seconds,
    megabytes=_megabytes,
)
