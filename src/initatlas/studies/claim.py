"""Claims: what a paper stated, what was measured, and how the two compare."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from initatlas.errors import UserError

Verdict = Literal["holds", "fails", "differs", "not measured"]


class Published(BaseModel):
    """One claim as published: an entry of `config/published/<study>.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    statement: str = Field(description="The claim in one sentence.")
    product: str = Field(default="", description="The figure or table that shows it.")
    where: str = Field(description="Where the paper states it.")
    value: float | None = Field(default=None, description="The published number; none for a qualitative claim.")
    spread: float | None = Field(default=None, ge=0, description="The published standard deviation or error.")
    tolerance: float = Field(
        default=0.0,
        ge=0,
        description="Distance from `value` that still counts as agreement, beyond the uncertainty of the measurement.",
    )
    note: str = Field(default="", description="What has to be known to read the number.")


class PublishedStudy(BaseModel):
    """What a study's paper printed: `config/published/<study>.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    claims: dict[str, Published] = Field(description="Claims by name.")


@dataclass(frozen=True)
class Measurement:
    """What was measured for a claim.

    Attributes
    ----------
    verdict
        ``holds``: as published. ``differs``: the direction is right, the number is not. ``fails``: it is not so.
        ``not measured``: the data that it needs are absent, or too few to decide.
    reason
        Why, in one or two sentences.
    value, low, high
        The measured number and the ends of its 95 % interval, where there is one.
    """

    verdict: Verdict
    reason: str
    value: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Claim:
    """A line of the ledger."""

    study: str
    name: str
    published: Published
    measured: Measurement


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
    return [Claim(study, name, claim, measured[name]) for name, claim in published.items()]


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
