"""Generalisation error of trained wide networks against the number of samples, from a mirrored and from a standard start.

Chen, Li, Lin 2024, figure 1: one hidden ReLU layer of 20 n units, gradient descent over 10 n epochs, the least test error on the
way. Both starts see the same data and begin with the same weights. The test error is taken at some epochs, which stand more and
more apart; the function moves ever less.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field

from initatlas.sweeps.experiment import Coordinate, Experiment, Output, Parameters

if TYPE_CHECKING:
    import numpy as np

    from initatlas.arrays import Doubles
    from initatlas.datasets.sphere_regression import Regression
    from initatlas.networks.fused_descent import WideNetwork

_STARTS = ("mirrored", "standard")

_RECORDED = 60
"""Epochs at which the test error is taken, at most."""


class WideRegressionParameters(Parameters):
    """One sample of data, and a network from either start."""

    dimension: int = Field(default=5, ge=2, description="dimension d of the inputs, which lie on the unit sphere")
    samples: int = Field(default=100, ge=2, description="number n of training inputs")
    tests: int = Field(default=1000, ge=1, description="number of test inputs")
    noise: float = Field(default=0.2, ge=0.0, description="standard deviation of the noise of the training values")
    width_factor: int = Field(default=20, ge=1, description="width of the hidden layer over n")
    epoch_factor: int = Field(default=10, ge=1, description="epochs over n")
    learning_rate: float = Field(default=0.6, gt=0.0, description="learning rate of gradient descent")
    bias: bool = Field(default=False, description="whether the hidden layer has a bias")


def _coordinates(parameters: WideRegressionParameters) -> Mapping[str, Coordinate]:
    """Starts."""
    return {"start": Coordinate(_STARTS, "start of training: from zero (mirrored), or from a random function")}


def _run(
    points: Sequence[WideRegressionParameters], rngs: Sequence["np.random.Generator"], data: Any
) -> list[dict[str, Any]]:
    """Each point has its own data."""
    return [_measure(point, rng) for point, rng in zip(points, rngs, strict=True)]


def _measure(point: WideRegressionParameters, rng: "np.random.Generator") -> dict[str, Any]:
    """Errors from both starts."""
    import numpy as np

    from initatlas.datasets.sphere_regression import sphere_regression
    from initatlas.networks.fused_descent import mirrored_start, standard_start

    sample = sphere_regression(point.samples, point.tests, point.dimension, noise=point.noise, bias=point.bias, rng=rng)
    width, seed = point.width_factor * point.samples, int(rng.integers(2**63))
    epochs = _epochs(point)
    curves = np.array([
        _curve(point, sample, epochs, start(width, sample.x.shape[1], rng=np.random.default_rng(seed)))
        for start in (mirrored_start, standard_start)
    ])  # fmt: skip
    return {
        "test_error": curves.min(axis=1),
        "initial_error": curves[:, 0],
        "last_error": curves[:, -1],
        "best_epoch": epochs[curves.argmin(axis=1)],
    }


def _epochs(point: WideRegressionParameters) -> "np.ndarray":
    """Epochs at which the test error is taken: 0, and from 1 to the last in equal ratios."""
    import numpy as np

    last = point.epoch_factor * point.samples
    return np.unique([0, *np.rint(np.geomspace(1, last, min(_RECORDED, last))).astype(int)])


def _curve(
    point: WideRegressionParameters, sample: "Regression", epochs: "np.ndarray", network: "WideNetwork"
) -> "Doubles":
    """Test error at some epochs."""
    import numpy as np

    from initatlas.networks.fused_descent import Inputs

    inputs, others = Inputs.of(sample.x), Inputs.of(sample.other)
    errors = np.empty(len(epochs))
    for number, steps in enumerate(np.diff(epochs, prepend=0)):
        network.train(inputs, sample.y, rate=point.learning_rate, epochs=int(steps))
        errors[number] = sample.error(network.outputs(others))
    return errors


def _seconds(parameters: WideRegressionParameters) -> float:
    """Three networks' epochs, counted at 100 GFLOP/s, and their outputs at the test inputs."""
    width, coordinates = parameters.width_factor * parameters.samples, parameters.dimension + parameters.bias
    epochs = parameters.epoch_factor * parameters.samples
    training = (4 * coordinates + 6) * parameters.samples * width * epochs
    return 3 * (training + (2 * coordinates + 2) * parameters.tests * width * _RECORDED) / 100e9 + 0.02


def _megabytes(parameters: WideRegressionParameters) -> float:
    """Weights of two copies in double precision, and as the loop takes them, with a bit for every unit and input."""
    width = parameters.width_factor * parameters.samples
    return 10.0 + 6e-5 * width * (parameters.dimension + 2) + 2.5e-7 * parameters.samples * width


EXPERIMENT = Experiment(
    summary="Least test error of wide networks on the way of gradient descent, from a mirrored and a standard start.",
    parameters=WideRegressionParameters,
    outputs=(
        Output("test_error", "least mean squared test error over the epochs, without noise", dims=("start",)),
        Output("initial_error", "mean squared test error before training", dims=("start",)),
        Output("last_error", "mean squared test error after the last epoch", dims=("start",)),
        Output("best_epoch", "epoch of the least test error", dims=("start",)),
    ),
    run=_run,
    coordinates=_coordinates,
    seconds=_seconds,
    megabytes=_megabytes,
)
