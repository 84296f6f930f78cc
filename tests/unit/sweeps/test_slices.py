"""Slices of a sweep: what they compute between them is what the sweep computes, and nothing twice."""

import hashlib

import pytest
import xarray as xr
from toy.sweeps import make_sweep, run

from initatlas.errors import UserError
from initatlas.sweeps.backends.serial import SerialBackend
from initatlas.sweeps.engine import open_store, run_slice
from initatlas.sweeps.plan import plan_sweep
from initatlas.sweeps.slices import WHOLE, Slice


def keys(count):
    return [hashlib.sha256(str(number).encode()).hexdigest() for number in range(count)]


@pytest.mark.parametrize("of", [1, 2, 7])
def test_every_point_is_of_one_slice_and_slices_are_alike(of):
    counts = [sum(Slice(number, of).owns(key) for key in keys(2100)) for number in range(1, of + 1)]
    assert sum(counts) == 2100
    assert min(counts) > 0.8 * 2100 / of


@pytest.mark.parametrize("text", ["", "2", "0/3", "4/3", "1/0", "-1/3", "1/3/5", "a/b", "1 / 3", "1/1e2", "١/٣"])
def test_what_is_no_slice_is_one_line(text):
    with pytest.raises(
        UserError, match=r"^--slice .*: give the number of a slice and how many there are, such as 2/8$"
    ):
        Slice.read(text)


def test_a_slice_is_read_and_named():
    assert Slice.read("2/8") == (2, 8)
    assert Slice.read("1/1") == WHOLE
    assert WHOLE.name("own/trial") == "own/trial"
    assert Slice(2, 8).name("own/trial") == "own/trial.2-of-8"


def run_part(sweep, folder, part):
    store = open_store(sweep, folder / "points", part)
    return run_slice(sweep, part=part, store=store, data={}, choose=lambda seconds: SerialBackend())


def test_slices_leave_nothing_to_the_sweep_and_the_cube_is_the_same(tmp_path):
    sweep = make_sweep("toy.draws", {"length": [3], "seed": [*range(40)]})
    reports = [run_part(sweep, tmp_path / "parts", Slice(number, 3)) for number in (3, 1, 2)]
    assert sum(report.computed for report in reports) == 40
    assert all(0 < report.computed < 40 for report in reports)
    assert [report.failures for report in reports] == [()] * 3
    assert plan_sweep(sweep, open_store(sweep, tmp_path / "parts/points"), {}).to_run == 0
    report, path = run(sweep, tmp_path / "parts")
    assert report.computed == 0
    _, other = run(sweep, tmp_path / "whole")
    with xr.open_dataset(path) as one, xr.open_dataset(other) as two:
        for name in ("number", "curve", "count"):
            assert one[name].values.tobytes() == two[name].values.tobytes()


def test_a_slice_does_not_wait_for_another_one(tmp_path):
    sweep = make_sweep("toy.draws", {"length": [3], "seed": [*range(8)]})
    with open_store(sweep, tmp_path / "points", Slice(1, 2)).lock():
        assert run_part(sweep, tmp_path, Slice(2, 2)).computed > 0


def test_a_slice_that_was_stopped_goes_on(tmp_path):
    """What it has stored counts, whoever stored it."""
    sweep = make_sweep("toy.draws", {"length": [3], "seed": [*range(20)]})
    run(sweep, tmp_path)
    assert run_part(sweep, tmp_path, Slice(1, 2)).computed == 0
