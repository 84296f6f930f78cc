"""Equal is what has the same bits; what is left aside is what a run leaves besides its numbers."""

import json
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from initatlas.archive.comparison import compare_claims, compare_cubes, spec_differences
from initatlas.studies.claim import Claim, Cost, Estimate, Judgement, Published


def cube(**changed):
    variables = {
        "loss": (("width", "seed"), np.array([[0.5, np.nan], [0.25, 1.0]])),
        "flag": (("width",), np.array([True, False])),
        "error": (("width",), np.array(["", "torn"], dtype=object)),
        **changed,
    }
    return xr.Dataset(variables, {"width": [8, 16]}, attrs={"created": "2026-11-29"})


def test_the_same_values_are_equal_whatever_is_written_beside_them():
    other = cube().assign_attrs(created="2027-01-01")
    found = compare_cubes(cube(), other)
    assert (found.arrays, found.values, found.differences) == (4, 4 + 2 + 2 + 2, ())


def test_the_last_bit_counts():
    values = cube().loss.values.copy()
    values[1, 0] = np.nextafter(values[1, 0], 1.0)
    (line,) = compare_cubes(cube(), cube(loss=(("width", "seed"), values))).differences
    assert line == "loss: 1 of 4 values, by at most 5.6e-17"


@pytest.mark.parametrize(
    ("name", "changed", "line"),
    [
        ("loss", (("width", "seed"), np.array([[-0.5, np.nan], [0.25, 1.0]])), "loss: 1 of 4 values, by at most 1"),
        ("loss", (("width", "seed"), np.array([[0.5, 0.5], [0.25, 1.0]])), "loss: 1 of 4 values"),
        ("flag", (("width",), np.array([True, True])), "flag: 1 of 2 values"),
        ("flag", (("width",), np.array([1, 0])), "flag: type bool in the archive, int64 here"),
        ("error", (("width",), np.array(["", "worn"], dtype=object)), "error: 1 of 2 values"),
        ("loss", (("seed", "width"), np.ones((2, 2))), "loss: dimensions width x seed in the archive, seed x width here"),
        ("loss", (("width", "seed"), np.ones((2, 3))), "loss: lengths 2 x 2 in the archive, 2 x 3 here"),
        ("width", (("width",), [8, 32]), "width: 1 of 2 values, by at most 16"),
        ("more", (("width",), np.ones(2)), "more: not in the archive"),
    ],
)  # fmt: skip
def test_what_differs_is_named(name, changed, line):
    here = cube().drop_vars(name, errors="ignore").assign({name: changed})
    assert compare_cubes(cube(), here.set_coords("width")).differences == (line,)


def test_zeros_of_both_signs_differ():
    zero = (("width",), np.zeros(2))
    assert compare_cubes(cube(zero=zero), cube(zero=(("width",), -np.zeros(2)))).differences == (
        "zero: 2 of 2 values, by at most 0",
    )


def test_an_array_that_was_not_computed_is_a_difference():
    assert compare_cubes(cube(), cube().drop_vars("loss")).differences == ("loss: not computed",)


def claim(**changed):
    published = Published(
        statement="Flat.",
        where="figure 3",
        test="at_most",
        value=0.4,
        why="Rounding.",
        limits="One.",
        control={"a": "b"},
    )
    judged = Judgement("holds", "Because.", Estimate(0.3, 0.2, 0.35))
    return Claim("own2020", "flat", published, replace(judged, **changed), Cost(("trial",), 90.0))


def test_a_line_of_the_ledger_is_compared_but_for_its_cost():
    assert compare_claims(claim(), replace(claim(), cost=Cost(("trial",), 12.0))) == ()
    (line,) = compare_claims(claim(), claim(estimate=Estimate(0.3, 0.2, 0.36)))
    assert line.startswith("estimate: ")
    assert "0.36" in line
    assert compare_claims(claim(), claim(verdict="fails")) == ("verdict: holds in the archive, fails here",)


def test_specs_that_differ_are_told_by_their_keys():
    there = {
        "axes": [{"name": "dataset", "values": {"dataset": ["digits", "mnist"]}}],
        "fixed": {"depth": 4, "lr": 0.1},
    }
    here = {"axes": [{"name": "dataset", "values": {"dataset": ["digits"]}}], "fixed": {"depth": 4, "bias": True}}
    assert spec_differences(json.dumps(there), json.dumps(there)) == []
    assert spec_differences(json.dumps(there), json.dumps(here)) == ["axes.dataset.dataset", "fixed.lr", "fixed.bias"]
