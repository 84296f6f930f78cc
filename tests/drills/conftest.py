"""The figures of the drills: one line each at the end of the test run."""

import time
from dataclasses import dataclass

import pytest

_DRILL = "drill"


@dataclass
class Tally:
    """How many moments a drill took, and what they cost."""

    moments: int = 0
    recomputed: int = 0
    note: str = ""


@pytest.fixture
def tally(request):
    """A tally for the test, which is shown if the test passes."""
    count = Tally()
    begin = time.monotonic()
    failed = request.session.testsfailed
    yield count
    if request.session.testsfailed == failed:
        what = request.node.name.removeprefix("test_").replace("_", " ")
        line = f"{what}: {count.moments} moments, {count.recomputed} points computed again, {time.monotonic() - begin:.1f} s"
        # a property of the report, so that it comes from whichever process ran the test
        request.node.user_properties.append((_DRILL, line + (f" ({count.note})" if count.note else "")))


def pytest_terminal_summary(terminalreporter):
    """Show the lines."""
    for report in terminalreporter.getreports(""):  # where pytest counts the teardowns that passed
        for name, line in report.user_properties:
            if name == _DRILL and report.when == "teardown":
                terminalreporter.write_line(f"drill: {line}")
