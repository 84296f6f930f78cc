"""Kill parts of the Ray that a sweep has started for itself: it ends with one clear line, and the next run goes on."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import psutil
import pytest
from toy.accounts import BATCHES, Account, calm_cube, drill_sweep, title, wait_until
from toy.drill import POINTS_PER_BATCH

from initatlas.sweeps.ray_session import OWNER_VARIABLE, RAY_IS_GONE

pytestmark = pytest.mark.fault

SEED = 2018
NAP = 0.2
"""The sweep takes 16 s at least: every kill comes before its end."""

SECONDS_TO_END = 60.0
VICTIMS = ("raylet", "gcs_server", "keeper", "driver")
AGENTS = {"ray::DashboardAgent", "ray::RuntimeEnvAgent"}
"""Helpers of a raylet that take a minute to miss it; the keeper ends them, so that they outlive it where it is killed itself."""

End = namedtuple("End", ["code", "messages", "seconds", "alive"])


def start(account):
    """The stage of the workflow that runs a sweep, with a Ray of its own; its messages go to a file."""
    command = [sys.executable, "-m", "initatlas", "stage", "sweep", "--spec", account.sweep.model_dump_json()]
    command += ["--store", str(account.folder / "points"), "--output", str(account.output)]
    command += ["--backend", "ray", "--workers", "2"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_") and name != OWNER_VARIABLE}
    with (account.folder / "messages").open("w") as messages:
        return subprocess.Popen(command, env=kept | account.environment, stdin=subprocess.DEVNULL, stderr=messages)


def kill_a_part(account, victim):
    """Start a sweep, kill a part of it at a random moment, and tell how it ended."""
    chosen = random.Random(f"{SEED} {victim}")
    driver = start(account)
    messages = account.folder / "messages"
    family = []
    try:
        wait_until(lambda: driver.poll() is not None or len(account.files()) >= 3)
        assert driver.poll() is None, messages.read_text()
        time.sleep(chosen.uniform(0, 1.5))
        me = psutil.Process(driver.pid)
        (keeper,) = me.children()
        agents = {found for found in keeper.children(recursive=True) if title(found).strip() in AGENTS}
        family = me.children(recursive=True)
        named = {found.name(): found for found in family} | {"keeper": keeper, "driver": me}
        begin = time.monotonic()
        named[victim].kill()
        driver.wait(SECONDS_TO_END)
        seconds = time.monotonic() - begin
        awaited = [found for found in family if victim != "keeper" or found not in agents]
        _, alive = psutil.wait_procs(awaited, timeout=SECONDS_TO_END)
    finally:
        driver.kill()
        driver.wait()
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
    return End(driver.returncode, messages.read_text(), seconds, [found.pid for found in alive])


def test_killed_parts_of_the_sweeps_own_ray(tmp_path, tally):
    """Four sweeps at a time, each with a Ray of its own: most of what they do is to wait."""
    sweep = drill_sweep()
    calm = calm_cube(sweep, tmp_path / "calm")
    accounts = [Account(sweep, tmp_path / victim, nap=NAP) for victim in VICTIMS]
    with ThreadPoolExecutor(len(VICTIMS)) as pool:
        ends = [*pool.map(kill_a_part, accounts, VICTIMS)]
    for victim, account, end in zip(VICTIMS, accounts, ends, strict=True):
        assert end.alive == [], victim
        if victim == "driver":
            assert end.code == -signal.SIGKILL
        else:
            assert "Traceback" not in end.messages
            assert end.messages.splitlines()[-1] == f"initatlas: {RAY_IS_GONE}", victim
            assert end.code == 2
        assert 3 <= len(account.files()) < BATCHES
        account.finish()
        account.assert_whole(calm)
        again = account.computed_again()
        assert again <= 4 * POINTS_PER_BATCH
        tally.moments += 1
        tally.recomputed += again
    took = ", ".join(f"{end.seconds:.1f} s ({victim})" for victim, end in zip(VICTIMS, ends, strict=True))
    tally.note = f"the driver ended after {took}"
