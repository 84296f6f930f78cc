"""Claims: what a paper stated, what was measured, and how the two compare."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Verdict = Literal["holds", "fails", "differs", "undecided", "not measured"]

Test = Literal["equals", "exponent", "vanishes", "exact", "at_most", "at_least", "between", "order", "distinct"]
"""What a claim's estimate is held against.

``equals``, ``exponent``: `value`, within the margin. ``vanishes``: zero. ``exact``: zero, for a formula less the truth.
``at_most``, ``at_least``: `value`, a bound. ``between``: `bounds`. ``order``: a difference that is positive. ``distinct``: any
number but `value` (zero if there is none), by more than the margin.
"""

_PERCENT = re.compile(r"(\d+(?:\.\d+)?) ?%")
_NUMBERED: tuple[Test, ...] = ("equals", "exponent", "at_most", "at_least")
_WIDE: tuple[Test, ...] = ("equals", "exponent", "vanishes", "exact", "distinct")
_DIRECTED: tuple[Test, ...] = ("equals", "exponent", "at_most", "at_least", "between")


class Published(BaseModel):
    """One claim as published, and the contract that it is judged by: an entry of `config/published/<study>.yaml`.

    The contract is written before anything is measured.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    statement: str = Field(description="The claim in one sentence.")
    product: str = Field(default="", description="The figure or table that shows it.")
    where: str = Field(description="Where the paper states it.")
    value: float | None = Field(default=None, description="The published number; none for a qualitative claim.")
    spread: float | None = Field(default=None, ge=0, description="The published standard deviation or error.")
    quantity: str = Field(
        default="", description="What the estimate is, in a few words: the ledger prints `quantity` = number."
    )
    note: str = Field(default="", description="What has to be known to read the number.")
    test: Test = Field(description="What the estimate is held against.")
    margin: float | str = Field(
        default=0.0,
        description="How far off still counts as the same: a number, or a share of `value` such as `2 %`.",
    )
    bounds: tuple[float, float] | None = Field(
        default=None, strict=False, description="Lower and upper end, for the test `between`."
    )
    null: float | None = Field(
        default=None,
        description="What a false statement would give. Beyond the margin, an estimate on the right side of it `differs`, "
        "another one `fails`; without it every such estimate `fails`.",
    )
    why: str = Field(
        default="", description="Why this margin: the paper's rounding or spread, or what matters to a reader."
    )
    control: dict[str, str] = Field(
        default={}, description="Measurements that must fail the same test, by name, each in one sentence."
    )
    reference: dict[str, str] = Field(
        default={}, description="Measurements that must pass the same test, by name, each in one sentence."
    )
    limits: str = Field(
        default="", description="What the measurement does not cover: range, sizes, substitutes for data."
    )

    @model_validator(mode="after")
    def _check_contract(self) -> Self:
        """Hold the keys of the contract against its test."""
        reason = _fault(self)
        if reason:
            raise ValueError(reason)
        return self

    @property
    def reach(self) -> float:
        """The margin as a distance."""
        if isinstance(self.margin, str):
            return 0.01 * float(self.margin.rstrip(" %")) * abs(self.value or 0.0)
        return self.margin


def _fault(claim: Published) -> str:
    """What is wrong with a contract, in words; empty if nothing is."""
    if isinstance(claim.margin, str) and not _PERCENT.fullmatch(claim.margin):
        return f"margin {claim.margin!r}: expected a number or a share such as '2 %'"
    if isinstance(claim.margin, str) and not claim.value:
        return "margin: a share needs a value other than 0"
    if claim.reach < 0:
        return "margin: must not be negative"
    for key in ("why", "control", "limits"):
        if not getattr(claim, key):
            return f"{key}: missing; every contract says it"
    return _fault_of_test(claim, claim.test)


def _fault_of_test(claim: Published, test: Test) -> str:
    """Which key does not go with the test, in words."""
    if test in _NUMBERED and claim.value is None:
        return f"value: the test {test!r} needs one"
    if test in ("vanishes", "exact", "order", "between") and claim.value is not None:
        return f"value: the test {test!r} has none"
    if test in _WIDE and not claim.reach:
        return f"margin: the test {test!r} needs one above 0"
    if (test == "between") != (claim.bounds is not None):
        return "bounds: go with the test 'between', and with no other"
    if claim.bounds is not None and not claim.bounds[0] <= claim.bounds[1]:
        return "bounds: the lower end comes first"
    if claim.null is not None and test not in _DIRECTED:
        return f"null: the test {test!r} has none"
    return ""


class PublishedStudy(BaseModel):
    """What a study's paper printed: `config/published/<study>.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    claims: dict[str, Published] = Field(description="Claims by name.")


@dataclass(frozen=True)
class Estimate:
    """A number and how well it is known.

    Attributes
    ----------
    value
        What was measured.
    low, high
        Ends of its 95 % interval, or value less and plus the bound of its error where it is computed exactly.
    samples
        Independent networks, images or trials behind it; None for a computed number.
    """

    value: float
    low: float
    high: float
    samples: int | None = None

    @property
    def numbers(self) -> tuple[float, float, float]:
        """Value, lower and upper end."""
        return self.value, self.low, self.high


Parts = Mapping[str, Estimate]
"""The parts of a statement (angles, layers, distributions), by what they are called in a sentence."""


@dataclass(frozen=True)
class Finding:
    """What a study measured for a claim. It holds no verdict: that is the judge's.

    Attributes
    ----------
    parts
        One estimate per part of the statement; None where the data that it needs are absent.
    reason
        One or two sentences with numbers from the measurement.
    controls
        The measurements that must fail the same test, by the names of the contract.
    references
        The measurements that must pass it.
    """

    parts: Parts | None
    reason: str
    controls: Mapping[str, Parts] = field(default_factory=dict)
    references: Mapping[str, Parts] = field(default_factory=dict)


def measured(
    estimates: Estimate | Parts,
    reason: str,
    *,
    controls: Mapping[str, Estimate | Parts],
    references: Mapping[str, Estimate | Parts] | None = None,
) -> Finding:
    """A finding; an estimate alone is a statement of one part."""
    return Finding(
        _parts(estimates),
        reason,
        {name: _parts(control) for name, control in controls.items()},
        {name: _parts(reference) for name, reference in (references or {}).items()},
    )


def _parts(estimates: Estimate | Parts) -> Parts:
    """The parts of what was found."""
    return {"": estimates} if isinstance(estimates, Estimate) else estimates


def absent(reason: str) -> Finding:
    """A finding where the data that it needs are not there."""
    return Finding(None, reason)


@dataclass(frozen=True)
class Judged:
    """A control or a reference with its verdict."""

    name: str
    statement: str
    estimate: Estimate
    verdict: Verdict


@dataclass(frozen=True)
class Judgement:
    """A verdict and what it rests on.

    Attributes
    ----------
    verdict
        ``holds``: the whole interval is within the margin, or beyond the bound. ``fails``: the whole interval is outside, against
        the statement. ``differs``: outside, but the direction is right. ``undecided``: the interval reaches both sides, or a
        control was not refuted. ``not measured``: the data that it needs are absent.
    reason
        Why, in some sentences.
    estimate
        That of the part which decided; None where nothing was measured.
    part, parts
        Name of that part, and how many there are.
    controls, references
        What must be refuted, and what must hold.
    """

    verdict: Verdict
    reason: str
    estimate: Estimate | None = None
    part: str = ""
    parts: int = 1
    controls: tuple[Judged, ...] = ()
    references: tuple[Judged, ...] = ()


@dataclass(frozen=True)
class Cost:
    """What a claim costs.

    Attributes
    ----------
    sweeps
        The sweeps that it reads.
    core_seconds
        What their cubes took to compute.
    """

    sweeps: tuple[str, ...] = ()
    core_seconds: float = 0.0


@dataclass(frozen=True)
class Claim:
    """A line of the ledger."""

    study: str
    name: str
    published: Published
    judged: Judgement
    cost: Cost = Cost()
