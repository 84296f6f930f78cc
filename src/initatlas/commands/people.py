"""Commands for people, called in the folder of the Snakefile: the workflow's own stages, resolved from the config."""

import logging
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from initatlas.commands import sweeps
from initatlas.config import load_datasets, load_settings, load_workflow
from initatlas.datasets.specs import CifarSpec, IdxSpec
from initatlas.errors import UserError
from initatlas.layout import POINTS, cube_path, dataset_path
from initatlas.sweeps.engine import open_store

log = logging.getLogger(__name__)


def plan(title: str, overrides: Mapping[str, str]) -> str:
    """What a sweep would do. Where a data set is not built yet, no point of the sweep can be stored."""
    workflow = load_workflow(Path(), overrides)
    study, _, name = title.partition("/")
    sweep = workflow.sweep(study, name)
    return sweeps.plan(sweep, datasets={name: dataset_path(name) for name in sweep.datasets}, store=POINTS)


def status(overrides: Mapping[str, str]) -> str:
    """How much of each sweep is stored."""
    workflow = load_workflow(Path(), overrides)
    rows = []
    for group in workflow.sweeps.values():
        for sweep in group.values():
            datasets = {name: dataset_path(name) for name in sweep.datasets}
            plan, _ = sweeps.compare(sweep, datasets=datasets, store=open_store(sweep, POINTS))
            cube = "cube" if cube_path(sweep.study, sweep.name).exists() else "no cube"
            rows.append((sweep.title, f"{plan.points - plan.to_run} of {plan.points} points stored", cube))
    return sweeps.aligned(rows)


def prune(overrides: Mapping[str, str], *, dry_run: bool) -> str:
    """Remove stored points of older code versions, and damaged files; what the present code can find stays."""
    workflow = load_workflow(Path(), overrides)
    configured = [sweep for group in workflow.sweeps.values() for sweep in group.values()]
    stale = [path for sweep in configured for path in open_store(sweep, POINTS).stale()]
    removed = sorted(set(stale))
    megabytes = sum(file.stat().st_size for path in removed for file in (path, *path.rglob("*"))) / 1e6
    if not dry_run:
        for path in removed:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    word = "would go" if dry_run else "removed"
    return "\n".join([*(str(path) for path in removed), f"{len(removed)} {word}, {megabytes:.1f} MB"])


def run(title: str, overrides: Mapping[str, str], *, workers: int) -> int:
    """Run a sweep to its cube: the workflow's own target, with its data sets; return the exit code."""
    command = [sys.executable, "-m", "snakemake", "--workflow-profile", "workflow/profiles/default"]
    command += ["--cores", str(workers), title]
    if overrides:
        command += ["--config", *(f"{key}={value}" for key, value in overrides.items())]
    return subprocess.run(command, check=False).returncode


def download(name: str, overrides: Mapping[str, str]) -> None:
    """Download the raw files of a data set into the raw data folder of the config."""
    from initatlas.datasets.download import download as fetch

    settings = load_settings(Path("config/config.yaml"), overrides)
    specs = load_datasets(Path("config/datasets.yaml"), settings.scale)
    spec = specs.get(name)
    if not isinstance(spec, IdxSpec | CifarSpec):
        downloadable = [key for key, value in specs.items() if isinstance(value, IdxSpec | CifarSpec)]
        raise UserError(f"{name!r} is no data set to download; there are: {', '.join(downloadable)}")
    for path in fetch(name, spec, Path(settings.raw_data)):
        log.info("%s", path)
