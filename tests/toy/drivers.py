"""Drivers of sweeps as processes of their own, warm from the start, so that drills can kill them at any moment."""

import multiprocessing
import os
import threading
from concurrent.futures import ProcessPoolExecutor
from unittest import mock

import numpy as np

from initatlas.provenance import code_version
from initatlas.runs import OWNER_VARIABLE
from initatlas.sweeps.backends.ray import RayBackend
from initatlas.sweeps.plan import DataSource
from initatlas.sweeps.ray.client import RayOfTheSweep, cluster_cpus
from toy.sweeps import run

WARM = multiprocessing.get_context("forkserver")
"""Children are forked off a process that has imported everything but Ray and runs no threads."""

WARM.set_forkserver_preload(["netCDF4", "xarray", "toy.drivers"])

code_version("toy.drill")  # remembered by every child, which then starts in milliseconds

DATA = {"numbers": DataSource(np.arange(50_000.0), "a hash")}


def data_of(sweep):
    """The data sets that a sweep asks for."""
    return {name: DATA[name] for name in sweep.datasets}


def set_environment(environment):
    """Set variables, after removing what the caller's shell says about Ray."""
    for name in [*os.environ]:
        if name.startswith("RAY_") or name == OWNER_VARIABLE:
            del os.environ[name]
    os.environ.update(environment)


def drive(sweep, folder, environment, on_ray=False):
    """Run a sweep as its driver does; with Ray, join the one that the environment names or start one of two CPUs."""
    set_environment(environment)
    backend = RayBackend(RayOfTheSweep(workers=2, session_folder=folder / "ray").join) if on_ray else None
    return run(sweep, folder, backend=backend, data=data_of(sweep))[0]


def join_ray(folder):
    """Join the Ray that the environment names, or start one of two CPUs; it lasts as long as this process, which is given."""
    cpus = RayOfTheSweep(workers=2, session_folder=folder).join()
    assert cpus == 2
    return os.getpid()


def leave_ray():
    """Leave the Ray of this process."""
    import ray

    ray.shutdown()


def drive_again(sweep, folder):
    """Run a sweep on the Ray that this process has joined or started; give the report, and how often data were sent."""
    import ray

    with mock.patch.object(ray, "put", wraps=ray.put) as put:
        report, _ = run(sweep, folder, backend=RayBackend(lambda: cluster_cpus(default=2)), data=data_of(sweep))
    return report, put.call_count


def start_driver(*arguments):
    """A process that runs `drive`."""
    process = WARM.Process(target=drive, args=arguments)
    process.start()
    return process


def lasting_driver(environment):
    """A process that takes one call after the other, so that what it starts lasts from call to call."""
    return ProcessPoolExecutor(1, mp_context=WARM, initializer=_last, initargs=(environment,))


def _last(environment):
    """Begin such a process: it ends with the process that started it, even if that one is killed."""
    set_environment(environment)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent():
    """Wait for the end of the parent, and follow it."""
    multiprocessing.parent_process().join()
    os._exit(1)
