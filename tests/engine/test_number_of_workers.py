"""The number of workers changes no bit: real drivers with 1 and 4 Ray workers against this process."""

import os
import socket
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr
from toy.sweeps import make_sweep, run

from initatlas.runs import OWNER_VARIABLE

SWEEPS = {
    "draws": ("toy.draws", {"offset": [0, 1, 2, 3]}, {}),
    "forward_kernel": (
        "forward_kernel",
        {"weights": ["uniform", "multivariate_t(nu=5)"], "depth": [1, 3]},
        {"width": 50, "input_dimension": 50, "angles": 5},
    ),
}


@pytest.fixture
def owner():
    """A process for which a Ray is kept, as it is for a workflow: both sweeps share one."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    yield f"{socket.gethostname()}:{process.pid}"
    process.kill()
    process.wait()


@pytest.mark.parametrize("workers", [1, 4])
def test_any_number_of_ray_workers_gives_the_same_bits(tmp_path, owner, workers):
    for name, (experiment, axes, fixed) in SWEEPS.items():
        sweep = make_sweep(experiment, axes, fixed=fixed, seeds=3, name=name)
        _, expected = run(sweep, tmp_path / "serial")
        spec = tmp_path / f"{name}.json"
        spec.write_text(sweep.model_dump_json())
        output = tmp_path / f"{name}.nc"
        stage = ["stage", "sweep", "--spec", f"@{spec}", "--store", str(tmp_path / "points")]
        stage += ["--output", str(output), "--backend", "ray", "--workers", str(workers)]
        environment = {key: value for key, value in os.environ.items() if key != "RAY_ADDRESS"}
        command = [sys.executable, "-m", "initatlas", *stage]
        done = subprocess.run(
            command, env=environment | {OWNER_VARIABLE: owner}, check=True, timeout=120, capture_output=True, text=True
        )
        assert [
            line for line in done.stderr.splitlines() if not line.startswith("toy/")
        ] == []  # not a word of Ray's own
        assert_same_bits(expected, output)


def assert_same_bits(expected, output):
    with xr.open_dataset(expected) as serial, xr.open_dataset(output) as parallel:
        assert set(serial.data_vars) == set(parallel.data_vars)
        assert parallel.attrs["backend"] == "ray"
        for variable in serial.data_vars:
            if serial[variable].dtype != np.dtype(object):
                assert serial[variable].values.tobytes() == parallel[variable].values.tobytes(), variable
