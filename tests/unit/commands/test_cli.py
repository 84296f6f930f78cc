"""Arguments of the command line."""

import io
from unittest.mock import Mock

import pytest

from initatlas.cli import main
from initatlas.errors import UserError
from initatlas.parsers.stages import _text


def test_a_spec_is_given_in_words_in_a_file_or_on_standard_input(tmp_path, monkeypatch):
    path = tmp_path / "spec.json"
    path.write_text('{"from": "a file"}')
    monkeypatch.setattr("sys.stdin", io.StringIO('{"from": "standard input"}'))
    assert _text('{"from": "words"}') == '{"from": "words"}'
    assert _text(f"@{path}") == '{"from": "a file"}'
    assert _text("-") == '{"from": "standard input"}'


def test_a_spec_file_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(
        UserError, match=r"^--spec @.*spec.json: No such file or directory; name a file that can be read$"
    ):
        _text(f"@{tmp_path / 'spec.json'}")


@pytest.mark.parametrize(
    ("stage", "spec", "line"),
    [
        ("sweep", "{}", "study is missing"),
        ("sweep", "words", "invalid JSON: "),
        ("sweep", "[]", "give a mapping of keys to values"),
        ("dataset", "{}", "kind is missing"),
        ("dataset", '{"kind": "digits", "tset": 3}', "unknown key tset (did you mean 'test'?)"),
    ],
)
def test_a_spec_that_is_none_is_one_line(tmp_path, capsys, stage, spec, line):
    options = ["--backend=serial", "--workers=1", f"--store={tmp_path}"]
    if stage == "dataset":
        options = ["--name=x", "--raw-data=raw", "--made-from="]
    assert main(["stage", stage, "--spec", spec, f"--output={tmp_path / 'out.nc'}", *options]) == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith("initatlas: --spec: ")
    assert line in told


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("data", "file"),
        ("data/points", "file"),
        ("data/cubes", "file"),
        ("data/logs", "file"),
        ("data/cubes/smoke/chen2024/table1.nc", "folder"),
        ("data/datasets/smoke/digits.nc", "folder"),
        ("reports/smoke/chen2024/figures/fig2_4.pdf", "folder"),
        ("reports/index.html", "folder"),
    ],
)
def test_what_holds_the_place_of_our_files_is_one_line_and_starts_nothing(
    root, tmp_path, monkeypatch, capsys, place, kind
):
    for name in ("config", "workflow", "Snakefile"):
        (tmp_path / name).symlink_to(root / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("subprocess.Popen", Mock(side_effect=AssertionError("nothing is to be started")))
    path = tmp_path / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir() if kind == "folder" else path.write_text("")
    assert main(["run", "--scale", "smoke"]) == 2
    other = "file" if kind == "folder" else "folder"
    line = f"initatlas: {place}: a {kind} where a {other} should be; move it away and run again\n"
    assert capsys.readouterr().err == line


def test_a_log_whose_place_is_taken_is_one_line(tmp_path, capsys):
    (tmp_path / "logs").write_text("")
    assert main(["stage", "unavailable", "--log", str(tmp_path / "logs/job.log"), "--reason", "none"]) == 2
    line = f"initatlas: {tmp_path / 'logs'}: a file where a folder should be; move it away and run again\n"
    assert capsys.readouterr().err == line


@pytest.mark.parametrize(
    ("stage", "line"),
    [
        (["claims"], "there is no package initatlas.studies.nosuch; ours are atlas, "),
        (["figure", "--name=x"], "there is no package initatlas.studies.nosuch; ours are atlas, "),
        (["table", "--name=x", "--caption=x.rst"], "there is no package initatlas.studies.nosuch; ours are atlas, "),
    ],
    ids=["claims", "figure", "table"],
)
def test_a_stage_of_a_study_that_is_none_is_one_line(root, tmp_path, capsys, stage, line):
    published = f"--published={root / 'config/published/atlas.yaml'}"
    assert main(["stage", *stage, "--study=nosuch", published, f"--output={tmp_path / 'x'}"]) == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert line in told
