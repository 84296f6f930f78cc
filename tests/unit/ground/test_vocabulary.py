"""Labels: one text per distribution or activation."""

import math
from collections.abc import Mapping
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from initatlas.activations.base import ACTIVATIONS
from initatlas.vocabulary import (
    Bounds,
    canonical_label,
    format_label,
    format_number,
    parse_label,
)
from initatlas.weights.base import WEIGHTS

names = st.from_regex(r"[a-z][a-z0-9_]{0,12}", fullmatch=True)
numbers = st.floats(allow_nan=False, allow_infinity=False)


@given(names, st.dictionaries(names, numbers, max_size=4))
def test_a_label_reads_back_as_it_was_written(name, parameters):
    assert parse_label(format_label(name, parameters)) == (name, parameters)


@given(numbers)
def test_a_number_reads_back_as_it_was_written(value):
    assert float(format_number(value)) == value


@pytest.mark.parametrize(
    ("value", "text"), [(5, "5"), (5.0, "5"), (0.5, "0.5"), (-2.0, "-2"), (1e-7, "1e-07"), (1e300, "1e+300")]
)
def test_numbers_are_short(value, text):
    assert format_number(value) == text


@given(st.floats(2.0, 1e6, exclude_min=True), st.sampled_from(["{}({}={})", " {} ( {} = {} ) ", "{}({}={} )"]))
def test_every_spelling_has_one_canonical_form(nu, spelling):
    label = canonical_label(spelling.format("multivariate_t", "nu", repr(nu)), WEIGHTS)
    assert label == format_label("multivariate_t", {"nu": nu})
    assert canonical_label(label, WEIGHTS) == label


def test_parameters_are_written_in_the_order_of_their_names():
    assert format_label("name", {"b": 2, "a": 1}) == "name(a=1, b=2)"


@pytest.mark.parametrize("vocabulary", [WEIGHTS, ACTIVATIONS])
def test_every_name_of_the_vocabulary_has_a_canonical_label(vocabulary):
    for name, wanted in vocabulary.items():
        inside = {key: bounds.low + (1.0 if bounds.whole else 0.5) for key, bounds in wanted.bounds.items()}
        assert parse_label(canonical_label(format_label(name, inside), vocabulary)) == (name, inside)


@pytest.mark.parametrize(
    ("bounds", "inside", "outside"),
    [
        (Bounds(2.0), (2.0001, 1e9), (2.0, -1.0, math.inf, math.nan)),
        (Bounds(0.0, 1.0, closed_below=True), (0.0, 0.999), (1.0, -1e-9, math.nan)),
    ],
)
def test_bounds(bounds, inside, outside):
    assert all(bounds.admit(value) for value in inside)
    assert not any(bounds.admit(value) for value in outside)


def test_bounds_are_written_as_intervals():
    assert (str(Bounds(2.0)), str(Bounds(0.0, 1.0, closed_below=True))) == ("(2, inf)", "[0, 1)")


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (
            "mish",
            "'mish' does not exist; allowed: abs, cos, elu, erf, exp, gelu, hermite, identity, ",
        ),
        ("leaky_relu", r"'leaky_relu': leaky_relu takes slope in \[0, 1\)"),
        ("relu(slope=0.1)", r"relu takes no parameters"),
        ("leaky_relu(alpha=0.1)", r"takes slope in \[0, 1\)"),
        ("leaky_relu(slope=1)", r"slope must lie in \[0, 1\)"),
        ("leaky_relu(slope=nan)", r"slope must lie in"),
        ("leaky_relu(slope=steep)", "'slope=steep' in .* is not key=number"),
        ("leaky_relu(0.1)", "'0.1' in .* is not key=number"),
        ("leaky_relu(slope=0.1", r"is not of the form name or name\(key=number, ...\); allowed: abs, cos"),
        ("Relu", r"'Relu' does not exist \(did you mean 'relu'\?\); allowed: abs, cos"),
        ("", "'' is not of the form name or name"),
        ("relu?", r"'relu\?' is not of the form .*; allowed: abs, cos, .*, relu, "),
    ],
)
def test_a_wrong_label_says_what_is_allowed(label, message):
    with pytest.raises(ValueError, match=message):
        canonical_label(label, ACTIVATIONS)


def test_a_parameter_given_twice_is_a_mistake():
    with pytest.raises(ValueError, match="twice"):
        parse_label("multivariate_t(nu=3, nu=5)")


def test_bounds_give_their_reason():
    class Thing:
        bounds: ClassVar[Mapping[str, Bounds]] = {"size": Bounds(2.0, reason="smaller ones do not exist")}

    with pytest.raises(ValueError, match=r"size must lie in \(2, inf\): smaller ones do not exist"):
        canonical_label("thing(size=1)", {"thing": Thing})
