"""What the rules share: the interpreter, and the cubes of products."""

import shlex
import sys
from pathlib import Path

import initatlas.report
from initatlas.config import cube_titles
from initatlas.layout import POINTS, cube_path, dataset_path
from initatlas.provenance import code_version, text_version
from initatlas.sweeps.registry import experiment_module, load_experiment
from initatlas.sweeps.spec import expected_seconds

# `python` in a rule is the interpreter that runs Snakemake; where that lies is no reason to run a rule again.
shell.prefix(
    f"set -euo pipefail; export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH; "
)

# What a sweep on Ray asks for; Snakemake scales it down to the cores that there are, or to --max-threads.
MOST_THREADS = 256

FIGURE_FORMATS = ("svg", "pdf", "png")
TABLE_FORMATS = ("csv", "md", "tex", "html")


def product_cubes(study, names):
    """The cubes that a product of a study reads, as sweep: path."""
    return {
        name: str(cube_path(owner, name)) for owner, name in cube_titles(study, names)
    }


def cube_arguments(wildcards, input):
    """The cubes among the inputs of a rule, as sweep=path."""
    return [
        f"{name}={path}"
        for name, path in input.items()
        if path.startswith("data/cubes/")
    ]


def dataset_spec(wildcards):
    """The spec of a data set, as canonical JSON."""
    return ATLAS.datasets[wildcards.dataset].model_dump_json()


def dataset_code(wildcards):
    """Version of the code that builds this kind of data set."""
    return code_version(f"initatlas.datasets.{ATLAS.datasets[wildcards.dataset].kind}")


def sweep_of(wildcards):
    """The resolved sweep that a cube stands for."""
    return ATLAS.sweep(wildcards.study, wildcards.sweep)


def sweep_backend(wildcards):
    """Backend that the sweep, or else the config, asks for."""
    return ATLAS.backends[sweep_of(wildcards).title]


def sweep_seconds(wildcards):
    """Estimated cost of a whole sweep, on one core."""
    sweep = sweep_of(wildcards)
    return expected_seconds(sweep, load_experiment(sweep.experiment))


def prepare_ray():
    """Start the Ray that a sweep of this run is going to ask for, beside the first jobs."""
    from initatlas.sweeps.ray_session import RayOfTheSweep, takes_ray

    jobs = [job for job in workflow.dag.needrun_jobs() if job.rule.name == "sweep"]
    if workflow.local_exec and any(
        takes_ray(
            sweep_backend(job.wildcards),
            seconds=sweep_seconds(job.wildcards),
            workers=workflow.cores,
        )
        for job in jobs
    ):
        RayOfTheSweep(
            workers=workflow.cores, session_folder=POINTS.parent / "ray"
        ).prepare()


def engine_options(wildcards):
    """How a sweep is to run; no reason to run it again."""
    return (
        f"--backend {sweep_backend(wildcards)}"
        + " --fail-fast" * ATLAS.settings.fail_fast
    )


def study_products(study):
    """Everything that a study produces."""
    declared = ATLAS.studies[study]
    figures = [
        f"reports/{study}/figures/{name}.{suffix}"
        for name in declared.figures
        for suffix in FIGURE_FORMATS
    ]
    tables = [
        f"reports/{study}/tables/{name}.{suffix}"
        for name in declared.tables
        for suffix in TABLE_FORMATS
    ]
    return [*figures, *tables, f"reports/{study}/claims.json"]


def study_captions(study):
    """The captions of the products of a study."""
    declared = ATLAS.studies[study]
    return [
        f"workflow/report/{study}/{name}.rst"
        for name in (*declared.figures, *declared.tables)
    ]


def page_cubes():
    """The cubes of the studies on the page."""
    return [
        str(cube_path(study, name))
        for study in ATLAS.studies
        for name in ATLAS.sweeps[study]
    ]
