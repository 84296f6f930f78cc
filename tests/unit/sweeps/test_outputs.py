"""What an experiment returns is held against what it declares, point by point."""

import numpy as np
import pytest
from pydantic import Field

from initatlas.sweeps.experiment import Coordinate, Experiment, Output, Parameters
from initatlas.sweeps.outputs import OutputError, checked_outputs, checked_together, joined, one_row


class OutputParameters(Parameters):
    length: int = Field(default=3, description="length of the line")


def check(value, **declared):
    """Hold one output against its declaration; its point has three places and two levels."""
    experiment = Experiment(
        summary="One output.",
        parameters=OutputParameters,
        outputs=(Output("value", "a value", **declared),),
        run=lambda points, rngs, data: [],
        coordinates=lambda point: {
            "place": Coordinate(range(point.length), "place"),
            "level": Coordinate([0.5, 1.5], "level"),
        },
    )
    return checked_outputs(experiment, OutputParameters(), {"value": value})["value"]


LINE, PLANE = {"dims": ("place",)}, {"dims": ("place", "level")}


@pytest.mark.parametrize(
    ("value", "declared", "expected"),
    [
        (1.5, {}, np.float64(1.5)),
        (7, {}, np.float64(7.0)),
        (True, {}, np.float64(1.0)),
        ([1, 2, 3], LINE, np.array([1.0, 2.0, 3.0])),
        (np.arange(6.0).reshape(3, 2), PLANE, np.arange(6.0).reshape(3, 2)),
        (np.arange(6.0).reshape(2, 3).T, PLANE, np.array([[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]])),
        (7.0, {"dtype": "int32"}, np.int32(7)),
        (np.uint8(255), {"dtype": "int64"}, np.int64(255)),
        (1, {"dtype": "bool"}, np.bool_(True)),
        (0.1, {"dtype": "float32"}, np.float32(0.1)),
        (np.nan, {"nan_means": "nothing there"}, np.float64(np.nan)),
        (-np.inf, {"inf_means": "no end"}, np.float64(-np.inf)),
        ([np.inf, np.nan, 1.0], {**LINE, "nan_means": "none", "inf_means": "no end"}, np.array([np.inf, np.nan, 1.0])),
        ([1.0, 2.0], {**LINE, "shorter_means": "it ended"}, np.array([1.0, 2.0])),
        ([], {**LINE, "shorter_means": "it ended"}, np.array([])),
    ],
)
def test_what_is_declared_passes_with_every_bit(value, declared, expected):
    found = check(value, **declared)
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    assert found.flags["C_CONTIGUOUS"]
    assert found.tobytes() == np.ascontiguousarray(expected).tobytes()


@pytest.mark.parametrize(
    ("value", "declared", "line"),
    [
        (np.nan, {}, "got NaN, expected numbers; NaN needs nan_means"),
        ([1, np.nan, np.nan], LINE, "got NaN in 2 of 3 values, expected numbers; NaN needs nan_means"),
        (np.inf, {"nan_means": "x"}, "got infinity, expected numbers; infinity needs inf_means"),
        ([-np.inf, 1, 1], LINE, "got infinity in 1 of 3 values, expected numbers; infinity needs inf_means"),
        (np.nan, {"inf_means": "x"}, "got NaN, expected numbers; NaN needs nan_means"),
        ([1, 2], LINE, "got shape (place: 2), expected float64 of shape (place: 3); a shorter one needs shorter_means"),
        ([1, 2, 3, 4], LINE, "got shape (place: 4), expected float64 of shape (place: 3)"),
        ([1, 2, 3, 4], {**LINE, "shorter_means": "x"}, "got shape (place: 4), expected float64 of shape (place: 3)"),
        (np.ones((2, 3)), PLANE, "got shape (place: 2, level: 3), expected float64 of shape (place: 3, level: 2)"),
        (np.ones(3), PLANE, "got shape (3), expected float64 of shape (place: 3, level: 2)"),
        (1.0, LINE, "got shape (), expected float64 of shape (place: 3)"),
        ([1.0], {}, "got shape (1), expected one float64"),
        ("high", {}, "got 'high', expected one float64"),
        (None, {}, "got None, expected one float64"),
        (1 + 2j, {}, "got (1+2j), expected one float64"),
        ([[1, 2], [3]], PLANE, "got [[1, 2], [3]], expected float64 of shape (place: 3, level: 2)"),
        (7.5, {"dtype": "int32"}, "got 7.5, expected int32, which cannot hold it"),
        (2**40, {"dtype": "int32"}, "got 1099511627776, expected int32, which cannot hold it"),
        (-1, {"dtype": "uint8"}, "got -1, expected uint8, which cannot hold it"),
        (2, {"dtype": "bool"}, "got 2, expected bool, which cannot hold it"),
        ([1, 300, 2], {**LINE, "dtype": "int8"}, "got 300, expected int8, which cannot hold it"),
        (np.nan, {"dtype": "int32", "nan_means": "x"}, "got nan, expected int32, which cannot hold it"),
        (1e300, {"dtype": "float32"}, "got 1e+300, expected float32, which cannot hold it"),
    ],
)
def test_whatever_else_is_one_line_with_both_sides(value, declared, line):
    with pytest.raises(OutputError) as caught:
        check(value, **declared)
    assert str(caught.value) == f"output value: {line}"


NUMBER = Experiment(
    summary="One number.",
    parameters=OutputParameters,
    outputs=(Output("value", "a value"), Output("other", "another")),
    run=lambda points, rngs, data: [],
)


@pytest.mark.parametrize(
    ("result", "line"),
    [
        ({"value": 1.0}, "output other: got nothing, expected one float64"),
        ({"value": 1.0, "othr": 2.0}, "output othr: got a value, expected none: declared are value, other"),
        (1.0, "got 1.0 for the point, expected a mapping with the outputs value, other"),
        (None, "got None for the point, expected a mapping with the outputs value, other"),
    ],
)
def test_a_result_names_the_declared_outputs_and_no_others(result, line):
    with pytest.raises(OutputError) as caught:
        checked_outputs(NUMBER, OutputParameters(), result)
    assert str(caught.value) == line


# Together

TOGETHER = Experiment(
    summary="Two outputs.",
    parameters=OutputParameters,
    outputs=(
        Output("value", "a value"),
        Output("line", "a line", dims=("place",), dtype="float32", shorter_means="it ended"),
        Output("count", "a count", dtype="int64"),
    ),
    run=lambda points, rngs, data: [],
    coordinates=lambda point: {"place": Coordinate(range(point.length), "place")},
)


def result(number=0.0, **other):
    return {"value": 0.5 + number, "line": np.arange(3) + number, "count": 7, **other}


def one_by_one(points, results):
    return [checked_outputs(TOGETHER, point, result) for point, result in zip(points, results, strict=True)]


def test_results_that_agree_are_checked_together_to_the_same_bits():
    points = [OutputParameters(seed=seed) for seed in range(3)]
    results = [result(1 / 3), result(-0.0), result(1e-300)]
    found = checked_together(TOGETHER, points, results)
    for row, expected in enumerate(one_by_one(points, results)):
        assert {name: array[row].tobytes() for name, array in found.items()} == {
            name: array.tobytes() for name, array in expected.items()
        }
    assert {name: array.dtype.name for name, array in found.items()} == {
        "value": "float64",
        "line": "float32",
        "count": "int64",
    }


@pytest.mark.parametrize(
    "other",
    [
        {"value": np.nan},
        {"value": "text"},
        {"value": 1},
        {"value": None},
        {"line": np.arange(2.0)},
        {"line": [0.0, 1.0, 2.0]},
        {"line": np.array([0.0, 1e300, 2.0])},
        {"count": 2**63},
        {"count": True},
        {"extra": 1.0},
    ],
    ids=str,
)
def test_results_that_differ_are_left_to_a_look_at_each(other):
    points = [OutputParameters(), OutputParameters(seed=1)]
    assert checked_together(TOGETHER, points, [result(), result(**other)]) is None


def test_points_that_differ_in_their_lengths_are_left_to_a_look_at_each():
    points = [OutputParameters(), OutputParameters(length=4)]
    assert checked_together(TOGETHER, points, [result(), result()]) is None
    assert checked_together(TOGETHER, points[1:], [result()]) is None
    assert checked_together(TOGETHER, points[:1], [{**result(), "value": np.inf}]) is None


def test_whole_numbers_together_lose_no_digit():
    points = [OutputParameters(seed=seed) for seed in range(2)]
    large = checked_together(TOGETHER, points, [result(count=2**53 + 1), result(count=-(2**53) - 1)])
    assert large["count"].tolist() == [2**53 + 1, -(2**53) - 1]
    assert checked_together(TOGETHER, points, [result(count=2**63), result(count=-1)]) is None


def test_results_of_one_shape_lie_together_in_their_order():
    results = {"a": np.zeros(2), "b": np.ones(3), "c": np.full(2, 2.0)}
    first, second = joined(one_row(key, {"x": x}, place) for place, (key, x) in enumerate(results.items()))
    assert (first.keys, first.places, first.outputs["x"].tolist()) == (("a", "c"), (0, 2), [[0.0, 0.0], [2.0, 2.0]])
    assert (second.keys, second.places) == (("b",), (1,))
    (both,) = joined([first, one_row("d", {"x": np.full(2, 3.0)}, 7)])
    assert (both.keys, both.places) == (("a", "c", "d"), (0, 2, 7))
    assert both.outputs["x"][:, 1].tolist() == [0.0, 2.0, 3.0]
