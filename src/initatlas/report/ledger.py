"""The claim ledger as a file and as text.

The file is a JSON object: ``schema`` (the number of this layout), ``counts`` (claims by verdict) and ``claims``, a list
of objects with the fields of `ClaimRecord`.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import floor, inf, isfinite, isnan, log10
from typing import Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from initatlas.errors import UserError
from initatlas.studies.claim import Claim, Cost, Estimate, Judged, Judgement, Published, Test, Verdict

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

_SMALL, _LARGE = 1e-3, 1e6
_FINE = 1e-7
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class _Record(BaseModel):
    """A part of the file: unknown keys are errors; an unbounded end of an interval is the string ``Infinity``."""

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="strings")


class ContractRecord(_Record):
    """What a claim is judged by."""

    test: Test = Field(description="What the estimate is held against.")
    margin: float | str = Field(
        description="How far off still counts as the same, as a number or a share of the value."
    )
    bounds: tuple[float, float] | None = Field(description="Lower and upper end, for the test `between`.")
    null: float | None = Field(description="What a false statement would give.")
    why: str = Field(description="Why this margin.")
    control: dict[str, str] = Field(description="What must be refuted, by name.")
    reference: dict[str, str] = Field(description="What must hold, by name.")
    limits: str = Field(description="What the measurement does not cover.")


class PublishedRecord(_Record):
    """The published number."""

    value: float | None = Field(description="None for a qualitative claim.")
    spread: float | None = Field(description="The published standard deviation or error.")
    quantity: str = Field(default="", description="What was measured, in a few words.")
    note: str = Field(description="What has to be known to read the number.")


class MeasuredRecord(_Record):
    """A number with its 95 % interval, or the bound of its error."""

    value: float
    low: float = Field(description="Lower end of the interval.")
    high: float = Field(description="Upper end of the interval.")
    samples: int | None = Field(description="Independent samples behind it; None for a computed number.")


Part = TypeVar("Part", PublishedRecord, ContractRecord)


class CheckRecord(_Record):
    """A control, which must be refuted, or a reference, which must hold."""

    name: str = Field(description="Name, unique among those of its claim.")
    statement: str = Field(description="What it is.")
    measured: MeasuredRecord
    verdict: Verdict


class CostRecord(_Record):
    """What a claim costs."""

    sweeps: tuple[str, ...] = Field(description="The sweeps that it reads.")
    core_seconds: float = Field(description="What their cubes took to compute.")


class ClaimRecord(_Record):
    """A claim in the file."""

    study: str = Field(description="Key of the study.")
    name: str = Field(description="Name of the claim, unique in its study.")
    product: str = Field(description="The figure or table that shows it, or nothing.")
    statement: str = Field(description="The claim in one sentence.")
    where: str = Field(description="Where the paper states it.")
    published: PublishedRecord
    contract: ContractRecord
    measured: MeasuredRecord | None = Field(description="The part that decided; None where nothing was measured.")
    part: str = Field(description="Name of that part, where there are several.")
    parts: int = Field(description="How many parts there are.")
    verdict: Verdict
    reason: str = Field(description="Why this verdict.")
    controls: tuple[CheckRecord, ...]
    references: tuple[CheckRecord, ...]
    cost: CostRecord


class LedgerRecord(_Record):
    """The whole file."""

    layout: Literal[2] = Field(default=2, alias="schema", description="Number of this layout.")
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


def claims_from_json(text: str | bytes, where: str) -> list[Claim]:
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
    if claim.judged.estimate is not None and any(map(isnan, claim.judged.estimate.numbers)):
        raise ValueError(f"claim {claim.study}/{claim.name}: a measured number is NaN")


def _record(claim: Claim) -> ClaimRecord:
    """A claim as it is written."""
    published, judged = claim.published, claim.judged
    return ClaimRecord(
        study=claim.study,
        name=claim.name,
        product=published.product,
        statement=published.statement,
        where=published.where,
        published=_part(PublishedRecord, published),
        contract=_part(ContractRecord, published),
        measured=None if judged.estimate is None else _measured(judged.estimate),
        part=judged.part,
        parts=judged.parts,
        verdict=judged.verdict,
        reason=judged.reason,
        controls=tuple(map(_check, judged.controls)),
        references=tuple(map(_check, judged.references)),
        cost=CostRecord(sweeps=claim.cost.sweeps, core_seconds=claim.cost.core_seconds),
    )


def _part(kind: type[Part], published: Published) -> Part:
    """The keys of a claim's entry that a part of the file holds."""
    return kind(**published.model_dump(include=set(kind.model_fields)))


def _measured(estimate: Estimate) -> MeasuredRecord:
    """An estimate as it is written."""
    return MeasuredRecord(value=estimate.value, low=estimate.low, high=estimate.high, samples=estimate.samples)


def _check(judged: Judged) -> CheckRecord:
    """A control or reference as it is written."""
    return CheckRecord(
        name=judged.name, statement=judged.statement, measured=_measured(judged.estimate), verdict=judged.verdict
    )


def _claim(record: ClaimRecord) -> Claim:
    """A claim as it is read."""
    published = Published(
        statement=record.statement,
        product=record.product,
        where=record.where,
        **record.published.model_dump(),
        **record.contract.model_dump(),
    )
    judged = Judgement(
        record.verdict,
        record.reason,
        None if record.measured is None else _estimate(record.measured),
        record.part,
        record.parts,
        tuple(map(_judged, record.controls)),
        tuple(map(_judged, record.references)),
    )
    return Claim(record.study, record.name, published, judged, Cost(record.cost.sweeps, record.cost.core_seconds))


def _estimate(record: MeasuredRecord) -> Estimate:
    """An estimate as it is read."""
    return Estimate(record.value, record.low, record.high, record.samples)


def _judged(record: CheckRecord) -> Judged:
    """A control or reference as it is read."""
    return Judged(record.name, record.statement, _estimate(record.measured), record.verdict)


def count_verdicts(claims: Iterable[Claim]) -> dict[Verdict, int]:
    """Number of claims by verdict, zeros included, in the order of `VERDICTS`."""
    verdicts = [claim.judged.verdict for claim in claims]
    return {verdict: verdicts.count(verdict) for verdict in VERDICTS}


def format_published(published: Published) -> str:
    """The published number with its spread, such as ``0.4 ± 0.02``; nothing for a qualitative claim."""
    if published.value is None:
        return ""
    spread = "" if published.spread is None else f" ± {_short(published.spread)}"
    return f"{_short(published.value)}{spread}"


def format_quantity(published: Published) -> str:
    """What a claim's number is, in a few words."""
    words: Mapping[Test, str] = {
        "exponent": "exponent",
        "exact": "formula less truth",
        "order": "difference",
        "vanishes": "what should be 0",
    }
    return published.quantity or words.get(published.test, "value")


def format_test(published: Published) -> str:
    """What a claim's estimate is held against, in words, such as ``Equals 0.4 within 0.02``."""
    value, reach = _short(published.value or 0.0), _short(published.reach)
    within = f" within {reach}" if published.reach else ""
    low, high = map(_short, published.bounds or (0.0, 0.0))
    words: Mapping[Test, str] = {
        "equals": f"Equals {value}{within}",
        "exponent": f"Exponent {value}{within}",
        "vanishes": f"Zero{within}",
        "exact": f"The formula less the truth is zero{within}",
        "at_most": f"At most {value}{within}",
        "at_least": f"At least {value}{within}",
        "between": f"From {low} to {high}{within}",
        "order": f"A difference above {reach}",
        "distinct": f"Away from {value} by more than {reach}",
    }
    return words[published.test]


def format_seconds(seconds: float) -> str:
    """A duration in the two units that matter."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def format_estimate(estimate: Estimate) -> str:
    """A number with its interval, such as ``0.402 (0.391 to 0.413)``; alone where it is exact.

    The interval's half width gets two digits if it begins with 1 or 2, else one, and sets those of the number; a number
    without an interval gets three, unless it is whole, and so does one that is known to a ten millionth. From 10^6 on and below
    10^-3 powers of ten are split off.
    """
    value, low, high = estimate.numbers
    half_width = (high - low) / 2
    if 0 < half_width < _FINE * abs(value):
        return f"{format_estimate(Estimate(value, value, value))} (±{_power(f'{half_width:.0e}')})"
    largest = max((abs(number) for number in estimate.numbers if isfinite(number)), default=0.0)
    powers = largest > 0 and not _SMALL <= largest < _LARGE
    last = _last_digit(value, low, high)
    if low == value == high:
        return _rounded(value, last, powers)
    text, bottom, top = (_rounded(number, last, powers) for number in (value, low, high))
    return text + _interval(bottom if low > -inf else "", top if high < inf else "")


def _interval(bottom: str, top: str) -> str:
    """The ends of an interval in brackets; an unbounded end is missing."""
    if bottom and top:
        return f" ({bottom} to {top})"
    return f" (at least {bottom})" if bottom else f" (at most {top})" if top else " (unbounded)"


def _last_digit(value: float, low: float, high: float) -> int:
    """Power of ten of the last digit that is worth printing."""
    half_width = (high - low) / 2
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
