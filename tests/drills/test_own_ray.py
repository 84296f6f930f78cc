"""Kill parts of the Ray that a sweep has started for itself, also while it starts: one clear line, and it is started
again, or the next run goes on.
"""

import os
import random
import signal
import subprocess
import time
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import psutil
import pytest
from toy.accounts import BATCHES, Account, calm_cube, drill_sweep, title, wait_until
from toy.drill import POINTS_PER_BATCH

from initatlas.runs import OWNER_VARIABLE
from initatlas.sweeps.ray.watch import RAY_IS_GONE

pytestmark = pytest.mark.fault

SEED = 2018
NAP = 0.2
"""The sweep takes 16 s at least: every kill comes before its end."""

NAP_AT_THE_START = 0.05
"""It takes 4 s at least, once Ray runs."""

SECONDS_TO_END = 60.0
AT_ONCE = 4
"""So many sweeps run beside each other, each with a Ray of its own: most of what they do is to wait."""

PARTS = {
    "driver": "",
    "keeper": "ray-keeper",
    "control service": "/gcs_server ",
    "raylet": "/raylet ",
    "dashboard agent": "ray::DashboardAgent",
    "runtime agent": "ray::RuntimeEnvAgent",
}
"""Every process of a private Ray but its workers (see `test_workers`), with what its command line holds."""

STARTING = {**PARTS, "dashboard agent": "dashboard/agent.py", "runtime agent": "runtime_env/agent/main.py"}
"""The same while they start."""

ON_THE_WAY = ("points to run in", "points/s", "a node left", "points computed, 0 failed")
"""What a sweep may say besides."""

RAY_STARTS_AGAIN = "Ray ended while it was starting; it is started again"

End = namedtuple("End", ["victim", "code", "messages", "files", "seconds", "alive"])


def start(account):
    """The stage of the workflow that runs a sweep, with a Ray of its own; its messages go to a file."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_") and name != OWNER_VARIABLE}
    long = account.folder / ("x" * 110)  # the path of a socket must be shorter
    long.mkdir(exist_ok=True)
    environment = kept | account.environment | {"TMPDIR": str(long)}
    with (account.folder / "messages").open("w") as messages:
        return subprocess.Popen(
            account.stage(), env=environment, stdin=subprocess.DEVNULL, stdout=messages, stderr=subprocess.STDOUT
        )


def kill_a_part(account, part):
    """Start a sweep, kill a part of it at a random moment of its work, and tell how it ended."""
    chosen = random.Random(f"{SEED} {part}")

    def choose(driver):
        wait_until(lambda: driver.poll() is not None or len(account.files()) >= 3)
        time.sleep(chosen.uniform(0, 1.5))
        return part, next(found for found in family(driver) if PARTS[part] in title(found))

    return kill_one(account, choose)


def kill_at_the_start(account, part):
    """Start a sweep, and kill a part some time after it has begun."""
    chosen = random.Random(f"{SEED} start {part}")

    def choose(driver):
        there = wait_until(lambda: [found for found in family(driver)[1:] if STARTING[part] in title(found)])
        time.sleep(chosen.uniform(0, 0.5))
        return part, there[0]

    return kill_one(account, choose)


def family(driver):
    """The driver and all processes below it."""
    me = psutil.Process(driver.pid)
    return [me, *me.children(recursive=True)]


def kill_one(account, choose):
    """Start a sweep, kill what is chosen, and tell how it ended."""
    driver = start(account)
    messages = account.folder / "messages"
    below = []
    try:
        part, victim = choose(driver)
        assert driver.poll() is None, messages.read_text()
        below = family(driver)[1:]
        begin = time.monotonic()
        victim.kill()
        driver.wait(SECONDS_TO_END)
        seconds = time.monotonic() - begin
        _, alive = psutil.wait_procs(below, timeout=SECONDS_TO_END)
    finally:
        driver.kill()
        driver.wait()
        for process in below:
            with suppress(psutil.NoSuchProcess):
                process.kill()
    return End(part, driver.returncode, messages.read_text(), len(account.files()), seconds, [*map(str, alive)])


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    """The sweep, and the cube of an undisturbed run."""
    sweep = drill_sweep()
    return sweep, calm_cube(sweep, tmp_path_factory.mktemp("calm"))


def check(account, end, calm, tally):
    """One line, the right code, nothing left behind; the cube of this run or of the next is the calm one's."""
    assert end.alive == [], end
    if end.victim == "driver":
        assert end.code == -signal.SIGKILL
    else:
        assert "Traceback" not in end.messages
        lines = end.messages.splitlines()
        ours = [line for line in lines if not any(mark in line for mark in ON_THE_WAY)]
        assert ours == [RAY_STARTS_AGAIN if end.code == 0 else f"initatlas: {RAY_IS_GONE}"], end
        assert end.code in (0, 2)
    account.finish()
    account.assert_whole(calm)
    again = account.computed_again()
    assert again <= 4 * POINTS_PER_BATCH
    tally.moments += 1
    tally.recomputed += again


def test_killed_parts_of_the_sweeps_own_ray(tmp_path, calm, tally):
    accounts = [Account(calm[0], tmp_path / part, nap=NAP) for part in PARTS]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        ends = [*pool.map(kill_a_part, accounts, PARTS)]
    for account, end in zip(accounts, ends, strict=True):
        assert end.code
        assert 3 <= end.files < BATCHES
        check(account, end, calm[1], tally)
    took = ", ".join(f"{end.seconds:.1f} s ({end.victim})" for end in ends)
    tally.note = f"the driver ended after {took}"


def test_parts_killed_while_ray_starts(tmp_path, calm, tally):
    parts = [part for part in PARTS if part != "driver"]
    accounts = [Account(calm[0], tmp_path / part, nap=NAP_AT_THE_START) for part in parts]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        ends = [*pool.map(kill_at_the_start, accounts, parts)]
    assert any(end.code == 0 for end in ends), ends
    for account, end in zip(accounts, ends, strict=True):
        check(account, end, calm[1], tally)
    tally.note = f"the driver ended after {max(end.seconds for end in ends):.1f} s at most"
