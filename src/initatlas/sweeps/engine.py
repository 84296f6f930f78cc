"""Run a sweep: points, what is stored, batches, backend, store, cube."""

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np

from initatlas import __version__
from initatlas.errors import UserError
from initatlas.files import must_be_file
from initatlas.provenance import commit, package_versions
from initatlas.sweeps.backends.base import Backend
from initatlas.sweeps.backends.serial import SerialBackend
from initatlas.sweeps.batches import Batch
from initatlas.sweeps.code import sweep_code
from initatlas.sweeps.cube import write_cube
from initatlas.sweeps.declaration import OF_THE_CUBE
from initatlas.sweeps.execute import BatchOutcome, Failure
from initatlas.sweeps.experiment import Coordinate, Experiment
from initatlas.sweeps.former import older_path, set_aside
from initatlas.sweeps.functions.results import outputs_of
from initatlas.sweeps.plan import DataSource, Plan, plan_sweep
from initatlas.sweeps.progress import Progress
from initatlas.sweeps.registry import experiment_code, load_experiment
from initatlas.sweeps.slabs import Contents
from initatlas.sweeps.slices import WHOLE, Slice
from initatlas.sweeps.spec import Sweep
from initatlas.sweeps.store import PointStore, read_batch

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SweepReport:
    """How a sweep ended.

    Attributes
    ----------
    points, computed
        Different points of the sweep, and those computed now.
    failures
        Points that failed, in the order of the grid.
    not_run
        Points that a failing one has kept from running.
    seconds
        Wall time.
    """

    points: int
    computed: int
    failures: tuple[Failure, ...]
    not_run: int
    seconds: float


def open_store(sweep: Sweep, root: Path, part: Slice = WHOLE) -> PointStore:
    """The store of a sweep's experiment at its present code version, but for the components that points name."""
    return PointStore(root, sweep.experiment, experiment_code(sweep.experiment), sweep=part.name(sweep.title))


def first_points(sweep: Sweep, store: PointStore) -> float | None:
    """Seconds that a point of a sweep without data takes: as stored points did, or else two that are computed here and now.

    Returns
    -------
    float or None
        The lesser of two measurements, since the first call of a function may compile it; None if nothing is to be computed.
    """
    with store.lock():
        known = store.seconds_per_point()
        if known is not None:
            return known
        plan = plan_sweep(sweep, store, {})
        batches = [batch for batch in plan.batches if not batch.suspect]
        ends = {task.place: task for task in (batches[0].tasks[0], batches[-1].tasks[-1])} if batches else {}
        measured = []
        for task in ends.values():
            start = time.perf_counter()
            alone = Batch((task,), dataset=None, seconds=0.0, megabytes=0.0)
            _compute(sweep, replace(plan, batches=(alone,)), store, {}, SerialBackend(), fail_fast=False)
            measured.append(time.perf_counter() - start)
        stored = [file.execution.seconds for _, file in store.files()]  # a failing point leaves none
        return min(stored or measured, default=None)


def run_sweep(
    sweep: Sweep,
    *,
    store: PointStore,
    data: Mapping[str, DataSource],
    choose: Callable[[float], Backend],
    output: Path,
    fail_fast: bool = False,
    checkout: Path | None = None,
) -> SweepReport:
    """Compute what is missing, then write the cube.

    Parameters
    ----------
    sweep
        The resolved spec.
    store
        Where finished points are kept.
    data
        The data sets, by name.
    choose
        Gives the backend for an estimated cost in seconds.
    output
        Where the cube goes. A finished cube is whole: if points failed, it goes to `partial_path` instead, where they are
        NaN, with ``status`` and ``error``; a former cube then goes to `older_path`.
    fail_fast
        Whether the first failing point ends the sweep. Points that did not run have failed as far as the cube is concerned.
    checkout
        Folder of the Snakefile that runs it: the store remembers who uses its code version. None leaves no trace.

    Raises
    ------
    UserError
        If the store cannot be written, or something else holds the place of a file.
    """
    start = time.perf_counter()
    for path in (output, partial_path(output), older_path(output)):
        must_be_file(path)
    with store.lock():
        plan, backend, computed, failures = _filled(
            sweep, store, data, choose, WHOLE, fail_fast=fail_fast, checkout=checkout
        )
        seconds = time.perf_counter() - start
        experiment, inner = _declared(sweep, plan, failures)
        errors = {
            place: failed.reason for failed in failures for place in (failed.place, *plan.repeats.get(failed.place, ()))
        }
        contents = Contents(sweep, experiment, inner, plan.located, errors)
        attributes = _attributes(sweep, experiment, data, backend, seconds)
        write_cube(contents, attributes, partial_path(output) if failures else output)
    if failures:
        set_aside(output)
    else:
        for former in (partial_path(output), older_path(output)):
            former.unlink(missing_ok=True)
    return _report(plan, computed, failures, start)


def run_slice(
    sweep: Sweep,
    *,
    part: Slice,
    store: PointStore,
    data: Mapping[str, DataSource],
    choose: Callable[[float], Backend],
    fail_fast: bool = False,
    checkout: Path | None = None,
) -> SweepReport:
    """Compute what is missing of one slice of a sweep; the cube is left to `run_sweep`, which finds the points stored.

    The parameters are those of `run_sweep`, with a store that was opened for the slice.
    """
    start = time.perf_counter()
    with store.lock():
        plan, _, computed, failures = _filled(sweep, store, data, choose, part, fail_fast=fail_fast, checkout=checkout)
    return _report(plan, computed, failures, start)


def _filled(
    sweep: Sweep,
    store: PointStore,
    data: Mapping[str, DataSource],
    choose: Callable[[float], Backend],
    part: Slice,
    *,
    fail_fast: bool,
    checkout: Path | None,
) -> tuple[Plan, Backend, int, list[Failure]]:
    """Compute what is missing; to be called under the lock."""
    if checkout is not None:
        store.sign(checkout, date.today().isoformat())
    plan = plan_sweep(sweep, store, data, part)
    backend = choose(plan.seconds)
    _announce(store.sweep, plan, backend)
    computed, failures = _compute(sweep, plan, store, data, backend, fail_fast=fail_fast)
    return plan, backend, computed, failures


def _report(plan: Plan, computed: int, failures: Sequence[Failure], start: float) -> SweepReport:
    """How a sweep that began at a moment has ended."""
    return SweepReport(
        points=plan.points,
        computed=computed,
        failures=tuple(failures),
        not_run=plan.to_run - computed - len(failures),
        seconds=time.perf_counter() - start,
    )


def _declared(sweep: Sweep, plan: Plan, failures: Sequence[Failure]) -> tuple[Experiment, Mapping[str, Coordinate]]:
    """The declaration of a sweep's experiment, and the inner coordinates; of an undeclared one, as its stored results say."""
    experiment = load_experiment(sweep.experiment)
    if not experiment.undeclared:
        return experiment, plan.inner
    if not plan.located.places:
        raise UserError(
            f"{sweep.name}: every point failed, the first one with: {failures[0].reason}\n{failures[0].detail}"
        )
    # Files of the store have no order: in that of the grid, the cube and what is told of it are the same after any history.
    outputs, inner = outputs_of((read_batch(file.path).outputs for file in plan.located.in_order()), sweep.name)
    taken = {parameter for axis in sweep.axes for parameter in (axis.name, *axis.values)} | {*OF_THE_CUBE}
    for name in (*(output.name for output in outputs), *inner):
        if name in taken:
            raise UserError(
                f"{sweep.name}: {name!r} is an axis of the sweep or a variable of every cube; rename it in the results"
            )
    return replace(experiment, outputs=outputs), inner


def partial_path(output: Path) -> Path:
    """Where the cube of a sweep goes when points of it failed."""
    return output.with_suffix(f".partial{output.suffix}")


def _announce(name: str, plan: Plan, backend: Backend) -> None:
    """Say what is going to happen."""
    suspect = sum(len(batch.tasks) for batch in plan.batches if batch.suspect)
    if suspect:
        log.warning(
            "%s: a run ended without a word while it computed %d of the points; they run in a process of their own",
            name,
            suspect,
        )
    log.info(
        "%s: %d of %d points to run in %d batches (%d stored), about %.0f s on one core, backend %s",
        name,
        plan.to_run,
        plan.points,
        len(plan.batches),
        plan.points - plan.to_run,
        plan.seconds,
        backend.name,
    )


def _compute(
    sweep: Sweep,
    plan: Plan,
    store: PointStore,
    data: Mapping[str, DataSource],
    backend: Backend,
    *,
    fail_fast: bool,
) -> tuple[int, list[Failure]]:
    """Run the batches of a plan, and note where their results are; every one is durable before it counts.

    Returns
    -------
    computed : int
        Number of points that have a result now.
    failures : list of Failure
        Those that have none, in the order of the grid.
    """
    failures: list[Failure] = []
    suspects = {*store.journal.suspects()}.difference(plan.acquitted)
    suspects |= {task.key for batch in plan.batches if batch.suspect for task in batch.tasks}
    if not plan.batches:
        store.journal.settle(suspects)
        return 0, failures
    contents = {name: source.content for name, source in data.items()}
    outcomes = backend.run(
        sweep.experiment,
        plan.batches,
        contents,
        root_seed=sweep.root_seed,
        limits=sweep.limits,
        begin=lambda batch: store.journal.begin((task.key for task in batch.tasks), suspects),
    )
    with closing(outcomes), Progress(store.sweep, plan.to_run) as progress:
        try:
            for outcome in outcomes:
                _stored(store, outcome, plan)
                suspects.difference_update(*(rows.keys for rows in outcome.results))
                failures += outcome.failures
                for failed in outcome.failures:
                    log.debug("%s: %s: %s\n%s", sweep.title, failed.point, failed.reason, failed.detail)
                progress.advance(outcome.computed, len(outcome.failures))
                if fail_fast and failures:
                    break
        except (KeyboardInterrupt, SystemExit):
            stored = plan.points - plan.to_run + progress.done
            log.error("%s: stopped; %d of %d points are stored", store.sweep, stored, plan.points)
            raise
        finally:
            store.journal.settle(suspects)
    return progress.done, sorted(failures, key=lambda failed: failed.place)


def _stored(store: PointStore, outcome: BatchOutcome, plan: Plan) -> None:
    """Store what came of a batch, and note where it is."""
    for file, rows in zip(store.add(outcome), outcome.results, strict=True):
        number, places = plan.located.number(file), np.array(rows.places)
        plan.located.lay(number, np.arange(places.size), places)
        again = [(row, other) for row, place in enumerate(rows.places) for other in plan.repeats.get(place, ())]
        if again:
            plan.located.lay(number, *np.array(again).T, again=True)


def _attributes(
    sweep: Sweep, experiment: Experiment, data: Mapping[str, DataSource], backend: Backend, seconds: float
) -> dict[str, str]:
    """Provenance, as global attributes of the cube."""
    return {
        "Conventions": "CF-1.11",
        "title": sweep.title,
        "summary": sweep.description or experiment.summary,
        "experiment": sweep.experiment,
        "experiment_summary": experiment.summary,
        "scale": sweep.scale,
        "spec": sweep.model_dump_json(),
        "code_version": sweep_code(sweep),
        "root_seed": str(sweep.root_seed),
        "datasets": json.dumps({name: source.sha256 for name, source in data.items()}),
        "package_version": __version__,
        "commit": commit(),
        "packages": json.dumps(package_versions()),
        "backend": backend.name,
        "wall_seconds": f"{seconds:.2f}",
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
