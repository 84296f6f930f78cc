"""Mistakes in the config, kind by kind: what is written, and the line that it gives; the table is `config_mistakes.txt`."""

import shutil
from itertools import pairwise
from pathlib import Path

import pytest

from initatlas.config import load_workflow
from initatlas.errors import UserError

TABLE = Path(__file__).with_name("config_mistakes.txt")


def cases():
    """Kind, file, text and message of every case."""
    lines = [line for line in TABLE.read_text().splitlines() if not line.startswith("#")]
    kind = file = ""
    for line, below in pairwise([*lines, ""]):
        if line.startswith("[") and line.endswith("]") and ": " in line:
            kind, _, file = line[1:-1].partition(": ")
        elif below.startswith("    "):
            text = line.replace("\\\\", "\0").replace("\\n", "\n").replace("\\t", "\t").replace("\0", "\\")
            yield pytest.param(file, text, below.strip(), id=f"{kind}: {line}"[:60])


CASES = list(cases())


def test_the_table_has_every_kind():
    assert len(CASES) > 200


@pytest.fixture
def project(root, tmp_path):
    """A copy of the config of the repository."""
    shutil.copytree(root / "config", tmp_path / "config")
    return tmp_path


@pytest.mark.parametrize(("file", "text", "message"), CASES)
def test_a_mistake_is_one_line_with_file_place_value_and_mend(project, file, text, message):
    path = project / "config" / ("sweeps/own.yaml" if file == "own" else file)
    if file == "own":
        text = f"sweeps:\n  trial: {text}"
    if file == "datasets.yaml":
        text = f"{path.read_text()}\n{text}"
    path.write_text(text)
    with pytest.raises(UserError) as error:
        load_workflow(project)
    line = str(error.value)
    assert "\n" not in line
    assert len(line) < 1000
    assert line.startswith((f"{path}:", f"{path.parent}:"))
    assert message.replace("@", "sweeps.trial") in line
