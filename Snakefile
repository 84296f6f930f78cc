"""The atlas: from the config to the report.

snakemake --workflow-profile workflow/profiles/default              the report
snakemake --workflow-profile workflow/profiles/default chen2024     one study
snakemake --workflow-profile workflow/profiles/default chen2024/table1    one sweep
"""

import os
import socket
import sys
from pathlib import Path

from initatlas.config import load_workflow
from initatlas.errors import UserError
from initatlas.identity import Ancestry, made_files
from initatlas.layout import PAGE, Layout
from initatlas.runs import (
    RunLock,
    call_unfinished,
    cancel_jobs_on_signals,
    check_place,
    end_jobs_on_signals,
    import_from_here,
    name_the_user,
)


configfile: "config/config.yaml"


import_from_here()

try:
    check_place(Path(workflow.basedir))
    ATLAS = load_workflow(Path(), config)
except UserError as error:
    sys.exit(f"initatlas: {error}")

LAYOUT = Layout(ATLAS.settings.scale)
ANCESTRY = Ancestry(ATLAS)

name_the_user()

# Held until this process ends.
RUN = RunLock(Path())
if workflow.is_main_process and RUN.take():
    # In a copy of data and reports Snakemake would take every file for new for ever.
    call_unfinished(made_files(ATLAS))

# The sweeps of this run share one Ray, which ends with this process; a job of a cluster has one of its own.
if workflow.remote_exec:
    os.environ.pop("INITATLAS_WORKFLOW", None)
os.environ.setdefault("INITATLAS_WORKFLOW", f"{socket.gethostname()}:{os.getpid()}")


include: "workflow/rules/common.smk"
include: "workflow/rules/datasets.smk"
include: "workflow/rules/sweeps.smk"
include: "workflow/rules/studies.smk"
include: "workflow/rules/report.smk"


onstart:
    end_jobs_on_signals() if workflow.local_exec else cancel_jobs_on_signals()
    keep_former_cubes()
    mark_page()
    prepare_ray()
    prepare_parent()


onsuccess:
    finish_benchmarks()


onerror:
    finish_benchmarks()


rule all:
    default_target: True
    input:
        rules.page.output,
        rules.ledger.output,
        rules.explorer.output,
        rules.kernels.output,
        [everything_of(study) for study in ATLAS.studies],


for _study in ATLAS.studies:

    rule:
        name:
            _study
        input:
            everything_of(_study),


for _title in (*AVAILABLE, *ATLAS.unavailable):

    rule:
        name:
            _title
        input:
            [*cube_files([_title]), *dataset_files([_title])],
