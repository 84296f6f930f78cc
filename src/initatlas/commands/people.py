"""Commands for people, called in the folder of the atlas: the workflow's own stages, resolved from the config."""

import logging
import shutil
from collections.abc import Mapping
from pathlib import Path

from initatlas.commands import sweeps
from initatlas.config import load_datasets, load_settings, load_workflow
from initatlas.cubes import cube_attributes
from initatlas.datasets.specs import CifarSpec, IdxSpec
from initatlas.errors import UserError
from initatlas.layout import POINTS, Layout
from initatlas.names import did_you_mean
from initatlas.sweeps.checkouts import needed_by_others
from initatlas.sweeps.code import sweep_code
from initatlas.sweeps.engine import open_store
from initatlas.sweeps.former import older_path
from initatlas.sweeps.registry import load_experiment
from initatlas.sweeps.spec import Sweep, largest_megabytes

log = logging.getLogger(__name__)


def plan(title: str, overrides: Mapping[str, str]) -> str:
    """What a sweep would do. Where a data set is not built yet, no point of the sweep can be stored."""
    workflow = load_workflow(Path(), overrides)
    layout = Layout(workflow.settings.scale)
    sweep = workflow.sweep(title)
    planned = sweeps.plan_in_words(
        sweep, datasets={name: layout.dataset(name) for name in sweep.datasets}, store=POINTS
    )
    return "\n".join([planned, *(f"  warning: {line}" for line in workflow.warnings.get(title, ()))])


def check() -> str:
    """Read the whole config at every scale: what there is, what cannot run here, and what is probably not meant."""
    workflow = load_workflow(Path())
    lines = [f"cannot run here: {reason}" for reason in workflow.unavailable.values()]
    lines += [f"warning: {line}" for line in workflow.unread]
    for title in workflow.titles:
        sweep = workflow.sweep(title)
        needed = largest_megabytes(sweep, load_experiment(sweep.experiment))
        memory = [f"sweep {title}: {line}" for line in sweeps.memory_warnings(needed)]
        lines += [f"warning: {line}" for line in (*workflow.warnings.get(title, ()), *memory)]
    counts = f"{len(workflow.datasets)} data sets and {len(workflow.titles)} sweeps at scale {workflow.settings.scale}"
    return "\n".join([*lines, f"config: {counts}, no mistake"])


def status(overrides: Mapping[str, str]) -> str:
    """How much of each sweep is stored, and whether its cube is of the present config."""
    workflow = load_workflow(Path(), overrides)
    layout = Layout(workflow.settings.scale)
    rows = []
    for title in workflow.titles:
        sweep = workflow.sweep(title)
        datasets = {name: layout.dataset(name) for name in sweep.datasets}
        plan, _ = sweeps.compare(sweep, datasets=datasets, store=open_store(sweep, POINTS))
        rows.append((title, f"{plan.points - plan.to_run} of {plan.points} points stored", _cube(sweep, layout)))
    rows += [(title, "cannot run", reason) for title, reason in workflow.unavailable.items()]
    return sweeps.aligned(rows)


def _cube(sweep: Sweep, layout: Layout) -> str:
    """What there is of the cube of a sweep at its scale."""
    path = layout.cube(sweep.title)
    if not path.exists():
        return "no cube, but an older one is kept" if older_path(path).exists() else "no cube"
    attributes = cube_attributes(path)
    now = sweeps.with_device(sweep).model_dump_json(), sweep_code(sweep)
    return "cube" if (attributes.get("spec"), attributes.get("code_version")) == now else "older cube"


def prune(overrides: Mapping[str, str], *, dry_run: bool, everything: bool) -> str:
    """Remove stored points of older code versions, and damaged files; what the present code can find stays.

    Parameters
    ----------
    overrides
        Keys of the config.
    dry_run
        Whether to say only what would go.
    everything
        Whether to remove also what another checkout that shares the store still needs.
    """
    workflow = load_workflow(Path(), overrides)
    sweeps_of_config = map(workflow.sweep, workflow.titles)
    stores = {sweep.experiment: open_store(sweep, POINTS) for sweep in sweeps_of_config}
    removed = [path for store in stores.values() for path in store.damaged()]
    kept = []
    for store in stores.values():
        needed = {} if everything else needed_by_others(store.home, Path.cwd())
        for folder in store.other_versions():
            if others := needed.get(folder.name):
                whom = ", ".join(
                    f"{checkout.path} on {checkout.host} (last used {checkout.date})" for checkout in others
                )
                kept.append(f"{folder} kept for {whom}")
            else:
                removed.append(folder)
    megabytes = sum(file.stat().st_size for path in removed for file in (path, *path.rglob("*"))) / 1e6
    if not dry_run:
        for path in removed:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    word = "would go" if dry_run else "removed"
    hint = ["--all removes these as well"] if kept else []
    return "\n".join([*map(str, removed), f"{len(removed)} {word}, {megabytes:.1f} MB", *kept, *hint])


def download(name: str, overrides: Mapping[str, str]) -> None:
    """Download the raw files of a data set into the raw data folder of the config."""
    from initatlas.datasets.download import download as fetch

    settings = load_settings(Path("config/config.yaml"), overrides)
    specs = load_datasets(Path("config/datasets.yaml"), settings.scale)
    spec = specs.get(name)
    if not isinstance(spec, IdxSpec | CifarSpec) or not spec.mirrors:
        downloads = [key for key, value in specs.items() if isinstance(value, IdxSpec | CifarSpec) and value.mirrors]
        raise UserError(
            f"{name!r} is no data set to download{did_you_mean(name, downloads)}; there are: {', '.join(downloads)}"
        )
    for path in fetch(name, spec, Path(settings.raw_data)):
        log.info("%s", path)
