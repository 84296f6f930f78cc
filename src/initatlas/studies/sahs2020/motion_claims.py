"""Claims on figure 2: births, deaths and travel of breakpoints by layer."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from initatlas.arrays import Doubles
from initatlas.studies.claim import Finding, Parts, measured
from initatlas.studies.evidence import Evidence
from initatlas.studies.judge import Measure
from initatlas.studies.sahs2020.measures import TITLES, kept
from initatlas.studies.statistics import confidence, log_ratio_interval, mean_interval


def change_rate(cube: xr.Dataset) -> xr.DataArray:
    """Births and deaths per breakpoint and look; none where a layer has no breakpoint."""
    rate: xr.DataArray = (cube["births"] + cube["deaths"]) / (cube["breakpoints"] * (cube["looks"] - 1)).where(
        cube["breakpoints"] > 0
    )
    return rate


def speed(cube: xr.Dataset) -> xr.DataArray:
    """Distance per breakpoint and look; none where no breakpoint stayed."""
    distance: xr.DataArray = cube["travelled"] / cube["stayed"].where(cube["stayed"] > 0)
    return distance


def _pairs(values: xr.DataArray) -> dict[str, tuple[Doubles, Doubles]]:
    """Each deeper layer and the first one, by function."""
    return {
        f"{TITLES[target]}, layer {layer}": (
            kept(values.sel(target=target, layer=layer)),
            kept(values.sel(target=target, layer=1)),
        )
        for target in values.target.values.tolist()
        for layer in values.layer.values.tolist()[1:]
    }


def _halves(values: xr.DataArray) -> tuple[Doubles, Doubles]:
    """The first layer in one half of the networks and in the other, all functions together."""
    first, half = values.sel(layer=1), values.sizes["seed"] // 2
    return kept(first.isel(seed=slice(half))), kept(first.isel(seed=slice(half, 2 * half)))


def _by_layer(values: xr.DataArray) -> str:
    """Means over networks and functions, from the first layer to the last."""
    return ", ".join(f"{float(values.sel(layer=layer).mean()):.2g}" for layer in values.layer.values.tolist())


def _births(evidence: Evidence) -> Finding:
    """How much more often the number of breakpoints changes in deeper layers."""
    rates = change_rate(evidence.cubes["fig2"])
    pairs = _pairs(rates.fillna(0.0))
    level = confidence(len(pairs))
    differences: Parts = {name: mean_interval(deeper - first, level) for name, (deeper, first) in pairs.items()}
    one, other = _halves(rates.fillna(0.0))
    return measured(
        differences,
        f"Births and deaths per breakpoint and 100 updates, from the first layer to the last: {_by_layer(rates)}.",
        controls={"halves": mean_interval(one - other)},
    )


def _velocity(evidence: Evidence) -> Finding:
    """How much faster breakpoints of deeper layers travel."""
    speeds = speed(evidence.cubes["fig2"])
    pairs = _pairs(speeds)
    level = confidence(len(pairs))
    return measured(
        {name: log_ratio_interval(deeper, first, level) for name, (deeper, first) in pairs.items()},
        f"Distance per breakpoint and 100 updates, from the first layer to the last: {_by_layer(speeds)}; "
        f"{np.exp(log_ratio_interval(*_halves(speeds)).value):.2f} between two halves of the networks.",
        controls={"halves": log_ratio_interval(*_halves(speeds))},
    )


CLAIMS: Mapping[str, Measure] = {"fig2_births": _births, "fig2_velocity": _velocity}
