"""`initatlas claims`: the ledger on a terminal, and what has changed between two of them."""

import json
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path

import xarray as xr

from initatlas.config import load_settings, load_workflow
from initatlas.cubes import open_placed_cube
from initatlas.errors import UserError
from initatlas.files import write_text
from initatlas.layout import SETTINGS, Layout
from initatlas.layout import published as published_file
from initatlas.names import did_you_mean
from initatlas.report.expected import Outcome, expected_json, has_moved, outcomes
from initatlas.report.ledger import (
    claims_from_json,
    claims_to_json,
    count_verdicts,
    format_estimate,
    format_published,
    format_seconds,
    format_test,
)
from initatlas.studies.claim import Claim, Judged, Published, PublishedStudy
from initatlas.studies.evidence import Evidence
from initatlas.studies.judge import judge_claim
from initatlas.studies.product import cube_titles
from initatlas.terminal import Colour, aligned
from initatlas.yaml_files import load_model

EXPECTED = Path("tests/expected")
"""What the claims of a scale are expected to give, in the folder of the atlas."""

_WIDTH = 100

_COLOURS: Mapping[str, Colour] = {"holds": "green", "fails": "red", "differs": "yellow", "undecided": "yellow"}
"""Verdict to its colour."""


def read_ledger(path: Path) -> dict[str, Claim]:
    """The claims of a ledger by ``study/claim``.

    Raises
    ------
    UserError
        If there is no such file, or if it is no ledger.
    """
    return {f"{claim.study}/{claim.name}": claim for claim in claims_from_json(_ledger_text(path), str(path))}


def _ledger_text(path: Path) -> bytes:
    """The content of a file that has to be there."""
    try:
        return path.read_bytes()
    except OSError as error:
        is_ledger = path == Layout(path.parent.name).ledger
        others = sorted(found.parent.name for found in path.parent.parent.glob(f"*/{path.name}") if is_ledger)
        there = f"; there is one of scale {' and one of '.join(others)}: --scale {others[0]}" if others else ""
        raise UserError(f"{path}: {error.strerror}; `initatlas run` makes the ledger of a scale{there}") from None


def ledger_of(overrides: Mapping[str, str]) -> Path:
    """The ledger of the scale that the config, or the command line, asks for."""
    return Layout(load_settings(SETTINGS, overrides).scale).ledger


def listing(targets: Sequence[str], overrides: Mapping[str, str], *, as_json: bool = False) -> str:
    """The claims of some studies, or some claims, each in a line, and how many have which verdict.

    Parameters
    ----------
    targets
        Studies, and claims as ``study/claim``; none: all.
    overrides
        What the command line says in the place of the config.
    as_json
        The same claims in the layout of the ledger's file, for a script.

    Raises
    ------
    UserError
        If there is no ledger yet, or no such study or claim in it.
    """
    path = ledger_of(overrides)
    chosen = _chosen(targets, read_ledger(path), path)
    if as_json:
        return claims_to_json([*chosen.values()]).rstrip("\n")
    rows = [
        (title, claim.judged.verdict, format_published(claim.published), _measured(claim))
        for title, claim in chosen.items()
    ]
    counts = count_verdicts(chosen.values())
    summary = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
    table = aligned([("claim", "verdict", "published", "measured"), *rows], _COLOURS)
    return "\n".join([table, f"{path}: {summary}"])


def _chosen(targets: Sequence[str], claims: Mapping[str, Claim], path: Path) -> dict[str, Claim]:
    """Claims by their titles, in the order of the ledger."""
    known = {*claims, *(claim.study for claim in claims.values())}
    for target in targets:
        if target not in known:
            raise UserError(f"{path} has no study and no claim {target!r}{did_you_mean(target, sorted(known))}")
    return {
        title: claim for title, claim in claims.items() if not targets or title in targets or claim.study in targets
    }


def _measured(claim: Claim) -> str:
    """The number that decided, with its interval."""
    return "" if claim.judged.estimate is None else format_estimate(claim.judged.estimate)


def show(title: str, overrides: Mapping[str, str], *, as_json: bool = False) -> str:
    """All that the ledger has of one claim; with `as_json` in the layout of the ledger's file.

    Raises
    ------
    UserError
        As `listing`.
    """
    if "/" not in title:
        raise UserError(f"{title!r} is no claim: give it as <study>/<claim>; `initatlas claims list` has all")
    path = ledger_of(overrides)
    claim = _chosen([title], read_ledger(path), path)[title]
    return claims_to_json([claim]).rstrip("\n") if as_json else whole_claim(claim)


def whole_claim(claim: Claim) -> str:
    """All that there is to say of a claim."""
    published, judged = claim.published, claim.judged
    lines = [
        ("", published.statement),
        ("where", published.where),
        ("published", format_published(published)),
        ("measured", f"{_measured(claim)}{_of_parts(claim)}"),
        ("verdict", judged.verdict),
        ("why", judged.reason),
        ("contract", f"{format_test(published)}. {published.why}"),
        *(("control", _checked(control)) for control in judged.controls),
        *(("reference", _checked(reference)) for reference in judged.references),
        ("limits", published.limits),
        ("reads", ", ".join(claim.cost.sweeps)),
        ("cost", f"{format_seconds(claim.cost.core_seconds)} on one core"),
    ]
    title = f"{claim.study}/{claim.name}"
    return "\n".join([title, *(_wrapped(name, text) for name, text in lines if text)])


def _of_parts(claim: Claim) -> str:
    """Which of several parts decided."""
    judged = claim.judged
    return f", of {judged.part} (the part of {judged.parts} that decided)" if judged.parts > 1 and judged.part else ""


def _checked(judged: Judged) -> str:
    """A control or a reference with its verdict."""
    return f"{judged.name}: {judged.statement} {format_estimate(judged.estimate)}: {judged.verdict}"


def _wrapped(name: str, text: str) -> str:
    """A paragraph behind its name."""
    return textwrap.fill(text, _WIDTH, initial_indent=f"  {name:<10} ", subsequent_indent=" " * 13)


def reproduce(title: str, overrides: Mapping[str, str], *, make: Callable[[str], int]) -> Claim:
    """Compute what one claim reads, and nothing else, and judge it.

    Parameters
    ----------
    title
        ``study/claim``.
    overrides
        What the command line says in the place of the config.
    make
        Makes the cube of a sweep, which is given by ``study/sweep``, where it is not up to date; gives 0 if that went well.

    Raises
    ------
    UserError
        If there is no such claim, or a sweep that it reads fails.
    """
    workflow = load_workflow(Path(), overrides)
    study, _, name = title.partition("/")
    known = [f"{key}/{claim}" for key in workflow.studies for claim in _statements(key)]
    if title not in known:
        raise UserError(f"there is no claim {title!r}{did_you_mean(title, known)}; give it as <study>/<claim>")
    declared = workflow.studies[study]
    measure = import_module(f"{declared.package}.claims").CLAIMS[name]
    titles = {path.rpartition("/")[2]: path for path in cube_titles(study, declared.claims)}
    cubes = _MadeCubes(titles, Layout(workflow.settings.scale), make)
    return judge_claim(study, name, measure, Evidence(cubes, _statements(study)))


def _statements(study: str) -> Mapping[str, Published]:
    """What the paper of a study printed, by claim."""
    return load_model(published_file(study), PublishedStudy).claims


class _MadeCubes(Mapping[str, xr.Dataset]):
    """Cubes that are made when they are asked for, so that those nobody reads are not."""

    def __init__(self, titles: Mapping[str, str], layout: Layout, make: Callable[[str], int]) -> None:
        self._titles, self._layout, self._make = titles, layout, make
        self._opened: dict[str, xr.Dataset] = {}

    def __getitem__(self, name: str) -> xr.Dataset:
        if name not in self._opened:
            title = self._titles[name]
            if self._make(title):
                raise UserError(
                    f"sweep {title}, which the claim reads, has failed; mend what is said above and run again"
                )
            self._opened[name] = open_placed_cube(self._layout.cube(title), title)
        return self._opened[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._titles)

    def __len__(self) -> int:
        return len(self._titles)


def difference(old: Path, new: Path, *, numbers: bool = False, as_json: bool = False) -> tuple[str, bool]:
    """What has changed from one ledger to another, and whether anything has.

    Parameters
    ----------
    old, new
        Files of ledgers, such as ``reports/quick/claims.json``, or expected ones (`expect`).
    numbers
        Whether a number counts that has moved by more than another machine would move it, where the verdict is the same.
    as_json
        For a script: a list of objects with ``claim``, ``old`` and ``new``, both verdicts; null for a claim that one lacks.

    Returns
    -------
    text : str
        A line for each claim whose verdict is another one, or that only one of the ledgers has, or whose number has moved.
    changed : bool
        Whether there is such a claim.
    """
    before, after = _outcomes(old), _outcomes(new)
    rows = [*_changes(before, after, numbers=numbers)]
    if as_json:
        return json.dumps([{"claim": name, "old": one, "new": two} for name, one, two in rows], indent=1), bool(rows)
    if not rows:
        return f"the verdicts{' and numbers' * numbers} of all {len(after)} claims are the same", False
    lines = [(name, one or "(none)", "->", two or "(none)", _numbers(before, after, name)) for name, one, two in rows]
    return aligned(lines, _COLOURS), True


def _outcomes(path: Path) -> dict[str, Outcome]:
    """The claims of a ledger, or of an expected one."""
    return outcomes(_ledger_text(path), str(path))


def _changes(
    before: Mapping[str, Outcome], after: Mapping[str, Outcome], *, numbers: bool
) -> Iterator[tuple[str, str | None, str | None]]:
    """Claims with the verdicts that differ, or the same one twice, in the order of the newer ledger, then those that it lacks."""
    for title in dict.fromkeys([*after, *before]):
        one, two = before.get(title), after.get(title)
        verdicts = [None if outcome is None else outcome.verdict for outcome in (one, two)]
        moved = numbers and one is not None and two is not None and has_moved(one.estimate, two.estimate)
        if verdicts[0] != verdicts[1] or moved:
            yield title, verdicts[0], verdicts[1]


def _numbers(before: Mapping[str, Outcome], after: Mapping[str, Outcome], title: str) -> str:
    """What was measured in both."""
    if title not in before or title not in after:
        return ""
    return " -> ".join(
        "nothing" if one is None else format_estimate(one) for one in (before[title].estimate, after[title].estimate)
    )


def expect(overrides: Mapping[str, str], output: Path | None = None) -> Path:
    """Write down what the ledger of a scale has, as what is expected from now on.

    Parameters
    ----------
    overrides
        What the command line says in the place of the config.
    output
        The file; ``tests/expected/<scale>.json`` where none is named.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    UserError
        If there is no ledger yet.
    """
    scale = load_settings(SETTINGS, overrides).scale
    target = output or EXPECTED / f"{scale}.json"
    write_text(target, expected_json(read_ledger(ledger_of(overrides)), scale))
    return target
