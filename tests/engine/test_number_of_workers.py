"""The number of workers changes no bit: real drivers with 1 and 4 Ray workers against this process."""

import os
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr
from toy.sweeps import make_sweep, run

from initatlas.sweeps.ray_session import OWNER_VARIABLE

SWEEPS = {
    "draws": ("toy.draws", {"offset": [0, 1, 2, 3]}, {}),
    "forward_kernel": (
        "forward_kernel",
        {"weights": ["uniform", "multivariate_t(nu=5)"], "depth": [1, 3]},
        {"width": 50, "input_dimension": 50, "angles": 5},
    ),
}


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("name", SWEEPS)
def test_any_number_of_ray_workers_gives_the_same_bits(tmp_path, root, name, workers):
    experiment, axes, fixed = SWEEPS[name]
    sweep = make_sweep(experiment, axes, fixed=fixed, seeds=3)
    _, expected = run(sweep, tmp_path / "serial")
    output = tmp_path / "ray.nc"
    stage = ["stage", "sweep", "--spec", sweep.model_dump_json(), "--store", str(tmp_path / "points")]
    stage += ["--output", str(output), "--backend", "ray", "--workers", str(workers)]
    environment = {key: value for key, value in os.environ.items() if key not in ("RAY_ADDRESS", OWNER_VARIABLE)}
    environment["PYTHONPATH"] = str(root / "tests")
    command = [sys.executable, "-m", "initatlas", *stage]
    subprocess.run(command, env=environment, check=True, timeout=120)
    with xr.open_dataset(expected) as serial, xr.open_dataset(output) as parallel:
        assert set(serial.data_vars) == set(parallel.data_vars)
        assert parallel.attrs["backend"] == "ray"
        for variable in serial.data_vars:
            if serial[variable].dtype != np.dtype(object):
                assert serial[variable].values.tobytes() == parallel[variable].values.tobytes(), variable
