"""What a sweep costs as a whole, by the estimates of its experiment, before anything of it is stored or planned."""

import math
import random
from collections.abc import Iterable, Sequence

from initatlas.sweeps.experiment import Experiment, Parameters
from initatlas.sweeps.grid import grid
from initatlas.sweeps.spec import Sweep

POINTS_OF_A_SAMPLE = 512
"""In so many points each value of an axis is seen, but for long axes, and their mean cost is known to a tenth or so."""


def expected_seconds(sweep: Sweep, experiment: Experiment) -> float:
    """Estimated cost of a sweep on one core, in seconds, from a sample where its points are many; its data sets may be absent."""
    points = sample(sweep, experiment)
    seconds = math.fsum(experiment.seconds(point) for point in points if point is not None)
    return seconds * math.prod(sweep.shape) / max(len(points), 1)


def largest_megabytes(sweep: Sweep, experiment: Experiment) -> float:
    """Most memory that a point of a sweep declares, in MB, or one of a sample where they are many."""
    return max((experiment.megabytes(point) for point in sample(sweep, experiment) if point is not None), default=0.0)


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
