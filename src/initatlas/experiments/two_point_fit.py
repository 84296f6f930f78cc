"""How near the functions of a kernel's space can come to a function on two points: a lower bound for any domain that has them.

The values that the space takes on the points are the range of the Gram matrix. Where that is singular, a direction n that it
maps to 0 gives the smallest largest error |<n, g>| / |n|_1, by duality; where it is not, every function is met: the error is 0.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from initatlas.experiments.activation_labels import ActivationLabel
from initatlas.kernels.arguments import MOST_LAYERS
from initatlas.sweeps.experiment import Experiment, Output, Parameters

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SINGULAR = (
    1e-10  # ratio of eigenvalues; far above rounding, and far below that of two points which a kernel tells apart
)

_POINTS = {"sphere": ([[1.0, 0.0], [-1.0, 0.0]], [1.0, 1.0]), "ray": ([[1.0, 0.0], [2.0, 0.0]], [1.0, 0.0])}
"""The points x and -x with a constant, and x and 2 x with a function that is 1 and 0."""


class TwoPointFitParameters(Parameters):
    """One kernel and two points."""

    activation: ActivationLabel = Field(default="relu", description="activation of every layer")
    depth: int = Field(default=2, ge=1, le=MOST_LAYERS, description="number of hidden layers")
    bias_variance: float = Field(default=0.0, ge=0, description="bias variance of the hidden layers")
    domain: Literal["sphere", "ray"] = Field(default="sphere", description="x and -x, or x and 2 x")


def _run(
    points: Sequence[TwoPointFitParameters], rngs: Sequence["np.random.Generator"], data: Any
) -> list[dict[str, float]]:
    """Each point has a kernel of its own."""
    return [{"distance": _distance(point)} for point in points]


def _distance(point: TwoPointFitParameters) -> float:
    """Smallest largest error on the two points."""
    import numpy as np

    from initatlas.kernels.api import nngp

    inputs, target = (np.array(values) for values in _POINTS[point.domain])
    gram = nngp(inputs, depth=point.depth, activation=point.activation, bias_variance=point.bias_variance)
    return largest_error(gram, target)


def largest_error(gram: "NDArray[np.float64]", target: "NDArray[np.float64]") -> float:
    """Smallest largest distance between a function on two points and the range of their Gram matrix.

    Parameters
    ----------
    gram
        Shape (2, 2), positive semidefinite and not zero.
    target
        The function, shape (2,).
    """
    import numpy as np

    eigenvalues, vectors = np.linalg.eigh(gram)
    if eigenvalues[0] > _SINGULAR * eigenvalues[1]:
        return 0.0
    return float(np.abs(vectors[:, 0] @ target) / np.abs(vectors[:, 0]).sum())


def _seconds(parameters: TwoPointFitParameters) -> float:
    """The recursion for three pairs."""
    return 2e-3 + 1e-4 * parameters.depth


def _megabytes(parameters: TwoPointFitParameters) -> float:
    """Next to nothing."""
    return 5.0


EXPERIMENT = Experiment(
    summary="Smallest largest error of the functions of a kernel's space on two points, for a function hard to follow.",
    parameters=TwoPointFitParameters,
    outputs=(Output("distance", "smallest largest error on the two points"),),
    run=_run,
    seconds=_seconds,
    megabytes=_megabytes,
)
