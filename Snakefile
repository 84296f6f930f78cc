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


configfile: "config/config.yaml"


try:
    ATLAS = load_workflow(Path(), config)
except UserError as error:
    sys.exit(f"initatlas: {error}")

# The sweeps of this run share one Ray, which ends with this process.
os.environ.setdefault("INITATLAS_WORKFLOW", f"{socket.gethostname()}:{os.getpid()}")


include: "workflow/rules/common.smk"
include: "workflow/rules/datasets.smk"
include: "workflow/rules/sweeps.smk"
include: "workflow/rules/studies.smk"
include: "workflow/rules/report.smk"


onstart:
    prepare_ray()


rule all:
    default_target: True
    input:
        rules.page.output,


for _study in ATLAS.studies:

    rule:
        name:
            _study
        input:
            study_products(_study),


for _study, _sweeps in ATLAS.sweeps.items():
    for _name in _sweeps:

        rule:
            name:
                f"{_study}/{_name}"
            input:
                str(cube_path(_study, _name)),
