"""Commands for people, called in the folder of the atlas: the workflow's own stages, resolved from the config."""

import json
import logging
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from initatlas.commands import sweeps
from initatlas.config import Workflow, load_datasets, load_settings, load_workflow
from initatlas.cubes import cube_attributes
from initatlas.datasets.specs import CifarSpec, IdxSpec
from initatlas.errors import UserError
from initatlas.identity import Ancestry
from initatlas.layout import POINTS, Layout
from initatlas.names import did_you_mean
from initatlas.report.ledger import format_seconds
from initatlas.sweeps.checkouts import needed_by_others
from initatlas.sweeps.code import sweep_code
from initatlas.sweeps.costs import expected_cost
from initatlas.sweeps.engine import open_store
from initatlas.sweeps.former import older_path
from initatlas.sweeps.plan import DataSource
from initatlas.sweeps.registry import load_experiment
from initatlas.sweeps.spec import Sweep
from initatlas.terminal import Colour, aligned

log = logging.getLogger(__name__)


def plan(title: str, overrides: Mapping[str, str]) -> str:
    """What a sweep would do."""
    workflow = load_workflow(Path(), overrides)
    sweep = workflow.sweep(title)
    planned = sweeps.plan_in_words(sweep, data=_data(sweep, workflow), store=POINTS)
    return "\n".join([planned, *(f"  warning: {line}" for line in workflow.warnings.get(title, ()))])


def costs(targets: Sequence[str], overrides: Mapping[str, str], *, as_json: bool = False) -> str:
    """What the sweeps of some studies would take, with their sum: a table, or JSON.

    Parameters
    ----------
    targets
        Studies and sweeps; none: all of the config.
    overrides
        What the command line says in the place of the config.
    as_json
        An object with ``scale``, ``sweeps`` and ``seconds`` on one core, for a script.

    Raises
    ------
    UserError
        For a target that is neither a study nor a sweep.
    """
    workflow = load_workflow(Path(), overrides)
    rows = [_cost(title, workflow) for title in _chosen(targets, workflow)]
    seconds = sum(row.get("seconds", 0.0) for row in rows)
    if as_json:
        return json.dumps({"scale": workflow.settings.scale, "sweeps": rows, "seconds": seconds}, indent=1)
    return _cost_table(rows, seconds)


def _chosen(targets: Sequence[str], workflow: Workflow) -> list[str]:
    """Titles of sweeps, each once, in the order of the config."""
    titles = [*workflow.titles, *workflow.unavailable]
    named = {title: {title, title.partition("/")[0]} for title in titles}
    known = set().union(*named.values())
    for target in targets:
        if target not in known:
            near = did_you_mean(target, sorted(known))
            raise UserError(f"there is no study and no sweep {target!r}{near}; `initatlas sweep list` shows all")
    return [title for title in titles if not targets or named[title].intersection(targets)]


def _cost(title: str, workflow: Workflow) -> dict[str, Any]:
    """What a sweep would take, or why it cannot run here."""
    try:
        sweep = workflow.sweep(title)
        data = _data(sweep, workflow)
    except UserError as error:
        return {"sweep": title, "cannot_run": str(error)}
    planned = sweeps.planned_here(sweep, data, POINTS)
    return {
        "sweep": title,
        "points": planned.points,
        "to_run": planned.to_run,
        "batches": len(planned.batches),
        "seconds": planned.seconds * planned.slowness,
        "megabytes": planned.megabytes,
    }


def _cost_table(rows: Sequence[Mapping[str, Any]], seconds: float) -> str:
    """Columns, and a last line with the sum."""
    able = [row for row in rows if "cannot_run" not in row]
    lines: list[Sequence[str]] = [("sweep", "points", "to run", "batches", "one core", "MB per batch")]
    for row in able:
        counts = (f"{row[name]}" for name in ("points", "to_run", "batches"))
        lines.append((row["sweep"], *counts, format_seconds(row["seconds"]), f"{row['megabytes']:.0f}"))
    sums = (f"{sum(row[name] for row in able)}" for name in ("points", "to_run", "batches"))
    lines.append(
        ("together", *sums, format_seconds(seconds), f"{max((row['megabytes'] for row in able), default=0):.0f}")
    )
    unable = (f"cannot run here: {row['sweep']}: {row['cannot_run']}" for row in rows if "cannot_run" in row)
    return "\n".join([aligned(lines), *unable])


def check() -> str:
    """Read the whole config at every scale: what there is, what cannot run here, and what is probably not meant."""
    workflow = load_workflow(Path())
    lines = [f"cannot run here: {reason}" for reason in workflow.unavailable.values()]
    lines += [f"warning: {line}" for line in workflow.unread]
    for title in workflow.titles:
        sweep = workflow.sweep(title)
        needed = expected_cost(sweep, load_experiment(sweep.experiment)).megabytes
        memory = [f"sweep {title}: {line}" for line in sweeps.memory_warnings(needed)]
        lines += [f"warning: {line}" for line in (*workflow.warnings.get(title, ()), *memory)]
    counts = f"{len(workflow.datasets)} data sets and {len(workflow.titles)} sweeps at scale {workflow.settings.scale}"
    return "\n".join([*lines, f"config: {counts}, no mistake"])


def status(overrides: Mapping[str, str], *, as_json: bool = False) -> str:
    """How much of each sweep is stored, and whether its cube is of the present config.

    Parameters
    ----------
    overrides
        What the command line says in the place of the config.
    as_json
        A list of objects with ``sweep``, ``points``, ``stored`` and ``cube``, or with ``sweep`` and ``cannot_run``, for a script.
    """
    workflow = load_workflow(Path(), overrides)
    states = [_state(workflow.sweep(title), workflow) for title in workflow.titles]
    states += [{"sweep": title, "cannot_run": reason} for title, reason in workflow.unavailable.items()]
    if as_json:
        return json.dumps(states, indent=1)
    return aligned([_state_in_words(state) for state in states], _STATE_COLOURS)


_STATE_COLOURS: Mapping[str, Colour] = {
    "cube": "green",
    "older cube": "yellow",
    "no cube": "yellow",
    "no cube, but an older one is kept": "yellow",
    "cannot run": "red",
}


def _state(sweep: Sweep, workflow: Workflow) -> dict[str, Any]:
    """How much of a sweep is stored, and what there is of its cube; or why that cannot be told."""
    try:
        data = _data(sweep, workflow)
    except UserError as error:
        return {"sweep": sweep.title, "cannot_run": str(error)}
    plan = sweeps.planned_here(sweep, data, POINTS)
    cube = _cube(sweep, data, Layout(workflow.settings.scale))
    return {"sweep": sweep.title, "points": plan.points, "stored": plan.points - plan.to_run, "cube": cube}


def _state_in_words(state: Mapping[str, Any]) -> tuple[str, str, str]:
    """The same as cells."""
    if "cannot_run" in state:
        return state["sweep"], "cannot run", state["cannot_run"]
    return state["sweep"], f"{state['stored']} of {state['points']} points stored", state["cube"]


def _data(sweep: Sweep, workflow: Workflow) -> dict[str, DataSource]:
    """The data sets of a sweep. One that the next run builds has no hash yet, so no point on it can be stored."""
    layout = Layout(workflow.settings.scale)
    built = {name: layout.dataset(name) for name in sweep.datasets if _is_built(name, workflow, layout)}
    return {name: DataSource(None, "") for name in sweep.datasets} | sweeps.read_data(sweep, built)


def _is_built(name: str, workflow: Workflow, layout: Layout) -> bool:
    """Whether a data set is there as the config, its code and its raw files are now."""
    from initatlas.datasets.dataset import identity_of

    path = layout.dataset(name)
    if not path.exists():
        return False
    raw = [file.stat().st_mtime for file in workflow.raw_files[name]]
    return identity_of(path) == Ancestry(workflow).dataset(name) and path.stat().st_mtime >= max(raw, default=0.0)


def _cube(sweep: Sweep, data: Mapping[str, DataSource], layout: Layout) -> str:
    """What there is of the cube of a sweep at its scale."""
    path = layout.cube(sweep.title)
    if not path.exists():
        return "no cube, but an older one is kept" if older_path(path).exists() else "no cube"
    return "older cube" if _changes(sweep, data, path) else "cube"


def _changes(sweep: Sweep, data: Mapping[str, DataSource], path: Path) -> list[str]:
    """In what a cube is of the past: ``settings``, ``code``, ``data``."""
    attributes = cube_attributes(path)
    hashes = json.dumps({name: source.sha256 for name, source in data.items()})
    now = {
        "settings": ("spec", sweeps.with_device(sweep).model_dump_json()),
        "code": ("code_version", sweep_code(sweep)),
        "data": ("datasets", hashes),
    }
    return [part for part, (key, value) in now.items() if attributes.get(key) != value]


def what_changed(title: str, workflow: Workflow) -> list[str]:
    """In what the cube of a sweep is of the past: ``settings``, ``code``, ``data``; nothing where that cannot be told."""
    try:
        sweep = workflow.sweep(title)
        return _changes(sweep, _data(sweep, workflow), Layout(workflow.settings.scale).cube(title))
    except UserError:
        return []


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
