"""Sweeps from Python: `sweep(function, width=[64, 256], depth=range(1, 9), seeds=20)` returns the cube (docs/python.md).

The function is that of a script or a notebook, or the name of an experiment; points, store, backends and cube are those of the
workflow.
"""

import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from pydantic import ValidationError

from initatlas.caches import use_writable_caches
from initatlas.commands.sweeps import compute, tell_failures
from initatlas.cubes import open_cube
from initatlas.datasets.dataset import Dataset, read_dataset
from initatlas.errors import UserError
from initatlas.layout import POINTS
from initatlas.machine import cpus_at_hand
from initatlas.messages import Console
from initatlas.names import check_names
from initatlas.sweeps.engine import first_points, open_store, partial_path
from initatlas.sweeps.fitting_data import unfit
from initatlas.sweeps.functions.plain import plain_function
from initatlas.sweeps.functions.point import GENERATOR, REPLICATE, takes, without_default
from initatlas.sweeps.plan import DataSource
from initatlas.sweeps.ray.client import BackendName
from initatlas.sweeps.registry import load_experiment, register
from initatlas.sweeps.resolving import resolve
from initatlas.sweeps.spec import Sweep, SweepConfig
from initatlas.validation import first_fault, shown

STUDY = "python"
"""In the title of a sweep, the place of the study."""

ROOT_SEED = 2018
"""Root of all random streams, as in `config/config.yaml`."""

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def sweep(
    what: Callable[..., Any] | str,
    axes: Mapping[str, Any] | None = None,
    /,
    *,
    seeds: int | Sequence[int] | None = None,
    exclude: Sequence[Mapping[str, Any]] = (),
    datasets: Mapping[str, Dataset | Path | str] | None = None,
    name: str = "",
    backend: BackendName = "auto",
    workers: int | None = None,
    cpus: int = 1,
    limits: Mapping[str, float] | None = None,
    root_seed: int = ROOT_SEED,
    store: Path | str = POINTS,
    save: Path | str | None = None,
    fail_fast: bool = False,
    **more_axes: Any,
) -> xr.Dataset:
    """Run a function, or an experiment, at all points of a grid; return a dataset with one dimension per axis.

    What is stored is not computed again: after an interruption, a kill or a crash the same call goes on, and a longer axis
    costs its new points alone. A point's result depends on its own values, on the root seed and on the code: a function whose
    code has changed, or something of the user's that it refers to, is computed anew.

    Parameters
    ----------
    what
        A function of a point, or the name of an experiment, such as "depth_scale" or "my_package.my_experiment". The function
        takes every argument by name. An argument `rng` gets the random generator of the point; an argument `seed` the number of
        the replicate. It returns a number, an `xarray.DataArray`, ``(dims, array)``, or a mapping of names to those.
    axes
        Argument to values: a list, a range, an array, or what the YAML of a sweep may say, such as
        ``{"linspace": [0.5, 1.5, 21]}``. A single value is given to all points.
    seeds
        Number of replicates (seeds 0, 1, ...), or their seeds; adds the axis `seed`.
    exclude
        Points to leave out: each entry names arguments with a value or a list of values.
    datasets
        For an experiment with data: name to data set, or to its file.
    name
        Of the sweep; that of the function or the experiment unless told otherwise.
    backend
        "serial" (here), "ray" (on the cluster that RAY_ADDRESS names, or on a Ray that lives as long as this process), "auto" (on
        Ray where it pays). The results have the same bits.
    workers
        CPUs to use on this machine; all of them unless told otherwise.
    cpus
        Threads of the numerical libraries that one point of a function occupies.
    limits
        ``{"seconds": ..., "megabytes": ...}`` that a point may take.
    root_seed
        Root of all random streams.
    store
        Folder of the stored points; by default that of the workflow, below the current folder.
    save
        The netCDF file of the result; ``cubes/python/<name>.nc`` beside the store unless told otherwise.
    fail_fast
        Whether the first failing point ends the sweep.
    **more_axes
        Further axes, as keywords.

    Returns
    -------
    xarray.Dataset
        Outputs over the axes, with ``status`` (0: computed, 1: failed, 2: excluded) and ``error``. Failed points are NaN, and
        are told on standard error; the next call tries them again.

    Raises
    ------
    UserError
        In one line: for arguments that do not fit, results that are no numbers, or if every point failed.
    """
    use_writable_caches()
    label = _label(what, name)
    _check_counts(label, workers=1 if workers is None else workers, cpus=cpus)
    along, fixed = _sorted_axes({**(axes or {}), **more_axes}, label)
    written = {
        "experiment": what if isinstance(what, str) else label,
        "axes": along,
        "fixed": fixed,
        "seeds": _plain(seeds),
        "exclude": [dict(rule) for rule in exclude],
        "limits": dict(limits or {}),
        "backend": backend,
    }
    with _threads_as_before(), _words():
        if not isinstance(what, str):
            _check_arguments(what, {**along, **fixed}, label, seeds=seeds)
            written["experiment"] = register(plain_function(what, label, cpus=cpus))
        resolved = _resolved(written, label, root_seed)
        data = _data(resolved, datasets or {}, label)
        if not isinstance(what, str):
            _learn_cost(resolved, Path(store), what, cpus, here=backend != "ray")
        output = Path(store).parent / "cubes" / STUDY / f"{label}.nc" if save is None else Path(save)
        report = compute(
            resolved,
            data=data,
            store=Path(store),
            output=output,
            backend=backend,
            workers=int(workers or cpus_at_hand()),
            fail_fast=fail_fast,
        )
        tell_failures(resolved, report, output, None)
        return open_cube(partial_path(output) if report.failures else output)


def _check_counts(label: str, **counts: object) -> None:
    """Refuse a number of CPUs or threads that is none."""
    for name, count in counts.items():
        if not isinstance(count, Integral) or isinstance(count, bool) or count < 1:
            raise UserError(f"sweep({label}): {name} = {shown(count)}: give a whole number of at least 1")


def _label(what: Callable[..., Any] | str, name: str) -> str:
    """The name of a sweep."""
    if not (callable(what) or isinstance(what, str)):
        raise UserError(f"sweep({what!r}): give a function, or the name of an experiment")
    label_of = what.rpartition(".")[2] if isinstance(what, str) else getattr(what, "__name__", type(what).__name__)
    label = name or ("function" if label_of == "<lambda>" else label_of)
    check_names([label], f"sweep({label})")
    return label


def _sorted_axes(given: Mapping[str, Any], label: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Axes, and what all points share; arrays, ranges and their entries as plain lists and numbers."""
    plain = {name: _plain(values) for name, values in given.items()}
    for name, values in plain.items():
        if isinstance(values, list) and any(isinstance(value, list) for value in values):
            raise UserError(f"sweep({label}): {name} has values of more than one dimension; give numbers or texts")
    fixed = {name: value for name, value in plain.items() if not isinstance(value, list | dict)}
    return {name: value for name, value in plain.items() if name not in fixed}, fixed


def _plain(values: Any) -> Any:
    """Values as YAML would give them."""
    if isinstance(values, np.ndarray | np.generic | xr.DataArray):
        return np.asarray(values).tolist()
    if isinstance(values, Mapping):
        return {key: _plain(value) for key, value in values.items()}
    if isinstance(values, str) or not hasattr(values, "__iter__"):
        return values
    return [_plain(value) for value in values]


def _check_arguments(function: Callable[..., Any], given: Mapping[str, Any], label: str, *, seeds: Any) -> None:
    """Refuse a function that lacks an argument, or replicates that would all be alike."""
    zipped = [name for values in given.values() if isinstance(values, dict) for name in values.get("zip", ())]
    if missing := [name for name in without_default(function) if name not in (*given, *zipped)]:
        raise UserError(f"sweep({label}): {missing[0]} has no default; give a value, or values to sweep over")
    if seeds is not None and not any(takes(function, name) for name in (GENERATOR, REPLICATE)):
        raise UserError(
            f"sweep({label}): it takes neither rng nor seed, so its replicates would be alike; leave seeds out"
        )
    if GENERATOR in given:
        raise UserError(
            f"sweep({label}): rng is given by the sweep, one generator for each point; use seeds for replicates"
        )


def _resolved(written: Mapping[str, Any], label: str, root_seed: int) -> Sweep:
    """The grid, every value checked."""
    where = f"sweep({label})"
    try:
        config = SweepConfig.model_validate(written)
    except ValidationError as error:
        raise UserError(f"{where}: {first_fault(error, SweepConfig.model_json_schema())}") from None
    experiment = load_experiment(config.experiment)
    return resolve(
        config,
        study=STUDY,
        name=label,
        scale="quick",
        root_seed=root_seed,
        experiment=experiment,
        where=where,
    )


def _data(resolved: Sweep, given: Mapping[str, Dataset | Path | str], label: str) -> dict[str, DataSource]:
    """The data sets that an experiment asks for."""
    experiment = load_experiment(resolved.experiment)
    sources = {}
    for name in () if experiment.undeclared else resolved.datasets:
        if name not in given:
            raise UserError(
                f"sweep({label}): the experiment needs the data set {name!r}; give datasets={{{name!r}: FILE}}, "
                f"where `initatlas run` makes FILE, data/datasets/<scale>/{name}.nc"
            )
        content = given[name]
        dataset = read_dataset(Path(content)) if isinstance(content, Path | str) else content
        if reason := unfit(resolved, experiment, name, dataset.traits):
            raise UserError(f"sweep({label}): data set {name}: {reason}")
        sources[name] = DataSource(dataset, dataset.content_sha256)
    return sources


def _learn_cost(resolved: Sweep, folder: Path, function: Callable[..., Any], cpus: int, *, here: bool) -> None:
    """A function says nothing of its cost: stored points do, or the first ones, if they may be computed here."""
    store = open_store(resolved, folder)
    seconds = first_points(resolved, store) if here else store.seconds_per_point()
    if seconds is not None:
        register(plain_function(function, resolved.name, seconds=seconds, cpus=cpus))


@contextmanager
def _threads_as_before() -> Iterator[None]:
    """Give back what batches take: they hold the numerical libraries of this process to their own number of threads."""
    before = {name: os.environ.get(name) for name in _THREADS}
    torch = sys.modules.get("torch")
    threads = torch.get_num_threads() if torch is not None else None
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        if torch is not None:
            torch.set_num_threads(threads)


@contextmanager
def _words() -> Iterator[None]:
    """Show our messages where nobody has said what becomes of them."""
    log = logging.getLogger("initatlas")
    if log.hasHandlers():
        yield
        return
    console = logging.StreamHandler(Console())
    console.setFormatter(logging.Formatter("%(message)s"))
    level = log.level
    log.addHandler(console)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(console)
        log.setLevel(level)
