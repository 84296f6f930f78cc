"""Points that end the process that computes them: the next run finds them, and computes all the others."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest
import xarray as xr
from toy.sweeps import index_of, make_sweep, run

from initatlas.runs import OWNER_VARIABLE
from initatlas.sweeps.backends.base import MAX_ATTEMPTS
from initatlas.sweeps.engine import open_store, partial_path
from initatlas.sweeps.plan import plan_sweep

pytestmark = pytest.mark.fault

POINTS = 6


def deadly(folder, fault, **fixed):
    """Six points, the fourth of which ends its process."""
    fixed = {"at": 3, "folder": str(folder), "fault": fault, **fixed}
    return make_sweep("toy.faults", {"number": [*range(POINTS)]}, fixed=fixed)


def start(sweep, folder):
    """A driver as a process."""
    command = [sys.executable, "-m", "initatlas", "stage", "sweep", "--spec", sweep.model_dump_json()]
    command += ["--store", str(folder / "points"), "--output", str(folder / f"cubes/{sweep.name}.nc")]
    command += ["--backend", "serial", "--workers", "1"]
    kept = {key: value for key, value in os.environ.items() if not key.startswith("RAY_") and key != OWNER_VARIABLE}
    return subprocess.Popen(command, env=kept, stderr=subprocess.PIPE, text=True, start_new_session=True)


def drive(sweep, folder):
    """Run a driver; give its exit code and what it said."""
    process = start(sweep, folder)
    try:
        _, messages = process.communicate(timeout=120)
    finally:
        process.kill()
    return process.returncode, messages


def suspects(sweep, folder):
    return open_store(sweep, folder / "points").journal.suspects()


@pytest.mark.parametrize(
    ("fault", "code", "ending", "cost"),
    [
        ("leave", 3, "exit code 3", 0.0),
        ("segfault", -signal.SIGSEGV, "SIGSEGV", 0.0),
        ("kill", -signal.SIGKILL, "SIGKILL", 5.0),
    ],
    ids=["_exit, one batch", "segfault, one batch", "kill, a batch each"],
)
def test_a_point_that_ends_its_driver_is_found_by_the_next_run(tmp_path, fault, code, ending, cost):
    sweep = deadly(tmp_path, fault, cost=cost)
    assert drive(sweep, tmp_path)[0] == code
    assert len(suspects(sweep, tmp_path)) == (POINTS if cost == 0.0 else 1)
    report, path = run(sweep, tmp_path)
    (failure,) = report.failures
    assert '"number":3' in failure.point
    assert failure.reason == f"{ending}: the worker died in {MAX_ATTEMPTS} attempts" or cost == 0.0
    assert failure.reason.startswith(f"{ending}: the worker died in ")
    with xr.open_dataset(partial_path(path)) as cube:
        assert cube["status"].values.tolist() == [0, 0, 0, 1, 0, 0]
        np.testing.assert_array_equal(cube["value"], [0, 1, 2, np.nan, 4, 5])
    assert suspects(sweep, tmp_path) == {failure.key}
    again, _ = run(sweep, tmp_path)
    assert (again.computed, [failed.key for failed in again.failures]) == (0, [failure.key])
    (tmp_path / "cured").touch()
    report, path = run(sweep, tmp_path)
    assert (report.computed, report.failures) == (1, ())
    assert path.exists()
    assert suspects(sweep, tmp_path) == set()


def test_the_line_says_that_the_process_ended_and_where(tmp_path):
    sweep = deadly(tmp_path, "leave")
    drive(sweep, tmp_path)
    code, messages = drive(sweep, tmp_path)
    assert code == 1
    assert "toy/trial: a run ended without a word while it computed 6 of the points" in messages
    assert "1 x exit code 3: the worker died in " in messages
    assert "(at number = 3)" in messages


def test_what_runs_apart_has_the_same_bits(tmp_path):
    """The companions of a deadly point, with their data set."""
    here, apart = tmp_path / "here", tmp_path / "apart"
    sweep = make_sweep("toy.draws", {"length": [2, 5], "seed": [0, 1]})
    _, path = run(sweep, here)
    store = open_store(sweep, apart / "points")
    store.journal.begin(index_of(open_store(sweep, here / "points")), ())
    _, other = run(sweep, apart)
    with xr.open_dataset(path) as one, xr.open_dataset(other) as two:
        for name in ("number", "curve", "count"):
            assert one[name].values.tobytes() == two[name].values.tobytes()
    with xr.open_dataset(other, group="execution") as execution:
        assert execution["attempt"].values.min() == 2


def wait_for_note(folder, process):
    """Wait until a point runs."""
    end = time.monotonic() + 60
    while not list(folder.glob("*.ran")):
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.02)


def naps(folder):
    """Two batches of a point each, with a nap; a point leaves its note behind the nap."""
    return make_sweep("toy.faults", {"number": [0, 1]}, fixed={"folder": str(folder), "cost": 5.0, "nap": 1.0})


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_point_that_was_stopped_from_outside_is_not_condemned(tmp_path, number):
    """The whole group hears a Ctrl-C; a kill may hit the driver alone."""
    sweep = naps(tmp_path)
    process = start(sweep, tmp_path)
    wait_for_note(tmp_path, process)
    time.sleep(0.3)
    os.killpg(process.pid, number)
    process.communicate(timeout=30)
    assert len(suspects(sweep, tmp_path)) == (number == signal.SIGKILL)
    report, _ = run(sweep, tmp_path)
    assert (report.computed, report.failures) == (1, ())
    assert suspects(sweep, tmp_path) == set()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_stop_while_a_point_runs_apart_condemns_nobody_and_leaves_no_process(tmp_path, number):
    sweep = naps(tmp_path)
    store = open_store(sweep, tmp_path / "points")
    store.home.mkdir(parents=True)
    store.journal.begin((task.key for batch in plan_sweep(sweep, store, {}).batches for task in batch.tasks), ())
    process = start(sweep, tmp_path)
    wait_for_note(tmp_path, process)
    (child,) = psutil.Process(process.pid).children()
    os.kill(process.pid, number) if number == signal.SIGKILL else os.killpg(process.pid, number)
    process.communicate(timeout=30)
    _, alive = psutil.wait_procs([child], timeout=15)
    assert alive == []
    assert suspects(sweep, tmp_path)
    report, path = run(sweep, tmp_path)
    assert report.failures == ()
    assert path.exists()
    assert suspects(sweep, tmp_path) == set()


def test_a_point_that_calls_sys_exit_fails_alone(tmp_path):
    report, _ = run(deadly(tmp_path, "exit"), tmp_path)
    assert [failure.reason for failure in report.failures] == ["SystemExit: no more"]
    assert report.computed == POINTS - 1
