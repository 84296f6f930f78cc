"""Slices of a sweep: what they compute between them is what the sweep computes, and nothing twice."""

import hashlib

import numpy as np
import pytest
import xarray as xr
from toy.sweeps import make_sweep, run

from initatlas.errors import UserError
from initatlas.sweeps.backends.serial import SerialBackend
from initatlas.sweeps.engine import open_store, run_slice
from initatlas.sweeps.keys import packed_keys
from initatlas.sweeps.plan import plan_sweep
from initatlas.sweeps.slices import WHOLE, Slice


def keys(count):
    return packed_keys(hashlib.sha256(str(number).encode()).hexdigest() for number in range(count))


@pytest.mark.parametrize("of", [1, 2, 7])
def test_every_point_is_of_one_slice_and_slices_are_alike(of):
    owned = np.array([Slice(number, of).owns(keys(2100)) for number in range(1, of + 1)])
    assert (owned.sum(axis=0) == 1).all()
    assert owned.sum(axis=1).min() > 0.8 * 2100 / of


def test_the_first_twelve_digits_of_a_key_tell_its_slice():
    """What one release and the next call a slice is the same: the jobs of a slice may be of both."""
    of_keys = packed_keys(["000000000007" + 52 * "f", "ffffffffffff" + 52 * "0", "00000000000e" + 52 * "1"])
    assert Slice(1, 7).owns(of_keys).tolist() == [True, (2**48 - 1) % 7 == 0, True]
    assert Slice(500, 500).owns(of_keys).tolist() == [False] * 3
    assert Slice(15, 500).owns(of_keys).tolist() == [False, False, True]


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
