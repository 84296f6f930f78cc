"""Tiles on Ray: the same file as without it, and going on where a run without it ended."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from toy.convolution import Convolution

from initatlas.datasets.dataset import write_dataset
from initatlas.datasets.image_set import Images
from initatlas.kernels.architecture import Architecture
from initatlas.kernels.fully_connected import fully_connected
from initatlas.kernels.gram_file import GramFile
from initatlas.runs import OWNER_VARIABLE
from initatlas.sweeps.ray.tiles import kernel_code


@pytest.fixture
def images(tmp_path):
    """The file of a small data set."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (120, 6, 6), dtype=np.uint8)
    path = tmp_path / "images.nc"
    write_dataset(Images("images", images, np.arange(120) % 10, np.zeros(120, np.int8), 255, "a test"), path)
    return path


def gram(images, output, *options):
    """Run the command; give what it said."""
    environment = {key: value for key, value in os.environ.items() if key not in ("RAY_ADDRESS", OWNER_VARIABLE)}
    command = [sys.executable, "-m", "initatlas", "kernel", "gram", "--dataset", str(images), "--output", str(output)]
    command += ["--activation", "erf", "--depth", "2", "--tile", "40", *options]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_ray_gives_the_same_bits(images, tmp_path):
    assert "6 tiles computed" in gram(images, tmp_path / "serial.h5")
    assert "6 tiles computed" in gram(images, tmp_path / "ray.h5", "--workers", "2")
    assert (tmp_path / "ray.h5").read_bytes() == (tmp_path / "serial.h5").read_bytes()
    # Nothing is missing: then no Ray is started.
    assert "6 of 6 tiles are there already" in gram(images, tmp_path / "serial.h5", "--workers", "2")
    with GramFile(tmp_path / "ray.h5") as file:
        assert json.loads(file.attributes["settings"])["depth"] == 2
        assert file.missing() == []


OWN_KERNEL = """
import sys
from pathlib import Path
import numpy as np
from toy.convolution import Convolution
from initatlas.kernels.gram_file import GramSpec, write_gram
from initatlas.kernels.tiles import plan_tiles, serial_tiles
from initatlas.sweeps.ray.client import RayOfTheSweep
from initatlas.sweeps.ray.tiles import ray_tiles
folder, kernel = Path(sys.argv[1]), Convolution(np.random.default_rng(0).standard_normal((90, 8)))
spec = GramSpec(plan_tiles(90, 40), "float32", "key")
with RayOfTheSweep(workers=2, session_folder=folder / "session") as ray:
    assert write_gram(folder / "ray.h5", kernel, spec, run=ray_tiles(ray.join)) == 6
write_gram(folder / "serial.h5", kernel, spec)
"""


def test_a_kernel_of_ones_own_has_the_same_bits_on_ray(tmp_path):
    environment = {key: value for key, value in os.environ.items() if key not in ("RAY_ADDRESS", OWNER_VARIABLE)}
    done = subprocess.run(
        [sys.executable, "-c", OWN_KERNEL, str(tmp_path)], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "ray.h5").read_bytes() == (tmp_path / "serial.h5").read_bytes()
    with GramFile(tmp_path / "ray.h5") as file:
        assert (file.names, file.missing()) == (("nngp", "ntk"), [])


def test_the_code_of_a_kernel_is_that_of_its_class_and_of_the_activation_it_names():
    signals = np.ones((3, 4))
    codes = {kernel_code(Convolution(signals, activation=name)) for name in ("relu", "erf", "relu")}
    assert len(codes) == 2
    networks = [fully_connected(signals, [("ntk", Architecture(name))]) for name in ("relu", "erf")]
    assert len(codes | {*map(kernel_code, networks)}) == 4
