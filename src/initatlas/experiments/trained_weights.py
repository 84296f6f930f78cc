"""Are the weights of a trained network still independent and identically distributed?

Tsuchida, Roosta-Khorasani, Gallagher 2018, section 7, expect that they are not, that their mean is not zero, and that their
distribution is not symmetric. The networks have one input and one output and learn a function, exactly, on all data in each
step. Looked at are the matrices between hidden layers, before and after. Independent entries of one distribution keep the law
of their largest singular value when they are put in any other order.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field

from initatlas.experiments.target_labels import TargetLabel, target_function
from initatlas.sweeps.experiment import Coordinate, Experiment, Output, Parameters

if TYPE_CHECKING:
    import numpy as np


class TrainedWeightsParameters(Parameters):
    """One network and its training."""

    target: TargetLabel = Field(default="sine", description="function that it learns on [-2, 2]")
    samples: int = Field(default=101, ge=2, description="training points, evenly spaced")
    width: int = Field(default=40, ge=8, description="units per hidden layer")
    depth: int = Field(default=3, ge=2, description="number of hidden layers")
    learning_rate: float = Field(default=3e-3, gt=0, description="step size of Adam, over all data in each step")
    epochs: int = Field(default=2000, ge=1, description="updates")
    orders: int = Field(default=50, ge=2, description="random orders of the entries of a matrix")


def _coordinates(parameters: TrainedWeightsParameters) -> Mapping[str, Coordinate]:
    """Before and after training, and the layers behind the first one."""
    return {
        "trained": Coordinate([0, 1], "0 before training, 1 after it"),
        "layer": Coordinate(range(2, parameters.depth + 1), "hidden layer"),
    }


def _run(
    points: Sequence[TrainedWeightsParameters], rngs: Sequence["np.random.Generator"], data: Any
) -> list[dict[str, Any]]:
    """Each point is one network."""
    return [_measure(point, rng) for point, rng in zip(points, rngs, strict=True)]


def _measure(point: TrainedWeightsParameters, rng: "np.random.Generator") -> dict[str, Any]:
    """Train a network, and look at its matrices before and after."""
    import numpy as np

    from initatlas.piecewise.descent import Descent
    from initatlas.piecewise.starts import drawn
    from initatlas.piecewise.trained import trained

    x = np.linspace(-2.0, 2.0, point.samples)
    y = target_function(point.target, -2.0, 2.0)(x)
    start = drawn([point.width] * point.depth, scheme="he", rng=rng)
    descent = Descent(point.learning_rate, loss="mean", optimiser="adam")
    (end,) = trained(start, x, y, descent, record=[point.epochs])
    if end is None:
        raise ValueError(f"learning_rate: the network diverged at {point.learning_rate:g}; take a smaller one")
    looks = [[look_at(matrix, point.orders, rng) for matrix in network.weights[1:-1]] for network in (start, end)]
    return {name: np.array([[look[name] for look in layers] for layers in looks]) for name in looks[0][0]}


def look_at(matrix: "np.ndarray", orders: int, rng: "np.random.Generator") -> dict[str, float]:
    """What tells the entries of a matrix from independent ones of one symmetric distribution.

    Parameters
    ----------
    matrix
        Shape (units, inputs).
    orders
        Random orders of its entries.

    Returns
    -------
    dict
        ``outlier``, the largest singular value over its mean in random orders. ``mean`` and ``skewness``, in units of their
        standard deviation for independent normal entries.
    """
    import numpy as np

    entries = matrix.ravel()
    centred = entries - entries.mean()
    skewness = (centred**3).mean() / (centred**2).mean() ** 1.5
    shuffled = np.stack([rng.permutation(entries).reshape(matrix.shape) for _ in range(orders)])
    return {
        "outlier": float(_largest_singular(matrix) / _largest_singular(shuffled).mean()),
        "mean": float(entries.mean() / entries.std() * np.sqrt(entries.size)),
        "skewness": float(skewness * np.sqrt(entries.size / 6.0)),
    }


def _largest_singular(matrices: "np.ndarray") -> "np.ndarray":
    """Largest singular values, by the eigenvalues of the squares, which are twice as fast and as good for the largest one."""
    import numpy as np

    return np.sqrt(np.linalg.eigvalsh(matrices @ matrices.swapaxes(-1, -2))[..., -1])


def _seconds(parameters: TrainedWeightsParameters) -> float:
    """Some pieces per unit, through all layers, there and back."""
    pieces = 2.0 * parameters.width * parameters.depth
    return 0.04 + 7e-11 * parameters.epochs * pieces * parameters.width**2 * parameters.depth


_PLANE = ("trained", "layer")

EXPERIMENT = Experiment(
    summary="What the weights between hidden layers are like before and after a network has learnt a function of one variable.",
    parameters=TrainedWeightsParameters,
    outputs=(
        Output(
            "outlier", "largest singular value of a matrix over its mean in random orders of the entries", dims=_PLANE
        ),
        Output(
            "mean",
            "mean of the entries in units of its standard deviation for independent ones of mean zero",
            dims=_PLANE,
        ),
        Output("skewness", "skewness of the entries in units of its standard deviation for normal ones", dims=_PLANE),
    ),
    run=_run,
    static=("depth", "epochs"),
    coordinates=_coordinates,
    seconds=_seconds,
)
