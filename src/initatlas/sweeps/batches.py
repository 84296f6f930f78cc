"""Group points into batches that are worth a task."""

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from initatlas.sweeps.experiment import Experiment, Parameters

SECONDS_PER_BATCH = 4.0
"""A batch of this length hides the overhead of a task (some ms) and still spreads over workers."""

LEAST_SECONDS_PER_BATCH, BATCHES_OF_A_SMALL_SWEEP = 0.2, 16
"""A sweep that is short as a whole has shorter batches, so that it spreads too; below 0.2 s the overhead shows."""

MEGABYTES_PER_BATCH = 1500.0
"""Points of a batch are held together in memory."""


@dataclass(frozen=True)
class Task:
    """A point that is to be computed.

    Attributes
    ----------
    key
        Its key in the store.
    parameters
        Its parameters.
    suspect
        Whether it may have taken a process with it, so that it is not to run in the driver's.
    """

    key: str
    parameters: Parameters
    suspect: bool = False


@dataclass(frozen=True)
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
    """

    tasks: tuple[Task, ...]
    dataset: str | None
    seconds: float
    megabytes: float

    @property
    def suspect(self) -> bool:
        """Whether its points may have taken a process with them."""
        return self.tasks[0].suspect


def make_batches(tasks: Sequence[Task], experiment: Experiment) -> list[Batch]:
    """Batches of at most `seconds_per_batch` and `MEGABYTES_PER_BATCH` each: the suspect ones, then the longest first.

    The composition depends on the points alone, never on the workers. Results do not depend on it at all.
    """
    groups: dict[Hashable, list[Task]] = defaultdict(list)
    names = [name for name in experiment.parameters.model_fields if name in (*experiment.static, "dataset")]
    for task in tasks:
        groups[task.suspect, _static_values(task.parameters, names)].append(task)
    costs = {task.key: experiment.seconds(task.parameters) for task in tasks}
    longest = seconds_per_batch(sum(costs.values()))
    batches = [batch for group in groups.values() for batch in _cut(group, experiment, costs, longest)]
    return sorted(batches, key=lambda batch: (not batch.suspect, -batch.seconds))


def seconds_per_batch(total: float) -> float:
    """How long a batch may take in a sweep of `total` seconds."""
    return min(SECONDS_PER_BATCH, max(LEAST_SECONDS_PER_BATCH, total / BATCHES_OF_A_SMALL_SWEEP))


def halves(batch: Batch) -> list[Batch]:
    """The two halves of a batch of several points."""
    middle = len(batch.tasks) // 2
    share = middle / len(batch.tasks)
    first = _batch(batch.tasks[:middle], batch.seconds * share, batch.megabytes * share)
    second = _batch(batch.tasks[middle:], batch.seconds * (1 - share), batch.megabytes * (1 - share))
    return [first, second]


def _static_values(parameters: Parameters, names: Sequence[str]) -> Hashable:
    """What must agree within a batch; True is not 1 there."""
    return tuple((type(value), value) for value in (getattr(parameters, name) for name in names))


def _cut(group: Sequence[Task], experiment: Experiment, costs: Mapping[str, float], longest: float) -> list[Batch]:
    """Cut points of one shape into batches within the limits; a point beyond them stands alone."""
    batches: list[Batch] = []
    chosen: list[Task] = []
    seconds = megabytes = 0.0
    for task in group:
        cost, memory = costs[task.key], experiment.megabytes(task.parameters)
        if chosen and (seconds + cost > longest or megabytes + memory > MEGABYTES_PER_BATCH):
            batches.append(_batch(chosen, seconds, megabytes))
            chosen, seconds, megabytes = [], 0.0, 0.0
        chosen.append(task)
        seconds, megabytes = seconds + cost, megabytes + memory
    return [*batches, _batch(chosen, seconds, megabytes)]


def _batch(tasks: Sequence[Task], seconds: float, megabytes: float) -> Batch:
    """A batch of points that share a data set."""
    dataset = getattr(tasks[0].parameters, "dataset", None)
    return Batch(tasks=tuple(tasks), dataset=dataset, seconds=seconds, megabytes=megabytes)
