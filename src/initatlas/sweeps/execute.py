"""Run one batch: the only code of the engine that works on a worker."""

import os
import resource
import socket
import sys
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from initatlas.components import recorded_lookups
from initatlas.errors import UserError
from initatlas.machine import keep_freed_memory
from initatlas.stopping import came_from_outside
from initatlas.sweeps.batches import Batch, Task
from initatlas.sweeps.code import batch_code, check_named
from initatlas.sweeps.environment import environment
from initatlas.sweeps.experiment import Experiment
from initatlas.sweeps.functions.plain import PlainFunction
from initatlas.sweeps.limits import NO_LIMITS, Limits, within_limits
from initatlas.sweeps.outputs import OutputError, Rows, checked_outputs, checked_together, joined, one_row
from initatlas.sweeps.points import Generators, canonical_json
from initatlas.sweeps.registry import found_here, load_experiment


@dataclass(frozen=True)
class Failure:
    """Why a point has no result.

    Attributes
    ----------
    key, point, place
        The point: its key, its parameters as text, and where it stands in the grid of its sweep.
    reason
        One line: the kind of error and its message.
    detail
        The traceback, for the log.
    """

    key: str
    point: str
    reason: str
    detail: str = ""
    place: int = 0


@dataclass(frozen=True, slots=True)
class Execution:
    """How a batch was computed.

    Attributes
    ----------
    seconds
        Wall time.
    peak_megabytes
        Largest resident memory of the worker process so far.
    host
        Name of the machine.
    attempt
        1 for a first try; more where a worker died and the batch was started again.
    estimate
        What the experiment declared as the batch's cost, in seconds.
    environment
        Versions and processor of the process that computed it, as `environment` gives them; empty where nobody recorded them.
    code
        Version of the code that computed it, as that process had it; empty where nobody recorded it.
    busy
        For how long its threads had the processor, in seconds: on an idle machine the batch would take about as long. None where
        nobody recorded it.
    """

    seconds: float
    peak_megabytes: float
    host: str
    attempt: int = 1
    estimate: float = 0.0
    environment: Mapping[str, str] = field(default_factory=dict)
    code: str = ""
    busy: float | None = None


@dataclass(frozen=True)
class BatchOutcome:
    """What came of a batch: results, failures, and the bookkeeping."""

    execution: Execution
    results: tuple[Rows, ...] = ()
    failures: tuple[Failure, ...] = ()

    @property
    def computed(self) -> int:
        """Number of points that have a result."""
        return sum(len(rows.keys) for rows in self.results)


def execute_batch(
    sent: str | PlainFunction, batch: Batch, *, root_seed: int, limits: Limits = NO_LIMITS, data: Any = None
) -> BatchOutcome:
    """Compute a batch; a point that fails does not take its companions along.

    Parameters
    ----------
    sent
        The experiment: its name as in the sweep's spec, or what came of it by `initatlas.sweeps.registry.carried`.
    batch
        The points.
    root_seed
        Root of the random streams.
    limits
        Time and memory that a point may take.
    data
        The data set of the batch, or None.
    """
    name = found_here(sent)
    experiment, tasks = load_experiment(name), tuple(batch.tasks)
    points = [task.parameters for task in tasks]
    on_gpu = experiment.gpus(points[0]) > 0
    keep_freed_memory()
    start, start_of_processor = time.perf_counter(), _processor_seconds()
    with limited_threads(experiment.cpus), np.errstate(all="ignore"):
        results, failures = _attempt(name, tasks, root_seed, limits, data)
    seconds = time.perf_counter() - start
    busy = (_processor_seconds() - start_of_processor) / experiment.cpus
    execution = Execution(
        seconds=seconds,
        peak_megabytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        host=socket.gethostname(),
        estimate=batch.seconds,
        environment=environment(gpu=on_gpu),
        code=batch_code(name, points),
        busy=seconds if on_gpu else min(busy, seconds),  # other threads of a driver count in its processor's time
    )
    return BatchOutcome(execution=execution, results=joined(results), failures=tuple(failures))


def _processor_seconds() -> float:
    """Time of the processor that this process has taken, and those that it started and saw the end of.

    The latter is counted in hundredths of a second. For this process that would be too coarse: a short batch would take no time.
    """
    return time.process_time() + sum(os.times()[2:4])


def _attempt(
    name: str, tasks: Sequence[Task], root_seed: int, limits: Limits, data: Any
) -> tuple[tuple[Rows, ...], list[Failure]]:
    """Run the points together; if that raises, halve until the culprits stand alone."""
    experiment, points = load_experiment(name), [task.parameters for task in tasks]
    rngs = Generators(points, root_seed=root_seed)
    try:
        with within_limits(limits, points=len(points)), recorded_lookups() as used:
            returned = list(experiment.run(points, rngs, data))
        check_named(name, points, used)
        if len(returned) != len(tasks):
            raise OutputError(f"got {len(returned)} results, expected {len(tasks)}: one for each point of the batch")
    except (Exception, SystemExit) as error:
        if came_from_outside(error):
            raise
        if len(tasks) == 1:
            return (), [failure(tasks[0], _reason(error), traceback.format_exc())]
    else:
        return _checked(experiment, tasks, returned)
    # Not while the error is handled: each traceback would hold those of the larger batches.
    middle = len(tasks) // 2
    first, first_failures = _attempt(name, tasks[:middle], root_seed, limits, data)
    second, second_failures = _attempt(name, tasks[middle:], root_seed, limits, data)
    return first + second, first_failures + second_failures


def _reason(error: BaseException) -> str:
    """What went wrong, in one line: the kind of error, unless it is one of ours, and the first line of its message, if any."""
    words = next((line for line in str(error).splitlines() if line.strip()), "")
    if isinstance(error, OutputError | UserError):
        return words
    return f"{type(error).__name__}: {words}" if words else f"{type(error).__name__} without a message"


def _checked(
    experiment: Experiment, tasks: Sequence[Task], returned: Sequence[Any]
) -> tuple[tuple[Rows, ...], list[Failure]]:
    """Results that are what the experiment declares, and failures for the others."""
    together = None
    if not experiment.undeclared:
        together = checked_together(experiment, [task.parameters for task in tasks], returned)
    if together is not None:
        return (Rows(tuple(task.key for task in tasks), together, tuple(task.place for task in tasks)),), []
    results: list[Rows] = []
    failures: list[Failure] = []
    for task, result in zip(tasks, returned, strict=True):
        try:
            arrays = result if experiment.undeclared else checked_outputs(experiment, task.parameters, result)
        except OutputError as error:
            failures.append(failure(task, str(error)))
        else:
            results.append(one_row(task.key, arrays, task.place))
    return joined(results), failures


def failure(task: Task, reason: str, detail: str = "") -> Failure:
    """A failure of a point."""
    return Failure(task.key, canonical_json(task.parameters.model_dump()), reason, detail, task.place)


@contextmanager
def limited_threads(cpus: int) -> Iterator[None]:
    """Hold the numerical libraries to `cpus` threads, so that workers do not fight and sums keep their order.

    Torch has a pool of its own: it reads the environment when it is imported, and is told where it is there already.
    """
    os.environ["OMP_NUM_THREADS"] = str(cpus)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(cpus)
    with threadpool_limits(limits=cpus):
        yield
