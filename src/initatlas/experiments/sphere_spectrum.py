"""Spectra of infinitely wide random networks on the sphere, degree by degree of the spherical harmonics.

Bietti and Bach 2021: on the sphere in R^d, eigenvalues of the NTK of ReLU networks fall as k^-d and those of the NNGP as
k^-(d + 2), at any depth; with one hidden layer and no bias, those of odd degrees k >= 3 vanish.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, model_validator

from initatlas.activations.base import activation_of
from initatlas.experiments.activation_labels import ActivationLabel, check_ntk
from initatlas.kernels.arguments import MOST_LAYERS
from initatlas.sweeps.experiment import Coordinate, Experiment, Output, Parameters

if TYPE_CHECKING:
    import numpy as np


class SphereSpectrumParameters(Parameters):
    """One kernel of one network, on one sphere."""

    dimension: int = Field(
        default=10, ge=2, le=1000, description="dimension of the inputs, which lie on the unit sphere"
    )
    kernel: Literal["ntk", "nngp"] = Field(default="ntk", description="kernel of the random network")
    depth: int = Field(default=1, ge=1, le=MOST_LAYERS, description="number of hidden layers")
    activation: ActivationLabel = Field(default="relu", description="activation of every layer")
    weight_variance: float | None = Field(
        default=None, gt=0, description="weight variance times fan-in; none takes the norm-preserving one"
    )
    bias_variance: float = Field(default=0.0, ge=0, description="bias variance of the hidden layers")
    degrees: int = Field(default=200, ge=1, le=1001, description="number of degrees, from 0 on")

    @model_validator(mode="after")
    def _exists(self) -> Self:
        """Refuse a kernel that there is not."""
        check_ntk(self.kernel, self.activation)
        return self


def _coordinates(parameters: SphereSpectrumParameters) -> Mapping[str, Coordinate]:
    """Degrees of the harmonics."""
    return {"degree": Coordinate(range(parameters.degrees), "degree of the spherical harmonics")}


def _run(
    points: Sequence[SphereSpectrumParameters], rngs: Sequence["np.random.Generator"], data: Any
) -> list[dict[str, Any]]:
    """Each point has its own spectrum."""
    return [_measure(point) for point in points]


def _measure(point: SphereSpectrumParameters) -> dict[str, Any]:
    """Spectrum and decay exponents of one point."""
    from initatlas.kernels.architecture import Architecture
    from initatlas.kernels.decay import decay
    from initatlas.kernels.network_spectrum import network_spectrum

    architecture = Architecture(point.activation, point.depth, point.weight_variance, point.bias_variance)
    spectrum = network_spectrum(point.kernel, architecture, point.dimension, point.degrees - 1)
    even, odd = decay(spectrum, "even"), decay(spectrum, "odd")
    return {
        "eigenvalue": spectrum.eigenvalue,
        "eigenvalue_error": spectrum.error,
        "log_multiplicity": spectrum.log_multiplicity,
        "share": spectrum.share,
        "share_error": spectrum.share_error,
        "decay_even": even.exponent,
        "decay_odd": odd.exponent,
        "fitted_to_even": even.last,
        "fitted_to_odd": odd.last,
    }


def _seconds(parameters: SphereSpectrumParameters) -> float:
    """The circle of the power series, and its sums; an entire dual needs a short circle."""
    closed = activation_of(parameters.activation).rectifier_slope is not None
    return 0.03 + 0.03 * parameters.depth + 2e-4 * parameters.degrees if closed else 5e-3 + 1e-5 * parameters.degrees


def _megabytes(parameters: SphereSpectrumParameters) -> float:
    """A dozen complex vectors on the circle."""
    return 100.0


EXPERIMENT = Experiment(
    summary="Eigenvalues of an infinitely wide network's kernel on the sphere, by degree, and their decay.",
    parameters=SphereSpectrumParameters,
    outputs=(
        Output("eigenvalue", "eigenvalue of the kernel for the uniform probability on the sphere", dims=("degree",)),
        Output("eigenvalue_error", "estimated absolute error of the eigenvalue", dims=("degree",)),
        Output("log_multiplicity", "natural logarithm of the number of harmonics of the degree", dims=("degree",)),
        Output("share", "share of the kernel's trace that the degree holds", dims=("degree",)),
        Output("share_error", "estimated absolute error of the share", dims=("degree",)),
        Output(
            "decay_even",
            "exponent p of the decay k^-p of the eigenvalues of even degrees",
            nan_means="fewer than four even degrees are resolved",
        ),
        Output(
            "decay_odd",
            "exponent p of the decay k^-p of the eigenvalues of odd degrees",
            nan_means="fewer than four odd degrees are resolved, or their eigenvalues vanish",
        ),
        Output(
            "fitted_to_even", "last even degree of the fit, which begins at a quarter of it; -1 without", dtype="int32"
        ),
        Output(
            "fitted_to_odd", "last odd degree of the fit, which begins at a quarter of it; -1 without", dtype="int32"
        ),
    ),
    run=_run,
    static=("degrees",),
    coordinates=_coordinates,
    seconds=_seconds,
    megabytes=_megabytes,
)
