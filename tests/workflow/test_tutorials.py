"""The tutorials, run as they are written; that of the first report, for which everything is built, is in `test_workflow.py`."""

import json
import sys

import pytest
from toy.project import Project
from toy.tutorial import matches, run_page

pytestmark = pytest.mark.workflow


@pytest.mark.parametrize(("page", "commands"), [("own_sweep", 4), ("own_paper", 4)])
def test_a_tutorial_that_begins_in_an_empty_folder(root, tmp_path, page, commands):
    assert run_page(root / f"docs/tutorials/{page}.md", tmp_path, Project(tmp_path, None).environment) == commands


def test_the_tutorial_of_clusters(root, tmp_path):
    for name in ("config", "workflow", "Snakefile"):
        (tmp_path / name).symlink_to(root / name)
    assert run_page(root / "docs/tutorials/cluster.md", tmp_path, Project(tmp_path, None).environment) == 2


def test_the_notebook_prints_what_it_says(root, monkeypatch):
    monkeypatch.syspath_prepend(root / "docs/extensions")
    from notebook import printed, run

    cells = json.loads((root / "docs/tutorials/kernels.ipynb").read_text(encoding="utf-8"))["cells"]
    said = printed(cells)
    assert sum(map(bool, said)) >= 4
    assert printed(run(cells)) == said
    sys.modules.pop("notebook")


@pytest.mark.parametrize(
    ("said", "expected", "same"),
    [
        ("a\nb\n", "a\nb\n", True),
        ("a 12 s\nb\n", "a ... s\nb\n", True),
        ("x\ny\nend\n", "...\nend\n", True),
        ("a\nc\n", "a\nb\n", False),
        ("a\nb\nmore\n", "a\nb\n", False),
        ("a.b\n", "axb\n", False),
    ],
)
def test_what_a_page_says_is_compared(said, expected, same):
    assert matches(said, expected) == same
