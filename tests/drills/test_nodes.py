"""Kill whole nodes of a cluster, and drivers that have joined it: the sweep goes on, and ends in the same cube."""

import random
import secrets
import signal
from concurrent.futures import wait
from pathlib import Path

import psutil
import pytest
from toy.accounts import Account, calm_cube, drill_sweep, wait_until
from toy.cluster import add_node, end_cluster, kill_node, start_cluster
from toy.drill import LOG_VARIABLE, POINTS_PER_BATCH
from toy.drivers import drive_again, join_ray, lasting_driver, leave_ray, start_driver

pytestmark = pytest.mark.fault

SEED = 2018
NODE_KILLS = 8
NODE_KILLS_PER_SWEEP = 4
DRIVER_KILLS = 4
BATCHES_IN_FLIGHT = 4
"""Two for each worker: what a kill can cost at most, on the way to a worker, there, or on the way back."""

LONG_CURVE = 5000
"""160 kB per batch: more than Ray sends along with its messages, so that results lie in the memory of their node."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A cluster of a head and two nodes: how to call its keeper, and what a driver has to know to join it."""
    environment = {
        LOG_VARIABLE: str(tmp_path_factory.mktemp("cluster") / "log"),
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
    }
    with lasting_driver(environment) as keeper:
        try:
            yield keeper.submit, {**environment, "RAY_ADDRESS": keeper.submit(start_cluster).result(120)}
        finally:
            keeper.submit(end_cluster).result(60)


def account_on(cluster, sweep, folder, nap):
    """An account with the log of the cluster."""
    return Account(sweep, folder, log=Path(cluster[1][LOG_VARIABLE]), nap=nap)


def test_killed_nodes(tmp_path, cluster, tally):
    """Nodes are killed and others join: a killed one costs what it ran and held; data sets are sent once."""
    keeper, environment = cluster
    sweep = drill_sweep(experiment="toy.drill_data", length=LONG_CURVE)
    cube = calm_cube(sweep, tmp_path / "calm")
    chosen = random.Random(SEED)
    with lasting_driver(environment) as driver:
        driver.submit(join_ray, tmp_path).result(60)
        try:
            for number in range(NODE_KILLS):
                account = account_on(cluster, sweep, tmp_path / str(number), nap=0.05)
                running = driver.submit(drive_again, sweep, account.folder)
                kills, coming = 0, keeper(len, ())
                while not wait([running], timeout=chosen.uniform(0.2, 1.5)).done:
                    if kills < NODE_KILLS_PER_SWEEP:
                        keeper(kill_node, chosen.randrange(2)).result(120)
                        coming = keeper(add_node)
                        kills += 1
                coming.result(60)
                report, data_sent = running.result()
                again = account.computed_again()
                assert report.failures == ()
                assert data_sent == 1
                assert again <= BATCHES_IN_FLIGHT * POINTS_PER_BATCH * kills
                account.assert_whole(cube)
                tally.moments += kills
                tally.recomputed += again
                if tally.moments >= NODE_KILLS:
                    break
        finally:
            driver.submit(leave_ray).result(60)
    assert tally.moments >= NODE_KILLS
    tally.note = f"{number + 1} sweeps, seed {SEED}"


def test_killed_drivers_of_a_cluster(tmp_path, cluster, tally):
    """The cluster outlives them, and the next driver goes on with what is stored."""
    keeper, environment = cluster
    sweep = drill_sweep()
    cube = calm_cube(sweep, tmp_path / "calm")
    chosen = random.Random(SEED)
    nodes = keeper(raylets).result(30)
    sweeps = 0
    while tally.moments < DRIVER_KILLS:
        sweeps += 1
        account = account_on(cluster, sweep, tmp_path / str(sweeps), nap=0.02)
        for _ in range(chosen.randint(3, 4)):
            before = account.missing()
            driver = start_driver(sweep, account.folder, environment, True)
            wait_for_progress(account, driver, len(account.files()))
            driver.join(chosen.uniform(0, 1.0))
            driver.kill()
            driver.join(10)
            computed = account.computed()
            lost = computed.keys() & account.missing()
            assert computed.keys() <= before
            # Ray ends the workers of a dead driver a moment later, so that what they had in flight may run on into here.
            assert computed.total() - len(computed) <= BATCHES_IN_FLIGHT * POINTS_PER_BATCH
            assert len(lost) <= BATCHES_IN_FLIGHT * POINTS_PER_BATCH
            tally.moments += driver.exitcode == -signal.SIGKILL
            tally.recomputed += len(lost)
        before = account.missing()
        driver = start_driver(sweep, account.folder, environment, True)
        driver.join(180)
        assert driver.exitcode == 0
        assert account.computed().keys() == before
        account.assert_whole(cube)
    assert keeper(raylets).result(30) == nodes
    tally.note = f"{sweeps} sweeps, seed {SEED}"


def wait_for_progress(account, driver, files):
    """Wait until more is stored than before, or the driver has ended."""
    wait_until(lambda: not driver.is_alive() or len(account.files()) > files)


def raylets():
    """Process ids of the raylets below this process."""
    return {found.pid for found in psutil.Process().children(recursive=True) if found.name() == "raylet"}
