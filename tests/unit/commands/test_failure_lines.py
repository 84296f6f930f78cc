"""Failures on the screen: one line per kind of reason."""

from toy.sweeps import make_sweep

from initatlas.commands.sweeps import MOST_KINDS_SHOWN, failure_lines
from initatlas.sweeps.batches import Task
from initatlas.sweeps.execute import failure
from initatlas.sweeps.registry import load_experiment

SWEEP = make_sweep("toy.faults", {"number": [*range(40)], "nap": [0.0, 0.5]}, fixed={"fault": "raise"})


def failures(*reasons):
    """One failing point per reason, in order."""
    parameters = load_experiment("toy.faults").parameters
    return [
        failure(Task(str(number), parameters(number=number, nap=0.5)), reason, "Traceback\nof many lines")
        for number, reason in enumerate(reasons)
    ]


def test_reasons_that_differ_in_numbers_alone_are_one_line():
    found = failures(*(f"ValueError: number {number} is bad, off by {number}.5e-3" for number in range(24)))
    assert failure_lines(SWEEP, found) == [
        "  24 x ValueError: number 0 is bad, off by 0.5e-3 (first at number = 0, nap = 0.5)"
    ]


def test_the_commonest_kind_comes_first():
    found = failures("KeyError: 'a'", "TypeError: b", "TypeError: b", "KeyError: 'c'")
    assert failure_lines(SWEEP, found) == [
        "  2 x TypeError: b (first at number = 1, nap = 0.5)",
        "  1 x KeyError: 'a' (at number = 0, nap = 0.5)",
        "  1 x KeyError: 'c' (at number = 3, nap = 0.5)",
    ]


def test_many_kinds_are_counted():
    found = failures(*("ValueError: " + letter for letter in "abcdefghijklmnop"), "ValueError: p")
    lines = failure_lines(SWEEP, found)
    assert len(lines) == MOST_KINDS_SHOWN + 1
    assert lines[0].startswith("  2 x ValueError: p ")
    assert lines[-1] == "  6 x 6 other reasons"


def test_a_sweep_of_one_point_names_no_place():
    sweep = make_sweep("toy.faults", {})
    assert failure_lines(sweep, failures("OSError: gone")) == ["  1 x OSError: gone"]
