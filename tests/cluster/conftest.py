"""A copy of the project whose jobs a real Slurm runs; without one, the drills are skipped."""

import shutil

import pytest
from toy.project import copy_project
from toy.slurm import Login, slurm_is_there


@pytest.fixture(scope="session")
def clean(root, tmp_path_factory):
    """A copy of the project. Not to be changed."""
    if not slurm_is_there():
        pytest.skip("no Slurm answers here (sinfo)")
    folder = tmp_path_factory.mktemp("clean") / "atlas"
    copy_project(root, folder)
    return folder


@pytest.fixture
def login(clean, tmp_path):
    """A login node, in a project of its own with one sweep; at the end none of its jobs is left."""
    shutil.copytree(clean, tmp_path / "atlas", symlinks=True)
    node = Login(tmp_path / "atlas", tmp_path / "log")
    yield node
    node.end()
