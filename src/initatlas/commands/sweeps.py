"""Run, plan and list sweeps."""

import json
import logging
import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from initatlas.errors import UserError
from initatlas.files import write_text
from initatlas.sweeps.backends.base import Backend
from initatlas.sweeps.backends.choice import choose_backend
from initatlas.sweeps.costs import expected_cost
from initatlas.sweeps.engine import (
    SweepReport,
    open_store,
    partial_path,
    run_slice,
    run_sweep,
)
from initatlas.sweeps.execute import Failure
from initatlas.sweeps.fitting_data import unfit
from initatlas.sweeps.former import older_path
from initatlas.sweeps.plan import DataSource, Plan, plan_sweep
from initatlas.sweeps.ray.address import cluster_is_given
from initatlas.sweeps.ray.client import BackendName, RayOfTheSweep
from initatlas.sweeps.registry import load_experiment
from initatlas.sweeps.slices import WHOLE, Slice
from initatlas.sweeps.spec import Sweep
from initatlas.terminal import aligned

log = logging.getLogger(__name__)

MOST_KINDS_SHOWN = 10
"""Reasons of failures that are told on the screen; the log has them all."""

_NUMBER = re.compile(r"\d+(\.\d+)?(e[-+]?\d+)?")


def run_stage(
    sweep: Sweep,
    *,
    datasets: Mapping[str, Path],
    store: Path,
    output: Path,
    backend: BackendName,
    workers: int,
    fail_fast: bool = False,
    log_file: Path | None = None,
    part: Slice = WHOLE,
) -> int:
    """Run a sweep to its cube, or a slice of it into the store.

    Parameters
    ----------
    sweep
        The resolved spec.
    datasets
        Data set to its netCDF file.
    store
        Folder of the point store.
    output
        The cube; if points fail, it goes to ``<output stem>.partial.nc`` instead. Of a slice a word that it was run.
    backend
        Where batches run.
    workers
        CPUs to use on this machine.
    fail_fast
        Whether the first failing point ends the sweep.
    log_file
        Where the messages of this process are written in full.
    part
        The slice to run.

    Returns
    -------
    int
        Exit code: 0, or 1 if points failed; 0 for a slice in any case, since its failing points are tried again, and told, when
        the cube is made.
    """
    sweep = with_device(sweep)
    report = compute(
        sweep,
        data=load_data(sweep, datasets),
        store=store,
        output=output,
        backend=backend,
        workers=workers,
        fail_fast=fail_fast,
        checkout=Path.cwd(),
        part=part,
    )
    if part != WHOLE:
        write_text(output, f"{report.computed} points computed, {len(report.failures)} failed\n")
        return 0
    tell_failures(sweep, report, output, log_file)
    return 1 if report.failures else 0


def compute(
    sweep: Sweep,
    *,
    data: Mapping[str, DataSource],
    store: Path,
    output: Path,
    backend: BackendName,
    workers: int,
    fail_fast: bool = False,
    checkout: Path | None = None,
    part: Slice = WHOLE,
) -> SweepReport:
    """Run a sweep to its cube: `run_stage`, but for the files of its data, and for failures, which are only reported."""

    def choose(seconds: float) -> Backend:
        """The backend, after a word where a point will not fit in memory."""
        if seconds > 0.0 and not cluster_is_given():
            for line in memory_warnings(expected_cost(sweep, load_experiment(sweep.experiment)).megabytes):
                log.warning("%s: warning: %s", sweep.title, line)
        return choose_backend(backend, seconds=seconds, workers=workers, ray=ray)

    points = open_store(sweep, store, part)
    fill = partial(run_sweep, output=output) if part == WHOLE else partial(run_slice, part=part)
    with RayOfTheSweep(workers=workers, session_folder=store.parent / "ray") as ray:
        report = fill(sweep, store=points, data=data, choose=choose, fail_fast=fail_fast, checkout=checkout)
    log.info(
        "%s: %d of %d points computed, %d failed, %.1f s",
        points.sweep,
        report.computed,
        report.points,
        len(report.failures),
        report.seconds,
    )
    return report


def tell_failures(sweep: Sweep, report: SweepReport, output: Path, log_file: Path | None) -> None:
    """Say what failed, one line per kind of reason, and what can be done."""
    if not report.failures:
        return
    older = older_path(output)
    log.error(
        "%s: %d of %d points failed%s; the others are stored, and the next run tries these alone; see %s%s%s\n%s",
        sweep.title,
        len(report.failures),
        report.points,
        f", and {report.not_run} did not run" if report.not_run else "",
        partial_path(output),
        f", and for their tracebacks {log_file}" if log_file else "",
        f"; the former cube is kept as {older} until there is a new one" if older.exists() else "",
        "\n".join(failure_lines(sweep, report.failures)),
    )


def failure_lines(sweep: Sweep, failures: Sequence[Failure]) -> list[str]:
    """Failures by their reasons, the commonest first: how many, the first reason in full, and where it occurred.

    Reasons that differ in their numbers alone are of one kind.
    """
    kinds: dict[str, list[Failure]] = {}
    for failure in failures:
        kinds.setdefault(_NUMBER.sub("#", failure.reason), []).append(failure)
    ordered = sorted(kinds.values(), key=lambda alike: -len(alike))
    lines = [f"  {len(alike)} x {alike[0].reason}{_place(sweep, alike)}" for alike in ordered[:MOST_KINDS_SHOWN]]
    rest = ordered[MOST_KINDS_SHOWN:]
    return [*lines, f"  {sum(map(len, rest))} x {len(rest)} other reasons"] if rest else lines


def _place(sweep: Sweep, failures: Sequence[Failure]) -> str:
    """Where the first of some failures occurred: its values along the axes."""
    point = json.loads(failures[0].point)
    values = ", ".join(f"{name} = {point[name]}" for axis in sweep.axes for name in axis.values)
    return f" ({'first ' if len(failures) > 1 else ''}at {values})" if values else ""


def with_device(sweep: Sweep) -> Sweep:
    """Decide ``device: auto`` here, so that the point and its key name the device that computes it."""
    if sweep.fixed.get("device") != "auto":
        return sweep
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    return sweep.model_copy(update={"fixed": {**sweep.fixed, "device": device}})


def load_data(sweep: Sweep, datasets: Mapping[str, Path]) -> dict[str, DataSource]:
    """Read the data sets that a sweep asks for.

    Raises
    ------
    UserError
        If the file of one is not named, or it lacks what the experiment needs.
    """
    if missing := [name for name in sweep.datasets if name not in datasets]:
        raise UserError(f"sweep {sweep.title} needs the data set {missing[0]}: give --data {missing[0]}=FILE")
    return read_data(sweep, {name: datasets[name] for name in sweep.datasets})


def read_data(sweep: Sweep, datasets: Mapping[str, Path]) -> dict[str, DataSource]:
    """Read some data sets of a sweep.

    Raises
    ------
    UserError
        If one lacks what the experiment needs.
    """
    return {name: _read(sweep, name, path) for name, path in datasets.items()}


def _read(sweep: Sweep, name: str, path: Path) -> DataSource:
    """Read one data set of a sweep."""
    from initatlas.datasets.dataset import read_dataset

    dataset = read_dataset(path)
    if reason := unfit(sweep, load_experiment(sweep.experiment), name, dataset.traits):
        raise UserError(f"sweep {sweep.title}: data set {name}: {reason}")
    return DataSource(dataset, dataset.content_sha256)


def planned_here(sweep: Sweep, data: Mapping[str, DataSource], store: Path) -> Plan:
    """What a sweep would do on this machine's device, with what the store holds."""
    return plan_sweep(with_device(sweep), open_store(sweep, store), data)


def plan_in_words(sweep: Sweep, *, data: Mapping[str, DataSource], store: Path) -> str:
    """What a sweep would do, in words; data sets without a hash are those that the run builds first."""
    planned = planned_here(sweep, data, store)
    unbuilt = [name for name, source in data.items() if not source.sha256]
    lines = [
        f"{sweep.title}: {sweep.experiment} over {_sizes(sweep) or 'one point'}",
        f"  points    {planned.points} ({planned.excluded} excluded)",
        f"  stored    {planned.points - planned.to_run}",
        f"  to run    {planned.to_run} in {len(planned.batches)} batches",
        f"  estimate  {planned.seconds * planned.slowness:.0f} s on one core, at most {planned.megabytes:.0f} MB per batch",
    ]
    lines += [f"  data set {name} is not built yet, or not as the config says; the run builds it" for name in unbuilt]
    lines += [f"  warning: {line}" for line in memory_warnings(planned.megabytes)]
    return "\n".join(lines)


def memory_warnings(megabytes: float) -> list[str]:
    """One line where a batch declares more memory than this machine has."""
    import psutil

    here = psutil.virtual_memory().total / 1e6
    if megabytes <= here:
        return []
    return [
        f"a batch needs about {megabytes / 1e3:.0f} GB, and this machine has {here / 1e3:.0f} GB; make its points smaller"
    ]


def listing(groups: Mapping[str, Mapping[str, Sweep]], unavailable: Mapping[str, str], *, as_json: bool = False) -> str:
    """All sweeps with their experiments and sizes, and those that cannot run here with the reason.

    Parameters
    ----------
    groups, unavailable
        Of the config.
    as_json
        A list of objects with ``sweep``, ``experiment``, ``axes`` (name to size) and ``description``, or with ``sweep`` and
        ``cannot_run``, for a script.
    """
    listed = [sweep for group in groups.values() for sweep in group.values()]
    if as_json:
        able = [_listed(sweep) for sweep in listed]
        unable = [{"sweep": title, "cannot_run": reason} for title, reason in unavailable.items()]
        return json.dumps([*able, *unable], indent=1)
    rows = [(sweep.title, sweep.experiment, _sizes(sweep), sweep.description) for sweep in listed]
    rows += [(title, "cannot run", "", reason) for title, reason in unavailable.items()]
    return aligned(rows, {"cannot run": "red"})


def _listed(sweep: Sweep) -> dict[str, object]:
    """A sweep for a script."""
    axes = {axis.name: axis.size for axis in sweep.axes}
    return {"sweep": sweep.title, "experiment": sweep.experiment, "axes": axes, "description": sweep.description}


def _sizes(sweep: Sweep) -> str:
    """The axes of a sweep with their sizes."""
    return " x ".join(f"{axis.name} {axis.size}" for axis in sweep.axes)
