"""Contradictions between parameters: found without a look at every point, and only where a point is left."""

from itertools import product
from typing import Self

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationInfo, field_validator, model_validator

from initatlas.errors import UserError
from initatlas.sweeps.contradictions import check_points
from initatlas.sweeps.exclusions import Exclusions
from initatlas.sweeps.experiment import Experiment, Output, Parameters
from initatlas.sweeps.grid import grid, has_point
from initatlas.sweeps.reads import is_plain, traced
from initatlas.sweeps.spec import Axis, Sweep


class PickyPoint(Parameters):
    """Refuses some combinations, and reads `c` for some values of `a` alone."""

    a: int = 0
    b: int = 0
    c: int = 0

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.a == 2 and self.c == 1:
            raise ValueError("a and c")
        if self.a == 1 and self.b == 1:
            raise ValueError("a and b")
        return self


class FreePoint(Parameters):
    """Refuses nothing."""

    a: int = 0
    b: int = 0
    c: int = 0


class EarlyPoint(Parameters):
    """Refuses by a validator of one parameter that looks at another."""

    a: int = 0
    b: int = 0
    c: int = 0

    @field_validator("b")
    @classmethod
    def _fits(cls, b: int, info: ValidationInfo) -> int:
        if info.data["a"] == b == 2:
            raise ValueError("a and b")
        return b


def experiment(model):
    return Experiment(summary="", parameters=model, outputs=(Output("n", "n"),), run=lambda points, rngs, data: [])


def sweep(columns, exclude=(), fixed=None):
    axes = [Axis(name=name, values={name: values}) for name, values in columns.items()]
    return Sweep(
        study="own",
        name="trial",
        scale="quick",
        experiment="toy",
        axes=axes,
        fixed=fixed or {},
        exclude=[*exclude],
        root_seed=0,
    )


def refused(action):
    try:
        action()
    except UserError as error:
        return str(error)
    return ""


values = st.lists(st.integers(0, 2), min_size=1, max_size=3, unique=True)
rules = st.lists(st.dictionaries(st.sampled_from("abc"), values, min_size=1, max_size=2), max_size=3)


@given(st.sampled_from([PickyPoint, EarlyPoint]), st.permutations("abc"), values, values, values, rules)
def test_what_is_refused_is_what_the_points_refuse_one_by_one(model, names, first, second, third, exclude):
    trial = sweep(dict(zip(names, (first, second, third), strict=True)), exclude)
    in_bulk = refused(lambda: check_points(trial, experiment(model), "sweep own/trial"))
    one_by_one = refused(lambda: list(grid(trial, experiment(model))))
    assert bool(in_bulk) == bool(one_by_one)


@given(values, values, rules, st.integers(0, 2), st.integers(0, 2))
def test_a_point_is_found_where_it_is_one_by_one(first, second, exclude, a, c):
    trial = sweep({"a": first, "b": second}, exclude, {"c": 1})
    points = [point for _, point in grid(trial, experiment(FreePoint)) if point is not None]
    expected = any((point.a, point.c) == (a, c) for point in points)
    assert has_point(trial, experiment(FreePoint), {"a": a, "c": c}) == expected


@given(values, values, rules)
def test_the_grid_is_completed_where_a_point_is_left(first, second, exclude):
    trial = sweep({"a": first, "b": second}, exclude)
    exclusions = Exclusions(trial)
    for position in range(len(first)):
        left = [at for at in product([position], range(len(second))) if not exclusions.excludes(at)]
        found = exclusions.completed({0: [position]})
        assert found in left if left else found is None


def test_points_are_looked_at_once_for_each_combination_that_matters(monkeypatch):
    seen = []
    trial = sweep({"seed": [*range(1000)], "b": [0, 2], "a": [0, 1, 2], "c": [0, 2]})
    monkeypatch.setattr(
        "initatlas.sweeps.contradictions.parameters_at", lambda sweep, experiment, index, where: seen.append(index)
    )
    check_points(trial, experiment(PickyPoint), "x")
    assert {index[1:] for index in seen} == {*product(range(2), range(3), range(2))}
    assert len(seen) < 30


def test_only_so_many_are_looked_at_as_one_says():
    trial = sweep({"a": [0, 1], "b": [0, 1]})
    check_points(trial, experiment(PickyPoint), "x", most=3)
    with pytest.raises(UserError, match="a and b"):
        check_points(trial, experiment(PickyPoint), "x", most=20)


def test_what_is_read_is_noted():
    point, by_validators = traced(PickyPoint).checked({"a": 2})
    assert by_validators == {"a", "c"}
    assert traced(PickyPoint).read(lambda point: point.b + 1, point) == (1, {"b"})
    assert traced(PickyPoint).read(lambda point: 7, point) == (7, set())


@pytest.mark.parametrize(
    "whole",
    [
        lambda point: point.model_dump(),
        lambda point: dict(point),
        vars,
        lambda point: point == PickyPoint(),
        hash,
        repr,
        lambda point: point.identity(),
        lambda point: point.model_copy(update={"a": 1}),
    ],
)
def test_who_takes_the_whole_point_reads_all_of_it(whole):
    point, _ = traced(PickyPoint).checked({"a": 2})
    assert traced(PickyPoint).read(whole, point)[1] == {"seed", "a", "b", "c"}


def test_a_traced_point_is_equal_to_the_point():
    point, _ = traced(PickyPoint).checked({"a": 2})
    assert point == PickyPoint(a=2)
    assert point != PickyPoint(a=2, b=1)


def test_what_relates_parameters_before_they_are_all_known_is_not_plain():
    assert is_plain(PickyPoint)
    assert not is_plain(EarlyPoint)
