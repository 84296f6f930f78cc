"""How far a measured number may move before it counts as another one."""

from math import inf

import pytest

from initatlas.errors import UserError
from initatlas.report.expected import expected_json, has_moved, outcomes
from initatlas.studies.claim import Claim, Estimate, Judgement, Published


@pytest.mark.parametrize(
    ("before", "after", "moved"),
    [
        ((0.5, 0.4, 0.6), (0.509, 0.409, 0.609), False),  # a tenth of the half width
        ((0.5, 0.4, 0.6), (0.511, 0.4, 0.6), True),
        ((0.5, 0.4, 0.6), (0.5, 0.411, 0.6), True),
        ((0.5, 0.4, 0.6), (0.5, 0.4, 0.589), True),
        ((2.0, 2.0, 2.0), (2.000001, 2.0, 2.0), False),
        ((2.0, 2.0, 2.0), (2.00001, 2.0, 2.0), True),
        ((3e-16, -1e-15, 1e-15), (8e-16, -2e-15, 2e-15), False),
        ((3e-16, -1e-15, 1e-15), (2e-9, -1e-15, 1e-15), True),
        ((1.0, -inf, 2.0), (1.0, -inf, 2.0), False),
        ((1.0, -inf, 2.0), (1.0, 0.0, 2.0), True),
        ((1.0, 0.0, 2.0), (1.0, 0.0, inf), True),
    ],
)
def test_a_number_may_move_by_what_its_interval_cannot_tell(before, after, moved):
    assert has_moved(Estimate(*before), Estimate(*after)) is moved


def test_something_and_nothing_are_not_the_same():
    assert has_moved(None, Estimate(1.0, 0.0, 2.0))
    assert has_moved(Estimate(1.0, 0.0, 2.0), None)
    assert not has_moved(None, None)


def test_unbounded_intervals_are_written_and_read():
    published = Published(
        statement="Flat.", where="", test="at_most", value=1.0, why="Why.", limits="One.", control={"a": "b"}
    )
    claim = Claim("own2020", "flat", published, Judgement("holds", "Because.", Estimate(1 / 3, -inf, 2.0)))
    (found,) = outcomes(expected_json({"own2020/flat": claim}, "smoke").encode(), "here").values()
    assert found.verdict == "holds"
    assert found.estimate == Estimate(0.33333333, -inf, 2.0)


def test_what_is_no_ledger_is_one_line():
    with pytest.raises(UserError, match=r"^x\.json: no claim ledger \("):
        outcomes(b'{"expected": 1, "scale": "tiny", "claims": {}}', "x.json")
