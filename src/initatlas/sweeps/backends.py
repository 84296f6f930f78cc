"""Where batches run: in this process, or on Ray. Both give the same bits."""

import logging
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, Protocol, cast

from initatlas.errors import UserError
from initatlas.sweeps.batches import Batch, halves
from initatlas.sweeps.execute import BatchOutcome, Execution, execute_batch, failure
from initatlas.sweeps.limits import Limits
from initatlas.sweeps.registry import load_experiment

log = logging.getLogger(__name__)

BackendName = Literal["serial", "ray", "auto"]

SECONDS_WORTH_RAY = 30.0
"""Starting Ray costs 6 to 10 s: a sweep shorter than this runs in the driver's own process."""

MAX_ATTEMPTS = 3
"""How often a single point is started when its worker dies (a node that leaves, the kernel's memory killer)."""

SECONDS_BETWEEN_LOOKS = 0.5
"""How often at least the driver looks up: for a signal, and for nodes that joined or left."""


class Backend(Protocol):
    """Runs batches and yields their outcomes in the order in which they finish."""

    name: str
    workers: int

    def run(
        self, experiment: str, batches: Sequence[Batch], data: Mapping[str, Any], *, root_seed: int, limits: Limits
    ) -> Generator[BatchOutcome]:
        """Run all batches; `data` maps the names of data sets to their content, `limits` bound each point."""
        ...


class SerialBackend:
    """Batches one after the other, in this process."""

    name = "serial"
    workers = 1

    def run(
        self, experiment: str, batches: Sequence[Batch], data: Mapping[str, Any], *, root_seed: int, limits: Limits
    ) -> Generator[BatchOutcome]:
        """Run the batches in order."""
        for batch in batches:
            content = data.get(batch.dataset or "")
            yield execute_batch(experiment, batch, root_seed=root_seed, limits=limits, data=content)


class RayBackend:
    """Batches as Ray tasks, with a window of open tasks and each data set sent once.

    Parameters
    ----------
    connect
        Joins or starts Ray and returns the number of CPUs there; called when the first batch is due.
    """

    name = "ray"

    def __init__(self, connect: Callable[[], int]) -> None:
        self._connect = connect
        self.workers = 0

    def run(
        self, experiment: str, batches: Sequence[Batch], data: Mapping[str, Any], *, root_seed: int, limits: Limits
    ) -> Generator[BatchOutcome]:
        """Run the batches on the cluster, longest first, in the order given."""
        self.workers = self._connect()
        # Only now: Ray reads its environment, which `connect` sets, when it is imported.
        import ray

        declared = load_experiment(experiment)
        task: Any = ray.remote(cast(Any, execute_batch))
        shared = {name: ray.put(content) for name, content in data.items()}

        def submit(batch: Batch) -> Any:
            content = shared.get(batch.dataset or "")
            needs = task.options(
                num_cpus=declared.cpus,
                num_gpus=declared.gpus(batch.tasks[0].parameters),
                memory=min(int(batch.megabytes * 1e6), largest_memory()),
                max_retries=0,
                name=experiment,
            )
            return needs.remote(experiment, batch, root_seed=root_seed, limits=limits, data=content)

        waiting = deque((batch, 1) for batch in batches)
        running: dict[Any, tuple[Batch, int]] = {}
        try:
            while waiting or running:
                while waiting and len(running) < 2 * max(self.workers, 1):
                    batch, attempt = waiting.popleft()
                    running[submit(batch)] = (batch, attempt)
                ready, _ = ray.wait(list(running), num_returns=1, timeout=SECONDS_BETWEEN_LOOKS)
                self.workers = cluster_cpus(default=self.workers)
                for reference in ready:
                    batch, attempt = running.pop(reference)
                    outcome = _fetch(reference, batch, attempt)
                    if isinstance(outcome, BatchOutcome):
                        yield outcome
                    else:
                        waiting.extendleft((part, attempt + 1) for part in outcome)
        finally:
            for reference in running:
                ray.cancel(reference, force=True)


def cluster_cpus(*, default: int) -> int:
    """CPUs of the joined Ray now: nodes join and leave."""
    import ray

    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    return int(resources.get("CPU", default))


def largest_memory() -> int:
    """Bytes of memory that the largest node of the joined Ray gives to tasks: nobody could run a task that asks for more."""
    return int(max((node["Resources"].get("memory", 0.0) for node in _nodes()), default=0.0))


def _nodes() -> list[dict[str, Any]]:
    """The living nodes of the joined Ray."""
    import ray

    nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return [node for node in nodes if node["Alive"]]


def _fetch(reference: Any, batch: Batch, attempt: int) -> BatchOutcome | list[Batch]:
    """The outcome of a task; or what to start again, if its worker died on the way."""
    import ray

    try:
        outcome: BatchOutcome = ray.get(reference)
    except (
        ray.exceptions.WorkerCrashedError,
        ray.exceptions.NodeDiedError,
        ray.exceptions.OutOfMemoryError,
        ray.exceptions.ObjectLostError,
    ) as error:
        return _after_death(type(error).__name__, batch, attempt)
    except ray.exceptions.LocalRayletDiedError:
        if len(_nodes()) > 1:
            return _after_death("LocalRayletDiedError", batch, attempt)
        raise UserError(
            "Ray has ended under this sweep; what is finished is kept: run the same command again"
        ) from None
    return replace(outcome, execution=replace(outcome.execution, attempt=attempt))


def _after_death(kind: str, batch: Batch, attempt: int) -> BatchOutcome | list[Batch]:
    """A batch whose worker died starts again; if that recurs it is halved, until the culprit stands alone and is given up.

    The first death may be the node's, not the batch's; memory that did not suffice may suffice for half.
    """
    size = len(batch.tasks)
    if attempt == 1:
        log.warning("a worker died (%s); its batch of %d points starts again", kind, size)
        return [batch]
    if size > 1:
        log.warning("a worker died again (%s); its batch of %d points is halved", kind, size)
        return halves(batch)
    if attempt < MAX_ATTEMPTS:
        return [batch]
    reason = f"{kind}: the worker died in {attempt} attempts"
    failures = tuple(failure(task, reason) for task in batch.tasks)
    return BatchOutcome(execution=Execution(0.0, 0.0, "", attempt), failures=failures)


def choose_backend(
    name: BackendName, *, seconds: float, workers: int, connect: Callable[[], int], joined: bool
) -> Backend:
    """The backend for a sweep of an estimated cost.

    Parameters
    ----------
    name
        What the config asks for; ``auto`` takes Ray where it pays.
    seconds
        Estimated cost of what is to run, on one core.
    workers
        CPUs at hand.
    connect
        As in `RayBackend`.
    joined
        Whether a running cluster is joined (``RAY_ADDRESS``): then there are more CPUs than `workers`.
    """
    worth_it = seconds > SECONDS_WORTH_RAY and (workers > 1 or joined)
    return RayBackend(connect) if name == "ray" or (name == "auto" and worth_it) else SerialBackend()
