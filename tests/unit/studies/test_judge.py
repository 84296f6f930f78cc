"""The one judge of all claims: what each test accepts, what decides, and what a control is worth."""

import math

import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from initatlas.errors import UserError
from initatlas.studies.claim import Cost, Estimate, Published, absent, measured
from initatlas.studies.evidence import Evidence
from initatlas.studies.judge import judge, judge_study, verdict_of, worst


def contract(test, **keys):
    given_keys = {"statement": "s", "where": "w", "why": "y", "limits": "l", "control": {"off": "Off."}}
    return Published(**{**given_keys, "test": test, **keys})


def interval(low, high, samples=None):
    return Estimate(0.5 * (low + high), low, high, samples)


@pytest.mark.parametrize(
    ("keys", "low", "high", "verdict"),
    [
        ({"test": "equals", "value": 1.0, "margin": 0.25}, 0.75, 1.25, "holds"),
        ({"test": "equals", "value": 1.0, "margin": 0.25}, 0.74, 1.0, "undecided"),
        ({"test": "equals", "value": 1.0, "margin": 0.25}, 1.0, 1.26, "undecided"),
        ({"test": "equals", "value": 1.0, "margin": 0.25}, 1.26, 1.5, "fails"),
        ({"test": "equals", "value": 1.0, "margin": 0.25, "null": 0.0}, 1.26, 1.5, "differs"),
        ({"test": "equals", "value": 1.0, "margin": 0.25, "null": 0.0}, 0.1, 0.7, "differs"),
        ({"test": "equals", "value": 1.0, "margin": 0.25, "null": 0.0}, -0.1, 0.7, "fails"),
        ({"test": "exponent", "value": -1.0, "margin": "10 %", "null": 0.0}, -1.1, -0.9, "holds"),
        ({"test": "exponent", "value": -1.0, "margin": "10 %", "null": 0.0}, -0.5, -0.1, "differs"),
        ({"test": "exponent", "value": -1.0, "margin": "10 %", "null": 0.0}, -0.5, 0.1, "fails"),
        ({"test": "exponent", "value": -1.0, "margin": "10 %", "null": 0.0}, 0.1, 0.2, "fails"),
        ({"test": "vanishes", "margin": 0.1}, -0.1, 0.1, "holds"),
        ({"test": "vanishes", "margin": 0.1}, 0.11, 0.2, "fails"),
        ({"test": "exact", "margin": 1e-9}, -1e-9, 1e-9, "holds"),
        ({"test": "exact", "margin": 1e-9}, 1e-8, 1e-8, "fails"),
        ({"test": "at_most", "value": 2.0}, 1.0, 2.0, "holds"),
        ({"test": "at_most", "value": 2.0}, 1.0, 2.1, "undecided"),
        ({"test": "at_most", "value": 2.0, "margin": 0.1}, 1.0, 2.1, "holds"),
        ({"test": "at_most", "value": 2.0}, 2.1, 3.0, "fails"),
        ({"test": "at_most", "value": -1.0, "null": 0.0}, -0.7, -0.2, "differs"),
        ({"test": "at_least", "value": 2.0}, 2.0, 9.0, "holds"),
        ({"test": "at_least", "value": 2.0}, 1.9, 9.0, "undecided"),
        ({"test": "at_least", "value": 2.0, "margin": 0.1}, 1.9, 9.0, "holds"),
        ({"test": "at_least", "value": 2.0}, 1.0, 1.9, "fails"),
        ({"test": "at_least", "value": 2.0, "null": 1.0}, 1.1, 1.9, "differs"),
        ({"test": "between", "bounds": (1.0, 2.0)}, 1.0, 2.0, "holds"),
        ({"test": "between", "bounds": (1.0, 2.0)}, 0.9, 1.5, "undecided"),
        ({"test": "between", "bounds": (1.0, 2.0)}, 2.1, 2.5, "fails"),
        ({"test": "between", "bounds": (1.0, 2.0), "margin": 0.1}, 0.9, 2.1, "holds"),
        ({"test": "order"}, 0.0, 1.0, "holds"),
        ({"test": "order"}, -0.1, 1.0, "undecided"),
        ({"test": "order", "margin": 0.5}, 0.4, 1.0, "undecided"),
        ({"test": "order", "margin": 0.5}, 0.1, 0.4, "fails"),
        ({"test": "distinct", "margin": 0.1}, 0.11, 0.2, "holds"),
        ({"test": "distinct", "margin": 0.1}, -0.2, -0.11, "holds"),
        ({"test": "distinct", "margin": 0.1}, -0.1, 0.1, "fails"),
        ({"test": "distinct", "margin": 0.1}, 0.05, 0.2, "undecided"),
        ({"test": "distinct", "margin": 0.1, "value": 1.0}, 0.0, 0.2, "holds"),
    ],
)
def test_what_each_test_accepts(keys, low, high, verdict):
    assert verdict_of(contract(**keys), interval(low, high)) == verdict


SIGNED = st.floats(-10, 10)


@given(SIGNED, st.floats(0.01, 5), SIGNED, st.floats(0, 5), st.floats(1, 4))
def test_a_wider_interval_never_decides_what_a_narrow_one_leaves_open(value, margin, middle, half, wider):
    claim = contract("equals", value=value, margin=margin)
    narrow = verdict_of(claim, Estimate(middle, middle - half, middle + half))
    wide = verdict_of(claim, Estimate(middle, middle - wider * half, middle + wider * half))
    assert wide in (narrow, "undecided")


def test_the_severest_part_decides_and_the_farthest_of_those():
    claim = contract("equals", value=0.0, margin=1.0, null=-3.0)
    parts = {
        "a": interval(-0.1, 0.1),
        "b": interval(0.5, 1.5),
        "c": interval(2, 3),
        "d": interval(4, 5),
        "e": interval(-9, -8),
    }
    assert worst(claim, parts) == ("e", "fails")
    del parts["e"]
    assert worst(claim, parts) == ("d", "differs")
    del parts["d"], parts["c"]
    assert worst(claim, parts) == ("b", "undecided")
    del parts["b"]
    assert worst(claim, {**parts, "z": interval(-0.5, 0.5)}) == ("a", "holds")
    assert worst(contract("distinct", margin=1.0), {"near": interval(2, 3), "far": interval(8, 9)}) == ("near", "holds")


OFF = {"off": interval(5.0, 5.2)}
CLAIM = {"test": "equals", "value": 1.0, "margin": 0.5}


def test_the_reason_names_the_part_that_decided():
    judged = judge(
        contract(**CLAIM), measured({"x": interval(1, 1.1), "y": interval(0.8, 0.9)}, "Numbers.", controls=OFF)
    )
    assert (judged.verdict, judged.part, judged.parts) == ("holds", "y", 2)
    assert judged.reason == "Numbers. Worst of 2: y."
    assert judge(contract(**CLAIM), measured(interval(1, 1.1), "Numbers.", controls=OFF)).reason == "Numbers."


def test_a_control_that_passes_leaves_everything_undecided():
    for estimate in (interval(0.9, 1.1), interval(4, 5)):
        judged = judge(contract(**CLAIM), measured(estimate, "r.", controls={"off": interval(0.9, 1.0)}))
        assert judged.verdict == "undecided"
        assert judged.reason == "r. The control (Off) passes as well, so nothing is decided."


def test_a_control_that_cannot_be_told_apart_decides_nothing():
    judged = judge(contract(**CLAIM), measured(interval(0.9, 1.1), "r.", controls={"off": interval(0.9, 2.0)}))
    assert judged.verdict == "undecided"
    assert judged.reason == "r. The control (Off) cannot be told apart, so nothing is decided."


def test_one_refuted_part_refutes_a_control():
    control = {"off": {"x": interval(0.9, 1.1), "y": interval(3, 4)}}
    judged = judge(contract(**CLAIM), measured(interval(0.9, 1.1), "r.", controls=control))
    assert judged.verdict == "holds"
    assert judged.controls[0].estimate == interval(3, 4)
    assert (judged.controls[0].name, judged.controls[0].statement, judged.controls[0].verdict) == (
        "off",
        "Off.",
        "fails",
    )


def test_a_reference_that_does_not_hold_leaves_everything_undecided():
    claim = contract(**CLAIM, reference={"right": "The right formula."})
    fails = measured(interval(3, 4), "r.", controls=OFF, references={"right": interval(0.9, 1.1)})
    assert judge(claim, fails).verdict == "fails"
    judged = judge(claim, measured(interval(3, 4), "r.", controls=OFF, references={"right": interval(0.9, 1.6)}))
    assert judged.verdict == "undecided"
    assert judged.reason == "r. What must hold (The right formula) does not, so nothing is decided."


@pytest.mark.parametrize(
    ("estimate", "remark"),
    [
        # 1.4 is 0.1 within the margin, its interval reaches 0.2: twice too wide, 4.4 times the samples with a tenth to spare
        (Estimate(1.4, 1.2, 1.6, 10), "about 44 samples instead of 10 would decide."),
        (Estimate(1.4, 1.2, 1.6), "one 2 times as narrow would decide."),
        (Estimate(1.6, 1.4, 1.8, 10), "about 44 samples instead of 10 would decide."),
        (Estimate(1.0, 0.0, 2.0, 10), "about 44 samples instead of 10 would decide."),
    ],
)
def test_an_open_verdict_says_what_would_decide_it(estimate, remark):
    judged = judge(contract(**CLAIM), measured(estimate, "r.", controls=OFF))
    assert judged.verdict == "undecided"
    assert judged.reason.endswith(remark)


def test_a_value_on_the_bound_promises_nothing():
    reason = judge(contract(**CLAIM), measured(Estimate(1.5, 1.4, 1.6, 10), "r.", controls=OFF)).reason
    assert reason == "r. The interval reaches both sides of the bound."


def test_absent_data_are_not_measured():
    judged = judge(contract(**CLAIM), absent("No files."))
    assert (judged.verdict, judged.reason, judged.estimate) == ("not measured", "No files.", None)


@pytest.mark.parametrize(
    "broken", [Estimate(1, 2, 3), Estimate(1, 0, 0.5), Estimate(math.nan, 0, 1), Estimate(1, math.nan, 2)]
)
def test_what_is_no_interval_is_a_bug(broken):
    with pytest.raises(ValueError, match="no interval"):
        judge(contract(**CLAIM), measured(broken, "r.", controls=OFF))
    with pytest.raises(ValueError, match="no interval"):
        judge(contract(**CLAIM), measured(interval(1, 1), "r.", controls={"off": broken}))


def test_controls_are_those_of_the_contract():
    with pytest.raises(ValueError, match="control 'other'"):
        judge(contract(**CLAIM), measured(interval(1, 1), "r.", controls={**OFF, "other": interval(1, 1)}))
    with pytest.raises(ValueError, match="control 'off'"):
        judge(contract(**CLAIM), measured(interval(1, 1), "r.", controls={}))
    with pytest.raises(ValueError, match="reference 'right'"):
        judge(contract(**CLAIM), measured(interval(1, 1), "r.", controls=OFF, references={"right": interval(1, 1)}))


@pytest.mark.parametrize(
    ("test", "keys", "message"),
    [
        ("equals", {"margin": 0.1}, "value: the test 'equals' needs one"),
        ("at_most", {}, "value: the test 'at_most' needs one"),
        ("equals", {"value": 1.0}, "margin: the test 'equals' needs one above 0"),
        ("exact", {}, "margin: the test 'exact' needs one above 0"),
        ("vanishes", {"value": 0.0, "margin": 0.1}, "value: the test 'vanishes' has none"),
        ("between", {}, "bounds: go with the test 'between'"),
        ("at_most", {"value": 1.0, "bounds": (0.0, 1.0)}, "bounds: go with the test 'between'"),
        ("between", {"bounds": (2.0, 1.0)}, "the lower end comes first"),
        ("distinct", {"margin": 0.1, "null": 0.0}, "null: the test 'distinct' has none"),
        ("equals", {"value": 1.0, "margin": "2"}, "margin '2': expected a number or a share"),
        ("equals", {"value": 0.0, "margin": "2 %"}, "a share needs a value other than 0"),
        ("equals", {"value": 1.0, "margin": -0.1}, "must not be negative"),
        ("equals", {"value": 1.0, "margin": 0.1, "why": ""}, "why: missing"),
        ("equals", {"value": 1.0, "margin": 0.1, "limits": ""}, "limits: missing"),
        ("equals", {"value": 1.0, "margin": 0.1, "control": {}}, "control: missing"),
    ],
)
def test_a_contract_without_its_keys_is_refused(test, keys, message):
    with pytest.raises(ValidationError, match=message):
        contract(test, **keys)


def test_a_study_is_measured_claim_by_claim_with_its_cost():
    cubes = {
        name: xr.Dataset(attrs={"core_seconds": str(seconds)})
        for name, seconds in (("a", 1.5), ("b", 2.25), ("c", 9.0))
    }
    published = {"first": contract(**CLAIM), "second": contract(**CLAIM)}

    def first(evidence):
        assert (len(evidence.cubes), list(evidence.cubes)) == (3, ["a", "b", "c"])
        assert all(evidence.cubes[name].attrs for name in ("a", "b", "a"))
        return measured(interval(1, 1), "r.", controls=OFF)

    claims = judge_study("paper", {"second": lambda _: absent("none"), "first": first}, Evidence(cubes, published))
    assert [(claim.name, claim.judged.verdict) for claim in claims] == [("first", "holds"), ("second", "not measured")]
    assert [claim.cost for claim in claims] == [Cost(("a", "b"), 3.75), Cost((), 0.0)]


def test_a_claim_on_one_side_alone_is_told():
    for measures, name in (({}, "first"), ({"first": absent, "other": absent}, "other")):
        with pytest.raises(UserError, match=rf"config/published/paper\.yaml: claim '{name}'"):
            judge_study("paper", measures, Evidence({}, {"first": contract(**CLAIM)}))


def test_a_bug_of_a_study_names_the_claim():
    def broken(_):
        return measured(Estimate(1.0, 2.0, 3.0), "r.", controls=OFF)

    with pytest.raises(ValueError, match="claim paper/first"):
        judge_study("paper", {"first": broken}, Evidence({}, {"first": contract(**CLAIM)}))
