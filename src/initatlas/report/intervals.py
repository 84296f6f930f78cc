"""The measured interval of a claim beside what its contract accepts, as a plot of the size of a line of text."""

from collections.abc import Iterator
from math import isfinite

from initatlas.studies.claim import Claim, Estimate, Published
from initatlas.studies.judge import Region, accepted

_WIDTH, _HEIGHT, _DOT = 120.0, 16.0, 3.0
_MARGIN = 0.12
"""Room at either end, as a share of what is drawn."""


def interval_svg(claim: Claim) -> str:
    """An SVG element, hidden from screen readers, which have the numbers beside it; nothing where nothing was measured.

    A band is what the contract accepts, a tick the published number, a line with a dot the measured one with its interval.
    What reaches beyond the plot has no end.
    """
    estimate = claim.judged.estimate
    if estimate is None:
        return ""
    region = accepted(claim.published)
    place = _Scale(claim.published, region, estimate)
    marks = "".join([*_band(region, place), *_tick(claim.published, place), *_whisker(estimate, place)])
    return (
        f'<svg class="interval" viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" aria-hidden="true" focusable="false">{marks}</svg>'
    )


class _Scale:
    """Places of numbers along the plot; what is infinite stands at an end."""

    def __init__(self, published: Published, region: Region, estimate: Estimate) -> None:
        ends = (*estimate.numbers, region.low, region.high, *(_numbers(published)))
        finite = [number for number in ends if isfinite(number)]
        low, high = min(finite, default=0.0), max(finite, default=0.0)
        spread = high - low or abs(high) or 1.0
        self._low, self._span = low - _MARGIN * spread, (high - low) + 2 * _MARGIN * spread

    def __call__(self, number: float) -> float:
        if not isfinite(number):
            return _WIDTH if number > 0 else 0.0
        return _WIDTH * (number - self._low) / self._span


def _numbers(published: Published) -> Iterator[float]:
    """The published number, where there is one."""
    if published.value is not None:
        yield published.value


def _band(region: Region, place: _Scale) -> Iterator[str]:
    """What the contract accepts; a thin line at least."""
    low, high = place(region.low), place(region.high)
    for start, end in [(0.0, low), (high, _WIDTH)] if region.outside else [(low, high)]:
        width = max(end - start, 1.0)
        yield f'<rect class="accepted" x="{start:.1f}" y="1" width="{width:.1f}" height="{_HEIGHT - 2:g}"/>'


def _tick(published: Published, place: _Scale) -> Iterator[str]:
    """The published number."""
    for value in _numbers(published):
        yield f'<path class="printed" d="M{place(value):.1f} 1V{_HEIGHT - 1:g}"/>'


def _whisker(estimate: Estimate, place: _Scale) -> Iterator[str]:
    """The measured number with its interval."""
    value, low, high = map(place, estimate.numbers)
    middle = _HEIGHT / 2
    yield f'<path class="whisker" d="M{low:.1f} {middle:g}H{high:.1f}"/>'
    yield f'<circle cx="{min(max(value, _DOT), _WIDTH - _DOT):.1f}" cy="{middle:g}" r="{_DOT:g}"/>'
