"""Approximation of a function by one random hidden layer of which only the output weights are chosen.

For a target f = sum_j c_j kappa(x_j, .) of the RKHS, with squared norm c^T K c = 1, the weights a(w) = sum_j c_j phi(<w, x_j>)
give the mean f over the draw of the layer, and a squared error that falls as 1 / m (Rahimi and Recht 2008; compare theorems 4
and 5 of Daniely, Frostig, Singer 2016). For the ReLU its mean over layers and centres is ((d + 2) / d - E f^2) / m.

The worst of all targets of norm 1, for the best weights, has as error the largest eigenvalue of (1 - P) K (1 - P) / n: K is the
kernel's matrix of n points, whose uniform distribution the error is a mean over, and P the projection on the features.

A neuron of a rectifier has infinite norm: its squared coefficients of degree k sum to the multiplicity times the
eigenvalue, so that each degree of the kernel adds its multiplicity to the squared norm. E[phi(<a, x>) phi(<b, x>)] on the sphere
is the kernel of the directions a and b, so the error of the best weights is computed exactly: 1 - k^T G^-1 k of its mean square.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, model_validator

from initatlas.activations.base import activation_of
from initatlas.experiments.activation_labels import ActivationLabel
from initatlas.sweeps.experiment import Experiment, Output, Parameters

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from initatlas.kernels.architecture import Architecture


class RandomFeaturesParameters(Parameters):
    """One random layer and one target."""

    activation: ActivationLabel = Field(default="relu", description="activation of the layer")
    target: Literal["kernel_sum", "worst", "neuron"] = Field(
        default="kernel_sum",
        description="a function of norm 1 in the RKHS, the worst of them for the layer, or single neurons outside of it",
    )
    feature_scale: float = Field(
        default=1.0, gt=0, description="factor of the features; with 1 their mean product is the kernel"
    )
    width: int = Field(default=64, ge=1, description="number m of random features")
    dimension: int = Field(default=5, ge=2, description="dimension of the inputs, which lie on the unit sphere")
    centres: int = Field(default=10, ge=1, description="number of centres x_j of the target")
    points: int = Field(default=2000, ge=2, description="points of the fit, and as many of the test")
    targets: int = Field(default=20, ge=1, description="number of functions of norm 1 whose errors are averaged")
    neurons: int = Field(default=100, ge=1, description="number of target neurons")

    @model_validator(mode="after")
    def _outside(self) -> Self:
        """Refuse neurons that may be in the space."""
        if self.target == "neuron" and activation_of(self.activation).rectifier_slope is None:
            raise ValueError(f"activation = {self.activation!r}: target 'neuron' is for rectifiers such as 'relu'")
        return self


def _run(
    points: Sequence[RandomFeaturesParameters], rngs: Sequence["np.random.Generator"], data: Any
) -> list[dict[str, float]]:
    """Each point draws its own layer and target."""
    return [_approximate(point, rng) for point, rng in zip(points, rngs, strict=True)]


def _approximate(point: RandomFeaturesParameters, rng: "np.random.Generator") -> dict[str, float]:
    """Errors for one layer and one target."""
    return {"kernel_sum": _kernel_sum, "worst": _worst, "neuron": _neuron}[point.target](point, rng)


def _kernel_sum(point: RandomFeaturesParameters, rng: "np.random.Generator") -> dict[str, float]:
    """Errors of the unbiased, the shuffled and the fitted output weights, mean over functions of norm 1."""
    import numpy as np

    from initatlas.datasets.unit_sphere import sphere_points
    from initatlas.kernels.architecture import Architecture
    from initatlas.kernels.gram import gram_matrix

    architecture = Architecture(point.activation, 1)
    inputs, tests, centres = (
        sphere_points(count, point.dimension, rng=rng) for count in (point.points, point.points, point.centres)
    )
    features = _layer(point, architecture, rng)
    everywhere = np.concatenate([inputs, tests, centres])
    kernel = gram_matrix(everywhere, centres, kernel="nngp", architecture=architecture)
    coefficients = _unit_norm_coefficients(kernel[2 * point.points :], point.targets, rng)
    fitted, wanted = kernel[: point.points] @ coefficients, kernel[point.points : 2 * point.points] @ coefficients
    unbiased = features(centres).T @ coefficients / point.width
    best = _least_squares(features(inputs), fitted)
    seen = features(tests)
    errors = [float(np.mean((seen @ weights - wanted) ** 2)) for weights in (unbiased, rng.permutation(unbiased), best)]
    return dict(zip(_ERRORS, errors, strict=True)) | {"mean_square": float(np.mean(wanted**2))}


def _least_squares(features: "NDArray[np.float64]", values: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """Weights that fit the values best: by the triangle of a QR decomposition, or one with pivots where the features depend."""
    import numpy as np

    points, width = features.shape
    if width < points:
        triangle = np.asarray(np.linalg.qr(np.hstack([features, values]), mode="r"))[:width]
        sizes = np.abs(np.diag(triangle))
        if sizes.min() > points * np.finfo(np.float64).eps * sizes.max():
            weights: NDArray[np.float64] = np.linalg.solve(triangle[:, :width], triangle[:, width:])
            return weights
    from scipy.linalg import lstsq  # whose import takes longer than many points

    pivoted: NDArray[np.float64] = lstsq(features, values, lapack_driver="gelsy", check_finite=False)[0]
    return pivoted


_ERRORS = ("unbiased_error", "shuffled_error", "fitted_error")


def _layer(
    point: RandomFeaturesParameters, architecture: "Architecture", rng: "np.random.Generator"
) -> "Callable[[NDArray[np.float64]], NDArray[np.float64]]":
    """The normalised features of a random layer, as function of the inputs."""
    import numpy as np

    weights = rng.standard_normal((point.dimension, point.width))
    scale, phi = point.feature_scale * np.sqrt(architecture.hidden_variance), activation_of(point.activation).phi

    def features(x: "NDArray[np.float64]") -> "NDArray[np.float64]":
        """Features of some inputs, one column each."""
        values: NDArray[np.float64] = scale * phi(x @ weights)
        return values

    return features


def _worst(point: RandomFeaturesParameters, rng: "np.random.Generator") -> dict[str, float]:
    """Error of the best output weights for the worst function of norm 1.

    The kernel in single precision: an eigenvalue by matrix products takes as long as they take to read it.
    """
    import numpy as np
    from scipy.sparse.linalg import LinearOperator, eigsh

    from initatlas.datasets.unit_sphere import sphere_points
    from initatlas.kernels.architecture import Architecture
    from initatlas.kernels.gram import gram_matrix

    architecture = Architecture(point.activation, 1)
    inputs = sphere_points(point.points, point.dimension, rng=rng)
    basis = np.linalg.qr(_layer(point, architecture, rng)(inputs))[0].astype(np.float32)
    gram = gram_matrix(inputs, kernel="nngp", architecture=architecture, dtype="float32")

    def outside(v: "NDArray[np.float32]") -> "NDArray[np.float32]":
        """What is orthogonal to all features."""
        return v - basis @ (basis.T @ v)

    operator = LinearOperator(gram.shape, matvec=lambda v: outside(gram @ outside(v)), dtype=np.float32)
    start = rng.standard_normal(point.points).astype(np.float32)
    error = float(eigsh(operator, k=1, v0=start, tol=_TOLERANCE, return_eigenvectors=False)[0]) / point.points
    return {"unbiased_error": np.nan, "shuffled_error": np.nan, "fitted_error": error, "mean_square": np.nan}


_TOLERANCE = 1e-5
"""Of the worst target's eigenvalue, relative; layers scatter by a hundredth and more."""


def _neuron(point: RandomFeaturesParameters, rng: "np.random.Generator") -> dict[str, float]:
    """Mean error of the best output weights for neurons of random directions, exactly."""
    import numpy as np
    from scipy.linalg import cho_factor, cho_solve

    from initatlas.datasets.unit_sphere import sphere_points
    from initatlas.kernels.architecture import Architecture
    from initatlas.kernels.gram import gram_matrix

    architecture = Architecture(point.activation, 1)
    layer, neurons = (sphere_points(count, point.dimension, rng=rng) for count in (point.width, point.neurons))
    gram, across = (gram_matrix(layer, other, kernel="nngp", architecture=architecture) for other in (None, neurons))
    # the transpose is the same matrix in LAPACK's own order: no copy is made
    factor = cho_factor(gram.T, lower=True, overwrite_a=True, check_finite=False)
    explained = np.sum(across * cho_solve(factor, across, check_finite=False), axis=0)
    square = 1.0 / architecture.hidden_variance
    error = square * float(np.mean(1.0 - explained))
    return {"unbiased_error": np.nan, "shuffled_error": np.nan, "fitted_error": error, "mean_square": square}


def _unit_norm_coefficients(
    gram: "NDArray[np.float64]", targets: int, rng: "np.random.Generator"
) -> "NDArray[np.float64]":
    """Random c with c^T K c = 1, one column per target, from the kernel matrix K of the centres."""
    import numpy as np

    c = rng.standard_normal((len(gram), targets))
    unit: NDArray[np.float64] = c / np.sqrt(np.sum(c * (gram @ c), axis=0))
    return unit


def _seconds(parameters: RandomFeaturesParameters) -> float:
    """The least squares, the iterations for the worst target, or the solution for the neurons."""
    m, n = parameters.width, parameters.points
    if parameters.target == "neuron":
        return 4e-3 + 2e-11 * m**3 + 1e-8 * m * (m + parameters.neurons)
    if parameters.target == "worst":
        return 1e-3 + 4e-9 * n * n + 4e-10 * n * m * m
    return 1e-3 + 1e-10 * n * m * (1.5 * m + 400)


def _megabytes(parameters: RandomFeaturesParameters) -> float:
    """A few matrices of features, or of the kernel."""
    m, n = parameters.width, parameters.points
    if parameters.target == "neuron":
        return 10.0 + 5e-5 * m * (m + parameters.neurons)
    if parameters.target == "worst":
        return 10.0 + 5e-5 * n * (n + m)
    return 10.0 + 4e-5 * n * max(m, parameters.centres)


EXPERIMENT = Experiment(
    summary="Squared error of a random layer's best and of its unbiased output weights, for a target on the sphere.",
    parameters=RandomFeaturesParameters,
    outputs=(
        Output(
            "unbiased_error",
            "mean squared error of the weights whose mean over the layer is the target",
            nan_means="no such weights for the worst target, nor for neurons",
        ),
        Output(
            "shuffled_error",
            "mean squared error of the same weights in another order",
            nan_means="no such weights for the worst target, nor for neurons",
        ),
        Output(
            "fitted_error",
            "mean squared error of the best weights: fitted, or exact for the worst target and for neurons",
        ),
        Output("mean_square", "mean square of the target", nan_means="the worst target is not made"),
    ),
    run=_run,
    seconds=_seconds,
    megabytes=_megabytes,
)
