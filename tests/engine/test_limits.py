"""Bounds on a point, and what one bad point may stop."""

import time

import pytest
import xarray as xr
from toy.sweeps import index_of, make_sweep, run

from initatlas.sweeps.engine import open_store, partial_path

NAP = 0.3


def test_a_point_beyond_its_time_fails_alone(tmp_path):
    """Points that share a batch: the slow one is found by halving, the quick ones are kept."""
    axes = {"case": {"zip": {"number": [0, 1, 2, 3], "nap": [0.0, 0.0, 30.0, 0.0]}}}
    sweep = make_sweep("toy.faults", axes, limits={"seconds": NAP})
    begin = time.monotonic()
    report, path = run(sweep, tmp_path)
    assert time.monotonic() - begin < 20 * NAP
    (failure,) = report.failures
    assert '"number":2' in failure.point
    assert failure.reason.startswith("TimeLimitError: took more than 0.3 s")
    assert partial_path(path).exists()
    assert len(index_of(open_store(sweep, tmp_path / "points"))) == 3


def test_the_alarm_is_switched_off_afterwards(tmp_path):
    report, _ = run(make_sweep("toy.faults", {"number": [0, 1]}, limits={"seconds": NAP}), tmp_path)
    assert not report.failures
    time.sleep(2.5 * NAP)


def test_limits_are_no_part_of_a_points_identity(tmp_path):
    run(make_sweep("toy.draws", {"offset": [0, 1]}), tmp_path)
    report, _ = run(make_sweep("toy.draws", {"offset": [0, 1]}, limits={"seconds": 5.0, "megabytes": 500.0}), tmp_path)
    assert report.computed == 0


def test_a_point_beyond_its_memory_fails_alone(tmp_path):
    sweep = make_sweep("toy.draws", {"length": [10, 10**8]}, limits={"megabytes": 200.0})
    with pytest.MonkeyPatch.context() as patch:
        from toy import draws

        # The coordinate of the long point alone would fill the memory of this machine.
        patch.setattr(draws, "range", lambda length: [0.0] * min(length, 10), raising=False)
        report, _ = run(sweep, tmp_path)
    (failure,) = report.failures
    assert '"length":100000000' in failure.point
    assert "MemoryError" in failure.reason


def test_fail_fast_ends_the_sweep_at_the_first_failure(tmp_path):
    axes = {"number": [*range(6)]}
    fixed = {"fault": "raise", "at": 2, "cost": 5.0}
    report, path = run(make_sweep("toy.faults", axes, fixed=fixed), tmp_path, fail_fast=True)
    assert [failure.reason for failure in report.failures] == ["ValueError: number 2 is bad"]
    assert (report.computed, report.not_run) == (2, 3)
    with xr.open_dataset(partial_path(path)) as cube:
        assert cube.status.values.tolist() == [0, 0, 1, 1, 1, 1]
        assert cube.error.values.tolist() == [
            "",
            "",
            "ValueError: number 2 is bad",
            *3 * ["not run: an earlier point failed"],
        ]
    assert not path.exists()
