"""Spoilt cubes, the same way for all studies: a claim that no cube can change tests nothing.

A module ``spoilt_<study>.py`` (or several, ``spoilt_<study>_<part>.py``) beside this one has

- ``STUDY``: the name of the study;
- ``cubes()``: its sweeps by name, small and sound, synthetic or computed;
- ``TRIALS``: for each of its claims a `Trial`.

``test_spoilt_cubes.py`` finds these modules, runs every trial, and sees that no claim with a contract lacks one.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

import xarray as xr

from initatlas.config import load_published
from initatlas.studies.claim import Judgement, Verdict
from initatlas.studies.evidence import Evidence
from initatlas.studies.judge import Measure, judge, worst
from initatlas.studies.registry import study_package

Spoil = Callable[[Evidence], Evidence]
"""Other evidence, made from sound evidence, which is left as it is."""

HERE = Path(__file__).parent
ROOT = HERE.parents[2]


@dataclass(frozen=True)
class Trial:
    """What sound and spoilt cubes must do to a claim.

    Attributes
    ----------
    verdict
        On the sound cubes; every control is refuted there, every reference holds. For a claim that is false: ``fails``.
    spoil
        What flips it, and nothing but what the claim is about.
    becomes
        The verdict on what the spoilt cubes give; a reference that breaks with it, as the right formula does where a misprint is
        the truth, takes it away again.
    blunt
        What makes a control pass, or a reference fail, so that the claim becomes ``undecided``.
    """

    verdict: Verdict
    spoil: Spoil
    becomes: Verdict
    blunt: Spoil


def changed(sweep: str, variable: str, change: Callable[[xr.DataArray], xr.DataArray], **where: object) -> Spoil:
    """Spoil a variable of a cube, everywhere or where coordinates have some values.

    Parameters
    ----------
    sweep, variable
        Names of the cube and of the variable.
    change
        From the values, with all dimensions of the variable, to the spoilt ones.
    where
        Coordinate to a value or a list of values; elsewhere the variable keeps what it had.
    """

    def spoil(evidence: Evidence) -> Evidence:
        sound = evidence.cubes[sweep]
        here = xr.DataArray(True)
        for name, wanted in where.items():
            values = wanted if isinstance(wanted, list) else [wanted]
            missing = set(values) - set(sound[name].values.tolist())
            if missing:
                raise ValueError(f"{sweep}: {name} has no {missing}")
            here = here & sound[name].isin(values)
        spoilt = sound[variable].where(~here, change(sound[variable]))
        return _with_cube(evidence, sweep, sound.assign({variable: spoilt.transpose(*sound[variable].dims)}))

    return spoil


def copied(sweep: str, variable: str, *, of: Mapping[str, object], to: Mapping[str, object]) -> Spoil:
    """Spoil a variable of a cube by the values that it has elsewhere in the cube.

    A control that is an axis value beside what the claim measures becomes blunt by a copy of that.

    Parameters
    ----------
    of, to
        Coordinates of the values to copy and of the place that they go to.
    """

    def spoil(evidence: Evidence) -> Evidence:
        values = evidence.cubes[sweep][variable].sel(of, drop=True)
        return changed(sweep, variable, lambda _: values, **to)(evidence)

    return spoil


def contracted(claim: str, **keys: object) -> Spoil:
    """Spoil the contract: other values of its keys, for what is computed in the claim and read from no cube."""

    def spoil(evidence: Evidence) -> Evidence:
        contract = evidence.published[claim].model_copy(update=keys)
        return Evidence(evidence.cubes, {**evidence.published, claim: contract})

    return spoil


def both(*spoils: Spoil) -> Spoil:
    """Several spoils, one after the other."""

    def spoil(evidence: Evidence) -> Evidence:
        for one in spoils:
            evidence = one(evidence)
        return evidence

    return spoil


def _with_cube(evidence: Evidence, sweep: str, cube: xr.Dataset) -> Evidence:
    """The evidence with another cube in the place of one."""
    return Evidence({**evidence.cubes, sweep: cube}, evidence.published)


def claims_of(study: str) -> Mapping[str, Measure]:
    """The measurements of a study's claims, by name."""
    claims: Mapping[str, Measure] = getattr(importlib.import_module(f"{study_package(study)}.claims"), "CLAIMS", {})
    return claims


@cache
def sound_evidence(module: ModuleType) -> Evidence:
    """The sound cubes of a module, with what its study's paper printed."""
    return Evidence(module.cubes(), load_published(ROOT, module.STUDY).claims)


def judged(study: str, claim: str, evidence: Evidence) -> Judgement:
    """Judge one claim on some evidence."""
    return judge(evidence.published[claim], claims_of(study)[claim](evidence))


def verdict_alone(study: str, claim: str, evidence: Evidence) -> Verdict:
    """The verdict on what a claim measures, whatever its controls and references do."""
    return worst(evidence.published[claim], claims_of(study)[claim](evidence).parts or {})[1]


def modules() -> list[ModuleType]:
    """All modules of spoilt cubes."""
    return [importlib.import_module(path.stem) for path in sorted(HERE.glob("spoilt_*.py"))]
