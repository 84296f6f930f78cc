"""Claims without a contract yet: their studies give the verdicts themselves."""

from collections.abc import Mapping
from dataclasses import dataclass

from initatlas.errors import UserError
from initatlas.studies.claim import Claim, Estimate, Judgement, Published, Verdict


@dataclass(frozen=True)
class Measurement:
    """What was measured for a claim, with the verdict of its study.

    Attributes
    ----------
    verdict, reason
        As in `initatlas.studies.claim.Judgement`.
    value, low, high
        The measured number and the ends of its 95 % interval, where there is one.
    """

    verdict: Verdict
    reason: str
    value: float | None = None
    low: float | None = None
    high: float | None = None


def within(value: float, published: Published, *, low: float | None = None, high: float | None = None) -> bool:
    """Whether a measured value, or its interval, reaches the published number within the tolerance.

    Raises
    ------
    ValueError
        If nothing was published to compare with.
    """
    if published.value is None:
        raise ValueError("the claim has no published number")
    reach = published.tolerance
    bottom, top = value if low is None else low, value if high is None else high
    return bottom - reach <= published.value <= top + reach


def below(bound: float, *, low: float, high: float) -> Verdict:
    """Verdict of a claim that a number lies below a bound: undecided where the interval of the number reaches the bound."""
    return "holds" if high < bound else "fails" if low > bound else "not measured"


def misprint(printed: float, right: float, *, value: float, low: float, high: float) -> tuple[Verdict, str]:
    """Verdict of a printed number that is held for wrong, and what the measurement says of the other one.

    Parameters
    ----------
    printed, right
        What the formulas give; a printed nan agrees with nothing.
    value, low, high
        The measurement and the ends of its interval.

    Returns
    -------
    verdict, remark
        Undecided where the interval reaches both, or neither and the printed number is nearer. The remark is a sentence behind
        a space, or empty where the interval reaches the right number alone.
    """
    printed_agrees, right_agrees = low <= printed <= high, low <= right <= high
    if printed_agrees:
        return (
            ("not measured", " The measurement agrees with both.")
            if right_agrees
            else ("holds", " It agrees with the printed one.")
        )
    if right_agrees:
        return "fails", ""
    if abs(value - printed) <= abs(value - right):
        return "not measured", " The measurement agrees with neither, and is nearer to the printed one."
    return "fails", " The measurement agrees with neither, and is nearer to the right one."


def ledger(study: str, published: Mapping[str, Published], measured: Mapping[str, Measurement]) -> list[Claim]:
    """Lay the measurements beside the published claims.

    Raises
    ------
    UserError
        If one side names a claim that the other does not.
    """
    unpaired = set(published) ^ set(measured)
    if unpaired:
        raise UserError(
            f"config/published/{study}.yaml: claim {sorted(unpaired)[0]!r} is either published and not measured, or the reverse"
        )
    return [Claim(study, name, claim, _judgement(measured[name])) for name, claim in published.items()]


def _judgement(found: Measurement) -> Judgement:
    """A verdict that the study gave."""
    if found.value is None:
        return Judgement(found.verdict, found.reason)
    low = found.value if found.low is None else found.low
    high = found.value if found.high is None else found.high
    return Judgement(found.verdict, found.reason, Estimate(found.value, low, high))
