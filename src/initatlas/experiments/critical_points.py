"""Critical points and global minima of a shallow univariate network, from the partition of the data.

Sahs et al. 2020, theorems 3 and 4.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from initatlas.sweeps.experiment import Experiment, Output, Parameters

if TYPE_CHECKING:
    import numpy as np

    from initatlas.piecewise.shallow import ShallowNetwork

_IN_A_PIECE = 5
"""Data points in each piece of theorem 3: more than a line goes through."""


class CriticalPointsParameters(Parameters):
    """One function with its data, and one lonely partition."""

    width: int = Field(default=20, ge=3, description="breakpoints of theorem 3, and data points of theorem 4")
    residuals: Literal["orthogonal", "free"] = Field(
        default="orthogonal",
        description="targets less the network: on each piece orthogonal to 1 and x, so that its line is their fit; or any",
    )


def _run(
    points: Sequence[CriticalPointsParameters], rngs: Sequence["np.random.Generator"], data: Any
) -> list[dict[str, Any]]:
    """Each point is one draw of both theorems."""
    return [
        {"gradient": _gradient(point, rng), **_losses(point.width, rng)}
        for point, rng in zip(points, rngs, strict=True)
    ]


def _gradient(point: CriticalPointsParameters, rng: "np.random.Generator") -> float:
    """Relative size of the gradient at a random continuous function, on data around it."""
    import numpy as np

    from initatlas.piecewise.linear import interpolation
    from initatlas.piecewise.starts import realised

    places = np.cumsum(rng.uniform(0.5, 1.5, point.width + 2))
    function = interpolation(places, rng.standard_normal(places.size))
    network = realised(function, low=places[0], norms="balanced")
    x = rng.uniform(places[:-1, None], places[1:, None], (places.size - 1, _IN_A_PIECE))
    errors = rng.standard_normal(x.shape)
    if point.residuals == "orthogonal":
        errors = np.stack([_orthogonal(one, at) for one, at in zip(errors, x, strict=True)])
    return relative_gradient(network, x.ravel(), errors.ravel())


def _orthogonal(errors: "np.ndarray", x: "np.ndarray") -> "np.ndarray":
    """What is left of some numbers after their least-squares line."""
    import numpy as np

    basis, _ = np.linalg.qr(np.stack([np.ones_like(x), x], axis=1))
    left: np.ndarray = errors - basis @ (basis.T @ errors)
    return left


def relative_gradient(network: "ShallowNetwork", x: "np.ndarray", errors: "np.ndarray") -> float:
    """Size of the gradient of half the sum of squares by all parameters, over the sum of the sizes of what each point adds to it.

    Parameters
    ----------
    errors
        Outputs less targets, shape (points,).
    """
    import numpy as np

    w, b, v = network.input_weights[:, None], network.biases[:, None], network.output_weights[:, None]
    active = w * x + b > 0.0
    parts = np.concatenate([v * active * x, v * active, np.maximum(w * x + b, 0.0), np.ones((1, x.size))]) * errors
    return float(np.linalg.norm(parts.sum(axis=1)) / np.linalg.norm(parts, axis=0).sum())


def _losses(width: int, rng: "np.random.Generator") -> dict[str, float]:
    """Smallest losses at given breakpoints: of a lonely partition, and of one with three points in a piece."""
    import numpy as np

    x = np.cumsum(rng.uniform(0.5, 1.5, width))
    # two breakpoints between neighbours: with a single one the equations are nearly singular where there are many points
    along = rng.uniform([[0.1], [0.6]], [[0.4], [0.9]], (2, width - 1))
    knots = (x[:-1] + along * np.diff(x)).T.ravel()
    y, sides = rng.standard_normal(width), rng.choice([-1.0, 1.0], knots.size)
    first = 2 * int(rng.integers(width - 2))
    left_out = range(first, first + 4)
    return {
        "lonely_loss": least_loss(knots, sides, x, y),
        "crowded_loss": least_loss(np.delete(knots, left_out), np.delete(sides, left_out), x, y),
    }


def least_loss(knots: "np.ndarray", sides: "np.ndarray", x: "np.ndarray", y: "np.ndarray") -> float:
    """Smallest sum of squares of a network with given breakpoints and orientations, over that of the targets."""
    import numpy as np

    units = np.maximum(sides * (x[:, None] - knots), 0.0)
    design = np.concatenate([units, np.ones((x.size, 1))], axis=1)
    coefficients, *_ = np.linalg.lstsq(design, y)
    return float(((design @ coefficients - y) ** 2).sum() / (y**2).sum())


EXPERIMENT = Experiment(
    summary="Gradient where each piece is a least-squares fit, and smallest loss where each piece has at most one data point.",
    parameters=CriticalPointsParameters,
    outputs=(
        Output("gradient", "size of the gradient over the sum of the sizes of its parts by data point"),
        Output("lonely_loss", "smallest loss with breakpoints between neighbouring points, over that of 0"),
        Output("crowded_loss", "the same without those on both sides of one point"),
    ),
    run=_run,
    seconds=lambda point: 1e-3 + 6e-7 * point.width**2,
)
