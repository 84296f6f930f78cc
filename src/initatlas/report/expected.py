"""Expected ledgers: of every claim the verdict and the number that decided, short enough to be kept beside the code.

The file is a JSON object with a line per claim: ``expected`` (the number of this layout), ``scale``, and ``claims``, from
``study/claim`` to ``verdict`` and ``measured`` (the number and the ends of its interval, or null).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from initatlas.report.ledger import claims_from_json
from initatlas.studies.claim import Claim, Estimate, Verdict

LEEWAY = 0.1
"""How far a number may move, in half widths of its interval. Another processor changes last digits, and what is trained a little
more; a change of the science that is smaller is none that the claim could tell."""

DIGITS, ROUNDING = 1e-6, 1e-9
"""How far an exact number may move, as a share of itself and absolutely: errors of closed forms are rounding alone."""


class _Record(BaseModel):
    """A part of the file: unknown keys are errors; an unbounded end of an interval is the string ``Infinity``."""

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="strings")


class ExpectedClaim(_Record):
    """What a claim is expected to give."""

    verdict: Verdict
    measured: tuple[float, float, float] | None = Field(description="The number, and the ends of its interval.")


class ExpectedLedger(_Record):
    """The whole file."""

    layout: Literal[1] = Field(default=1, alias="expected", description="Number of this layout.")
    scale: Literal["smoke", "quick", "paper"]
    claims: dict[str, ExpectedClaim]


@dataclass(frozen=True)
class Outcome:
    """What came out for a claim, or is expected to.

    Attributes
    ----------
    verdict
        Its verdict.
    estimate
        The number that decided; None where nothing was measured.
    """

    verdict: Verdict
    estimate: Estimate | None


def expected_json(claims: Mapping[str, Claim], scale: str) -> str:
    """The text of the file for the claims of a ledger, by ``study/claim``."""
    lines = [f' "{title}": {_expected(claim).model_dump_json()}' for title, claim in sorted(claims.items())]
    body = ",\n".join(lines)
    return f'{{"expected": 1, "scale": "{scale}", "claims": {{\n{body}\n}}}}\n'


def _expected(claim: Claim) -> ExpectedClaim:
    """A claim as it is written, with digits that are alike on all machines."""
    estimate = claim.judged.estimate
    if estimate is None:
        return ExpectedClaim(verdict=claim.judged.verdict, measured=None)
    value, low, high = (float(f"{number:.8g}") for number in estimate.numbers)
    return ExpectedClaim(verdict=claim.judged.verdict, measured=(value, low, high))


def outcomes(text: bytes, where: str) -> dict[str, Outcome]:
    """The claims of a ledger, or of an expected one, by ``study/claim``.

    Raises
    ------
    UserError
        If the text is neither.
    """
    try:
        expected = ExpectedLedger.model_validate_json(text)
    except ValidationError:
        claims = claims_from_json(text, where)
        return {f"{claim.study}/{claim.name}": Outcome(claim.judged.verdict, claim.judged.estimate) for claim in claims}
    return {
        title: Outcome(claim.verdict, None if claim.measured is None else Estimate(*claim.measured, None))
        for title, claim in expected.claims.items()
    }


def has_moved(before: Estimate | None, after: Estimate | None) -> bool:
    """Whether a number or its interval has moved by more than another machine would move it."""
    if before is None or after is None:
        return before is not after
    half_width = (before.high - before.low) / 2
    leeway = LEEWAY * half_width if isfinite(half_width) else 0.0
    return any(
        one != two and not (isfinite(one) and abs(one - two) <= max(leeway, DIGITS * abs(one), ROUNDING))
        for one, two in zip(before.numbers, after.numbers, strict=True)
    )
