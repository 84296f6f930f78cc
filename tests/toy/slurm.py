"""The login node of a Slurm, and what its jobs ask for and do."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import psutil
import xarray as xr
import yaml

from toy.accounts import title, wait_until
from toy.drill import LOG_VARIABLE, held_file, nap_file

POINTS = 160
TITLE = "drill/one"
TOYS = Path(__file__).parents[1]


@dataclass(frozen=True)
class Job:
    """A job as ``squeue`` shows it: its number, its state, its CPUs, memory, time limit and node."""

    number: str
    state: str
    cpus: int
    memory: str
    limit: str
    node: str


def slurm_is_there():
    """Whether a Slurm answers."""
    return shutil.which("sinfo") is not None and _said("sinfo", "--noheader") != ""


def memory_is_watched():
    """Whether this Slurm ends a job that takes more memory than it has asked for."""
    config = _said("scontrol", "show", "config")
    return "OverMemoryKill" in config or re.search(r"^ConstrainRAMSpace\s*=\s*yes", config, re.MULTILINE) is not None


def _said(*command):
    """What a command of Slurm prints; nothing where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


class Login:
    """A shell on the login node, in a copy of the project whose sweep `TITLE` leaves an account of every point.

    Parameters
    ----------
    folder
        The copy; it lies where all nodes see it.
    log
        Where the points say that they run.
    """

    def __init__(self, folder, log):
        self.folder, self.log = folder, log
        self.output = folder.parent / "said"
        self.runs = []
        (folder / "config/sweeps/drill.yaml").write_text(
            yaml.safe_dump({"sweeps": {"one": {"experiment": "toy.drill", "axes": {"number": [*range(POINTS)]}}}})
        )
        profile = yaml.safe_load((folder / "workflow/profiles/slurm/config.yaml").read_text())
        profile |= {"latency-wait": 5, "seconds-between-status-checks": 3, "slurm-init-seconds-before-status-checks": 3}
        if not _said("sacct"):  # no accounts are kept here
            profile["slurm-status-command"] = "squeue"
        (folder / "workflow/profiles/drill").mkdir()
        (folder / "workflow/profiles/drill/config.yaml").write_text(yaml.safe_dump(profile))

    def nap(self, seconds):
        """How long every point takes from now on."""
        nap_file(self.log).write_text(str(seconds))

    def hold(self, point, megabytes):
        """What memory a point holds for some seconds."""
        held_file(self.log).write_text(f"{point} {megabytes}")

    @property
    def environment(self):
        """Of every command: with the code of the copy, and with the toys."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("RAY_", "INITATLAS_"))}
        places = os.pathsep.join([str(self.folder / "src"), str(TOYS)])
        return {**kept, "PYTHONPATH": places, LOG_VARIABLE: str(self.log)}

    def allocate(self, *options):
        """Run the sweep in one allocation of several nodes, to its end: what was said. The last word is the target."""
        *words, target = options
        script = "workflow/profiles/ray-cluster/allocation.sh"
        command = [
            "sbatch",
            "--wait",
            f"--output={self.output}",
            *words,
            script,
            "--config",
            "scale=smoke",
            "--",
            target,
        ]
        places = {"INITATLAS_BIN": str(Path(sys.executable).parent), "INITATLAS_RAY_PORT": "26379"}
        done = subprocess.run(command, cwd=self.folder, env=self.environment | places, timeout=600, check=False)
        said = self.output.read_text() if self.output.exists() else ""
        assert done.returncode == 0, said
        return said

    def submit(self, *targets, config=(), profile="drill"):
        """Start Snakemake, whose jobs are jobs of Slurm unless the profile is another one."""
        command = [sys.executable, "-m", "snakemake", "--workflow-profile", f"workflow/profiles/{profile}"]
        with self.output.open("ab") as output:
            process = subprocess.Popen(
                [*command, "--config", "scale=smoke", *config, "--", *(targets or [TITLE])],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.runs.append(process)
        return process

    def run(self, *targets, config=()):
        """The same, to its end: the exit code, and all that was said."""
        code = self.submit(*targets, config=config).wait(900)
        return code, self.output.read_text()

    def jobs(self):
        """Those of this project that wait or run."""
        lines = _said("squeue", "--noheader", "--format=%i|%T|%C|%m|%l|%N|%Z").splitlines()
        rows = [line.split("|") for line in lines if line.endswith(str(self.folder))]
        return [Job(row[0], row[1], int(row[2]), *row[3:6]) for row in rows]

    def running(self, *, points=0):
        """The job of the sweep, when it runs and has begun some points."""
        wait_until(lambda: self.begun().total() >= points, seconds=300)
        return self.next_job()

    def next_job(self, *, after=None):
        """A job that runs, another one than `after`."""
        number = after and after.number
        return wait_until(
            lambda: [job for job in self.jobs() if job.state == "RUNNING" and job.number != number], seconds=300
        )[0]

    def computed_by(self):
        """The points that were begun, each with its process."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [tuple(map(int, line.split())) for line in lines]

    def begun(self):
        """How often each point was begun."""
        return Counter(number for number, _ in self.computed_by())

    def again(self):
        """How many computations were not the first of their point."""
        begun = self.begun()
        assert set(begun) == set(range(POINTS))
        return begun.total() - len(begun)

    def cube(self):
        """Every data variable as bytes."""
        with xr.open_dataset(self.folder / f"data/cubes/smoke/{TITLE}.nc") as cube:
            return {name: array.values.tobytes() for name, array in cube.items()}

    def end(self):
        """End what still runs."""
        for process in self.runs:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                process.wait(30)
        for job in self.jobs():
            _said("scancel", job.number)
        wait_until(lambda: not self.jobs(), seconds=120)
        for process in psutil.process_iter():  # of a node that was only called down
            if str(self.folder) in title(process):
                process.kill()


def cancel(job):
    """Cancel a job."""
    _said("scancel", job.number)


def take_down(node):
    """Take a node down."""
    command = ["scontrol", "update", f"nodename={node}", "state=down", "reason=drill"]
    subprocess.run(command, check=True, timeout=60)


def bring_back(node):
    """Bring it back; it may have come by itself."""
    _said("scontrol", "update", f"nodename={node}", "state=resume")
    wait_until(lambda: "down" not in _said("sinfo", "--noheader", f"--nodes={node}", "--format=%T"), seconds=120)
