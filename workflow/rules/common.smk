"""What the rules share: the interpreter, and what stands above the products."""

import os
import re
import shlex
import shutil
import sys
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path

from snakemake_interface_executor_plugins.settings import DeploymentMethod

from initatlas import __file__ as PACKAGE
from initatlas.layout import (
    FIGURE_FORMATS,
    POINTS,
    RAY,
    TABLE_FORMATS,
    published,
)
from initatlas.machine import largest_node
from initatlas.runs import spec_file
from initatlas.studies.product import cube_titles
from initatlas.sweeps.allocation import (
    Allocation,
    allocation,
    slices_needed,
    within_node,
)
from initatlas.sweeps.costs import beyond_a_share, expected_cost
from initatlas.sweeps.registry import load_experiment

# `python` in a rule is that of the environment made from environment.yml under `--sdm conda`, which lacks this package alone; or
# else the interpreter that runs Snakemake. Where that lies is no reason to run a rule again.
if DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method:
    MODULES = [
        str(Path(PACKAGE).parents[1]),
        *filter(None, [os.environ.get("PYTHONPATH")]),
    ]
    SEARCHED = f"PYTHONPATH={shlex.quote(os.pathsep.join(MODULES))}"
else:
    SEARCHED = f"PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH"
shell.prefix(f"set -euo pipefail; export {SEARCHED}; ")

# What a sweep on Ray asks for on this machine; Snakemake scales the CPUs down to those that there are. Nobody counts the rest here.
HERE = Allocation(cpus=256, megabytes=8000, minutes=720)

# Which of several jobs that wait runs first: what others wait for, and the long before the short. Figures and tables, all short, fill
# the CPUs at the end, where a long job would be alone.
DATASETS_FIRST, SWEEPS_NEXT, CLAIMS_THEN = 1_000_000_000, 100, 10

AVAILABLE = [sweep.title for group in ATLAS.sweeps.values() for sweep in group.values()]


def one_of(names):
    """A wildcard that stands for some names alone."""
    return "|".join(map(re.escape, names)) or "(?!)"


def texts(paths):
    """Paths as Snakemake takes them."""
    return [str(path) for path in paths]


def cube_files(titles):
    """The cubes of some sweeps."""
    return [str(LAYOUT.cube(title)) for title in titles]


def product_cubes(study, names):
    """The cubes that a product of a study reads, as sweep: path."""
    return {
        title.rpartition("/")[2]: str(LAYOUT.cube(title))
        for title in cube_titles(study, names)
    }


def cube_arguments(study, names):
    """The cubes that a product of a study reads, as arguments of its stage."""
    return placed(cube_titles(study, names))


def placed(titles):
    """The cubes of some sweeps, as study/sweep=path."""
    return [f"{title}={LAYOUT.cube(title)}" for title in titles]


def above_product(study, names):
    """The other files above a product."""
    return texts(ANCESTRY.above_product(study, names))


def dataset_spec(wildcards):
    """The spec of a data set, as a file."""
    return spec_file(ATLAS.datasets[wildcards.dataset].model_dump_json())


def sweep_of(wildcards):
    """The resolved sweep that a cube stands for."""
    return ATLAS.sweep(wildcards.title)


def sweep_backend(wildcards):
    """Backend that the sweep, or else the config, asks for."""
    return ATLAS.backends[wildcards.title]


def sweep_threads(wildcards, attempt):
    """CPUs of the job of a sweep, or of a slice of it."""
    return of_job(wildcards, attempt).cpus


def sweep_megabytes(wildcards, attempt):
    """Memory of the job of a sweep, or of a slice of it."""
    return of_job(wildcards, attempt).megabytes


def sweep_minutes(wildcards, attempt):
    """Time limit of the job of a sweep, or of a slice of it."""
    return of_job(wildcards, attempt).minutes


def of_job(wildcards, attempt):
    """What the job of a sweep, or of a slice of it, asks for."""
    return asked_for(wildcards.title, attempt, int(wildcards.get("slices", 1)))


def all_slices():
    """A word of each slice of the sweeps that are too long for one job of the cluster.

    A dry run does not know where the jobs would run; it shows them.
    """
    if workflow.local_exec and not workflow.dryrun:
        return []
    return [
        str(LAYOUT.slice(title, f"{number}-of-{count}"))
        for title in AVAILABLE
        if (count := slices_of(title)) > 1
        for number in range(1, count + 1)
    ]


def slices_of(title):
    """In how many jobs of the cluster a sweep is done."""
    sweep = ATLAS.sweep(title)
    return slices_needed(
        sweep,
        load_experiment(sweep.experiment),
        cluster_limits(),
        parallel=ATLAS.backends[title] != "serial",
    )


@cache
def asked_for(title, attempt, slices=1):
    """What the job of a sweep asks a cluster for; one that could never start ends the run, in one line."""
    sweep = ATLAS.sweep(title)
    experiment = load_experiment(sweep.experiment)
    if workflow.local_exec:
        return HERE if title in sweeps_on_ray() else replace(HERE, cpus=experiment.cpus)
    try:
        return allocation(
            sweep,
            experiment,
            cluster_limits(),
            parallel=ATLAS.backends[title] != "serial",
            attempt=attempt,
            slices=slices,
        )
    except UserError as error:
        sys.exit(f"initatlas: {error}")


@cache
def cluster_limits():
    """The most that a job may ask for: of the config, and of the nodes where Slurm runs the jobs."""
    if workflow.local_exec:
        return ATLAS.settings.cluster
    asked = workflow.resource_settings.default_resources
    named = dict(text.split("=", 1) for text in asked.args) if asked else {}
    partition = named.get("slurm_partition", "").strip("\"' ")
    return within_node(ATLAS.settings.cluster, largest_node(partition or None))


@cache
def sweep_seconds(title):
    """Estimated cost of a sweep on one core."""
    sweep = ATLAS.sweep(title)
    return expected_cost(sweep, load_experiment(sweep.experiment)).seconds


def sweep_priority(wildcards):
    """The longest sweep first, so that none runs alone at the end."""
    return SWEEPS_NEXT + sweep_seconds(wildcards.title)


def due_sweeps():
    """The sweeps that this run makes, whole or a slice of them, once Snakemake knows its jobs."""
    rules = ("sweep", "slice")
    jobs = (job for job in workflow.dag.needrun_jobs() if job.rule.name in rules)
    return [job.wildcards.title for job in jobs]


@cache
def sweeps_on_ray():
    """The sweeps of this run that take all CPUs of this machine; the others run in their own processes, side by side.

    Those are the ones that ask for Ray, and those that would keep one CPU busy alone when all else is done.
    """
    from initatlas.sweeps.ray.client import cluster_is_given, takes_ray

    seconds = {title: sweep_seconds(title) for title in due_sweeps()}
    alone = beyond_a_share(seconds, workflow.cores)
    return {
        title
        for title, cost in seconds.items()
        if takes_ray(ATLAS.backends[title], seconds=cost, workers=workflow.cores)
        and (title in alone or ATLAS.backends[title] == "ray" or cluster_is_given())
    }


def prepare_ray():
    """Start the Ray that a sweep of this run is going to ask for, beside the first jobs."""
    from initatlas.sweeps.ray.client import RayOfTheSweep

    if workflow.local_exec and sweeps_on_ray():
        RayOfTheSweep(workers=workflow.cores, session_folder=RAY).prepare()


WARM = []
"""The folder of the warm parent of this run, if it has one."""


def prepare_parent():
    """Start the process that forks the stages of this run, if all run on this machine, with this Python."""
    from initatlas.warm.start import start_parent

    if workflow.local_exec and not (
        workflow.remote_exec or SEARCHED.startswith("PYTHONPATH")
    ):
        stages = [job for job in workflow.dag.needrun_jobs() if job.log]
        WARM.extend(filter(None, [start_parent(len(stages))]))


def finish_benchmarks():
    """Snakemake has measured the clients of the stages that were forked."""
    from initatlas.warm.usage import complete_benchmarks

    jobs = [job for job in workflow.dag.jobs if job.log and job.benchmark]
    for folder in WARM:
        complete_benchmarks(
            {str(job.log[0]): str(job.benchmark) for job in jobs}, folder
        )
        shutil.rmtree(folder, ignore_errors=True)


def keep_former_cubes():
    """A sweep that fails is not to cost the cube of the run before, which Snakemake removes when it starts the job."""
    from initatlas.sweeps.former import keep_former

    for job in workflow.dag.needrun_jobs():
        if job.rule.name in ("sweep", "unavailable"):
            keep_former(Path(job.output[0]))


def mark_page():
    """Say on the page which studies are about to be made anew: if this run fails, the page is older than the config."""
    from initatlas.report.outdated import mark_outdated

    due = {path for job in workflow.dag.needrun_jobs() for path in map(str, job.output)}
    studies = {
        declared.title: len(due.intersection(everything_of(study)))
        for study, declared in ATLAS.studies.items()
    }
    mark_outdated(
        PAGE,
        {title: count for title, count in studies.items() if count},
        scale=ATLAS.settings.scale,
        due=str(PAGE) in due,
        now=datetime.now(),
    )


def engine_options(wildcards):
    """How a sweep, or which slice of it, is to run; no reason to run it again."""
    return (
        f"--backend {sweep_backend(wildcards)}"
        + " --fail-fast" * ATLAS.settings.fail_fast
        + (
            f" --slice {wildcards.number}/{wildcards.slices}"
            if "slices" in wildcards.keys()
            else ""
        )
    )


def study_products(study):
    """Everything that a study produces."""
    declared = ATLAS.studies[study]
    figures = [
        LAYOUT.figure(study, name, suffix)
        for name in declared.figures
        for suffix in FIGURE_FORMATS
    ]
    tables = [
        LAYOUT.table(study, name, suffix)
        for name in declared.tables
        for suffix in TABLE_FORMATS
    ]
    return texts([*figures, *tables, LAYOUT.claims(study)])


def caption(study, name):
    """The caption of a product; from here if it lies below, so that a copy of the whole folder runs nothing again."""
    path = (ATLAS.studies[study].captions / f"{name}.rst").resolve()
    return str(
        path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    )


def study_captions(study):
    """The captions of the products of a study."""
    declared = ATLAS.studies[study]
    return [caption(study, name) for name in (*declared.figures, *declared.tables)]


def everything_of(study):
    """What a study's target asks for: its products, and the cubes and data sets behind them.

    A cube that is missing is made again, though what was read from it is there.
    """
    titles = ANCESTRY.titles(study)
    return [*study_products(study), *cube_files(titles), *dataset_files(titles)]


def dataset_files(titles):
    """The data sets of some sweeps."""
    names = [
        name
        for title in titles
        if title in AVAILABLE
        for name in ATLAS.sweep(title).datasets
    ]
    return texts(LAYOUT.dataset(name) for name in dict.fromkeys(names))
