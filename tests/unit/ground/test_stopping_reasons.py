"""A stop of the process is told from what a point's own code raises."""

import pytest
from toy.sweeps import make_sweep, run

from initatlas import stopping
from initatlas.errors import UserError


def test_the_line_of_a_stop_is_no_failure_of_the_point_that_it_met(tmp_path, monkeypatch):
    from toy import faults

    def interrupted(point):
        raise UserError("Ray is gone")

    monkeypatch.setattr(faults, "_value", interrupted)
    sweep = make_sweep("toy.faults", {"number": [0, 1]})
    report, _ = run(sweep, tmp_path)
    assert [failure.reason for failure in report.failures] == 2 * ["Ray is gone"]
    monkeypatch.setattr(stopping, "_REASONS", ["Ray is gone"])
    with pytest.raises(UserError, match=r"^Ray is gone$"):
        run(sweep, tmp_path)


def test_a_point_that_ends_itself_is_no_stop():
    assert not stopping.came_from_outside(SystemExit(143))
    assert stopping.came_from_outside(stopping.Stopped(143))
