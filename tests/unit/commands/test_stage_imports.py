"""A stage is a process: what it imports is most of what a short one costs. So none imports what it has no use for."""

import json
import subprocess
import sys

import pytest
from toy.sweeps import make_sweep

from initatlas.cli import main

HEAVY = {
    *("PIL", "fontTools", "jinja2", "matplotlib", "netCDF4", "numba", "numpy", "pandas", "psutil", "pydantic", "ray"),
    *("requests", "scipy", "sklearn", "snakemake", "torch", "xarray", "yaml"),
}
"""Packages whose import takes more than some milliseconds."""

WRITES = {"netCDF4", "numpy", "psutil", "pydantic"}
"""What computes, and writes a file."""

DRAWS_WEIGHTS = {"numba", "scipy", "yaml"}  # numba reads its settings from a YAML file if there is one
READS = WRITES | {"pandas", "xarray", "yaml"}
"""What reads cubes, and what was printed."""

DRAWS = READS | {"PIL", "fontTools", "matplotlib"}

STAGE = """
import gc, json, sys
from initatlas.cli import entry
try:
    entry()
except SystemExit as end:
    print(json.dumps([end.code, gc.get_threshold()[0], sorted(sys.modules)]))
"""


def imported(stage, *words):
    """All modules of a stage that has run well, as a process of its own."""
    command = [sys.executable, "-c", STAGE, "stage", stage, *words]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    code, threshold, modules = json.loads(answer.stdout)
    assert code == 0, answer.stderr
    assert threshold == 10_000, (
        "of itself Python looks for garbage at every 700 objects: a tenth of the time of a figure"
    )
    return set(modules)


def heavy(modules):
    """The packages among modules that take long to import."""
    return HEAVY & {name.partition(".")[0] for name in modules}


def studies(modules):
    """The studies of ours among modules."""
    names = [name.split(".") for name in modules if name.startswith("initatlas.studies.")]
    return {name[2] for name in names if len(name) > 3}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """An atlas with one study, and the words of its stages that read its cube."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("atlas"))
        assert main(["study", "new", "kappa2021"]) == 0
        patch.syspath_prepend(".")
        sweep = make_sweep("my_experiments.kappa2021", {"width": [4, 8]}, name="layers", seeds=2)
        words = ["--store=points", "--output=layers.nc", "--backend=serial", "--workers=1"]
        assert main(["stage", "sweep", f"--spec={sweep.model_dump_json()}", *words]) == 0
        yield [
            "--study=my_studies.kappa2021",
            "--published=config/published/kappa2021.yaml",
            "--cubes=toy/layers=layers.nc",
        ]


def test_a_sweep_and_its_data_set(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    spec = '{"kind": "glyphs", "train": 4, "test": 0}'
    words = ["--name=glyphs", f"--spec={spec}", "--raw-data=raw", "--made-from=", "--output=glyphs.nc"]
    assert heavy(imported("dataset", *words)) == WRITES
    sweep = make_sweep("toy.sized", {"offset": [0, 1]}, fixed={"dataset": "glyphs"})
    words = [f"--spec={sweep.model_dump_json()}", "--store=points", "--output=cube.nc", "--backend=auto", "--workers=2"]
    modules = imported("sweep", *words, "--data", "glyphs=glyphs.nc")
    assert heavy(modules) == WRITES
    assert not studies(modules)


@pytest.mark.parametrize(
    ("experiment", "axes", "expected"),
    [
        ("forward_kernel", {"width": [64]}, DRAWS_WEIGHTS),
        ("replication", {"width": [4], "inputs": [3]}, DRAWS_WEIGHTS),
        ("unit_laws", {"units": [20]}, {"scipy"}),
    ],
)
def test_what_an_experiment_imports(experiment, axes, expected, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    spec = make_sweep(experiment, axes).model_dump_json()
    modules = imported("sweep", f"--spec={spec}", "--store=x", "--output=x.nc", "--backend=serial", "--workers=1")
    assert heavy(modules) == WRITES | expected
    assert "scipy.stats" not in modules


@pytest.mark.parametrize(
    ("stage", "words", "expected"),
    [
        ("figure", ["--name=curve", "--output=curve.svg"], DRAWS),
        ("table", ["--name=numbers", "--caption=my_studies/kappa2021/captions/numbers.rst", "--output=x.csv"], READS),
        ("claims", ["--output=claims.json"], READS | {"scipy"}),
    ],
)
def test_a_product(study, stage, words, expected):
    modules = imported(stage, *study, *words)
    assert heavy(modules) == expected
    assert not studies(modules)
    assert not modules & {"initatlas.config", "scipy.stats"}


def test_the_page_reads_what_cubes_say_of_themselves_without_xarray():
    program = "import json, sys, initatlas.report.collect; print(json.dumps([*sys.modules]))"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    assert not heavy(json.loads(answer.stdout)) & {"matplotlib", "pandas", "scipy", "xarray"}
