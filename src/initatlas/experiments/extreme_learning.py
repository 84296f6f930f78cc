"""Extreme learning machines beside kernel ridge regression: one random hidden layer of which only the output weights are fitted.

Tsuchida, Roosta-Khorasani, Gallagher 2018, section 6.1: a machine of one layer can be replaced by kernel ridge regression with
the layer's kernel. Both are the same predictor, K(test, x) (K(x, x) + ridge)^-1 y, the machine with the kernel of its own
features, so that they differ by what a finite layer differs from its kernel.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field

from initatlas.experiments.activation_labels import ActivationLabel
from initatlas.experiments.weights_labels import WeightsLabel
from initatlas.sweeps.experiment import Experiment, Output, Parameters

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class ExtremeLearningParameters(Parameters):
    """One machine, its inputs, and the ridge of both predictors."""

    activation: ActivationLabel = Field(default="relu", description="activation of the layer")
    other: ActivationLabel = Field(default="identity", description="activation whose kernel is another one")
    weights: WeightsLabel = Field(default="gaussian", description="weight distribution")
    width: int = Field(default=256, ge=1, description="neurons of the layer")
    dimension: int = Field(default=5, ge=2, description="dimension of the inputs, which lie on the unit sphere")
    samples: int = Field(default=100, ge=2, description="number of training inputs")
    tests: int = Field(default=200, ge=1, description="number of test inputs")
    ridge: float = Field(default=0.1, gt=0, description="ridge, over the kernel of an input with itself")


def _run(
    points: Sequence[ExtremeLearningParameters], rngs: Sequence["np.random.Generator"], data: Any
) -> list[dict[str, float]]:
    """Each point draws its own inputs and layer."""
    return [_compare(point, rng) for point, rng in zip(points, rngs, strict=True)]


def _compare(point: ExtremeLearningParameters, rng: "np.random.Generator") -> dict[str, float]:
    """Predictions of the machine and of two kernels."""
    import numpy as np

    from initatlas.datasets.unit_sphere import sphere_points
    from initatlas.kernels.architecture import Architecture
    from initatlas.kernels.gram import gram_matrix

    inputs = sphere_points(point.samples + point.tests, point.dimension, rng=rng)
    target = _target(inputs)
    wanted = target[point.samples :]

    def rms(values: "NDArray[np.float64]") -> float:
        """Root mean square over the test inputs, relative to the target."""
        return float(np.sqrt(np.mean(values**2) / np.mean(wanted**2)))

    features = _features(point, inputs, rng)
    machine = _ridge_predictions(features @ features[: point.samples].T / point.width, target, point)
    kernel, other = (
        _ridge_predictions(
            gram_matrix(inputs, inputs[: point.samples], kernel="nngp", architecture=Architecture(name, 1)),
            target,
            point,
        )
        for name in (point.activation, point.other)
    )
    return {
        "distance": rms(machine - kernel),
        "other_distance": rms(machine - other),
        "machine_error": rms(machine - wanted),
        "kernel_error": rms(kernel - wanted),
    }


def _target(inputs: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """The square of the sum of the coordinates: degrees 0 and 2."""
    square: NDArray[np.float64] = inputs.sum(axis=1) ** 2
    return square


def _features(
    point: ExtremeLearningParameters, inputs: "NDArray[np.float64]", rng: "np.random.Generator"
) -> "NDArray[np.float64]":
    """Signals of the random layer, of mean square 1."""
    import numpy as np

    from initatlas.activations.base import activation_of
    from initatlas.kernels.architecture import Architecture
    from initatlas.weights.base import family_of

    shape = (point.width, point.dimension)
    weights = family_of(point.weights).draw(shape, variance=1.0, rng=rng, dtype=np.float64)
    scale = np.sqrt(Architecture(point.activation, 1).hidden_variance)
    signals: NDArray[np.float64] = scale * activation_of(point.activation).phi(inputs @ weights.T)
    return signals


def _ridge_predictions(
    kernel: "NDArray[np.float64]", target: "NDArray[np.float64]", point: ExtremeLearningParameters
) -> "NDArray[np.float64]":
    """Kernel ridge regression at the test inputs, from the kernel of all inputs with the training inputs."""
    import numpy as np

    n = point.samples
    weights = np.linalg.solve(kernel[:n] + point.ridge * np.eye(n), target[:n])
    predicted: NDArray[np.float64] = kernel[n:] @ weights
    return predicted


def _seconds(parameters: ExtremeLearningParameters) -> float:
    """The kernel of the features, and three solutions."""
    n = parameters.samples + parameters.tests
    return 3e-3 + 1e-10 * n * (parameters.samples + 20) * parameters.width + 1e-9 * parameters.samples**3


def _megabytes(parameters: ExtremeLearningParameters) -> float:
    """Features and some kernel matrices."""
    n = parameters.samples + parameters.tests
    return 10.0 + 8e-6 * n * (2 * parameters.width + 6 * n)


EXPERIMENT = Experiment(
    summary="Predictions of a random layer with fitted output weights, beside kernel ridge regression with its kernel.",
    parameters=ExtremeLearningParameters,
    outputs=(
        Output("distance", "distance of the predictions of the layer and of its kernel, over the target"),
        Output("other_distance", "distance of the predictions of the layer and of the other kernel, over the target"),
        Output("machine_error", "test error of the layer, over the target"),
        Output("kernel_error", "test error of its kernel, over the target"),
    ),
    run=_run,
    seconds=_seconds,
    megabytes=_megabytes,
)
