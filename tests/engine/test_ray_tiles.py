"""Tiles on Ray: the same file as without it, and going on where a run without it ended."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from initatlas.datasets.dataset import Dataset, write_dataset
from initatlas.kernels.gram_file import GramFile
from initatlas.runs import OWNER_VARIABLE


@pytest.fixture
def images(tmp_path):
    """The file of a small data set."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (120, 6, 6), dtype=np.uint8)
    path = tmp_path / "images.nc"
    write_dataset(Dataset("images", images, np.arange(120) % 10, np.zeros(120, np.int8), 255, "a test"), path)
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
