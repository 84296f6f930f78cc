"""What it costs to find that nothing is to do: a sweep whose points are all stored, and the whole workflow."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.result import Case, FigureTable, Outcome, TimingTable, make_case
from benchmarks.timing import Timings, time_competitors

ROOT = Path(__file__).resolve().parents[1]
POINTS = (10_000, 100_000)
ROUNDS = 3
SCALE = "smoke"
WORKFLOW = ("Snakefile", "workflow", "config", "environment.yml")
"""What a folder needs for the workflow to run in it."""


def run() -> Outcome:
    """Run each thing once, then time it with nothing left to do."""
    costs = {points: _stored_sweep(points) for points in POINTS}
    cases = [
        make_case(f"{points} stored points", Timings(_columns(cost, ("plan", "run")), {}))
        for points, cost in costs.items()
    ]
    memory: list[list[float | str]] = [
        [f"{points} stored points", median(cost["megabytes"] for cost in costs[points])] for points in POINTS
    ]
    return Outcome(
        settings={"rounds": ROUNDS, "scale": SCALE, "threads": 1},
        timings=[
            TimingTable(title="A sweep with every point stored", measure="s", cases=cases),
            TimingTable(title="Snakemake with nothing to do", measure="s", cases=[_workflow()]),
        ],
        figures=[FigureTable(title="Peak memory beyond the imports (MB)", columns=["", "MB"], rows=memory)],
    )


def _columns(rows: Sequence[Mapping[str, float]], names: Sequence[str]) -> dict[str, list[float]]:
    """Some keys of equal dictionaries, each with its values."""
    return {name: [row[name] for row in rows] for name in names}


def _stored_sweep(points: int) -> list[dict[str, float]]:
    """Cost of runs of a sweep in processes of their own, after a run that filled the store."""
    with TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.toy_sweep", str(points), folder]
        outputs = [subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE) for _ in range(1 + ROUNDS)]
    return [json.loads(output.stdout) for output in outputs[1:]]


def _workflow() -> Case:
    """Time Snakemake on an empty Snakefile and on our workflow; the first call of the latter computes everything."""
    with TemporaryDirectory() as empty, TemporaryDirectory() as full:
        Path(empty, "Snakefile").write_text("rule all:\n    input: []\n", encoding="utf-8")
        for name in WORKFLOW:
            source = ROOT / name
            copy = shutil.copytree if source.is_dir() else shutil.copy
            copy(source, Path(full, name))
        competitors = {
            "empty Snakefile": partial(_snakemake, empty, "--cores", "1"),
            "our workflow": partial(
                _snakemake, full, "--workflow-profile", "workflow/profiles/default", "--config", f"scale={SCALE}"
            ),
        }
        return make_case("snakemake", time_competitors(competitors, rounds=ROUNDS, rng=np.random.default_rng(0)))


def _snakemake(folder: str, *arguments: str) -> None:
    """Run Snakemake in a folder, quietly.

    Raises
    ------
    RuntimeError
        If it fails.
    """
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    command = [sys.executable, "-m", "snakemake", *arguments]
    done = subprocess.run(command, cwd=folder, env=os.environ | {"PATH": path}, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"snakemake {' '.join(arguments)} failed:\n{done.stderr[-2000:]}")
