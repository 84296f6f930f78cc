"""Distance between a trained network and regression with its NTK, the largest over the training and the inputs, against width.

Chen, Li, Lin 2024 carry over what they show of NTK regression to networks by uniform convergence: with more units the network
stays closer to the regression, at all times and inputs at once. Both take the same gradient steps from the same function, so
that their difference is that of the kernels alone.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field

from initatlas.sweeps.experiment import Coordinate, Experiment, Output, Parameters

if TYPE_CHECKING:
    import numpy as np

    from initatlas.arrays import Doubles
    from initatlas.datasets.sphere_regression import Regression
    from initatlas.estimators.eigenbasis import Eigenbasis
    from initatlas.kernels.architecture import KernelName

_STARTS = ("mirrored", "standard")

_RECORDED = 40
"""Epochs at which functions are compared, at most."""


class NtkRegressionParameters(Parameters):
    """A network of some width, and its data."""

    dimension: int = Field(default=5, ge=2, description="dimension d of the inputs, which lie on the unit sphere")
    samples: int = Field(default=50, ge=2, description="number n of training inputs")
    tests: int = Field(default=200, ge=1, description="number of inputs at which functions are compared")
    noise: float = Field(default=0.2, ge=0.0, description="standard deviation of the noise of the training values")
    width: int = Field(default=1024, ge=4, description="width of the hidden layer; a mirrored network has two copies")
    epochs: int = Field(default=500, ge=1, description="epochs of gradient descent")
    learning_rate: float = Field(default=0.6, gt=0.0, description="learning rate of gradient descent")


def _coordinates(parameters: NtkRegressionParameters) -> Mapping[str, Coordinate]:
    """Starts."""
    return {"start": Coordinate(_STARTS, "start of training: from zero (mirrored), or from a random function")}


def _run(
    points: Sequence[NtkRegressionParameters], rngs: Sequence["np.random.Generator"], data: Any
) -> list[dict[str, Any]]:
    """Each point has its own data and networks."""
    return [_measure(point, rng) for point, rng in zip(points, rngs, strict=True)]


def _measure(point: NtkRegressionParameters, rng: "np.random.Generator") -> dict[str, Any]:
    """Largest distances from both starts, with the NTK and with another kernel."""
    import numpy as np

    from initatlas.datasets.sphere_regression import sphere_regression
    from initatlas.networks.fused_descent import mirrored_start, standard_start

    sample = sphere_regression(point.samples, point.tests, point.dimension, noise=point.noise, bias=False, rng=rng)
    epochs = np.unique(np.rint(np.geomspace(1, point.epochs, min(_RECORDED, point.epochs))).astype(int))
    seed = int(rng.integers(2**63))
    curves = [
        _curve(point, sample, epochs, start(point.width, point.dimension, rng=np.random.default_rng(seed)))
        for start in (mirrored_start, standard_start)
    ]

    def largest(kernel: "KernelName") -> list[float]:
        """Distance to regression with a kernel over epochs and test inputs, from every start."""
        regressions = _regressions(point, sample, epochs, kernel, [curve[0] for curve in curves])
        pairs = zip(curves, regressions, strict=True)
        return [float(np.abs(curve[1:, point.samples :] - expected).max()) for curve, expected in pairs]

    return {"distance": largest("ntk"), "other_distance": largest("nngp")}


def _curve(point: NtkRegressionParameters, sample: "Regression", epochs: "np.ndarray", network: Any) -> "Doubles":
    """The function at training and test inputs before training and after some epochs, shape (1 + epochs, n + tests)."""
    import numpy as np

    from initatlas.networks.fused_descent import Inputs

    inputs, both = Inputs.of(sample.x), Inputs.of(np.vstack([sample.x, sample.other]))
    functions = [network.outputs(both)]
    for steps in np.diff(epochs, prepend=0):
        network.train(inputs, sample.y, rate=point.learning_rate, epochs=int(steps))
        functions.append(network.outputs(both))
    return np.array(functions, dtype=np.float64)


def _regressions(
    point: NtkRegressionParameters,
    sample: "Regression",
    epochs: "np.ndarray",
    kernel: "KernelName",
    starts: Sequence["Doubles"],
) -> list["Doubles"]:
    """Gradient descent with a fixed kernel from the networks' own starts, at the test inputs, each of shape (epochs, tests)."""
    import numpy as np

    from initatlas.activations.relu import Relu
    from initatlas.estimators.eigenbasis import Eigenbasis
    from initatlas.kernels.architecture import Architecture
    from initatlas.kernels.gram import gram_matrix

    architecture = Architecture(Relu().dual, 1)
    basis = Eigenbasis.of(gram_matrix(sample.x, kernel=kernel, architecture=architecture))
    reach = gram_matrix(sample.other, sample.x, kernel=kernel, architecture=architecture) @ basis.vectors
    filters = np.array([_descent_filter(basis, point.learning_rate / point.samples, int(steps)) for steps in epochs])
    return [
        start[point.samples :] + (filters * (basis.vectors.T @ (sample.y - start[: point.samples]))) @ reach.T
        for start in starts
    ]


def _descent_filter(basis: "Eigenbasis", rate: float, steps: int) -> "Doubles":
    """(1 - (1 - rate lambda)^steps) / lambda; rate times steps where lambda is 0."""
    import numpy as np

    full = np.full_like(basis.values, rate * steps)
    left = (1.0 - rate * basis.values) ** steps
    return np.divide(1.0 - left, basis.values, out=full, where=basis.values > basis.negligible)


def _seconds(parameters: NtkRegressionParameters) -> float:
    """Three networks' epochs at 50 GFLOP/s, and the regressions."""
    inputs = parameters.samples + parameters.tests
    training = (4 * parameters.dimension + 6) * parameters.samples * parameters.width * parameters.epochs
    outputs = (2 * parameters.dimension + 2) * inputs * parameters.width * _RECORDED
    return 3 * (training + outputs) / 50e9 + 2e-9 * parameters.samples**3 + 0.02


def _megabytes(parameters: NtkRegressionParameters) -> float:
    """Weights of two copies, kernels, and functions."""
    inputs = parameters.samples + parameters.tests
    return 10.0 + 6e-5 * parameters.width * (parameters.dimension + 2) + 4e-5 * inputs * parameters.samples


EXPERIMENT = Experiment(
    summary="Largest distance between a wide network and regression with its NTK over training and inputs.",
    parameters=NtkRegressionParameters,
    outputs=(
        Output("distance", "largest distance to NTK regression over epochs and test inputs", dims=("start",)),
        Output("other_distance", "the same to regression with the NNGP in the place of the NTK", dims=("start",)),
    ),
    run=_run,
    coordinates=_coordinates,
    seconds=_seconds,
    megabytes=_megabytes,
)
