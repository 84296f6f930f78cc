"""What a sweep costs as a whole, by the estimates of its experiment, before anything of it is stored or planned."""

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from initatlas.sweeps.experiment import Experiment, Parameters
from initatlas.sweeps.grid import grid
from initatlas.sweeps.spec import Sweep

POINTS_OF_A_SAMPLE = 512
"""In so many points each value of an axis is seen, but for long axes, and their mean cost is known to a tenth or so."""

SECONDS_TO_SPREAD = 10.0
"""What it costs to start Ray and its workers, which import all that a sweep needs."""


class Cost(NamedTuple):
    """Seconds that a sweep takes on one core, and the most memory, in MB, that one of its points declares."""

    seconds: float
    megabytes: float


def expected_cost(sweep: Sweep, experiment: Experiment) -> Cost:
    """Estimated cost of a sweep, from a sample where its points are many; its data sets may be absent."""
    drawn = sample(sweep, experiment)
    points = [point for point in drawn if point is not None]
    seconds = math.fsum(map(experiment.seconds, points)) * math.prod(sweep.shape) / max(len(drawn), 1)
    return Cost(seconds, max(map(experiment.megabytes, points), default=0.0))


def beyond_a_share(seconds: Mapping[str, float], workers: int) -> set[str]:
    """The sweeps that would still run on one core long after all others are done, side by side.

    Only these gain by running on all cores: of the others each core has enough to do.

    Parameters
    ----------
    seconds
        Name of each sweep to its cost on one core.
    workers
        Number of cores.
    """
    beyond = set()
    rest = math.fsum(seconds.values())
    for name, cost in sorted(seconds.items(), key=lambda pair: -pair[1]):
        if cost - rest / workers <= SECONDS_TO_SPREAD:
            break
        beyond.add(name)
        rest -= cost
    return beyond


def sample(sweep: Sweep, experiment: Experiment) -> list[Parameters | None]:
    """The points of a sweep, or where they are many some of them, drawn evenly and always the same; None for excluded ones."""
    count = math.prod(sweep.shape)
    numbers: Iterable[int] = range(count)
    if count > POINTS_OF_A_SAMPLE:
        numbers = sorted(random.Random(0).sample(range(count), POINTS_OF_A_SAMPLE))
    positions = (_position(number, sweep.shape) for number in numbers)
    return [point for _, point in grid(sweep, experiment, positions)]


def _position(number: int, shape: Sequence[int]) -> tuple[int, ...]:
    """Where in a grid a point stands, by its number; the last axis runs fastest."""
    position = []
    for size in reversed(shape):
        number, along = divmod(number, size)
        position.append(along)
    return tuple(reversed(position))
