"""Kill the driver at random moments, again and again: the next run goes on, and ends in the same cube."""

import os
import random
import re
import signal
import threading
import time

import pytest
from toy.accounts import BATCHES, POINTS, Account, calm_cube, calm_seconds, drill_sweep, wait_until
from toy.drill import POINTS_PER_BATCH
from toy.drivers import start_driver

pytestmark = pytest.mark.fault

SEED = 2018
KILLS = 40
KILLS_IN_THE_CUBE = 12
OLD = b"an older cube"


@pytest.fixture(scope="module")
def sweep():
    """Forty batches of some milliseconds."""
    return drill_sweep()


@pytest.fixture(scope="module")
def calm(sweep, tmp_path_factory):
    """The cube of an undisturbed run, and the seconds that one takes."""
    cube = calm_cube(sweep, tmp_path_factory.mktemp("calm"))
    return cube, calm_seconds(sweep, tmp_path_factory.mktemp("timed"))


def kill_after(process, seconds):
    """Kill a process some time from now; tell whether it was still running."""
    process.join(seconds)
    process.kill()
    process.join(10)
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode == -signal.SIGKILL


def test_killed_drivers(tmp_path, sweep, calm, tally):
    """What is stored is never computed again; what a kill costs is at most the batch that ran."""
    cube, seconds = calm
    chosen = random.Random(SEED)
    stored_at_kills = []
    for chain in range(KILLS):
        account = Account(sweep, tmp_path / str(chain))
        account.output.parent.mkdir()
        account.output.write_bytes(OLD)
        for _ in range(chosen.randint(1, 6)):
            before = account.missing()
            killed = kill_after(start_driver(sweep, account.folder, account.environment), chosen.uniform(0, seconds))
            lost = assert_accounted(account, before)
            tally.recomputed += len(lost)
            if not killed:
                break
            tally.moments += 1
            stored_at_kills.append(POINTS - len(account.missing()))
            assert account.output.read_bytes() == OLD or account.cube() == cube
        before = account.missing()
        account.finish()
        assert assert_accounted(account, before) == set()
        account.assert_whole(cube)
        if tally.moments >= KILLS:
            break
    assert tally.moments >= KILLS
    assert len(set(stored_at_kills)) > 10
    tally.note = f"{chain + 1} sweeps, seed {SEED}"


def assert_accounted(account, before):
    """No stored point was computed, none twice; give the points that were computed in vain: of one batch at most."""
    computed = account.computed()
    lost = computed.keys() & account.missing()
    assert computed.keys() <= before
    assert set(computed.values()) <= {1}
    assert len(lost) <= POINTS_PER_BATCH
    return lost


def test_drivers_killed_while_they_write_the_cube(tmp_path, tally):
    """The cube is the old one or the new one; the next run computes nothing."""
    sweep = drill_sweep(length=1500)
    cube = calm_cube(sweep, tmp_path)
    account = Account(sweep, tmp_path)
    account.computed()
    chosen = random.Random(SEED)
    old = new = 0
    while tally.moments < KILLS_IN_THE_CUBE:
        account.output.write_bytes(OLD)
        process = start_driver(sweep, account.folder, account.environment)
        wait_for_draft(account, process)
        if kill_after(process, chosen.uniform(0, 0.25)):
            tally.moments += 1
            found = account.output.read_bytes() == OLD
            old, new = old + found, new + (not found)
            assert found or account.cube() == cube
    account.finish()
    account.assert_whole(cube)
    assert not account.computed()
    assert old > 0
    tally.note = f"{old} times the old cube was there, {new} times the new one, seed {SEED}"


def wait_for_draft(account, process):
    """Wait until the process writes a cube, or is at its end."""
    wait_until(lambda: not process.is_alive() or [*account.output.parent.glob(f".*-{process.pid}.draft.nc")])


def test_a_live_holder_of_the_lock_is_named_and_a_killed_one_blocks_nobody(tmp_path, tally, caplog):
    """Whoever comes second waits and says for whom; when that one is killed, the second has the lock at once."""
    account = Account(drill_sweep(), tmp_path, nap=0.1)
    holder = start_driver(account.sweep, tmp_path, account.environment)
    wait_until(lambda: len(account.files()) >= 3)
    killed = []

    def kill_when_it_is_waited_for():
        wait_until(lambda: "waiting for" in caplog.text)
        killed.append(time.monotonic())
        holder.kill()

    threading.Thread(target=kill_when_it_is_waited_for).start()
    with account.store.lock():
        assert time.monotonic() - killed[0] < 10
        assert re.search(rf"waiting for toy/trial, process {holder.pid} on .+, since ", caplog.text)
        assert f"toy/trial, process {os.getpid()} " in account.store.lock_file.read_text()
    holder.join(10)
    assert holder.exitcode == -signal.SIGKILL
    assert 3 <= len(account.files()) < BATCHES
    account.finish()
    tally.moments += 1
    tally.recomputed = sum(count - 1 for count in account.computed().values())
    assert tally.recomputed <= POINTS_PER_BATCH
    assert account.leftovers() == []
