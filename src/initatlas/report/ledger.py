"""The claim ledger as a file and as text.

The file is a JSON object: ``schema`` (the number of this layout), ``counts`` (claims by verdict) and ``claims``, a list
of objects with the fields of `ClaimRecord`.
"""

from collections.abc import Iterable, Sequence
from math import floor, inf, isfinite, isnan, log10
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from initatlas.errors import UserError
from initatlas.studies.claim import Claim, Measurement, Published, Verdict

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

_SMALL, _LARGE = 1e-3, 1e6
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class _Record(BaseModel):
    """A part of the file: unknown keys are errors; an unbounded end of an interval is the string ``Infinity``."""

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="strings")


class PublishedRecord(_Record):
    """The published number."""

    value: float | None = Field(description="None for a qualitative claim.")
    spread: float | None = Field(description="The published standard deviation or error.")
    tolerance: float = Field(description="Distance from the value that still counts as agreement.")
    note: str = Field(description="What has to be known to read the number.")


class MeasuredRecord(_Record):
    """The measured number and its 95 % interval."""

    value: float | None = Field(description="None where nothing was measured, or no single number tells.")
    low: float | None = Field(description="Lower end of the interval.")
    high: float | None = Field(description="Upper end of the interval.")


class ClaimRecord(_Record):
    """A claim in the file."""

    study: str = Field(description="Key of the study.")
    name: str = Field(description="Name of the claim, unique in its study.")
    product: str = Field(description="The figure or table that shows it, or nothing.")
    statement: str = Field(description="The claim in one sentence.")
    where: str = Field(description="Where the paper states it.")
    published: PublishedRecord
    measured: MeasuredRecord
    verdict: Verdict
    reason: str = Field(description="Why this verdict.")


class LedgerRecord(_Record):
    """The whole file."""

    layout: Literal[1] = Field(default=1, alias="schema", description="Number of this layout.")
    counts: dict[Verdict, int] = Field(description="Claims by verdict.")
    claims: list[ClaimRecord]


def claims_to_json(claims: Sequence[Claim]) -> str:
    """The ledger file, claims in their order.

    Raises
    ------
    ValueError
        If a measured number is NaN: a claim without a number has None.
    """
    for claim in claims:
        _refuse_nan(claim)
    record = LedgerRecord(counts=count_verdicts(claims), claims=[_record(claim) for claim in claims])
    return record.model_dump_json(indent=2, by_alias=True) + "\n"


def claims_from_json(text: str, where: str) -> list[Claim]:
    """Read a ledger file.

    Parameters
    ----------
    text
        From `claims_to_json`.
    where
        The file, for the error line.

    Raises
    ------
    UserError
        If the text is not of this layout.
    """
    try:
        record = LedgerRecord.model_validate_json(text)
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(str(part) for part in fault["loc"]) or "file"
        mend = "delete it and run the workflow again"
        raise UserError(f"{where}: no claim ledger ({place}: {fault['msg']}); {mend}") from None
    return [_claim(entry) for entry in record.claims]


def _refuse_nan(claim: Claim) -> None:
    """NaN in the ledger is a bug of the study."""
    measured = claim.measured
    if any(number is not None and isnan(number) for number in (measured.value, measured.low, measured.high)):
        raise ValueError(f"claim {claim.study}/{claim.name}: a measured number is NaN")


def _record(claim: Claim) -> ClaimRecord:
    """A claim as it is written."""
    published, measured = claim.published, claim.measured
    return ClaimRecord(
        study=claim.study,
        name=claim.name,
        product=published.product,
        statement=published.statement,
        where=published.where,
        published=PublishedRecord(
            value=published.value, spread=published.spread, tolerance=published.tolerance, note=published.note
        ),
        measured=MeasuredRecord(value=measured.value, low=measured.low, high=measured.high),
        verdict=measured.verdict,
        reason=measured.reason,
    )


def _claim(record: ClaimRecord) -> Claim:
    """A claim as it is read."""
    published = Published(
        statement=record.statement, product=record.product, where=record.where, **record.published.model_dump()
    )
    measured = Measurement(record.verdict, record.reason, **record.measured.model_dump())
    return Claim(record.study, record.name, published, measured)


def count_verdicts(claims: Iterable[Claim]) -> dict[Verdict, int]:
    """Number of claims by verdict, zeros included, in the order of `VERDICTS`."""
    found = [claim.measured.verdict for claim in claims]
    return {verdict: found.count(verdict) for verdict in VERDICTS}


def format_published(published: Published) -> str:
    """The published number with its spread, such as ``0.4 ± 0.02``; nothing for a qualitative claim."""
    if published.value is None:
        return ""
    spread = "" if published.spread is None else f" ± {_short(published.spread)}"
    return f"{_short(published.value)}{spread}"


def format_tolerance(published: Published) -> str:
    """The tolerance as ``± 0.05``; nothing where there is none."""
    if published.value is None or not published.tolerance:
        return ""
    return f"±\N{NO-BREAK SPACE}{_short(published.tolerance)}"


def format_measured(measured: Measurement) -> str:
    """The measured number with its interval, such as ``0.402 (0.391 to 0.413)``.

    The interval's half width gets two digits if it begins with 1 or 2, else one, and sets those of the number; a number
    without an interval gets three, unless it is whole. From 10^6 on and below 10^-3 powers of ten are split off.
    """
    value, low, high = measured.value, measured.low, measured.high
    if value is None:
        return ""
    largest = max(
        (abs(number) for number in (value, low, high) if number is not None and isfinite(number)), default=0.0
    )
    powers = largest > 0 and not _SMALL <= largest < _LARGE
    last = _last_digit(value, low, high)
    text, bottom, top = ("" if number is None else _rounded(number, last, powers) for number in (value, low, high))
    return text + _interval(bottom, top)


def _interval(bottom: str, top: str) -> str:
    """The ends of an interval in brackets; an end may be missing."""
    if bottom and top:
        return f" ({bottom} to {top})"
    return f" (at least {bottom})" if bottom else f" (at most {top})" if top else ""


def _last_digit(value: float, low: float | None, high: float | None) -> int:
    """Power of ten of the last digit that is worth printing."""
    half_width = (high - low) / 2 if low is not None and high is not None else 0.0
    if 0 < half_width < inf:
        return floor(log10(half_width) - log10(3))
    if not isfinite(value) or (abs(value) < _LARGE and float(value).is_integer()):
        return 0
    return floor(log10(abs(value))) - 2


def _rounded(value: float, last: int, powers: bool) -> str:
    """A number to the digit 10^last, in powers of ten if asked."""
    if not isfinite(value):
        return "∞" if value > 0 else "−∞"
    if powers and value == 0:
        return "0"
    if not powers:
        return f"{value:z.{max(0, -last)}f}".replace("-", "−")
    digits = max(0, floor(log10(abs(value))) - last)
    return _power(f"{value:.{min(digits, 6)}e}")


def _short(value: float) -> str:
    """A published number as short as it was printed."""
    text = f"{value:.6g}"
    return _power(text) if "e" in text else text.replace("-", "−")


def _power(text: str) -> str:
    """``-1.2e-07`` as ``−1.2 × 10⁻⁷``."""
    mantissa, _, exponent = text.partition("e")
    return f"{mantissa.replace('-', '−')} × 10{str(int(exponent)).translate(_SUPERSCRIPTS)}"
