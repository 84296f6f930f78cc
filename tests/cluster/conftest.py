"""A copy of the project whose jobs a real Slurm runs; without one, the drills are skipped."""

import shutil
import subprocess

import pytest
from toy.slurm import Login, slurm_is_there


@pytest.fixture(scope="session")
def clean(root, tmp_path_factory):
    """A copy of what Git knows of the project. Not to be changed."""
    if not slurm_is_there():
        pytest.skip("no Slurm answers here (sinfo)")
    folder = tmp_path_factory.mktemp("clean") / "atlas"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True).stdout
    for path in filter(None, listed.split("\0")):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / path, folder / path)
    return folder


@pytest.fixture
def login(clean, tmp_path):
    """A login node, in a project of its own with one sweep; at the end none of its jobs is left."""
    shutil.copytree(clean, tmp_path / "atlas", symlinks=True)
    node = Login(tmp_path / "atlas", tmp_path / "log")
    yield node
    node.end()
