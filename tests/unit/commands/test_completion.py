"""What the tab key offers."""

import json
import subprocess
import sys

import pytest

ASK = """
import io, json, os, sys
import argcomplete
from initatlas.cli import _parser

asked = {"_ARGCOMPLETE": "1", "_ARGCOMPLETE_IFS": "|", "_ARGCOMPLETE_COMP_WORDBREAKS": " "}
answers = {}
for line in json.load(sys.stdin):
    os.environ.update(asked, COMP_LINE=line, COMP_POINT=str(len(line)))
    output = io.StringIO()
    argcomplete.autocomplete(_parser(), output_stream=output, exit_method=lambda code: None)
    answers[line] = [word.strip() for word in output.getvalue().split("|") if word]
print(json.dumps(answers))
"""

OFFERED = {
    "initatlas swe": {"sweep"},
    "initatlas sweep p": {"plan", "prune"},
    "initatlas run chen": {"chen2024", "chen2024/table1", "chen2024/fig1"},
    "initatlas status sah": {"sahs2020"},
    "initatlas sweep run atlas/trainability_": {"atlas/trainability_digits", "atlas/trainability_tanh"},
    "initatlas claims list dan": {"daniely2016", "daniely2016/depth_odd"},
    "initatlas claims show daniely2016/depth_o": {"daniely2016/depth_odd"},
    "initatlas run --scale ": {"smoke", "quick", "paper"},
    "initatlas download mn": {"mnist"},
    "initatlas kernel gram --activation leaky": {"leaky_relu"},
}
SWEEPS_ALONE = "initatlas sweep run chen2024"


def ask(folder, lines):
    """What is offered behind each line, as the shell asks: in the environment, and in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", ASK], input=json.dumps(lines), cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def answers(root):
    """What is offered below the folder of the atlas."""
    return ask(root / "docs", [*OFFERED, SWEEPS_ALONE])


@pytest.mark.parametrize(("line", "words"), OFFERED.items())
def test_names_are_offered(answers, line, words):
    assert words <= set(answers[line])
    assert {word for word in answers[line] if not word.startswith(line.rpartition(" ")[2])} == set()


def test_only_sweeps_are_offered_where_a_sweep_is_run(answers):
    assert answers[SWEEPS_ALONE]
    assert {word for word in answers[SWEEPS_ALONE] if "/" not in word} == set()


def test_a_config_that_is_broken_or_absent_offers_nothing_and_says_nothing(tmp_path):
    (tmp_path / "broken/config").mkdir(parents=True)
    (tmp_path / "broken/config/config.yaml").write_text("studies: [chen2024\n")
    for folder in (tmp_path, tmp_path / "broken"):
        assert ask(folder, ["initatlas run chen", "initatlas download mn"]) == {
            "initatlas run chen": [],
            "initatlas download mn": [],
        }
