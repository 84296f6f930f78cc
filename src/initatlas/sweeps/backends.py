"""Where batches run: in this process, or on Ray. Both give the same bits."""

import logging
import time
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast

from initatlas.errors import UserError
from initatlas.sweeps.apart import ApartProcess, ProcessDiedError
from initatlas.sweeps.batches import Batch, halves
from initatlas.sweeps.code import batch_code
from initatlas.sweeps.execute import BatchOutcome, Execution, execute_batch, failure
from initatlas.sweeps.foreign import OtherLibraries, cannot_compute, check_code
from initatlas.sweeps.limits import Limits
from initatlas.sweeps.ray_address import cluster_is_given
from initatlas.sweeps.ray_session import RAY_IS_GONE, BackendName, RayOfTheSweep, ray_ends, takes_ray
from initatlas.sweeps.registry import load_experiment

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 3
"""How often a point that stands alone is started when its worker dies (the kernel's memory killer, a fault in a library)."""

MAX_STARTS = 20
"""How often a batch is started when its nodes leave: that is not its fault, but it shall not go on for ever."""

SECONDS_BETWEEN_LOOKS = 0.5
"""How often at least the driver looks up: for a signal, and for nodes that joined or left."""


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
                begin(batch)
                content = data.get(batch.dataset or "")
                yield execute_batch(experiment, batch, root_seed=root_seed, limits=limits, data=content)
        waiting = deque(_first_start(batch) for batch in batches if batch.suspect)
        with closing(ApartProcess()) as process:
            while waiting:
                start = waiting.popleft()
                content = data.get(start.batch.dataset or "")
                try:
                    outcome = process.compute(experiment, start.batch, root_seed=root_seed, limits=limits, data=content)
                except ProcessDiedError as error:
                    given_up = _after_death(str(error), start)
                    if isinstance(given_up, BatchOutcome):
                        yield given_up
                    else:
                        waiting.extendleft(given_up)
                else:
                    yield _of_attempt(outcome, start)


class RayBackend:
    """Batches as Ray tasks, with a window of open tasks and each data set sent once.

    Parameters
    ----------
    connect
        Joins Ray, waits for it if it is still starting, and returns the number of CPUs there.
    ready
        Whether `connect` would return at once; the first call may start and join Ray in the background. Given this, short
        batches run in this process until Ray is ready, so that its start costs little. Without it every point runs on Ray.
    """

    name = "ray"

    def __init__(self, connect: Callable[[], int], ready: Callable[[], bool] | None = None) -> None:
        self._connect = connect
        self._ready = ready or (lambda: True)

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
        """Run the batches on the cluster, longest first, in the order given."""
        waiting = deque(map(_first_start, batches))
        here = SerialBackend().run
        while waiting and not self._ready() and _may_run_here(experiment, waiting[-1].batch):
            yield from here(experiment, [waiting.pop().batch], data, root_seed=root_seed, limits=limits, begin=begin)
        if not waiting:
            return
        workers = self._connect()
        with ray_ends():
            yield from self._on_ray(experiment, waiting, data, workers, root_seed=root_seed, limits=limits)

    def _on_ray(
        self,
        experiment: str,
        waiting: "deque[_Start]",
        data: Mapping[str, Any],
        workers: int,
        *,
        root_seed: int,
        limits: Limits,
    ) -> Generator[BatchOutcome]:
        """Run what waits on the Ray that was joined."""
        # Only now: Ray reads its environment, which connecting sets, when it is imported.
        import ray

        task: Any = ray.remote(cast(Any, execute_batch))
        shared = {name: ray.put(content) for name, content in data.items()}
        cluster, libraries = _Cluster(workers), OtherLibraries()

        def submit(batch: Batch) -> Any:
            needs = task.options(
                num_cpus=load_experiment(experiment).cpus,
                num_gpus=_gpus(experiment, batch),
                memory=_memory(batch.megabytes, cluster.largest_memory),
                max_retries=0,
                name=experiment,
            )
            content = shared.get(batch.dataset or "")
            return needs.remote(experiment, batch, root_seed=root_seed, limits=limits, data=content)

        running: dict[Any, _Start] = {}
        try:
            while waiting or running:
                while waiting and len(running) < 2 * max(cluster.cpus, 1):
                    start = waiting.popleft()
                    running[submit(start.batch)] = start
                ready, _ = ray.wait(list(running), num_returns=1, timeout=SECONDS_BETWEEN_LOOKS)
                cluster.look()
                for reference in ready:
                    start = running.pop(reference)
                    outcome = _fetch(reference, start)
                    if isinstance(outcome, BatchOutcome):
                        if outcome.execution.host:
                            _check_origin(experiment, start.batch, outcome.execution, libraries)
                        yield outcome
                    else:
                        waiting.extendleft(outcome)
        except GeneratorExit:
            # Nobody wants the rest. Not by force: Ray aborts this process if a result arrives meanwhile. After an exception
            # the process ends, and Ray ends what it has left.
            for reference in running:
                ray.cancel(reference)
            raise


def _memory(megabytes: float, largest: int) -> int:
    """Bytes to ask Ray for: what a batch needs, but no more than a node has; Ray would wait for a larger one for ever."""
    return min(int(megabytes * 1e6), largest)


@dataclass(frozen=True)
class _Start:
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


def _first_start(batch: Batch) -> _Start:
    """A batch before its first start in this run. A suspect one has seen the end of a process already."""
    return _Start(batch, attempt=2, deaths=1) if batch.suspect else _Start(batch)


def _may_run_here(experiment: str, batch: Batch) -> bool:
    """Whether a batch may run in the driver while Ray starts."""
    return not batch.suspect and not _gpus(experiment, batch)


class _Cluster:
    """What the joined Ray has now, as nodes join and leave; asked for once in a while.

    Parameters
    ----------
    cpus
        CPUs where Ray does not say.
    """

    def __init__(self, cpus: int) -> None:
        self.cpus = cpus
        self.largest_memory = 0
        self._seen = float("-inf")
        self.look()

    def look(self) -> None:
        """Count the CPUs, and the bytes that the largest node gives to tasks: nobody could run a task that asks for more."""
        if time.monotonic() - self._seen < SECONDS_BETWEEN_LOOKS:
            return
        self._seen = time.monotonic()
        resources = [node["Resources"] for node in _nodes()]
        self.cpus = int(sum(found.get("CPU", 0.0) for found in resources)) or self.cpus
        self.largest_memory = int(max((found.get("memory", 0.0) for found in resources), default=0.0))


def _gpus(experiment: str, batch: Batch) -> float:
    """Share of a GPU that a batch needs."""
    return load_experiment(experiment).gpus(batch.tasks[0].parameters)


def _nodes() -> list[dict[str, Any]]:
    """The living nodes of the joined Ray."""
    import ray

    nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return [node for node in nodes if node["Alive"]]


def _fetch(reference: Any, start: _Start) -> BatchOutcome | list[_Start]:
    """The outcome of a task; or what to start again, if its worker or its node died on the way."""
    import ray

    try:
        outcome: BatchOutcome = ray.get(reference)
    except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError) as error:
        return _after_death(type(error).__name__, start)
    except (ray.exceptions.NodeDiedError, ray.exceptions.ObjectLostError) as error:
        return _after_node_death(type(error).__name__, start)
    except ray.exceptions.RayTaskError as error:
        if cluster_is_given():
            raise cannot_compute(error) from None
        raise
    except ray.exceptions.LocalRayletDiedError:
        if len(_nodes()) > 1:
            return _after_node_death("LocalRayletDiedError", start)
        raise UserError(RAY_IS_GONE) from None
    return _of_attempt(outcome, start)


def _of_attempt(outcome: BatchOutcome, start: _Start) -> BatchOutcome:
    """An outcome with the number of the attempt that it came from."""
    return replace(outcome, execution=replace(outcome.execution, attempt=start.attempt))


def _check_origin(experiment: str, batch: Batch, execution: Execution, libraries: OtherLibraries) -> None:
    """Refuse what other code has computed, and tell of other libraries."""
    expected = batch_code(experiment, [task.parameters for task in batch.tasks])
    check_code(execution.host, execution.code, expected=expected, what=experiment)
    libraries.look(execution.host, execution.environment)


def _after_death(kind: str, start: _Start) -> BatchOutcome | list[_Start]:
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


def _after_node_death(kind: str, start: _Start) -> BatchOutcome | list[_Start]:
    """A batch whose node left starts again."""
    log.warning("a node left (%s); its batch of %d points starts again", kind, len(start.batch.tasks))
    if start.attempt < MAX_STARTS:
        return [replace(start, attempt=start.attempt + 1)]
    return _given_up(start, f"{kind}: its node left in {start.attempt} attempts")


def _given_up(start: _Start, reason: str) -> BatchOutcome:
    """The points of a batch as failures."""
    failures = tuple(failure(task, reason) for task in start.batch.tasks)
    return BatchOutcome(execution=Execution(0.0, 0.0, "", start.attempt), failures=failures)


def choose_backend(name: BackendName, *, seconds: float, workers: int, ray: RayOfTheSweep) -> Backend:
    """The backend for a sweep of an estimated cost.

    Parameters
    ----------
    name, seconds, workers
        As in `takes_ray`; ``auto`` lets the driver compute while Ray is joined.
    ray
        The Ray to join, if one is taken.
    """
    if not takes_ray(name, seconds=seconds, workers=workers):
        return SerialBackend()
    return RayBackend(ray.join, ray.ready if name == "auto" else None)
