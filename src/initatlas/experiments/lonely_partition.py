"""How often the breakpoints of a network separate all data points: a lonely partition. Sahs et al. 2020, remark 1."""

from collections.abc import Sequence
from math import ceil, exp, lgamma, log
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from initatlas.sweeps.experiment import Experiment, Output, Parameters

if TYPE_CHECKING:
    import numpy as np


class LonelyPartitionParameters(Parameters):
    """Data points, breakpoints, and how often both are drawn."""

    points: int = Field(default=10, ge=2, description="data points N, uniform on the interval")
    alpha: float = Field(
        default=1.0, gt=0, description="breakpoints over the square of the data points, H / N^2, rounded up"
    )
    placing: Literal["even", "random"] = Field(
        default="even", description="breakpoints evenly spaced, or drawn uniformly"
    )
    draws: int = Field(default=10_000, ge=1, description="independent draws")


def _run(
    points: Sequence[LonelyPartitionParameters], rngs: Sequence["np.random.Generator"], data: Any
) -> list[dict[str, Any]]:
    """Each point is one number of data points and of breakpoints."""
    return [_lonely(point, rng) for point, rng in zip(points, rngs, strict=True)]


def _lonely(point: LonelyPartitionParameters, rng: "np.random.Generator") -> dict[str, Any]:
    """Counts and formulas."""
    n, pieces = point.points, ceil(point.alpha * point.points**2) + 1
    return {
        "units": pieces - 1,
        "lonely": _lonely_draws(point, pieces, rng),
        "exact": _exact(n, pieces) if point.placing == "even" else _exact_random(n, pieces),
        "birthday": exp(-n * (n - 1) / (2.0 * pieces)),
        "printed": 1.0 - exp(-(n**2) / pieces),
    }


def _lonely_draws(point: LonelyPartitionParameters, pieces: int, rng: "np.random.Generator") -> int:
    """Draws in which there is a breakpoint between any two neighbouring data points.

    Of random breakpoints so many fall between two points as a multinomial law with the distances of the points says.
    """
    import numpy as np

    places = np.sort(rng.random((point.draws, point.points)), axis=1)
    between: np.ndarray
    if point.placing == "even":
        between = np.diff((places * pieces).astype(np.int64), axis=1)
    else:
        distances = np.diff(places, prepend=0.0, append=1.0, axis=1)
        between = rng.multinomial(pieces - 1, distances)[:, 1:-1]
    return int((between > 0).all(axis=1).sum())


def _exact(n: int, pieces: int) -> float:
    """Probability that n points of a uniform law lie in different pieces of one length."""
    if n > pieces:
        return 0.0
    return exp(lgamma(pieces + 1) - lgamma(pieces - n + 1) - n * log(pieces))


def _exact_random(n: int, pieces: int) -> float:
    """The same for random breakpoints: no two points are neighbours in the order of points and breakpoints together."""
    if n > pieces:
        return 0.0
    total = pieces - 1 + n
    choose = lgamma(pieces + 1) - lgamma(n + 1) - lgamma(pieces - n + 1)
    return exp(choose - (lgamma(total + 1) - lgamma(n + 1) - lgamma(total - n + 1)))


EXPERIMENT = Experiment(
    summary="How often the breakpoints of a network separate all data points, with formulas.",
    parameters=LonelyPartitionParameters,
    outputs=(
        Output("units", "breakpoints H", dtype="int64"),
        Output("lonely", "draws in which no piece holds two data points", dtype="int64"),
        Output("exact", "probability of that"),
        Output("birthday", "exp(-N (N - 1) / (2 (H + 1)))"),
        Output("printed", "1 - exp(-N^2 / (H + 1)), as printed"),
    ),
    run=_run,
    seconds=lambda point: 1e-3 + (1.2e-7 if point.placing == "random" else 1.3e-8) * point.draws * point.points,
)
