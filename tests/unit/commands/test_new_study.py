"""`initatlas study new`: what it writes, and what it refuses."""

import subprocess
import sys

import pytest

from initatlas.cli import main
from initatlas.config import load_settings
from initatlas.layout import STUDY_TEMPLATE


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder, which is the present one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files(folder):
    """Path to content of all that lies in a folder, but for bytecode."""
    written = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_text() for path in written}


def test_a_study_is_written_under_its_name_and_can_be_read(folder, capsys):
    assert main(["study", "new", "kappa2021"]) == 0
    written = files(folder)
    assert [str(folder / path) for path in sorted(written)] == sorted(capsys.readouterr().out.splitlines())
    assert {path for path in written if "kappa2021" not in path} == {"config/config.yaml"}
    assert not [path for path, text in written.items() if "paper2020" in text]
    assert "CLAIMS" in written["my_studies/kappa2021/claims.py"]
    check = [sys.executable, "-m", "initatlas", "config", "check"]
    answer = subprocess.run(check, capture_output=True, text=True, check=True, timeout=60)
    assert answer.stdout == "config: 0 data sets and 1 sweeps at scale quick, no mistake\n"


def test_it_is_what_comes_with_the_package_but_for_its_name(folder):
    assert main(["study", "new", "a"]) == 0
    parts = ("my_studies", "my_experiments", "config", "tests")
    template = files(STUDY_TEMPLATE)
    assert {path.partition("/")[0] for path in template} == set(parts)
    renamed = {path.replace("paper2020", "a"): text.replace("paper2020", "a") for path, text in template.items()}
    assert renamed == {path: text for path, text in files(folder).items() if path != "config/config.yaml"}


def test_a_second_study_stands_beside_the_first_and_nothing_else_changes(folder):
    assert main(["study", "new", "one2021"]) == 0
    before = files(folder)
    assert main(["study", "new", "two2022"]) == 0
    after = files(folder)
    assert load_settings(folder / "config/config.yaml", {}).studies == ["my_studies.one2021", "my_studies.two2022"]
    changed = {path for path, text in before.items() if after[path] != text}
    assert changed == {"config/config.yaml"}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("", "studies: [my_studies.new]\n"),
        ("seed: 3 # mine\n", "seed: 3 # mine\nstudies: [my_studies.new]\n"),
        ("seed: 3", "seed: 3\nstudies: [my_studies.new]\n"),
        ("studies: []\nseed: 3\n", "studies: [my_studies.new]\nseed: 3\n"),
        ("studies: [atlas] # ours\nseed: 3\n", "studies: [atlas, my_studies.new] # ours\nseed: 3\n"),
        ("studies:  [ atlas, chen2024, ]\n", "studies:  [ atlas, chen2024, my_studies.new]\n"),
    ],
)
def test_the_config_is_extended_as_it_was_written(folder, settings, expected):
    (folder / "config").mkdir()
    (folder / "config/config.yaml").write_text(settings)
    assert main(["study", "new", "new"]) == 0
    assert (folder / "config/config.yaml").read_text() == expected


def test_a_command_below_the_folder_of_an_atlas_writes_into_it(folder, monkeypatch):
    assert main(["study", "new", "one2021"]) == 0
    monkeypatch.chdir(folder / "my_studies")
    assert main(["study", "new", "two2022"]) == 0
    assert (folder / "my_studies/two2022/claims.py").is_file()


def refused(folder, capsys, name):
    """The line that it gives for a name, with which it writes nothing."""
    before = files(folder)
    assert main(["study", "new", name]) == 2
    assert files(folder) == before
    (line,) = capsys.readouterr().err.splitlines()
    return line.removeprefix("initatlas: ").replace(f"{folder}/", "")


@pytest.mark.parametrize("name", ["all", "a b", "../evil", "1a", "a" * 61, "class", ""])
def test_a_name_that_cannot_be_used(folder, capsys, name):
    assert refused(folder, capsys, name).startswith(f"initatlas study new: the name {name!r} ")


@pytest.mark.parametrize(
    "path",
    ["my_studies/mine/notes.txt", "my_experiments/mine.py", "config/sweeps/mine.yaml", "config/published/mine.yaml"],
)
def test_nothing_is_overwritten(folder, capsys, path):
    (folder / path).parent.mkdir(parents=True)
    (folder / path).write_text("mine")
    found = "my_studies/mine" if path.startswith("my_studies") else path
    assert refused(folder, capsys, "mine") == f"{found} is there already; choose another name, or remove it first"


def test_a_name_that_the_config_has_already(folder, capsys):
    (folder / "config").mkdir()
    (folder / "config/config.yaml").write_text("studies: [atlas, elsewhere.mine]\n")
    assert refused(folder, capsys, "Mine") == (
        "config/config.yaml: studies names elsewhere.mine already; choose another name"
    )


def test_a_list_that_cannot_be_extended(folder, capsys):
    (folder / "config").mkdir()
    (folder / "config/config.yaml").write_text("studies:\n  - atlas\n")
    assert refused(folder, capsys, "mine") == (
        "config/config.yaml: studies: write it as one line, [a, b]; then my_studies.mine can be added"
    )
