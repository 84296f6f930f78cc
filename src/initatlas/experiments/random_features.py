"""Approximation of a function by one random hidden layer of which only the output weights are chosen.

For a target f = sum_j c_j kappa(x_j, .) of the RKHS, with squared norm c^T K c = 1, the weights a(w) = sum_j c_j phi(<w, x_j>)
give the mean f over the draw of the layer, and a squared error that falls as 1 / m (Rahimi and Recht 2008; compare theorems 4
and 5 of Daniely, Frostig, Singer 2016). For the ReLU its mean over layers and centres is ((d + 2) / d - E f^2) / m. A single
neuron of a homogeneous activation has infinite norm: its squared coefficients of degree k sum to the multiplicity times the
eigenvalue, so that each degree of the kernel adds its multiplicity to the squared norm.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from initatlas.experiments.activation_labels import ActivationLabel
from initatlas.sweeps.experiment import Experiment, Output, Parameters

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from initatlas.kernels.architecture import Architecture


class RandomFeaturesParameters(Parameters):
    """One random layer and one target."""

    activation: ActivationLabel = Field(default="relu", description="activation of the layer")
    target: Literal["kernel_sum", "neuron"] = Field(
        default="kernel_sum",
        description="a function of norm 1 in the RKHS, or a single neuron, which is not in it if the activation is homogeneous",
    )
    width: int = Field(default=64, ge=1, description="number m of random features")
    dimension: int = Field(default=5, ge=2, description="dimension of the inputs, which lie on the unit sphere")
    centres: int = Field(default=10, ge=1, description="number of centres x_j of the target")
    points: int = Field(default=2000, ge=2, description="points of the fit, and as many of the test")


def _run(
    points: Sequence[RandomFeaturesParameters], rngs: Sequence["np.random.Generator"], data: Any
) -> list[dict[str, float]]:
    """Each point draws its own layer and target."""
    return [_approximate(point, rng) for point, rng in zip(points, rngs, strict=True)]


def _approximate(point: RandomFeaturesParameters, rng: "np.random.Generator") -> dict[str, float]:
    """Errors of the unbiased and of the fitted output weights."""
    import numpy as np

    from initatlas.activations.base import activation_of
    from initatlas.experiments.sphere_inputs import sphere_kernel, sphere_points
    from initatlas.kernels.architecture import Architecture

    architecture, phi = Architecture(point.activation, 1), activation_of(point.activation).phi
    inputs, tests, centres = (
        sphere_points(count, point.dimension, rng=rng) for count in (point.points, point.points, point.centres)
    )
    weights = rng.standard_normal((point.dimension, point.width))

    def features(x: "NDArray[np.float64]") -> "NDArray[np.float64]":
        """Normalised features of some inputs."""
        values: NDArray[np.float64] = np.sqrt(architecture.hidden_variance) * phi(x @ weights)
        return values

    unbiased_error = np.nan
    if point.target == "neuron":
        scale = np.sqrt(point.dimension)
        fitted, wanted = (phi(scale * x[:, 0]) for x in (inputs, tests))
    else:
        coefficients = _unit_norm_coefficients(architecture, centres, rng)
        fitted, wanted = (sphere_kernel(architecture, x, centres) @ coefficients for x in (inputs, tests))
        unbiased = features(tests) @ (features(centres).T @ coefficients) / point.width
        unbiased_error = float(np.mean((unbiased - wanted) ** 2))
    best = np.linalg.lstsq(features(inputs), fitted, rcond=None)[0]
    return {
        "unbiased_error": unbiased_error,
        "fitted_error": float(np.mean((features(tests) @ best - wanted) ** 2)),
        "mean_square": float(np.mean(wanted**2)),
    }


def _unit_norm_coefficients(
    architecture: "Architecture", centres: "NDArray[np.float64]", rng: "np.random.Generator"
) -> "NDArray[np.float64]":
    """Random c with c^T K c = 1."""
    import numpy as np

    from initatlas.experiments.sphere_inputs import sphere_kernel

    c = rng.standard_normal(len(centres))
    unit: NDArray[np.float64] = c / np.sqrt(c @ sphere_kernel(architecture, centres, centres) @ c)
    return unit


def _seconds(parameters: RandomFeaturesParameters) -> float:
    """The least squares."""
    return 5e-3 + 1e-10 * parameters.points * parameters.width * (4 * parameters.width + 50)


def _megabytes(parameters: RandomFeaturesParameters) -> float:
    """A few matrices of features."""
    return 10.0 + 4e-5 * parameters.points * max(parameters.width, parameters.centres)


EXPERIMENT = Experiment(
    summary="Squared error of a random layer's best and of its unbiased output weights, for a target on the sphere.",
    parameters=RandomFeaturesParameters,
    outputs=(
        Output(
            "unbiased_error",
            "mean squared error of the weights whose mean over the layer is the target",
            nan_means="the target is not in the RKHS and has no such weights",
        ),
        Output("fitted_error", "mean squared error, on fresh points, of the weights fitted by least squares"),
        Output("mean_square", "mean square of the target"),
    ),
    run=_run,
    seconds=_seconds,
    megabytes=_megabytes,
)
