"""Kill parts of the Ray that a sweep has started for itself: it ends with one clear line, and the next run goes on."""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress

import psutil
import pytest
from toy.accounts import BATCHES, Account, calm_cube, drill_sweep, title, wait_until
from toy.drill import POINTS_PER_BATCH

from initatlas.sweeps.ray_session import OWNER_VARIABLE

pytestmark = pytest.mark.fault

SEED = 2018
SECONDS_TO_END = 45.0
RECONNECTING = {"RAY_gcs_rpc_server_reconnect_timeout_s": "5"}
"""Ray looks for a control service that is gone for a minute; five seconds do for a drill."""

AGENTS = ("ray::DashboardAgent", "ray::RuntimeEnvAgent")
"""Two helpers of a raylet that take a minute to miss it when it was killed, idle; then they end by themselves."""


@pytest.fixture(scope="module")
def sweep():
    return drill_sweep(nap=0.05)


@pytest.fixture(scope="module")
def calm(sweep, tmp_path_factory):
    return calm_cube(sweep, tmp_path_factory.mktemp("calm"))[0]


def start(account):
    """The stage of the workflow that runs a sweep, with a Ray of its own; its messages go to a file."""
    command = [sys.executable, "-m", "initatlas", "stage", "sweep", "--spec", account.sweep.model_dump_json()]
    command += ["--store", str(account.folder / "points"), "--output", str(account.output)]
    command += ["--backend", "ray", "--workers", "2"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_") and name != OWNER_VARIABLE}
    with (account.folder / "messages").open("w") as messages:
        return subprocess.Popen(
            command, env=kept | account.environment | RECONNECTING, stdin=subprocess.DEVNULL, stderr=messages
        )


@pytest.mark.parametrize("victim", ["raylet", "gcs_server", "driver"])
def test_killed_parts_of_the_sweeps_own_ray(tmp_path, sweep, calm, tally, victim):
    account = Account(sweep, tmp_path)
    chosen = random.Random(f"{SEED} {victim}")
    driver = start(account)
    family = []
    try:
        wait_until(lambda: driver.poll() is not None or len(account.files()) >= 3)
        assert driver.poll() is None, (tmp_path / "messages").read_text()
        time.sleep(chosen.uniform(0, 1.5))
        me = psutil.Process(driver.pid)
        family = me.children(recursive=True)
        agents = {found.pid for found in family if title(found).startswith(AGENTS)}
        begin = time.monotonic()
        next(found for found in [*family, me] if victim.startswith(found.name()) or found == me).kill()
        driver.wait(SECONDS_TO_END)
        took = time.monotonic() - begin
        _, alive = psutil.wait_procs(family, timeout=20)
    finally:
        driver.kill()
        driver.wait()
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
    messages = (tmp_path / "messages").read_text()
    assert 3 <= len(account.files()) < BATCHES
    assert {found.pid for found in alive} <= agents
    if victim == "driver":
        assert driver.returncode == -signal.SIGKILL
    elif victim == "gcs_server":
        assert driver.returncode not in (0, None)  # Ray's own code ends the process, before a line of ours
    else:
        assert "Traceback" not in messages
        assert driver.returncode == 2
        assert "initatlas: " in messages.splitlines()[-1]
        assert "Ray" in messages.splitlines()[-1]
    account.finish()
    account.assert_whole(calm)
    tally.moments += 1
    tally.recomputed = account.computed_again()
    assert tally.recomputed <= 4 * POINTS_PER_BATCH
    tally.note = f"the driver ended after {took:.1f} s"
