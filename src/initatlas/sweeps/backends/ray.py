"""Batches as Ray tasks."""

import time
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, cast

from initatlas.errors import UserError
from initatlas.sweeps.backends.base import Start, after_death, after_node_death, first_start, of_attempt
from initatlas.sweeps.backends.serial import SerialBackend
from initatlas.sweeps.batches import Batch
from initatlas.sweeps.code import batch_code
from initatlas.sweeps.execute import BatchOutcome, Execution, execute_batch
from initatlas.sweeps.foreign import OtherLibraries, cannot_compute, check_code
from initatlas.sweeps.limits import Limits
from initatlas.sweeps.ray.address import cluster_is_given
from initatlas.sweeps.ray.watch import RAY_IS_GONE, ray_ends
from initatlas.sweeps.ray.window import SECONDS_BETWEEN_LOOKS, in_window
from initatlas.sweeps.registry import carried, load_experiment


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
        waiting = deque(map(first_start, batches))
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
        waiting: "deque[Start]",
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
        modules = carried(experiment)
        # A name goes along as it is: a driver with an object in the store of a Ray can end with it before it has said why.
        sent = modules if isinstance(modules, str) else ray.put(modules)
        shared = {name: ray.put(content) for name, content in data.items()}
        cluster, libraries = _Cluster(workers), OtherLibraries()

        def submit(start: Start) -> Any:
            batch = start.batch
            needs = task.options(
                num_cpus=load_experiment(experiment).cpus,
                num_gpus=_gpus(experiment, batch),
                memory=_memory(batch.megabytes, cluster.largest_memory),
                max_retries=0,
                name=experiment,
            )
            content = shared.get(batch.dataset or "")
            return needs.remote(sent, batch, root_seed=root_seed, limits=limits, data=content)

        def settle(reference: Any, start: Start) -> list[BatchOutcome]:
            outcome = _fetch(reference, start)
            if not isinstance(outcome, BatchOutcome):
                waiting.extendleft(outcome)
                return []
            if outcome.execution.host:
                _check_origin(experiment, start.batch, outcome.execution, libraries)
            return [outcome]

        yield from in_window(waiting, submit, settle, cluster.workers)


def _memory(megabytes: float, largest: int) -> int:
    """Bytes to ask Ray for: what a batch needs, but no more than a node has; Ray would wait for a larger one for ever."""
    return min(int(megabytes * 1e6), largest)


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

    def workers(self) -> int:
        """CPUs now. A private Ray keeps its own, and is asked for nothing: it may be gone, and then would not answer."""
        if cluster_is_given():
            self.look()
        return self.cpus

    def look(self) -> None:
        """Count the CPUs, and the bytes that the largest node gives to tasks: nobody could run a task that asks for more."""
        if time.monotonic() - self._seen < SECONDS_BETWEEN_LOOKS:
            return
        self._seen = time.monotonic()
        resources = [node["Resources"] for node in _nodes()]
        self.cpus = int(sum(of_node.get("CPU", 0.0) for of_node in resources)) or self.cpus
        self.largest_memory = int(max((of_node.get("memory", 0.0) for of_node in resources), default=0.0))


def _gpus(experiment: str, batch: Batch) -> float:
    """Share of a GPU that a batch needs."""
    return load_experiment(experiment).gpus(batch.tasks[0].parameters)


def _nodes() -> list[dict[str, Any]]:
    """The living nodes of the joined Ray."""
    import ray

    nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return [node for node in nodes if node["Alive"]]


def _fetch(reference: Any, start: Start) -> BatchOutcome | list[Start]:
    """The outcome of a task; or what to start again, if its worker or its node died on the way."""
    import ray

    try:
        outcome: BatchOutcome = ray.get(reference)
    except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError) as error:
        return after_death(type(error).__name__, start)
    except (ray.exceptions.NodeDiedError, ray.exceptions.ObjectLostError) as error:
        return after_node_death(type(error).__name__, start)
    except ray.exceptions.RayTaskError as error:
        if cluster_is_given():
            raise cannot_compute(error) from None
        raise
    except ray.exceptions.LocalRayletDiedError:
        if len(_nodes()) > 1:
            return after_node_death("LocalRayletDiedError", start)
        raise UserError(RAY_IS_GONE) from None
    return of_attempt(outcome, start)


def _check_origin(experiment: str, batch: Batch, execution: Execution, libraries: OtherLibraries) -> None:
    """Refuse what other code has computed, and tell of other libraries."""
    expected = batch_code(experiment, [task.parameters for task in batch.tasks])
    check_code(execution.host, execution.code, expected=expected, what=experiment)
    libraries.look(execution.host, execution.environment)
