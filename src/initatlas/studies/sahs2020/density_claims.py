"""Claims on table 4: breakpoints and curvature before and after training."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from initatlas.studies.claim import Finding, Parts, measured
from initatlas.studies.evidence import Evidence
from initatlas.studies.judge import Measure
from initatlas.studies.sahs2020.measures import TITLES, kept
from initatlas.studies.statistics import confidence, exact, mean_interval, scaled

FUNCTIONS: Mapping[str, str] = {
    "sine": "sine",
    "cubic": "polynomial(c3=1)",
    "chirp": "chirp",
    "spline": "cubic_spline",
}
"""The columns of table 4, by their names in the claims."""

SIMPLE = "exp"
"""A function that the paper calls too simple."""

DEPTHS = (1, 4)

TIMES: Mapping[str, str] = {"initial": "before", "final": "after"}


def of_depth(values: xr.DataArray, depth: int) -> xr.DataArray:
    """The networks of a number of hidden layers."""
    return values.isel(shape=values.depth.values.tolist().index(depth))


def change(cube: xr.Dataset) -> xr.DataArray:
    """Correlation after training less that before."""
    correlation = cube["correlation"]
    return correlation.sel(time="after", drop=True) - correlation.sel(time="before", drop=True)


def layers(depth: int) -> str:
    """A number of hidden layers in words."""
    return f"{depth} hidden layer{'s' if depth > 1 else ''}"


def _cell(target: str, depth: int, time: str) -> Measure:
    """The mean correlation of a cell, held against a density that is the curvature."""

    def measure(evidence: Evidence) -> Finding:
        values = of_depth(evidence.cubes["table4"]["correlation"].sel(target=target, time=time), depth)
        numbers = kept(values)
        return measured(
            mean_interval(numbers),
            f"{numbers.mean():.3f}, between {numbers.min():.2f} and {numbers.max():.2f} in {numbers.size} networks.",
            controls={"curvature": exact(1.0)},
        )

    return measure


def _halves(values: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
    """One half of the networks and the other, with the same numbers."""
    half = values.sizes["seed"] // 2
    first, second = values.isel(seed=slice(half)), values.isel(seed=slice(half, 2 * half))
    return first, second.assign_coords(seed=first.seed)


def _moved(evidence: Evidence) -> Finding:
    """How much more the densities correlate with the curvature after training, by function and depth."""
    changes, level = change(evidence.cubes["table4"]), confidence(len(DEPTHS) * len(FUNCTIONS))
    parts: Parts = {
        f"{TITLES[target]}, {layers(depth)}": mean_interval(kept(of_depth(changes.sel(target=target), depth)), level)
        for depth in DEPTHS
        for target in FUNCTIONS.values()
    }
    text = ", ".join(f"{part.value:+.2f} ({name})" for name, part in parts.items())
    return measured(
        parts,
        f"Changes of the correlation: {text}.",
        controls={"backwards": {name: scaled(part, -1.0) for name, part in parts.items()}},
    )


def _deeper(evidence: Evidence) -> Finding:
    """How much more the correlation changes with four hidden layers than with one, by function."""
    changes = change(evidence.cubes["table4"])
    shallow, deep = (of_depth(changes, depth).drop_vars("depth") for depth in DEPTHS)
    level = confidence(len(FUNCTIONS))
    parts: Parts = {
        TITLES[target]: mean_interval(kept(deep.sel(target=target) - shallow.sel(target=target)), level)
        for target in FUNCTIONS.values()
    }
    first, second = _halves(shallow.sel(target=[*FUNCTIONS.values()]))
    text = ", ".join(f"{part.value:+.2f} ({name})" for name, part in parts.items())
    return measured(
        parts,
        f"Changes with four hidden layers less those with one: {text}.",
        controls={"halves": mean_interval(kept(second - first))},
    )


def _simple(evidence: Evidence) -> Finding:
    """Changes on a simple function, and those that would make the density follow the curvature."""
    cube = evidence.cubes["table4"].sel(target=SIMPLE)
    level = confidence(len(DEPTHS))
    changes = {layers(depth): kept(of_depth(change(cube), depth)) for depth in DEPTHS}
    room = {layers(depth): kept(1.0 - of_depth(cube["correlation"].sel(time="before"), depth)) for depth in DEPTHS}
    return measured(
        {name: mean_interval(values, level) for name, values in changes.items()},
        f"Changes: {', '.join(f'{np.mean(values):+.3f} ({name})' for name, values in changes.items())}.",
        controls={"curvature": {name: mean_interval(values, level) for name, values in room.items()}},
    )


CLAIMS: Mapping[str, Measure] = {
    **{
        f"table4_{name}_{depth}_{when}": _cell(target, depth, time)
        for name, target in FUNCTIONS.items()
        for depth in DEPTHS
        for when, time in TIMES.items()
    },
    "table4_moved": _moved,
    "table4_deeper": _deeper,
    "table4_simple": _simple,
}
