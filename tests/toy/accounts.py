"""Who computed what, and what is in the store and in the cube afterwards: the account of a drill."""

import sys
import time
from collections import Counter

import psutil
import xarray as xr

from initatlas.files import write_text
from initatlas.sweeps.engine import open_store
from initatlas.sweeps.plan import plan_sweep
from toy.drill import LOG_VARIABLE, POINTS_PER_BATCH, nap_file
from toy.drivers import data_of, start_driver
from toy.sweeps import make_sweep

POINTS = 160
BATCHES = POINTS // POINTS_PER_BATCH


def drill_sweep(points=POINTS, experiment="toy.drill", **fixed):
    """A sweep of batches of four points."""
    return make_sweep(experiment, {"number": [*range(points)]}, fixed=fixed)


def batch_of(number):
    """Number of the batch that holds a point, where the whole sweep is to run."""
    return number // POINTS_PER_BATCH


class Account:
    """What happens to one sweep in one folder.

    Parameters
    ----------
    sweep
        From `drill_sweep`.
    folder
        Where store and cube are; made if need be.
    log
        Where the points say that they run, if not in `folder`.
    nap
        Seconds that each point sleeps, other than in `finish`.
    """

    def __init__(self, sweep, folder, log=None, nap=0.0):
        self.sweep = sweep
        self.folder = folder
        self.log = log or folder / "log"
        self.output = folder / "cubes" / f"{sweep.name}.nc"
        self.environment = {LOG_VARIABLE: str(self.log)}
        folder.mkdir(parents=True, exist_ok=True)
        write_text(nap_file(self.log), f"{nap}")

    @property
    def store(self):
        """The point store."""
        return open_store(self.sweep, self.folder / "points")

    def stage(self):
        """The command by which the workflow runs the sweep, on a Ray of two CPUs."""
        command = [sys.executable, "-m", "initatlas", "stage", "sweep", "--spec", self.sweep.model_dump_json()]
        command += ["--store", str(self.folder / "points"), "--output", str(self.output)]
        return [*command, "--backend", "ray", "--workers", "2", "--log", str(self.folder / "sweep.log")]

    def files(self):
        """The files of the store."""
        return sorted(self.store.folder.glob("[!.]*.npz"))

    def missing(self):
        """Numbers of the points that are not stored."""
        plan = plan_sweep(self.sweep, self.store, data_of(self.sweep))
        return {task.parameters.number for batch in plan.batches for task in batch.tasks}

    def begun(self):
        """The points that were begun since the last call of `computed`: (number, process), in order."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [tuple(map(int, line.split())) for line in lines]

    def computed(self):
        """How often each point was begun since the last call."""
        counts = Counter(number for number, _ in self.begun())
        self.log.unlink(missing_ok=True)
        return counts

    def computed_again(self):
        """How many computations since the last call of `computed` were not the first of their point."""
        counts = self.computed()
        return counts.total() - len(counts)

    def leftovers(self):
        """Drafts and files set aside."""
        return [path.name for path in self.folder.rglob("*") if "draft" in path.name or "damaged" in path.name]

    def cube(self):
        """Every data variable as bytes."""
        with xr.open_dataset(self.output) as cube:
            return {name: (array.dims, array.dtype, array.values.tobytes()) for name, array in cube.items()}

    def finish(self):
        """Run the sweep to its end, undisturbed and in one process."""
        nap_file(self.log).unlink(missing_ok=True)
        process = start_driver(self.sweep, self.folder, self.environment)
        process.join(300)
        assert process.exitcode == 0

    def assert_whole(self, calm):
        """The cube is that of the undisturbed run, and nothing of what happened is left."""
        assert self.cube() == calm
        assert self.leftovers() == []


def calm_cube(sweep, folder):
    """The cube of an undisturbed run."""
    account = Account(sweep, folder)
    account.finish()
    points = len(account.cube()["value"][2]) // 8
    assert account.computed() == Counter(range(points))
    return account.cube()


def calm_seconds(sweep, folder):
    """How long an undisturbed run takes; not the first one, which starts the process that the others are forked off."""
    begin = time.monotonic()
    Account(sweep, folder).finish()
    return time.monotonic() - begin


def wait_until(condition, *, seconds=180.0):
    """Wait for something to become true, and give it; fail if it takes too long."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "took too long"
        time.sleep(0.002)
    return found


def title(process):
    """What a process calls itself; nothing if it is gone."""
    try:
        return " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return ""
