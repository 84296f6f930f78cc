"""Generalisation error of networks of infinite width against the number of samples, from zero and from random functions.

The limit of Chen, Li, Lin 2024, figure 1: gradient flow of one hidden ReLU layer of infinite width, exact in the eigenbasis of
the NTK, with the least test error over all times. Standard networks start from a draw of the Gaussian process; two of them
learn from the same data as the mirrored one.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field

from initatlas.kernels.arguments import MOST_LAYERS
from initatlas.sweeps.experiment import Coordinate, Experiment, Output, Parameters

if TYPE_CHECKING:
    import numpy as np

    from initatlas.arrays import Doubles
    from initatlas.datasets.sphere_regression import Regression
    from initatlas.estimators.eigenbasis import Eigenbasis

_STARTS = ("mirrored", "standard", "standard_again")


class KernelFlowParameters(Parameters):
    """One sample of data, and a network of infinite width from every start."""

    dimension: int = Field(default=5, ge=2, description="dimension d of the inputs, which lie on the unit sphere")
    samples: int = Field(default=100, ge=2, description="number n of training inputs")
    tests: int = Field(default=1000, ge=1, description="number of test inputs")
    noise: float = Field(default=0.2, ge=0.0, description="standard deviation of the noise of the training values")
    depth: int = Field(default=1, ge=1, le=MOST_LAYERS, description="number of hidden layers")
    bias: bool = Field(default=False, description="whether the first layer has a bias")


def _coordinates(parameters: KernelFlowParameters) -> Mapping[str, Coordinate]:
    """Starts."""
    return {"start": Coordinate(_STARTS, "start of training: from zero (mirrored), or from a random function")}


def _run(
    points: Sequence[KernelFlowParameters], rngs: Sequence["np.random.Generator"], data: Any
) -> list[dict[str, Any]]:
    """Each point has its own data."""
    return [_measure(point, rng) for point, rng in zip(points, rngs, strict=True)]


def _measure(point: KernelFlowParameters, rng: "np.random.Generator") -> dict[str, Any]:
    """Errors from all starts."""
    import numpy as np

    from initatlas.datasets.sphere_regression import sphere_regression
    from initatlas.estimators.eigenbasis import Eigenbasis

    sample = sphere_regression(point.samples, point.tests, point.dimension, noise=point.noise, bias=point.bias, rng=rng)
    basis = Eigenbasis.of(_kernel(point, "ntk", sample.x))
    reach = _kernel(point, "ntk", sample.other, sample.x) @ basis.vectors
    starts = np.column_stack([np.zeros(point.samples + point.tests), _draws(point, sample, 2, rng)])
    coarse = np.linspace(*_DECADES, _COARSE)
    filters = _filters(basis, coarse)
    best = [_best(sample, basis, reach, start, coarse, filters) for start in starts.T]
    return {
        "test_error": [error for error, _ in best],
        "best_time": [time for _, time in best],
        "initial_error": [float(sample.error(start[point.samples :])) for start in starts.T],
    }


def _kernel(point: KernelFlowParameters, name: Any, x: "Doubles", y: "Doubles | None" = None) -> "Doubles":
    """NNGP or NTK of the network."""
    from initatlas.activations.relu import Relu
    from initatlas.kernels.architecture import Architecture
    from initatlas.kernels.gram import gram_matrix

    return gram_matrix(x, y, kernel=name, architecture=Architecture(Relu().dual, point.depth))


def _draws(point: KernelFlowParameters, sample: "Regression", number: int, rng: "np.random.Generator") -> "Doubles":
    """Random functions at training and test inputs, one per column."""
    import numpy as np
    from scipy.linalg import cholesky

    both = np.vstack([sample.x, sample.other])
    gram = _kernel(point, "nngp", both)
    # what rounding needs: the smallest eigenvalues of the process are far above
    gram[np.diag_indices_from(gram)] += 1e-10
    # the transpose is the same matrix in LAPACK's own order: no copy is made
    factor = cholesky(gram.T, lower=True, overwrite_a=True, check_finite=False)
    draws: Doubles = factor @ rng.standard_normal((len(both), number))
    return draws


_DECADES = (-3.0, 12.0)
"""Of the time times the largest eigenvalue, between which the least error is sought."""

_COARSE, _FINE, _ROUNDS = 61, 11, 3
"""Times that are tried at once: first over all decades, then again and again between the neighbours of the best."""


def _filters(basis: "Eigenbasis", decades: "Doubles") -> "Doubles":
    """Gradient flow at tau times the largest eigenvalue = 10^decade, shape (decades, n)."""
    import numpy as np

    return np.array([basis.flow_filter(10.0**decade / basis.largest) for decade in decades])


def _best(
    sample: "Regression",
    basis: "Eigenbasis",
    reach: "Doubles",
    start: "Doubles",
    decades: "Doubles",
    filters: "Doubles",
) -> tuple[float, float]:
    """Least test error over all times, from some times with their filters on, and the time in units of the mean loss."""
    import numpy as np

    count = len(sample.x)
    coefficients, elsewhere = basis.vectors.T @ (sample.y - start[:count]), start[count:]

    def errors(filters: "Doubles") -> "Doubles":
        """At all times at once."""
        return sample.error(elsewhere + (filters * coefficients) @ reach.T)

    found = errors(filters)
    for _ in range(_ROUNDS):
        at = int(np.argmin(found))
        decades = np.linspace(decades[max(at - 1, 0)], decades[min(at + 1, len(decades) - 1)], _FINE)
        found = errors(_filters(basis, decades))
    at = int(np.argmin(found))
    return float(found[at]), 10.0 ** float(decades[at]) / basis.largest * count


def _seconds(parameters: KernelFlowParameters) -> float:
    """All eigenpairs, the factor of the process, and predictions at a hundred times from three starts."""
    n, both = parameters.samples, parameters.samples + parameters.tests
    return 2e-10 * n**3 + 1e-11 * both**3 + 2e-8 * n * parameters.tests + 5e-9 * both**2 + 3e-3


def _megabytes(parameters: KernelFlowParameters) -> float:
    """Both kernels, the eigenvectors and the solver's work space."""
    n, both = parameters.samples, parameters.samples + parameters.tests
    return 20.0 + 24e-6 * both**2 + 40e-6 * n**2


EXPERIMENT = Experiment(
    summary="Least test error of networks of infinite width over all times of gradient flow, from zero and random starts.",
    parameters=KernelFlowParameters,
    outputs=(
        Output("test_error", "least mean squared test error over all times, without noise", dims=("start",)),
        Output("best_time", "time of the least test error, for the loss sum (f - y)^2 / (2 n)", dims=("start",)),
        Output("initial_error", "mean squared test error before training", dims=("start",)),
    ),
    run=_run,
    coordinates=_coordinates,
    seconds=_seconds,
    megabytes=_megabytes,
)
