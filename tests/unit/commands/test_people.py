"""What `plan` and `status` say: what a run would do now, whatever an earlier one has left."""

import json
import os
import shutil
from pathlib import Path

import pytest

from initatlas.cli import main
from initatlas.commands.people import plan, status, what_changed
from initatlas.config import load_workflow
from initatlas.identity import Ancestry
from initatlas.layout import POINTS, Layout
from initatlas.sweeps.former import set_aside

SWEEPS = """sweeps:
  norms:
    experiment: largest_coordinate
    fixed: {dataset: drawn, rows: 8, columns: 8, pieces: 2}
  scale:
    experiment: depth_scale
    axes: {weight_variance: [1.5, 2.5]}
"""
DATASETS = "drawn: {kind: glyphs, train: 4, test: 2, scales: {smoke: {test: 1}}}\n"


@pytest.fixture
def atlas(root, tmp_path, monkeypatch):
    """The folder of an atlas with two sweeps, one of them on data."""
    shutil.copytree(root / "config", tmp_path / "config")
    (tmp_path / "config/config.yaml").write_text("scale: quick\n")
    for path in (tmp_path / "config/sweeps").iterdir():
        path.unlink()
    (tmp_path / "config/sweeps/own.yaml").write_text(SWEEPS)
    (tmp_path / "config/datasets.yaml").write_text(DATASETS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def build(name):
    """The stage of the workflow that builds a data set."""
    workflow = load_workflow(Path())
    spec, made_from = workflow.datasets[name].model_dump_json(), Ancestry(workflow).dataset(name)
    options = ["--name", name, "--spec", spec, "--raw-data", workflow.settings.raw_data, "--made-from", made_from]
    assert main(["stage", "dataset", *options, "--output", str(Layout("quick").dataset(name))]) == 0


def compute(title):
    """The stage of the workflow that runs a sweep."""
    sweep, layout = load_workflow(Path()).sweep(title), Layout("quick")
    options = ["--spec", sweep.model_dump_json(), "--store", str(POINTS), "--output", str(layout.cube(title))]
    options += ["--backend", "serial", "--workers", "1"]
    data = [f"{name}={layout.dataset(name)}" for name in sweep.datasets]
    assert main(["stage", "sweep", *options, "--data", *data]) == 0


@pytest.fixture
def built(atlas):
    """The same after a run."""
    build("drawn")
    for title in ("own/norms", "own/scale"):
        compute(title)
    return atlas


def states(**overrides):
    """Sweep to what is stored and what there is of its cube."""
    return {title: rest for title, *rest in (line.split("  ", 1) for line in status(overrides).splitlines())}


def told(title, **overrides):
    """What is said of a sweep, in words set one space apart."""
    return " ".join(" ".join(states(**overrides)[title]).split())


def test_before_a_run_nothing_is_stored(atlas):
    assert told("own/norms") == "0 of 1 points stored no cube"
    assert told("own/scale") == "0 of 2 points stored no cube"
    assert "data set drawn is not built yet, or not as the config says; the run builds it" in plan("own/norms", {})


def test_after_a_run_everything_is_there(built):
    assert told("own/norms") == "1 of 1 points stored cube"
    assert told("own/scale") == "2 of 2 points stored cube"
    assert "to run 0 in 0 batches" in " ".join(plan("own/norms", {}).split())
    assert "the run builds it" not in plan("own/norms", {})


def test_another_scale_has_its_own_cubes_and_data_and_shares_the_points(built):
    assert told("own/scale", scale="smoke") == "2 of 2 points stored no cube"
    assert told("own/norms", scale="smoke") == "0 of 1 points stored no cube"
    assert "the run builds it" in plan("own/norms", {"scale": "smoke"})
    assert told("own/norms") == "1 of 1 points stored cube"


def test_a_data_set_that_changed_in_the_config_is_not_the_one_that_is_built(built):
    (built / "config/datasets.yaml").write_text(DATASETS.replace("train: 4", "train: 5"))
    assert told("own/norms") == "0 of 1 points stored older cube"
    assert "to run 1 in 1 batches" in " ".join(plan("own/norms", {}).split())
    assert "data set drawn is not built yet, or not as the config says; the run builds it" in plan("own/norms", {})
    build("drawn")
    assert told("own/norms") == "0 of 1 points stored older cube"
    assert "the run builds it" not in plan("own/norms", {})
    compute("own/norms")
    assert told("own/norms") == "1 of 1 points stored cube"


def test_a_sweep_that_changed_has_an_older_cube(built):
    (built / "config/sweeps/own.yaml").write_text(SWEEPS.replace("[1.5, 2.5]", "[1.5, 2.5, 3.5]"))
    assert told("own/scale") == "2 of 3 points stored older cube"
    assert told("own/norms") == "1 of 1 points stored cube"


def test_a_raw_file_that_is_newer_makes_its_data_set_old(atlas):
    raw = atlas / "data/raw/mine"
    raw.mkdir(parents=True)
    (raw / "train-images-idx3-ubyte").write_bytes(bytes([0, 0, 8, 3, 0, 0, 0, 4, 0, 0, 0, 8, 0, 0, 0, 8, *range(256)]))
    (raw / "train-labels-idx1-ubyte").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 4, 0, 1, 0, 1]))
    (atlas / "config/datasets.yaml").write_text(f"{DATASETS}mine: {{kind: idx, folder: mine}}\n")
    (atlas / "config/sweeps/own.yaml").write_text(SWEEPS.replace("dataset: drawn", "dataset: mine"))
    build("mine")
    compute("own/norms")
    assert told("own/norms") == "1 of 1 points stored cube"
    later = (atlas / "data/datasets/quick/mine.nc").stat().st_mtime + 1.0
    os.utime(raw / "train-labels-idx1-ubyte", (later, later))
    assert told("own/norms") == "0 of 1 points stored older cube"


def test_a_broken_data_set_concerns_its_own_sweeps_alone(built):
    Layout("quick").dataset("drawn").write_text("torn")
    assert told("own/norms").startswith("cannot run data/datasets/quick/drawn.nc: is no whole data set (")
    assert told("own/scale") == "2 of 2 points stored cube"


def test_a_failed_run_leaves_word_of_the_older_cube(built):
    set_aside(Layout("quick").cube("own/scale"))
    assert told("own/scale") == "2 of 2 points stored no cube, but an older one is kept"
    Layout("quick").cube("own/norms").unlink()
    assert told("own/norms") == "1 of 1 points stored no cube"


def test_the_cost_of_a_study_is_the_sum_of_its_sweeps(built, capsys):
    (built / "config/sweeps/own.yaml").write_text(SWEEPS.replace("[1.5, 2.5]", "[1.5, 2.5, 3.5, 4.5]"))
    (built / "config/sweeps/other.yaml").write_text(SWEEPS.replace("[1.5, 2.5]", "[8, 9, 10]"))
    assert main(["sweep", "plan", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    rows = {row["sweep"]: row for row in told["sweeps"]}
    assert {title: (row["points"], row["to_run"]) for title, row in rows.items()} == {
        "own/norms": (1, 0),
        "own/scale": (4, 2),
        "other/norms": (1, 0),
        "other/scale": (3, 3),
    }
    assert told["scale"] == "quick"
    assert told["seconds"] == pytest.approx(sum(row["seconds"] for row in rows.values()))
    assert rows["other/scale"]["seconds"] > rows["own/scale"]["seconds"] > 0.0 == rows["own/norms"]["seconds"]
    assert main(["sweep", "plan", "own", "other/scale"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[0] for line in lines] == ["sweep", "other/scale", "own/norms", "own/scale", "together"]
    assert lines[-1][1:3] == ["8", "5"]


def test_a_study_that_is_absent_is_one_line(atlas, capsys):
    assert main(["sweep", "plan", "own/norm", "own"]) == 2
    assert "there is no study and no sweep 'own/norm' (did you mean 'own/norms'?)" in capsys.readouterr().err


def test_lists_for_a_script_say_the_same(built, capsys):
    assert main(["sweep", "list", "--json"]) == 0
    listed = {row["sweep"]: row for row in json.loads(capsys.readouterr().out)}
    assert listed["own/scale"]["axes"] == {"weight_variance": 2}
    assert listed["own/norms"]["experiment"] == "largest_coordinate"
    (built / "config/sweeps/own.yaml").write_text(SWEEPS.replace("[1.5, 2.5]", "[1.5, 2.5, 3.5]"))
    assert main(["sweep", "status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [
        {"sweep": "own/norms", "points": 1, "stored": 1, "cube": "cube"},
        {"sweep": "own/scale", "points": 3, "stored": 2, "cube": "older cube"},
    ]


def test_a_sweep_that_cannot_run_is_told_to_a_script(atlas, capsys):
    (atlas / "config/datasets.yaml").write_text(f"{DATASETS}mine: {{kind: idx, folder: mine}}\n")
    (atlas / "config/sweeps/own.yaml").write_text(SWEEPS.replace("dataset: drawn", "dataset: mine"))
    for words in (["sweep", "list", "--json"], ["sweep", "status", "--json"]):
        assert main(words) == 0
        rows = {row["sweep"]: row for row in json.loads(capsys.readouterr().out)}
        assert "mine" in rows["own/norms"]["cannot_run"]
        assert "cannot_run" not in rows["own/scale"]


def test_what_has_changed_in_a_cube_is_told_by_its_parts(built):
    assert what_changed("own/norms", load_workflow(Path())) == []
    (built / "config/sweeps/own.yaml").write_text(SWEEPS.replace("pieces: 2", "pieces: 3"))
    assert what_changed("own/norms", load_workflow(Path())) == ["settings"]
    (built / "config/datasets.yaml").write_text(DATASETS.replace("train: 4", "train: 5"))
    assert what_changed("own/norms", load_workflow(Path())) == ["settings", "data"]
    assert what_changed("own/scale", load_workflow(Path())) == []
