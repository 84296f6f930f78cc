"""Build and run sweeps of the toy experiments."""

from pathlib import Path
from typing import NamedTuple

from initatlas.sweeps.backends.serial import SerialBackend
from initatlas.sweeps.engine import open_store, run_sweep
from initatlas.sweeps.registry import load_experiment
from initatlas.sweeps.resolving import resolve
from initatlas.sweeps.spec import SweepConfig


def make_sweep(experiment, axes, *, name="trial", root_seed=2018, scale="quick", **rest):
    """Resolve a sweep that is written as in the config."""
    config = SweepConfig(experiment=experiment, axes=axes, **rest)
    declared = load_experiment(experiment)
    return resolve(
        config,
        study="toy",
        name=name,
        scale=scale,
        root_seed=root_seed,
        experiment=declared,
        where="toy.yaml: sweeps.trial",
    )


class Entry(NamedTuple):
    """Where a stored point is: its file and its row there."""

    path: Path
    row: int


def index_of(store):
    """All readable points of a store by key."""
    return {key: Entry(file.path, row) for keys, file in store.files() for row, key in enumerate(keys)}


def run(sweep, folder, *, data=None, backend=None, fail_fast=False):
    """Run a sweep with its store and its cube below `folder`; give the report and the path of the cube."""
    output = folder / "cubes" / f"{sweep.name}.nc"
    report = run_sweep(
        sweep,
        store=open_store(sweep, folder / "points"),
        data=data or {},
        choose=lambda seconds: backend or SerialBackend(),
        output=output,
        fail_fast=fail_fast,
    )
    return report, output
