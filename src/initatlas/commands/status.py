"""`initatlas status`: what of the atlas is up to date, what would run and why, and what failed last.

Snakemake alone knows what would run, so its dry run is asked. What failed is in the logs: each job begins its own anew, so an
error in it is of the last try.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from initatlas.commands.jobs import CANNOT_RUN, DATA_SETS, REPORT, Job, Jobs
from initatlas.commands.people import what_changed
from initatlas.commands.run import RUN_LOG, Progress, read_line, snakemake_command, unsaid
from initatlas.config import Workflow, load_workflow
from initatlas.errors import UserError
from initatlas.files import write_text
from initatlas.layout import DATA
from initatlas.names import did_you_mean
from initatlas.runs import RunLock
from initatlas.terminal import Colour, aligned, painted

DRY_RUN_LOG = DATA / "logs" / "status.log"
"""All that Snakemake said in the last dry run."""

_JOB = re.compile(r"^Job \d+: (.*)\nReason: (.*)$", re.MULTILINE)

_ERROR = re.compile(r"^(\S+ [\d:]+)\S* ERROR (?:initatlas: )?(.*)$", re.MULTILINE)

_CHANGED = "of an older config or code"

_REASONS = {
    "Forced execution": "without a record of what it was made from",
    "Missing output files": "not there",
    "Incomplete output files": "not finished",
    "Params have changed": _CHANGED,
    "Code has changed": "made by another command",
    "Set of input files has changed": "made from other files",
    "Updated input files": "older than what it is made from",
}
"""How a reason of Snakemake's begins, and what we say of what is to be made."""

_FOLLOWS = re.compile(r"Input files updated by another job: ([^;]*)")


@dataclass(frozen=True)
class Due:
    """A job that would run.

    Attributes
    ----------
    job
        The job.
    reasons
        Why, in words; none where it only follows others.
    follows
        The jobs that would run before it, by name.
    failed
        How its last try failed: ``when``, ``what`` and ``log``; None if it did not.
    """

    job: Job
    reasons: tuple[str, ...]
    follows: tuple[str, ...]
    failed: Mapping[str, str] | None


_MOST_NAMED = 5
"""Jobs of a line that are told by name on the screen; ``--json`` has them all."""


def status(
    groups: Sequence[str], overrides: Mapping[str, str], *, snakefile: Path | None = None, as_json: bool = False
) -> str:
    """What of the atlas is up to date, what would run and why, and what failed last.

    Parameters
    ----------
    groups
        Studies, and files of sweeps by their names; none: all, with the data sets and the report.
    overrides
        What the command line says in the place of the config.
    snakefile
        The Snakefile, if it is not here and this package is no clone's.
    as_json
        For a script: an object with ``scale``, ``running`` and ``groups``, each with ``name``, ``jobs``, ``up_to_date``,
        ``would_run`` and ``cannot_run``.

    Raises
    ------
    UserError
        For a mistake in the config, a study that does not exist, or where Snakemake cannot say what would run.
    """
    workflow = load_workflow(Path(), overrides)
    jobs = Jobs(workflow)
    chosen = _chosen(groups, jobs)
    everything = ["all", *(title for title in workflow.titles if title.partition("/")[0] not in workflow.studies)]
    said = _dry_run(everything, overrides, snakefile)
    due = {each.job.name: each for each in _due(said, jobs, workflow)}
    found = {
        "scale": workflow.settings.scale,
        "running": _is_running(),
        "groups": [_group(name, jobs, due, workflow) for name in chosen],
    }
    return json.dumps(found, indent=1) if as_json else _in_words(found)


def _chosen(groups: Sequence[str], jobs: Jobs) -> list[str]:
    """Groups of jobs in the order of the page."""
    for group in groups:
        if group not in jobs.groups:
            raise UserError(f"there is no study {group!r}{did_you_mean(group, jobs.groups)}; give the name of a study")
    return [group for group in jobs.groups if group in groups] or [DATA_SETS, *jobs.groups, REPORT]


def _is_running() -> bool:
    """Whether a run is at work in this folder."""
    lock = RunLock(Path())
    free = lock.take()
    lock.release()
    return not free


def due_jobs(targets: Sequence[str], overrides: Mapping[str, str], *, snakefile: Path | None = None) -> list[str]:
    """The jobs, by name, that a run to some targets would do now; the parameters are those of `status`."""
    return [name for name, _ in _JOB.findall(_dry_run(targets, overrides, snakefile))]


def _dry_run(targets: Sequence[str], overrides: Mapping[str, str], snakefile: Path | None) -> str:
    """What Snakemake says of a run to some targets."""
    command = snakemake_command(snakefile, overrides, workers=1)
    done = subprocess.run(
        [*command, "--dry-run", "--", *targets],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    write_text(DRY_RUN_LOG, done.stdout)
    if done.returncode:
        raise UserError(f"Snakemake cannot say what would run (exit code {done.returncode}); see {DRY_RUN_LOG}")
    return done.stdout


def _due(said: str, jobs: Jobs, workflow: Workflow) -> Iterator[Due]:
    """The jobs that would run, by what a dry run said."""
    unsaid_failures = _failures_of_last_run()
    for name, text in _JOB.findall(said):
        job = jobs.by_name[name]
        follows = _FOLLOWS.search(text)
        makers = {jobs.makers[path] for path in follows[1].split(", ") if path in jobs.makers} if follows else set()
        reasons = tuple(_reason(job, words, workflow) for phrase, words in _REASONS.items() if phrase in text)
        yield Due(job, reasons, tuple(made for made in jobs.by_name if made in makers), _failure(job, unsaid_failures))


def _reason(job: Job, words: str, workflow: Workflow) -> str:
    """Words of a reason; of a sweep which part of it has changed."""
    kind, _, title = job.name.partition(" ")
    parts = what_changed(title, workflow) if words == _CHANGED and kind == "sweep" else ()
    return f"of other {' and '.join(parts)}" if parts else words


def _failures_of_last_run() -> dict[Path, str]:
    """Logs of the jobs that failed in the last run, with what to say of those whose log holds no word."""
    if not RUN_LOG.is_file():
        return {}
    progress = Progress()
    for line in RUN_LOG.read_text(encoding="utf-8", errors="replace").splitlines():
        read_line(line, progress)
    return {Path(failure[-1]): unsaid(failure).removeprefix("; ") for failure in progress.failures}


def _failure(job: Job, of_last_run: Mapping[Path, str]) -> dict[str, str] | None:
    """How the last try of a job failed."""
    text = job.log.read_text(encoding="utf-8", errors="replace") if job.log.is_file() else ""
    if error := _ERROR.search(text):
        return {"when": error[1], "what": error[2], "log": str(job.log)}
    if what := of_last_run.get(job.log):
        when = datetime.fromtimestamp(RUN_LOG.stat().st_mtime).isoformat(" ", "seconds")
        return {"when": when, "what": what, "log": str(RUN_LOG)}
    return None


def _group(name: str, jobs: Jobs, due: Mapping[str, Due], workflow: Workflow) -> dict[str, Any]:
    """A group of jobs, for a script."""
    of_group = [job for job in jobs.by_name.values() if job.group == name]
    absent = {title: reason for title, reason in workflow.unavailable.items() if title.startswith(f"{name}/")}
    would_run = [due[job.name] for job in of_group if job.name in due and not job.name.endswith(CANNOT_RUN)]
    return {
        "name": name,
        "jobs": len(of_group),
        "up_to_date": len(of_group) - len(would_run) - len(absent),
        "would_run": [_job(job) for job in would_run],
        "cannot_run": absent,
    }


def _job(due: Due) -> dict[str, Any]:
    """A job that would run, for a script."""
    return {"job": due.job.name, "reasons": due.reasons, "follows": due.follows, "failed": due.failed}


def _in_words(found: Mapping[str, Any]) -> str:
    """The same for a person: a row per group, what would run first, and what failed."""
    groups = found["groups"]
    would_run = [job for group in groups for job in group["would_run"]]
    rows = [("", "jobs", "up to date", "would run", "cannot run", "failed"), *map(_row, groups)]
    absent = [f"  {reason}" for group in groups for reason in group["cannot_run"].values()]
    lines = [f"scale {found['scale']}{'; a run is at work now' if found['running'] else ''}", aligned(rows)]
    lines += _section("would run", "yellow", [*_first(groups)])
    lines += _section("cannot run here", "yellow", absent)
    lines += _section("failed when last tried", "red", [_failed(job) for job in would_run if job["failed"]])
    return "\n".join(
        lines if would_run or absent else [*lines, painted("everything is up to date", "green", sys.stdout)]
    )


def _row(group: Mapping[str, Any]) -> tuple[str, ...]:
    """A group as cells."""
    failed = sum(job["failed"] is not None for job in group["would_run"])
    counts = (group["jobs"], group["up_to_date"], len(group["would_run"]), len(group["cannot_run"]), failed)
    return group["name"], *map(str, counts)


def _section(title: str, colour: Colour, lines: Sequence[str]) -> list[str]:
    """Lines under a heading; nothing without lines."""
    return [painted(title, colour, sys.stdout), *lines] if lines else []


def _first(groups: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The jobs that follow no other, a line for each group and reason, and how many jobs follow."""
    for group in groups:
        alike: dict[str, list[str]] = {}
        for job in group["would_run"]:
            if not job["follows"]:
                alike.setdefault(" and ".join(job["reasons"]), []).append(job["job"])
        for reason, names in alike.items():
            more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
            yield f"  {group['name']}, {reason}: {', '.join(names[:_MOST_NAMED])}{more}"
    if following := sum(bool(job["follows"]) for group in groups for job in group["would_run"]):
        yield f"  then {following} made from these"


def _failed(job: Mapping[str, Any]) -> str:
    """A failure in a line."""
    failed = job["failed"]
    return f"  {job['job']}, {failed['when']}: {failed['what']} ({failed['log']})"
