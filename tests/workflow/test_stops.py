"""Stop each process of a run with each signal: it ends in order and leaves nothing, and the same command goes on."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import psutil
import pytest
from toy.accounts import Account, calm_cube, drill_sweep, title, wait_until
from toy.drill import LOG_VARIABLE, nap_file

pytestmark = [pytest.mark.workflow, pytest.mark.fault]

POINTS = 48
NAP = 0.25
"""The sweep takes 12 s at least in one process, 6 s on two workers: it is stopped before its end."""

LEAST_MEGABYTES = 50.0
"""A stage that has imported numpy takes more, the client of a warm parent a fifth of it."""

SECONDS_TO_END = 30.0
AT_ONCE = 3

SWEEP = f"""
sweeps:
  drill:
    experiment: toy.drill
    axes: {{number: {[*range(POINTS)]}}}
"""

CHAIN = {"run": " initatlas ", "snakemake": " snakemake ", "stage": " initatlas stage sweep "}
"""The processes of a run, with what their command lines hold."""

WARM = " initatlas warm-parent "
"""Likewise a warm parent, and its children."""

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL)

Case = namedtuple("Case", ["victim", "number", "backend", "command", "warm"], defaults=[False])

CASES = [
    Case("run", signal.SIGTERM, "ray", ["run", "own/drill"]),
    Case("run", signal.SIGINT, "serial", ["sweep", "run", "own/drill"]),
    Case("run", signal.SIGHUP, "serial", ["run", "own/drill"]),
    Case("run", signal.SIGKILL, "ray", ["sweep", "run", "own/drill"]),
    Case("snakemake", signal.SIGTERM, "serial", ["sweep", "run", "own/drill"]),
    Case("snakemake", signal.SIGINT, "serial", ["run", "own/drill"]),
    Case("snakemake", signal.SIGHUP, "serial", ["run", "own/drill"]),
    Case("snakemake", signal.SIGKILL, "ray", ["run", "own/drill"]),
    Case("stage", signal.SIGTERM, "serial", ["run", "own/drill"]),
    Case("stage", signal.SIGINT, "serial", ["sweep", "run", "own/drill"]),
    Case("stage", signal.SIGHUP, "serial", ["run", "own/drill"]),
    Case("stage", signal.SIGKILL, "ray", ["run", "own/drill"]),
]

WARM_CASES = [
    *(Case(victim, number, "serial", ["run", "own/drill"], True) for victim in CHAIN for number in SIGNALS[::3]),
    Case("stage", signal.SIGINT, "serial", ["run", "own/drill"], True),
    Case("parent", signal.SIGKILL, "serial", ["run", "own/drill"], True),
    Case("child", signal.SIGKILL, "serial", ["run", "own/drill"], True),
    Case("child", signal.SIGTERM, "serial", ["run", "own/drill"], True),
]
"""With a warm parent the stage is the client, and the points are computed by the child."""

WHOLE = (signal.SIGKILL,)
"""After this the same command goes on; after the others a driver alone, which starts faster, goes on with the same store."""

End = namedtuple("End", ["code", "seconds", "said", "alive", "again"])


def start(folder, case, output):
    """A command of the user in a folder with an atlas."""
    command = [sys.executable, "-m", "initatlas", *case.command, "--backend", case.backend, "--workers", "2"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "INITATLAS_"))}
    environment = kept | {LOG_VARIABLE: str(folder / "log"), "INITATLAS_WARM": "1" if case.warm else "no"}
    with output.open("w") as said:
        return subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )


def atlas(root, folder):
    """An atlas with one sweep, which leaves a line in a log for every point that it begins."""
    for name in ("Snakefile", "workflow", "environment.yml"):
        (shutil.copytree if (root / name).is_dir() else shutil.copy2)(root / name, folder / name)
    (folder / "config/sweeps").mkdir(parents=True)
    (folder / "config/config.yaml").write_text("scale: quick\nstudies: []\n")
    (folder / "config/sweeps/own.yaml").write_text(SWEEP)
    return folder


def stop_one(root, folder, case):
    """Start a run, stop a process of it while the sweep runs, and let it go on undisturbed."""
    folder.mkdir()
    account = Account(drill_sweep(POINTS), atlas(root, folder) / "data", log=folder / "log", nap=NAP)
    run = start(folder, case, folder / "said")
    below = []
    try:
        wait_until(lambda: run.poll() is not None or len(account.files()) >= 2)
        assert run.poll() is None, (folder / "said").read_text()
        me = psutil.Process(run.pid)
        below = me.children(recursive=True)
        assert len([found for found in below if WARM in title(found)]) == 2 * case.warm
        victim = find(case.victim, (me, *below))
        begin = time.monotonic()
        victim.send_signal(case.number)
        run.wait(SECONDS_TO_END)
        _, alive = psutil.wait_procs(below, timeout=SECONDS_TO_END)
        seconds = time.monotonic() - begin
    finally:
        run.kill()
        run.wait()
        for process in below:
            with suppress(psutil.NoSuchProcess):
                process.kill()
    account.computed()
    missing = account.missing()
    if case.number in WHOLE:
        nap_file(account.log).unlink()
        again = start(folder, case, folder / "said again")
        assert again.wait(120) == 0, (folder / "said again").read_text()
        account.output = folder / "data/cubes/quick/own/drill.nc"
        assert megabytes(folder / "data/benchmarks/quick/sweeps/own/drill.tsv") > LEAST_MEGABYTES
    else:
        account.finish()
    assert set(account.computed().elements()) == missing
    return account, End(run.returncode, seconds, (folder / "said").read_text(), [*map(str, alive)], len(missing))


def megabytes(benchmark):
    """The memory that a stage took, as the workflow has noted it."""
    names, values = (line.split("\t") for line in benchmark.read_text().splitlines())
    return float(dict(zip(names, values, strict=True))["max_rss"])


def find(victim, processes):
    """One of the processes of a run."""
    if victim in CHAIN:
        return next(found for found in processes if CHAIN[victim] in title(found) and found.name() != "bash")
    warm = {found.pid: found for found in processes if WARM in title(found)}
    return next(found for found in warm.values() if (found.ppid() in warm) == (victim == "child"))


def expected_code(case):
    """A run that is stopped itself tells the signal; one whose parts are stopped has failed."""
    if case.victim != "run":
        return 1
    return -case.number if case.number == signal.SIGKILL else 128 + case.number


@pytest.mark.parametrize("cases", [CASES, WARM_CASES], ids=["cold", "warm"])
def test_a_stopped_run_leaves_nothing_and_goes_on(root, tmp_path, cases):
    calm = calm_cube(drill_sweep(POINTS), tmp_path / "calm")
    names = [f"{case.victim} {case.number.name}" for case in cases]
    assert cases is WARM_CASES or len({*names}) == len(CHAIN) * len(SIGNALS)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        ends = [*pool.map(lambda name, case: stop_one(root, tmp_path / name, case), names, cases)]
    for name, case, (account, end) in zip(names, cases, ends, strict=True):
        assert end.alive == [], (name, end)
        assert end.code == expected_code(case), (name, end)
        assert "Traceback" not in end.said, (name, end)
        assert 0 < end.again < POINTS, (name, end)
        account.assert_whole(calm)
        assert [*(tmp_path / name / ".snakemake/locks").glob("*")] == [], name
