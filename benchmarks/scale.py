"""What the engine takes for very many points that cost nothing: time, memory, files.

``python -m benchmarks.scale STEP POINTS FOLDER`` does one step in a process of its own and prints its cost as JSON: the plan or
the run from an empty store, or the same again where all is stored.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.result import FigureTable, Outcome, TimingTable, make_case
from benchmarks.timing import Timings
from benchmarks.toy_sweep import peak_megabytes, run_toy
from initatlas.sweeps.backends.serial import SerialBackend
from initatlas.sweeps.engine import open_store
from initatlas.sweeps.plan import plan_sweep
from initatlas.sweeps.spec import Axis, Sweep

ROOT = Path(__file__).resolve().parents[1]
POINTS = (100_000, 1_000_000)
MORE_POINTS = "SCALE_POINTS"
"""An environment variable that asks for further numbers of points: ``SCALE_POINTS=10000000 make bench ONLY=scale``."""

SEEDS = 100


def run() -> Outcome:
    """Run a sweep of each size in an empty folder, and once more where all is stored."""
    asked = [int(float(number)) for number in os.environ.get(MORE_POINTS, "").split()]
    costs = {points: _costs(points) for points in (*POINTS, *asked)}
    cases = [
        make_case(
            f"{points} points", Timings({step: [cost["seconds"]] for step, cost in steps.items()}, {}), work=points
        )
        for points, steps in costs.items()
    ]
    rows: list[list[float | str]] = [
        [
            f"{points} points",
            points / steps["first run"]["seconds"],
            *(max(cost[kind] for cost in steps.values()) for kind in ("megabytes", "at_start", "files", "stored")),
        ]
        for points, steps in costs.items()
    ]
    columns = ["", "points per second", "peak memory, MB", "of it imports, MB", "files", "store, MB"]
    return Outcome(
        settings={
            "seeds": SEEDS,
            "threads": 1,
            "batches": "of 4 s at the 10 ms that an experiment declares by default",
        },
        timings=[TimingTable(title="A sweep of points without cost: time of the processor", measure="s", cases=cases)],
        figures=[FigureTable(title="A sweep of points without cost: rate, memory, files", columns=columns, rows=rows)],
    )


def _costs(points: int) -> dict[str, dict[str, float]]:
    """What the steps take, each in a process of its own."""
    with TemporaryDirectory() as folder:
        return {step: _step(step, points, folder) for step in STEPS}


def _step(step: str, points: int, folder: str) -> dict[str, float]:
    """What one step takes."""
    command = [sys.executable, "-m", "benchmarks.scale", step, str(points), folder]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE)
    cost: dict[str, float] = json.loads(done.stdout)
    return cost


def sweep_of(points: int) -> Sweep:
    """A sweep of so many points, a multiple of `SEEDS`, over two axes."""
    axes = [
        Axis(name="position", values={"position": [number / 7 for number in range(points // SEEDS)]}),
        Axis(name="seed", values={"seed": [*range(SEEDS)]}),
    ]
    return Sweep(
        study="benchmarks",
        name="toy",
        scale="quick",
        experiment="benchmarks.empty_experiment",
        axes=axes,
        fixed={"width": 7},
        root_seed=0,
    )


def _plan(sweep: Sweep, folder: Path) -> None:
    """Find what is to run."""
    plan_sweep(sweep, open_store(sweep, folder), {})


def _run(sweep: Sweep, folder: Path) -> None:
    """Compute it, and write the cube."""
    run_toy(sweep, folder, lambda seconds: SerialBackend())


STEPS: dict[str, Callable[[Sweep, Path], Any]] = {
    "first plan": _plan,
    "first run": _run,
    "plan again": _plan,
    "run again": _run,
}
"""In this order; the latter two find all points stored."""


def main() -> None:
    """Do one step and print its cost."""
    step, points, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    for module in ("netCDF4", "xarray", "benchmarks.empty_experiment"):
        import_module(module)
    sweep, at_start = sweep_of(points), peak_megabytes()
    start = time.process_time()
    STEPS[step](sweep, folder)
    cost = {"seconds": time.process_time() - start, "megabytes": peak_megabytes(), "at_start": at_start}
    files = [*folder.rglob("*.npz")]
    print(json.dumps(cost | {"files": len(files), "stored": sum(file.stat().st_size for file in files) / 1e6}))


if __name__ == "__main__":
    main()
