"""Run a sweep: points, what is stored, batches, backend, store, cube."""

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from operator import eq
from pathlib import Path
from typing import Any

from initatlas import __version__
from initatlas.errors import UserError
from initatlas.files import must_be_file
from initatlas.provenance import commit, package_versions
from initatlas.sweeps.backends.base import Backend
from initatlas.sweeps.backends.serial import SerialBackend
from initatlas.sweeps.batches import Batch, Task, make_batches
from initatlas.sweeps.code import named_code, sweep_code
from initatlas.sweeps.cube import Grid, build_cube, write_cube
from initatlas.sweeps.declaration import OF_THE_CUBE
from initatlas.sweeps.execute import Failure, failure
from initatlas.sweeps.experiment import Coordinate, Experiment, Parameters
from initatlas.sweeps.former import older_path, set_aside
from initatlas.sweeps.functions.results import outputs_of
from initatlas.sweeps.grid import grid
from initatlas.sweeps.points import point_key
from initatlas.sweeps.progress import Progress
from initatlas.sweeps.registry import experiment_code, load_experiment
from initatlas.sweeps.slices import WHOLE, Slice
from initatlas.sweeps.spec import Sweep
from initatlas.sweeps.store import Entry, PointStore, read_batch

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DataSource:
    """A data set as the engine sees it: opaque content with a hash.

    Attributes
    ----------
    content
        What the experiment's `run` gets.
    sha256
        Hash of the content; part of every point's key.
    """

    content: Any
    sha256: str


@dataclass(frozen=True)
class Plan:
    """What a sweep would do.

    Attributes
    ----------
    grid
        The points on their grid.
    entries
        Points that are stored already.
    batches
        What is to run.
    slowness
        By how much the estimates of the experiment were exceeded so far.
    """

    grid: Grid
    entries: Mapping[str, Entry]
    batches: tuple[Batch, ...]
    slowness: float

    @property
    def points(self) -> int:
        """Number of different points."""
        return len(self.grid.places)

    @property
    def to_run(self) -> int:
        """Number of points that are not stored."""
        return sum(len(batch.tasks) for batch in self.batches)

    @property
    def seconds(self) -> float:
        """Estimated cost of what is to run, on one core."""
        return sum(batch.seconds for batch in self.batches)

    @property
    def megabytes(self) -> float:
        """Memory that the largest batch declares."""
        return max((batch.megabytes for batch in self.batches), default=0.0)


@dataclass(frozen=True)
class SweepReport:
    """How a sweep ended.

    Attributes
    ----------
    points, computed
        Different points of the sweep, and those computed now.
    failures
        Points without a result, in the order of the grid.
    seconds
        Wall time.
    """

    points: int
    computed: int
    failures: tuple[Failure, ...]
    seconds: float


def open_store(sweep: Sweep, root: Path, part: Slice = WHOLE) -> PointStore:
    """The store of a sweep's experiment at its present code version, but for the components that points name."""
    return PointStore(root, sweep.experiment, experiment_code(sweep.experiment), sweep=part.name(sweep.title))


def plan_sweep(sweep: Sweep, store: PointStore, data: Mapping[str, DataSource], part: Slice = WHOLE) -> Plan:
    """Compare the points of a sweep with the store.

    Parameters
    ----------
    sweep
        The resolved spec.
    store
        From `open_store`.
    data
        The data sets that the sweep asks for, by name.
    part
        The slice whose points are to run.
    """
    experiment = load_experiment(sweep.experiment)
    stored, slowness = store.survey()
    suspects = store.journal.of_all_sweeps()
    places: dict[str, int] = {}
    repeats: dict[str, list[int]] = {}
    excluded: list[int] = []
    tasks: list[Task] = []
    inner: dict[str, Coordinate] = {}
    for place, (_, point) in enumerate(grid(sweep, experiment)):
        if point is None:
            excluded.append(place)
            continue
        key = _key(sweep, point, data)
        if key in places:
            repeats.setdefault(key, []).append(place)
            continue
        places[key] = place
        _extend(inner, experiment, point, sweep)
        if key not in stored and part.owns(key):
            tasks.append(Task(key, point, suspect=key in suspects))
    if not places:
        raise UserError(f"sweep {sweep.title}: every point is excluded")
    return Plan(
        grid=Grid(places=places, repeats=repeats, excluded=excluded, inner=inner),
        entries={key: stored[key] for key in places if key in stored},
        batches=tuple(make_batches(tasks, experiment)),
        slowness=slowness,
    )


def _key(sweep: Sweep, point: Parameters, data: Mapping[str, DataSource]) -> str:
    """The key of a point, with the hash of its data set if it has one, and the code of the components that it names."""
    name = getattr(point, "dataset", None) if data else None
    content = data[name].sha256 if name else ""
    return point_key(point.identity(), root_seed=sweep.root_seed, data_sha256=content, code=named_code(point))


def _extend(inner: dict[str, Coordinate], experiment: Experiment, point: Parameters, sweep: Sweep) -> None:
    """Keep the longest coordinate of every inner dimension; a shorter one has to be its beginning."""
    for name, coordinate in experiment.coordinates(point).items():
        known = inner.setdefault(name, coordinate)
        if known is coordinate:
            continue
        longer, shorter = sorted((known, coordinate), key=lambda one: -len(one.values))
        if not _begins_with(longer.values, shorter.values):
            raise UserError(
                f"sweep {sweep.title}: its points differ in the values along {name}; keep the parameters that fix them "
                "out of the axes, and make one sweep for each of their values"
            )
        inner[name] = longer


def _begins_with(longer: Sequence[object], shorter: Sequence[object]) -> bool:
    """Whether values begin with others; of two ranges that is known without looking at each."""
    if isinstance(longer, range) and isinstance(shorter, range):
        return longer[: len(shorter)] == shorter
    return all(map(eq, longer, shorter))


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
        tasks = [task for batch in plan.batches for task in batch.tasks]
        measured = []
        for task in (tasks[:1] + tasks[-1:])[: len(tasks)]:
            start = time.perf_counter()
            alone = Batch((task,), dataset=None, seconds=0.0, megabytes=0.0)
            entries, _ = _compute(sweep, replace(plan, batches=(alone,)), store, {}, SerialBackend(), fail_fast=False)
            entry = entries.get(task.key)  # a failing point has none
            measured.append(time.perf_counter() - start if entry is None else read_batch(entry.path).execution.seconds)
        return min(measured, default=None)


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
        Whether the first failing point ends the sweep; points that did not run are then failures too.
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
        plan, backend, entries, failures = _filled(
            sweep, store, data, choose, WHOLE, fail_fast=fail_fast, checkout=checkout
        )
        seconds = time.perf_counter() - start
        reasons = {failure.key: failure.reason for failure in failures}
        experiment, grid = _declared(sweep, plan.grid, store, entries, failures)
        attributes = _attributes(sweep, experiment, data, backend, seconds)
        cube, execution = build_cube(sweep, experiment, grid, store, entries, reasons, attributes)
        write_cube(cube, execution, partial_path(output) if failures else output)
    if failures:
        set_aside(output)
    else:
        for former in (partial_path(output), older_path(output)):
            former.unlink(missing_ok=True)
    return _report(plan, failures, start)


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
        plan, _, _, failures = _filled(sweep, store, data, choose, part, fail_fast=fail_fast, checkout=checkout)
    return _report(plan, failures, start)


def _filled(
    sweep: Sweep,
    store: PointStore,
    data: Mapping[str, DataSource],
    choose: Callable[[float], Backend],
    part: Slice,
    *,
    fail_fast: bool,
    checkout: Path | None,
) -> tuple[Plan, Backend, dict[str, Entry], list[Failure]]:
    """Compute what is missing; to be called under the lock."""
    if checkout is not None:
        store.sign(checkout, date.today().isoformat())
    plan = plan_sweep(sweep, store, data, part)
    backend = choose(plan.seconds)
    _announce(store.sweep, plan, backend)
    entries, failures = _compute(sweep, plan, store, data, backend, fail_fast=fail_fast)
    return plan, backend, entries, failures


def _report(plan: Plan, failures: Sequence[Failure], start: float) -> SweepReport:
    """How a sweep that began at a moment has ended."""
    return SweepReport(
        points=plan.points,
        computed=plan.to_run - len(failures),
        failures=tuple(failures),
        seconds=time.perf_counter() - start,
    )


def _declared(
    sweep: Sweep, grid: Grid, store: PointStore, entries: Mapping[str, Entry], failures: Sequence[Failure]
) -> tuple[Experiment, Grid]:
    """The declaration of a sweep's experiment, and the grid; of an undeclared one, as its stored results say."""
    experiment = load_experiment(sweep.experiment)
    if not experiment.undeclared:
        return experiment, grid
    if not entries:
        raise UserError(
            f"{sweep.name}: every point failed, the first one with: {failures[0].reason}\n{failures[0].detail}"
        )
    outputs, inner = outputs_of((batch.outputs for batch, _ in store.batches(entries)), sweep.name)
    taken = {parameter for axis in sweep.axes for parameter in (axis.name, *axis.values)} | {*OF_THE_CUBE}
    for name in (*(output.name for output in outputs), *inner):
        if name in taken:
            raise UserError(
                f"{sweep.name}: {name!r} is an axis of the sweep or a variable of every cube; rename it in the results"
            )
    return replace(experiment, outputs=outputs), replace(grid, inner=inner)


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
        len(plan.entries),
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
) -> tuple[dict[str, Entry], list[Failure]]:
    """Run the batches of a plan; every result is durable before it counts."""
    entries = dict(plan.entries)
    failures: list[Failure] = []
    tasks = [task for batch in plan.batches for task in batch.tasks]
    suspects = store.journal.suspects() | {task.key for task in tasks if task.suspect}
    if not plan.batches:
        store.journal.settle(suspects - entries.keys())
        return entries, failures
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
                entries |= store.add(outcome)
                failures += outcome.failures
                for failed in outcome.failures:
                    log.debug("%s: %s: %s\n%s", sweep.title, failed.point, failed.reason, failed.detail)
                progress.advance(outcome.computed, len(outcome.failures))
                if fail_fast and failures:
                    break
        except (KeyboardInterrupt, SystemExit):
            log.error("%s: stopped; %d of %d points are stored", store.sweep, len(entries), plan.points)
            raise
        finally:
            store.journal.settle(suspects - entries.keys())
    failures += _not_run(plan, entries, failures)
    return entries, sorted(failures, key=lambda failed: plan.grid.places[failed.key])


def _not_run(plan: Plan, entries: Mapping[str, Entry], failures: Sequence[Failure]) -> list[Failure]:
    """Points that a failing one has kept from running."""
    settled = entries.keys() | {failed.key for failed in failures}
    return [
        failure(task, "not run: an earlier point failed")
        for batch in plan.batches
        for task in batch.tasks
        if task.key not in settled
    ]


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
