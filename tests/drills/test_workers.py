"""Kill workers of Ray at random moments: the sweep goes on, and ends in the same cube."""

import random
from collections import Counter
from concurrent.futures import wait

import psutil
import pytest
from toy.accounts import Account, batch_of, calm_cube, drill_sweep, title
from toy.drill import LOG_VARIABLE, POINTS_PER_BATCH
from toy.drivers import drive_again, join_ray, lasting_driver, leave_ray

pytestmark = pytest.mark.fault

SEED = 2018
KILLS = 20
KILLS_PER_SWEEP = 8
HITS_PER_BATCH = 2
"""A point is given up when its workers have died six times: the engine then takes it for the culprit."""

NAP = 0.03


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    """A driver with a Ray of its own: how to call it, its process, and the log of the points."""
    folder = tmp_path_factory.mktemp("ray")
    log = folder / "log"
    with lasting_driver({LOG_VARIABLE: str(log)}) as executor:
        process = psutil.Process(executor.submit(join_ray, folder).result(120))
        family = process.children(recursive=True)
        try:
            yield executor.submit, process, log
        finally:
            executor.submit(leave_ray).result(60)
    psutil.wait_procs(family, timeout=15)
    assert not [found for found in family if found.is_running() and found.status() != psutil.STATUS_ZOMBIE]


class Hunter:
    """Kills workers of one driver that are at work, and spares a batch that was hit often."""

    def __init__(self, driver, account, chosen):
        self.driver = driver
        self.account = account
        self.chosen = chosen
        self.hits = Counter()
        self.struck_while_starting = False
        self.kills = 0

    def strike(self):
        """Kill one worker, if there is one at work: also one that still imports, but not twice in a row."""
        at_work = {process: number for number, process in self.account.begun()}
        fair = [
            worker
            for worker in self.busy()
            if (worker.pid in at_work or not self.struck_while_starting)
            and self.hits[batch_of(at_work.get(worker.pid, -1))] < HITS_PER_BATCH
        ]
        if fair:
            victim = self.chosen.choice(fair)
            self.struck_while_starting = victim.pid not in at_work
            if not self.struck_while_starting:
                self.hits[batch_of(at_work[victim.pid])] += 1
            victim.kill()
            self.kills += 1

    def busy(self):
        """The workers below our driver that have a task."""
        return [found for found in self.driver.children(recursive=True) if title(found).startswith("ray::toy.drill")]


def test_killed_workers(tmp_path, driver, tally):
    """Every kill costs the batch that ran there, and nothing else."""
    submit, process, log = driver
    sweep = drill_sweep()
    cube = calm_cube(sweep, tmp_path / "calm")
    chosen = random.Random(SEED)
    for number in range(KILLS):
        account = Account(sweep, tmp_path / str(number), log=log, nap=NAP)
        hunter = Hunter(process, account, chosen)
        running = submit(drive_again, sweep, account.folder)
        while not wait([running], timeout=chosen.uniform(0.1, 0.6)).done:
            if hunter.kills < KILLS_PER_SWEEP:
                hunter.strike()
        report, _ = running.result()
        again = account.computed_again()
        assert report.failures == ()
        assert again <= POINTS_PER_BATCH * hunter.kills
        account.assert_whole(cube)
        tally.moments += hunter.kills
        tally.recomputed += again
        if tally.moments >= KILLS:
            break
    assert tally.moments >= KILLS
    tally.note = f"{number + 1} sweeps, seed {SEED}"
