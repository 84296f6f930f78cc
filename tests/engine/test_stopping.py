"""Stopping a sweep: it ends in order, keeps what is finished, and leaves nothing behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import psutil
import pytest
from toy.sweeps import index_of, make_sweep

from initatlas.runs import OWNER_VARIABLE
from initatlas.sweeps.engine import open_store
from initatlas.sweeps.plan import plan_sweep

pytestmark = pytest.mark.fault

SECONDS_TO_STOP = 5.0


def slow_sweep(folder, *, name="trial", points=200, nap=0.2):
    """Points that each take a batch of their own and a nap."""
    fixed = {"folder": str(folder), "nap": nap, "cost": 5.0}
    return make_sweep("toy.faults", {"number": [*range(points)]}, fixed=fixed, name=name)


def start(sweep, folder, backend, stdout=None, **environment):
    """The stage of the workflow that runs a sweep, as a process."""
    command = [sys.executable, "-m", "initatlas", "stage", "sweep", "--spec", sweep.model_dump_json()]
    command += ["--store", str(folder / "points"), "--output", str(folder / f"{sweep.name}.nc")]
    command += ["--backend", backend, "--workers", "2"]
    kept = {key: value for key, value in os.environ.items() if not key.startswith("RAY_") and key != OWNER_VARIABLE}
    environment = {**kept, **environment}
    return subprocess.Popen(command, env=environment, stdout=stdout, stderr=subprocess.PIPE, text=True)


def wait_until(condition, *, seconds):
    """Wait for something to become true; give the seconds that it took."""
    begin = time.monotonic()
    while not condition():
        assert time.monotonic() - begin < seconds, "took too long"
        time.sleep(0.02)
    return time.monotonic() - begin


def descendants(process):
    """All processes below one, as psutil tells them apart from later ones with their numbers."""
    return psutil.Process(process.pid).children(recursive=True)


@pytest.mark.parametrize(
    ("backend", "number", "code"),
    [("serial", signal.SIGTERM, 143), ("serial", signal.SIGINT, 130), ("ray", signal.SIGTERM, 143)],
    ids=["serial", "interrupt", "ray"],
)
def test_a_stopped_sweep_leaves_what_is_finished_and_nothing_else(tmp_path, backend, number, code):
    sweep = slow_sweep(tmp_path)
    process = start(sweep, tmp_path, backend)
    try:
        wait_until(lambda: len([*tmp_path.rglob("points/toy.faults/*/[!.]*.npz")]) >= 3, seconds=180)
        below = descendants(process)
        assert bool(below) == (backend == "ray")
        begin = time.monotonic()
        process.send_signal(number)
        _, messages = process.communicate(timeout=30)
        took = time.monotonic() - begin
    finally:
        process.kill()
    assert took < SECONDS_TO_STOP
    assert process.returncode == code
    assert "what is finished is kept" in messages
    assert "Traceback" not in messages
    _, alive = psutil.wait_procs(below, timeout=15)
    assert [found.name() for found in alive] == []
    assert [path.name for path in tmp_path.rglob(".*")] == []
    assert not (tmp_path / "trial.nc").exists()
    stored = len(index_of(open_store(sweep, tmp_path / "points")))
    assert 3 <= stored < 200
    assert plan_sweep(sweep, open_store(sweep, tmp_path / "points"), {}).to_run == 200 - stored


def test_the_sweeps_of_one_workflow_share_one_ray_which_ends_with_it(tmp_path):
    owner = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    sessions, answers = [], []

    def session_of(owner):
        return tmp_path / f"ray/{socket.gethostname()}-{owner.pid}.json"

    try:
        for name, points in (("one", 3), ("two", 5)):
            sweep = slow_sweep(tmp_path, name=name, points=points, nap=0.0)
            process = start(sweep, tmp_path, "ray", **{OWNER_VARIABLE: f"{socket.gethostname()}:{owner.pid}"})
            _, messages = process.communicate(timeout=180)
            answers.append((process.returncode, messages))
            sessions.append(session_of(owner).read_text())
        assert [code for code, _ in answers] == [0, 0], answers
        assert "two: 2 of 5 points to run" in answers[1][1]
        assert sessions[0] == sessions[1]
        keeper = psutil.Process(json.loads(sessions[0])["process"])
        assert session_of(owner).stat().st_mode & 0o077 == 0
        family = [keeper, *keeper.children(recursive=True)]
        assert len(family) > 3
    finally:
        owner.kill()
        owner.wait()
    _, alive = psutil.wait_procs(family, timeout=15)
    assert [found.name() for found in alive] == []
    assert [*(tmp_path / "ray").iterdir()] == []


def test_an_address_where_no_ray_answers_is_one_line(tmp_path):
    process = start(slow_sweep(tmp_path), tmp_path, "ray", RAY_ADDRESS="127.0.0.1:1")
    try:
        _, messages = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 2
    assert "initatlas: RAY_ADDRESS=127.0.0.1:1: nothing listens there" in messages
    assert "Traceback" not in messages
