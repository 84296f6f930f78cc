"""A sweep over the toy experiment, and what it costs to run it when every point is stored.

``python -m benchmarks.toy_sweep POINTS FOLDER`` runs the sweep with its store in FOLDER, in a process of its own, and
prints what it cost as JSON.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from initatlas.sweeps.backends.base import Backend
from initatlas.sweeps.backends.serial import SerialBackend
from initatlas.sweeps.engine import open_store, run_sweep
from initatlas.sweeps.plan import plan_sweep
from initatlas.sweeps.spec import Axis, Sweep

EXPERIMENT = "benchmarks.toy_experiment"


def toy_sweep(points: int, repeats: int) -> Sweep:
    """A sweep of many points of equal cost."""
    return Sweep(
        study="benchmarks",
        name="toy",
        experiment=EXPERIMENT,
        axes=[Axis(name="index", values={"index": list(range(points))})],
        fixed={"repeats": repeats},
        exclude=[],
        root_seed=0,
    )


def run_toy(sweep: Sweep, folder: Path, choose: Callable[[float], Backend]) -> None:
    """Run the sweep with its store and its cube in a folder.

    Raises
    ------
    RuntimeError
        If a point failed.
    """
    report = run_sweep(sweep, store=open_store(sweep, folder), data={}, choose=choose, output=folder / "toy.nc")
    if report.failures:
        raise RuntimeError(f"the toy sweep failed: {report.failures[0].reason}")


def peak_megabytes() -> float:
    """Largest resident memory of this process since it began its program."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("the system does not tell a process's peak memory")


def main() -> None:
    """Plan, run, and print the cost."""
    sweep, folder = toy_sweep(int(sys.argv[1]), repeats=0), Path(sys.argv[2])
    at_start = peak_megabytes()
    start = time.perf_counter()
    plan_sweep(sweep, open_store(sweep, folder), {})
    planned = time.perf_counter()
    run_toy(sweep, folder, lambda seconds: SerialBackend())
    end = time.perf_counter()
    print(json.dumps({"plan": planned - start, "run": end - planned, "megabytes": peak_megabytes() - at_start}))


if __name__ == "__main__":
    main()
