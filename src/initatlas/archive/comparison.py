"""Whether two cubes, or two lines of a ledger, are the same: arrays bit for bit, everything else by value.

What a run leaves besides its numbers is not compared: dates, seconds, hosts, versions.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from initatlas.studies.claim import Claim


@dataclass(frozen=True)
class Comparison:
    """What came out.

    Attributes
    ----------
    arrays, values
        Number of arrays that were compared (outputs, status, errors, coordinates), and of the values in them.
    differences
        A line for each array that differs; none if the cubes are equal.
    """

    arrays: int
    values: int
    differences: tuple[str, ...]


def compare_cubes(there: xr.Dataset, here: xr.Dataset) -> Comparison:
    """Compare the arrays of two cubes: names, dimensions, types, and all bits of their values.

    Parameters
    ----------
    there, here
        The cube of an archive, and the one that was computed now.
    """
    names = list(dict.fromkeys([*map(str, there.variables), *map(str, here.variables)]))
    found = {name: _difference(there.variables.get(name), here.variables.get(name)) for name in names}
    sizes = [here.variables[name].size for name in names if name in here.variables]
    return Comparison(len(names), sum(sizes), tuple(f"{name}: {text}" for name, text in found.items() if text))


def _difference(there: xr.Variable | None, here: xr.Variable | None) -> str:
    """How two arrays differ; nothing if they do not."""
    if there is None or here is None:
        return "not in the archive" if there is None else "not computed"
    for part, one, two in (
        ("dimensions", there.dims, here.dims),
        ("lengths", there.shape, here.shape),
        ("type", there.dtype, here.dtype),
    ):
        if one != two:
            return f"{part} {_shown(one)} in the archive, {_shown(two)} here"
    same = _same_bits(np.asarray(there.values), np.asarray(here.values))
    if same.all():
        return ""
    return f"{int((~same).sum())} of {same.size} values{_largest(there.values[~same], here.values[~same])}"


def _shown(part: Any) -> str:
    """Dimensions, lengths or a type in words."""
    return " x ".join(map(str, part)) if isinstance(part, tuple) else str(part)


def _same_bits(there: np.ndarray, here: np.ndarray) -> np.ndarray:
    """Where two arrays of one type and shape have the same bits; texts are compared as texts."""
    if there.dtype.hasobject:
        return np.asarray(there == here)
    bits = np.dtype((np.void, there.dtype.itemsize))
    return np.asarray(np.ascontiguousarray(there).view(bits) == np.ascontiguousarray(here).view(bits)).reshape(
        there.shape
    )


def _largest(there: np.ndarray, here: np.ndarray) -> str:
    """The largest difference among numbers that differ."""
    if there.dtype.kind not in "fiu":
        return ""
    gaps = np.abs(there.astype(float) - here.astype(float))
    gaps = gaps[np.isfinite(gaps)]
    return f", by at most {gaps.max():.2g}" if gaps.size else ""


def compare_claims(there: Claim, here: Claim) -> tuple[str, ...]:
    """The parts of a ledger line that differ: contract, measured numbers, verdict, reason, checks; not what it cost."""
    parts = {"contract": (there.published, here.published), **_judged(there, here)}
    return tuple(f"{name}: {one} in the archive, {two} here" for name, (one, two) in parts.items() if one != two)


def _judged(there: Claim, here: Claim) -> dict[str, tuple[Any, Any]]:
    """The parts of two judgements."""
    one, two = there.judged, here.judged
    names = ("verdict", "estimate", "part", "parts", "reason", "controls", "references")
    return {name: (getattr(one, name), getattr(two, name)) for name in names}


def _differing_keys(there: Any, here: Any, place: str) -> Iterator[str]:
    """The places at which two specs differ, as ``fixed.depth``."""
    if isinstance(there, dict) and isinstance(here, dict):
        for key in dict.fromkeys([*there, *here]):
            yield from _differing_keys(there.get(key), here.get(key), f"{place}.{key}".strip("."))
    elif there != here:
        yield place


def spec_differences(there: str, here: str) -> list[str]:
    """The keys at which two specs differ; axes are named."""
    return list(_differing_keys(_by_axis(json.loads(there)), _by_axis(json.loads(here)), ""))


def _by_axis(spec: Mapping[str, Any]) -> dict[str, Any]:
    """A spec with its axes by their names."""
    return {**spec, "axes": {axis["name"]: axis["values"] for axis in spec["axes"]}}
