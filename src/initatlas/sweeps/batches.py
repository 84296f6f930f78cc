"""Group points into batches that are worth a task."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from initatlas.sweeps.experiment import Experiment, Parameters

SECONDS_PER_BATCH = 4.0
"""A batch of this length hides the overhead of a task (some ms) and still spreads over workers."""

LEAST_SECONDS_PER_BATCH, BATCHES_OF_A_SMALL_SWEEP = 0.2, 16
"""A sweep that is short as a whole has shorter batches, so that it spreads too; below 0.2 s the overhead shows."""

MEGABYTES_PER_BATCH = 1500.0
"""Points of a batch are held together in memory."""


class Task(NamedTuple):
    """A point that is to be computed.

    Attributes
    ----------
    key
        Its key in the store.
    parameters
        Its parameters.
    place
        Where it stands in the grid of the sweep.
    """

    key: str
    parameters: Parameters
    place: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """Points that one worker computes together.

    Attributes
    ----------
    tasks
        The points; they agree in the static parameters of their experiment, in their data set, and in being suspect.
    dataset
        Name of their data set, or None.
    seconds, megabytes
        Estimated cost on one core, and memory.
    suspect
        Whether its points may have taken a process with them, so that they are not to run in the driver's.
    """

    tasks: Sequence[Task]
    dataset: str | None
    seconds: float
    megabytes: float
    suspect: bool = False

    def made(self) -> "Batch":
        """The same batch, its tasks as objects, where they were only described."""
        return replace(self, tasks=tuple(self.tasks))


def seconds_per_batch(total: float) -> float:
    """How long a batch may take in a sweep of `total` seconds."""
    return min(SECONDS_PER_BATCH, max(LEAST_SECONDS_PER_BATCH, total / BATCHES_OF_A_SMALL_SWEEP))


def halves(batch: Batch) -> list[Batch]:
    """The two halves of a batch of several points."""
    middle = len(batch.tasks) // 2
    share = middle / len(batch.tasks)
    parts = ((batch.tasks[:middle], share), (batch.tasks[middle:], 1 - share))
    return [
        replace(batch, tasks=tasks, seconds=batch.seconds * part, megabytes=batch.megabytes * part)
        for tasks, part in parts
    ]


def shape_of(experiment: Experiment) -> Callable[[Parameters], Hashable]:
    """What gives the values of a point that must agree within a batch; True is not 1 there."""
    names = [name for name in experiment.parameters.model_fields if name in (*experiment.static, "dataset")]
    return lambda point: tuple((type(value), value) for value in (getattr(point, name) for name in names))
