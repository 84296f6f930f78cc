"""The one function that judges all claims: from an estimate with its interval, against a contract written before."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import ceil, inf, isfinite, isnan
from typing import TYPE_CHECKING

from initatlas.errors import UserError
from initatlas.studies.claim import Claim, Cost, Estimate, Finding, Judged, Judgement, Parts, Published, Verdict
from initatlas.studies.evidence import Evidence

if TYPE_CHECKING:
    import xarray as xr

Measure = Callable[[Evidence], Finding]
"""What a study has per claim: what was measured, from the cubes."""

_REFUTED: tuple[Verdict, ...] = ("fails", "differs")
_SEVERITY: Mapping[Verdict, int] = {"holds": 0, "undecided": 1, "differs": 2, "fails": 3, "not measured": 4}


@dataclass(frozen=True)
class Region:
    """The numbers that a contract accepts: those from `low` to `high`, or with `outside` those beyond."""

    low: float
    high: float
    outside: bool = False


def accepted(published: Published) -> Region:
    """The numbers that a contract accepts."""
    value, reach = published.value or 0.0, published.reach
    match published.test:
        case "at_most":
            return Region(-inf, value + reach)
        case "at_least":
            return Region(value - reach, inf)
        case "order":
            return Region(reach, inf)
    low, high = published.bounds or (value, value)
    return Region(low - reach, high + reach, outside=published.test == "distinct")


def verdict_of(published: Published, estimate: Estimate) -> Verdict:
    """Verdict of one estimate.

    ``holds``: its whole interval is accepted. ``undecided``: part of it. Otherwise ``differs`` where it lies, with its whole
    interval, on the same side of `Published.null` as what is accepted, else ``fails``.
    """
    region = accepted(published)
    within = region.low <= estimate.low and estimate.high <= region.high
    beyond = estimate.high < region.low or estimate.low > region.high
    if beyond if region.outside else within:
        return "holds"
    if within if region.outside else beyond:
        return "differs" if _right_direction(published, region, estimate) else "fails"
    return "undecided"


def _right_direction(published: Published, region: Region, estimate: Estimate) -> bool:
    """Whether an estimate lies on the accepted side of what a false statement would give."""
    if published.null is None:
        return False
    if region.low > published.null:
        return estimate.low > published.null
    return region.high < published.null and estimate.high < published.null


def _excess(region: Region, estimate: Estimate) -> float:
    """How far a number is from being accepted; negative inside."""
    out = max(region.low - estimate.value, estimate.value - region.high)
    return -out if region.outside else out


def worst(published: Published, parts: Parts) -> tuple[str, Verdict]:
    """The part that decides, and its verdict: the severest one, and of those the farthest.

    Raises
    ------
    ValueError
        If there is no part, or an estimate is no interval around its value.
    """
    if not parts:
        raise ValueError("nothing to judge")
    for part, estimate in parts.items():
        _check(part, estimate)
    region = accepted(published)
    verdicts = {part: verdict_of(published, estimate) for part, estimate in parts.items()}
    decides = max(parts, key=lambda part: (_SEVERITY[verdicts[part]], _excess(region, parts[part])))
    return decides, verdicts[decides]


def _check(part: str, estimate: Estimate) -> None:
    """Refuse what is no interval: NaN in the ledger is a bug of the study."""
    if any(map(isnan, estimate.numbers)) or not estimate.low <= estimate.value <= estimate.high:
        raise ValueError(f"{part or 'estimate'}: no interval around its value: {estimate}")


def judge(published: Published, finding: Finding) -> Judgement:
    """Judge what was found by the contract of a claim.

    Parameters
    ----------
    published
        The contract.
    finding
        The measurement with its parts, its controls, which must be refuted, and its references, which must hold.

    Raises
    ------
    ValueError
        If the study measured other controls or references than the contract names, or an estimate is no interval.
    """
    if finding.parts is None:
        return Judgement("not measured", finding.reason)
    _match("control", published.control, finding.controls)
    _match("reference", published.reference, finding.references)
    part, verdict = worst(published, finding.parts)
    controls = _judged(published, published.control, finding.controls)
    references = _judged(published, published.reference, finding.references)
    estimate, powerless = finding.parts[part], _powerless(controls, references)
    which = [f"Worst of {len(finding.parts)}: {part}."] if len(finding.parts) > 1 else []
    needed = [_how_many(accepted(published), estimate)] if verdict == "undecided" else []
    reason = " ".join([finding.reason, *which, *powerless, *needed])
    if powerless:
        verdict = "undecided"
    return Judgement(verdict, reason, estimate, part, len(finding.parts), controls, references)


def _match(kind: str, contract: Mapping[str, str], measured: Mapping[str, Parts]) -> None:
    """Refuse controls that are measured and not in the contract, or the reverse."""
    unpaired = set(contract) ^ set(measured)
    if unpaired:
        raise ValueError(f"{kind} {sorted(unpaired)[0]!r} is either in the contract and not measured, or the reverse")


def _judged(published: Published, contract: Mapping[str, str], measured: Mapping[str, Parts]) -> tuple[Judged, ...]:
    """Controls or references with their verdicts.

    Of a control's parts the one that is refuted most clearly counts, as it would for the claim.
    """
    judged = []
    for name, statement in contract.items():
        part, verdict = worst(published, measured[name])
        judged.append(Judged(name, statement, measured[name][part], verdict))
    return tuple(judged)


def _powerless(controls: tuple[Judged, ...], references: tuple[Judged, ...]) -> list[str]:
    """A sentence for each control that was not refuted, and each reference that did not hold."""
    passed = [control for control in controls if control.verdict not in _REFUTED]
    broken = [reference for reference in references if reference.verdict != "holds"]
    return [
        *(
            f"The control ({control.statement.rstrip('.')}) {_passes(control)}, so nothing is decided."
            for control in passed
        ),
        *(
            f"What must hold ({reference.statement.rstrip('.')}) does not, so nothing is decided."
            for reference in broken
        ),
    ]


def _passes(control: Judged) -> str:
    """What happened to a control that should have been refuted."""
    return "passes as well" if control.verdict == "holds" else "cannot be told apart"


def _how_many(region: Region, estimate: Estimate) -> str:
    """How many more samples an interval needs to lie on one side; its width falls with their root."""
    factor = max((_factor(bound, estimate) for bound in (region.low, region.high)), default=0.0)
    if not isfinite(factor):
        return "The interval reaches both sides of the bound."
    if estimate.samples is None:
        return f"The interval reaches both sides of the bound; one {factor**0.5:.2g} times as narrow would decide."
    needed = ceil(1.1 * factor * estimate.samples)
    return f"The interval reaches both sides of the bound; about {needed} samples instead of {estimate.samples} would decide."


def _factor(bound: float, estimate: Estimate) -> float:
    """How many times the samples that keep a bound out of the interval, if the value stays; 0 where it is out already."""
    if not estimate.low <= bound <= estimate.high or not isfinite(bound):
        return 0.0
    half_width = estimate.value - estimate.low if bound < estimate.value else estimate.high - estimate.value
    distance = abs(estimate.value - bound)
    return (half_width / distance) ** 2 if distance > 0 else inf


class _Read(Mapping[str, "xr.Dataset"]):
    """Cubes that remember which of them were asked for."""

    def __init__(self, cubes: Mapping[str, "xr.Dataset"]) -> None:
        self._cubes = cubes
        self.names: dict[str, None] = {}

    def __getitem__(self, name: str) -> "xr.Dataset":
        cube = self._cubes[name]
        self.names[name] = None
        return cube

    def __iter__(self) -> Iterator[str]:
        return iter(self._cubes)

    def __len__(self) -> int:
        return len(self._cubes)


def judge_study(study: str, measures: Mapping[str, Measure], evidence: Evidence) -> list[Claim]:
    """Measure and judge all claims of a study.

    Parameters
    ----------
    measures
        ``CLAIMS`` of the study's ``claims`` module.

    Raises
    ------
    UserError
        If a claim is published and not measured, or the reverse.
    """
    unpaired = set(evidence.published) ^ set(measures)
    if unpaired:
        raise UserError(
            f"config/published/{study}.yaml: claim {sorted(unpaired)[0]!r} is either published and not measured, or the reverse"
        )
    return [judge_claim(study, name, measures[name], evidence) for name in evidence.published]


def judge_claim(study: str, name: str, measure: Measure, evidence: Evidence) -> Claim:
    """Measure and judge one claim of a study, which may look at what else was published: a line of the ledger."""
    cubes = _Read(evidence.cubes)
    published = evidence.published[name]
    try:
        judged = judge(published, measure(Evidence(cubes, evidence.published)))
    except ValueError as error:
        raise ValueError(f"claim {study}/{name}: {error}") from error
    seconds = sum(float(cubes[sweep].attrs.get("core_seconds", 0.0)) for sweep in list(cubes.names))
    return Claim(study, name, published, judged, Cost(tuple(cubes.names), seconds))
