"""The small plot of a claim."""

import re
from math import inf

import pytest

from initatlas.report.intervals import interval_svg
from initatlas.studies.claim import Claim, Estimate, Judgement, Published


def _svg(estimate: Estimate | None, **keys) -> str:
    """The plot of a claim."""
    given = {"statement": "s", "where": "w", "why": "y", "limits": "l", "control": {"other": "Another one."}}
    return interval_svg(Claim("study", "name", Published(**given, **keys), Judgement("holds", "", estimate)))


def _numbers(svg: str, mark: str) -> list[float]:
    """Numbers of the first mark that matches."""
    found = re.search(mark, svg)
    assert found
    return [float(text) for text in re.findall(r"(?<![a-z])-?[\d.]+", found[0])]


def test_what_is_inside_the_band_is_drawn_inside() -> None:
    svg = _svg(Estimate(0.5, 0.4, 0.6), test="equals", value=0.5, margin=0.4)
    # From 0.1 to 0.9 with 12 % of that at either end.
    x, _, width, _ = _numbers(svg, r'<rect class="accepted".*?/>')
    assert (x, x + width) == pytest.approx((120 * 0.12 / 1.24, 120 * 1.12 / 1.24), abs=0.1)
    low, _, high = _numbers(svg, r'whisker" d=".*?"')
    assert (low, high) == pytest.approx((120 * 0.495 / 1.24, 120 * 0.745 / 1.24), abs=0.1)
    assert _numbers(svg, r'cx=".*?"') == pytest.approx([60.0])
    assert _numbers(svg, r'printed" d="M[\d.]+') == pytest.approx([60.0])


def test_a_bound_is_a_band_to_the_end() -> None:
    svg = _svg(Estimate(2.0, 1.5, 2.5), test="at_most", value=1.0)
    x, _, width, _ = _numbers(svg, r'<rect class="accepted".*?/>')
    low, _, _ = _numbers(svg, r'whisker" d=".*?"')
    assert x == 0
    assert width < low
    x, _, width, _ = _numbers(_svg(Estimate(2.0, 1.5, 2.5), test="at_least", value=1.0), r"<rect.*?/>")
    assert x + width == 120


def test_what_must_be_avoided_is_a_gap() -> None:
    svg = _svg(Estimate(2.0, 1.5, 2.5), test="distinct", value=1.0, margin=0.2)
    assert svg.count("<rect") == 2


@pytest.mark.parametrize("ends", [(-inf, inf), (-inf, 3.0), (1.0, inf), (2.0, 2.0)])
def test_unbounded_and_exact_numbers_stay_inside(ends: tuple[float, float]) -> None:
    svg = _svg(Estimate(2.0, *ends), test="order", margin=0.0)
    assert "inf" not in svg
    assert "nan" not in svg
    low, _, high = _numbers(svg, r'whisker" d=".*?"')
    assert 0 <= low <= high <= 120


def test_nothing_measured_is_nothing_drawn() -> None:
    assert _svg(None, test="order") == ""
