"""Interpolation of spherical harmonics by the kernel of an infinitely wide network, against its depth.

Which depth learns best? Targets are zonal harmonics of mean square 1 and the degrees 1 to 4, and their mean; the predictor is
K(test, x) K^-1 y, without ridge. Beside the errors: what share of the kernel's trace the degrees hold.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic import Field

from initatlas.experiments.activation_labels import ActivationLabel
from initatlas.kernels.arguments import MOST_LAYERS
from initatlas.sweeps.experiment import Coordinate, Experiment, Output, Parameters

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from initatlas.kernels.architecture import Architecture

DEGREES = (1, 2, 3, 4)
_DEPTHS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)


class KernelInterpolationParameters(Parameters):
    """One sample of inputs, and all depths."""

    activation: ActivationLabel = Field(default="relu", description="activation of every layer")
    max_depth: int = Field(default=64, ge=1, le=MOST_LAYERS, description="largest number of hidden layers")
    dimension: int = Field(default=5, ge=3, description="dimension of the inputs, which lie on the unit sphere")
    samples: int = Field(default=300, ge=2, description="number of training inputs")
    tests: int = Field(default=500, ge=1, description="number of test inputs")


def _depths(parameters: KernelInterpolationParameters) -> list[int]:
    """The depths that are measured."""
    return [depth for depth in _DEPTHS if depth <= parameters.max_depth]


def _coordinates(parameters: KernelInterpolationParameters) -> Mapping[str, Coordinate]:
    """Depths and degrees."""
    return {
        "layers": Coordinate(_depths(parameters), "number of hidden layers"),
        "degree": Coordinate(DEGREES, "degree of the spherical harmonics"),
    }


def _run(
    points: Sequence[KernelInterpolationParameters], rngs: Sequence["np.random.Generator"], data: Any
) -> list[dict[str, Any]]:
    """Each point has its own inputs."""
    return [_measure(point, rng) for point, rng in zip(points, rngs, strict=True)]


def _measure(point: KernelInterpolationParameters, rng: "np.random.Generator") -> dict[str, Any]:
    """Errors and shares at every depth."""
    import numpy as np

    from initatlas.datasets.unit_sphere import sphere_points
    from initatlas.experiments.sphere_inputs import angles_between
    from initatlas.kernels.angles import kernels_by_depth
    from initatlas.kernels.architecture import Architecture

    x = sphere_points(point.samples + point.tests, point.dimension, rng=rng)
    targets = _harmonics(x[:, 0], point.dimension)
    depths = _depths(point)
    kernels = kernels_by_depth(Architecture(point.activation, depths[-1]), angles_between(x, x[: point.samples]))
    kept = [kernel for depth, (kernel, _) in enumerate(kernels, start=1) if depth in depths]
    errors = [_errors(kernel, targets) for kernel in kept]
    return {
        "degree_error": np.array([by_degree for by_degree, _ in errors]),
        "mixture_error": np.array([mixed for _, mixed in errors]),
        "condition": np.array([_condition(kernel[: point.samples]) for kernel in kept]),
        "share": np.array([_shares(Architecture(point.activation, depth), point.dimension) for depth in depths]),
    }


def _harmonics(cosines: "NDArray[np.float64]", dimension: int) -> "NDArray[np.float64]":
    """Zonal harmonics with mean square 1 over the sphere, one column per degree."""
    import numpy as np
    from scipy.special import eval_gegenbauer

    from initatlas.kernels.harmonics import multiplicity

    order = 0.5 * (dimension - 2)
    columns = [
        multiplicity(dimension, k) ** 0.5 * eval_gegenbauer(k, order, cosines) / eval_gegenbauer(k, order, 1.0)
        for k in DEGREES
    ]
    return np.stack(columns, axis=1)


def _errors(kernel: "NDArray[np.float64]", targets: "NDArray[np.float64]") -> tuple["NDArray[np.float64]", float]:
    """Mean squared test errors for each target, and for their sum of mean square 1."""
    import numpy as np

    samples = kernel.shape[1]
    weights = np.linalg.solve(kernel[:samples], targets[:samples])
    rest = kernel[samples:] @ weights - targets[samples:]
    by_degree: NDArray[np.float64] = np.mean(rest**2, axis=0)
    return by_degree, float(np.mean(rest.sum(axis=1) ** 2) / targets.shape[1])


def _condition(gram: "NDArray[np.float64]") -> float:
    """Condition number of a Gram matrix; what is beyond double precision counts as its end."""
    import numpy as np

    eigenvalues = np.linalg.eigvalsh(gram)
    return float(eigenvalues[-1] / max(eigenvalues[0], np.finfo(np.float64).eps * eigenvalues[-1]))


@lru_cache(maxsize=64)
def _shares(architecture: "Architecture", dimension: int) -> "NDArray[np.float64]":
    """Share of the kernel's trace of every degree; the samples of one activation have it in common."""
    from initatlas.kernels.angles import kernels_at_angle
    from initatlas.kernels.sphere_quadrature import sphere_spectrum

    spectrum = sphere_spectrum(lambda angles: kernels_at_angle(architecture, angles)[0], dimension, DEGREES[-1])
    return spectrum.share[list(DEGREES)]


def _seconds(parameters: KernelInterpolationParameters) -> float:
    """The recursion of all layers, and a solution at each measured depth."""
    n, depths = parameters.samples, len(_depths(parameters))
    return 1.1e-7 * parameters.max_depth * n * (n + parameters.tests) + depths * (1e-9 * n**3 + 0.01)


def _megabytes(parameters: KernelInterpolationParameters) -> float:
    """A dozen kernel matrices."""
    return 10.0 + 1e-4 * parameters.samples * (parameters.samples + parameters.tests)


EXPERIMENT = Experiment(
    summary="Test error of ridgeless regression of spherical harmonics with a network's kernel, against depth.",
    parameters=KernelInterpolationParameters,
    outputs=(
        Output("degree_error", "mean squared test error for the harmonic of one degree", dims=("layers", "degree")),
        Output(
            "mixture_error", "mean squared test error for the sum of the degrees, of mean square 1", dims=("layers",)
        ),
        Output("condition", "condition number of the kernel's matrix of the training inputs", dims=("layers",)),
        Output("share", "share of the kernel's trace that the degree holds", dims=("layers", "degree")),
    ),
    run=_run,
    static=("max_depth",),
    coordinates=_coordinates,
    seconds=_seconds,
    megabytes=_megabytes,
)
