"""What a backend is, and the rules for batches whose process, worker or node dies: the same for all."""

import logging
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from initatlas.sweeps.batches import Batch, halves
from initatlas.sweeps.execute import BatchOutcome, Execution, failure
from initatlas.sweeps.limits import Limits

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 3
"""How often a point that stands alone is started when its worker dies (the kernel's memory killer, a fault in a library)."""

MAX_STARTS = 20
"""How often a batch is started when its nodes leave: that is not its fault, but it shall not go on for ever."""


class Backend(Protocol):
    """Runs batches and yields their outcomes in the order in which they finish."""

    name: str

    def run(
        self,
        experiment: str,
        batches: Sequence[Batch],
        data: Mapping[str, Any],
        *,
        root_seed: int,
        limits: Limits,
        begin: Callable[[Batch], None],
    ) -> Generator[BatchOutcome]:
        """Run all batches.

        Parameters
        ----------
        experiment, batches, root_seed, limits
            What to compute, and the bounds on each point.
        data
            Name of a data set to its content.
        begin
            Called before a batch runs in this very process, which its points might take with them. No suspect batch does.
        """
        ...


@dataclass(frozen=True, slots=True)
class Start:
    """A batch on its way to a worker.

    Attributes
    ----------
    batch
        The points.
    attempt
        How often they were started, this time included.
    deaths
        How often their worker died while they were the batch that they are now.
    """

    batch: Batch
    attempt: int = 1
    deaths: int = 0


def first_start(batch: Batch) -> Start:
    """A batch before its first start in this run. A suspect one has seen the end of a process already."""
    return Start(batch, attempt=2, deaths=1) if batch.suspect else Start(batch)


def of_attempt(outcome: BatchOutcome, start: Start) -> BatchOutcome:
    """An outcome with the number of the attempt that it came from."""
    return replace(outcome, execution=replace(outcome.execution, attempt=start.attempt))


def after_death(kind: str, start: Start) -> BatchOutcome | list[Start]:
    """A batch whose worker died starts again; if that recurs it is halved, until the culprit stands alone and is given up.

    The first death may be bad luck; memory that did not suffice may suffice for half.
    """
    size = len(start.batch.tasks)
    again = replace(start, attempt=start.attempt + 1, deaths=start.deaths + 1)
    if again.deaths < (2 if size > 1 else MAX_ATTEMPTS):
        log.warning("a worker died (%s); its batch of %d points starts again", kind, size)
        return [again]
    if size == 1:
        return _given_up(start, f"{kind}: the worker died in {start.attempt} attempts")
    log.warning("a worker died again (%s); its batch of %d points is halved", kind, size)
    return [replace(again, batch=part, deaths=int(len(part.tasks) > 1)) for part in halves(start.batch)]


def after_node_death(kind: str, start: Start) -> BatchOutcome | list[Start]:
    """A batch whose node left starts again."""
    log.warning("a node left (%s); its batch of %d points starts again", kind, len(start.batch.tasks))
    if start.attempt < MAX_STARTS:
        return [replace(start, attempt=start.attempt + 1)]
    return _given_up(start, f"{kind}: its node left in {start.attempt} attempts")


def _given_up(start: Start, reason: str) -> BatchOutcome:
    """The points of a batch as failures."""
    failures = tuple(failure(task, reason) for task in start.batch.tasks)
    return BatchOutcome(execution=Execution(0.0, 0.0, "", start.attempt), failures=failures)
