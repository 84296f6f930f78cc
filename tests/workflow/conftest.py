"""A copy of the project that runs the real workflow with its own code."""

import os
import shutil

import pytest
from toy.project import Project, WarmSnakemake, copy_project


@pytest.fixture(scope="session")
def warm(tmp_path_factory):
    """One such process for the whole session."""
    found = WarmSnakemake(tmp_path_factory.mktemp("warm"))
    yield found
    found.end()


@pytest.fixture(scope="session")
def built(root, tmp_path_factory, warm):
    """The whole workflow, run once at scale smoke from a clean copy. Not to be changed."""
    shared = (
        tmp_path_factory.getbasetemp().parent if "PYTEST_XDIST_WORKER" in os.environ else tmp_path_factory.getbasetemp()
    )
    (shared / "built").mkdir()  # once: not by two processes of the same run
    folder = tmp_path_factory.mktemp("clean") / "atlas"
    copy_project(root, folder)
    project = Project(folder, warm)
    project.answer = project.snakemake()
    assert project.answer.code == 0, project.answer.text
    return project


@pytest.fixture
def project(built, tmp_path):
    """A copy of the built project, to be changed."""
    shutil.copytree(built.folder, tmp_path / "atlas", symlinks=True)
    return Project(tmp_path / "atlas", built.warm)
