"""Batches one after the other, in this process."""

from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from typing import Any

from initatlas.sweeps.apart import ApartProcess, ProcessDiedError
from initatlas.sweeps.backends.base import after_death, first_start, of_attempt
from initatlas.sweeps.batches import Batch
from initatlas.sweeps.execute import BatchOutcome, execute_batch
from initatlas.sweeps.limits import Limits


class SerialBackend:
    """Batches one after the other, in this process."""

    name = "serial"

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
        """Run the batches in order, the suspect ones last and in a process of their own."""
        for batch in batches:
            if not batch.suspect:
                made, content = batch.made(), data.get(batch.dataset or "")
                begin(made)
                yield execute_batch(experiment, made, root_seed=root_seed, limits=limits, data=content)
        waiting = deque(first_start(batch) for batch in batches if batch.suspect)
        with closing(ApartProcess()) as process:
            while waiting:
                start = waiting.popleft()
                content = data.get(start.batch.dataset or "")
                try:
                    outcome = process.compute(experiment, start.batch, root_seed=root_seed, limits=limits, data=content)
                except ProcessDiedError as error:
                    given_up = after_death(str(error), start)
                    if isinstance(given_up, BatchOutcome):
                        yield given_up
                    else:
                        waiting.extendleft(given_up)
                else:
                    yield of_attempt(outcome, start)
