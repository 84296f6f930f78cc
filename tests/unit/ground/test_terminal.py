"""Columns and colours of a terminal."""

import io
import logging

import pytest

from initatlas.messages import Console, set_up_logging
from initatlas.terminal import aligned, painted, takes_colours


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def surroundings(monkeypatch):
    """Those of a terminal with colours."""
    monkeypatch.setenv("TERM", "xterm")
    for variable in ("NO_COLOR", "INITATLAS_QUIET", "INITATLAS_MARK"):
        monkeypatch.delenv(variable, raising=False)
    yield
    set_up_logging(None)


@pytest.mark.parametrize(
    ("variable", "value", "colours"),
    [("NO_COLOR", "1", False), ("NO_COLOR", "0", False), ("NO_COLOR", "", True), ("TERM", "dumb", False)],
)
def test_colours_are_left_out_where_the_user_asks_for_none(monkeypatch, variable, value, colours):
    monkeypatch.setenv(variable, value)
    assert takes_colours(Screen()) == colours


def test_colours_are_for_terminals_alone():
    assert painted("holds", "green", Screen()) == "\x1b[32mholds\x1b[0m"
    assert painted("holds", "green", io.StringIO()) == "holds"
    assert painted("holds", None, Screen()) == "holds"


def test_painted_cells_keep_their_columns(monkeypatch):
    rows = [("a", "holds", "x"), ("bcd", "fails", "y"), ("e", "undecided", "z")]
    plain = aligned(rows, {"holds": "green", "fails": "red"})
    assert plain.splitlines() == ["a    holds      x", "bcd  fails      y", "e    undecided  z"]
    monkeypatch.setattr("sys.stdout", Screen())
    coloured = aligned(rows, {"holds": "green", "fails": "red"})
    assert coloured.splitlines()[1] == "bcd  \x1b[31mfails\x1b[0m      y"
    assert coloured.replace("\x1b[32m", "").replace("\x1b[31m", "").replace("\x1b[0m", "") == plain


def test_no_rows_are_no_text():
    assert aligned([]) == ""


def said(monkeypatch, *, quiet, stream):
    """What a message of each level leaves on standard error."""
    monkeypatch.setattr("sys.stderr", stream)
    set_up_logging(None, quiet=quiet)
    log = logging.getLogger("initatlas.sweeps")
    log.info("news")
    log.warning("care")
    log.error("wrong\nwhere")
    return stream.getvalue().splitlines()


def test_quiet_leaves_warnings_and_errors(monkeypatch):
    assert said(monkeypatch, quiet=False, stream=io.StringIO()) == ["news", "care", "wrong", "where"]
    assert said(monkeypatch, quiet=True, stream=io.StringIO()) == ["care", "wrong", "where"]


def test_stages_of_a_quiet_run_are_quiet(monkeypatch):
    monkeypatch.setenv("INITATLAS_QUIET", "1")
    assert said(monkeypatch, quiet=False, stream=io.StringIO()) == ["care", "wrong", "where"]


def test_the_log_file_of_a_quiet_command_has_all(tmp_path):
    set_up_logging(tmp_path / "log", quiet=True)
    logging.getLogger("initatlas.sweeps").info("news")
    assert "INFO news" in (tmp_path / "log").read_text()


def test_warnings_and_errors_have_colours_on_a_terminal(monkeypatch):
    lines = said(monkeypatch, quiet=False, stream=Screen())
    assert lines == ["news", "\x1b[33mcare\x1b[0m", "\x1b[31mwrong\x1b[0m", "where"]


@pytest.mark.parametrize(
    ("quiet", "stream", "bars"), [(False, Screen, True), (True, Screen, False), (False, io.StringIO, False)]
)
def test_bars_are_for_who_looks(monkeypatch, quiet, stream, bars):
    monkeypatch.setattr("sys.stderr", stream())
    set_up_logging(None, quiet=quiet)
    assert Console().shows_bars() == bars
