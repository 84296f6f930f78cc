"""Claims beyond the paper: how far breakpoints travel, by width and initial scale."""

from collections.abc import Mapping

import xarray as xr

from initatlas.arrays import Doubles
from initatlas.studies.claim import Estimate, Finding, measured
from initatlas.studies.evidence import Evidence
from initatlas.studies.judge import Measure
from initatlas.studies.sahs2020.roughness_claims import shuffled
from initatlas.studies.statistics import exponent_interval

LARGE_SCALE = 2.0
"""The scale at which the exponent of the width is taken."""

SMALLEST_WIDTH = 40
"""The width from which it is taken."""


def _rows(travel: xr.DataArray, axis: str) -> Doubles:
    """Travel of all networks without a missing one, shape (networks, places of the axis)."""
    rows: Doubles = travel.transpose("network", axis).dropna("network").values
    return rows


def exponent(travel: xr.DataArray, axis: str) -> Estimate:
    """Exponent of the mean travel along an axis."""
    return exponent_interval(travel[axis].values, _rows(travel, axis))


def _width(sweep: str) -> Measure:
    """Exponent of the travel against the width, and the same with the widths of each network changed about."""

    def measure(evidence: Evidence) -> Finding:
        travel = evidence.cubes[sweep]["travel"].sel(output_at_start="removed", scale=LARGE_SCALE)
        travel = travel.sel(width=travel.width[travel.width >= SMALLEST_WIDTH])
        slope, widths = exponent(travel, "width"), travel.width.values
        means = travel.mean("network").values
        return measured(
            slope,
            f"The median breakpoint travels {means[0]:.2g} with {widths[0]} units and {means[-1]:.2g} with {widths[-1]}: "
            f"an exponent of {slope.value:.2f}.",
            controls={"shuffled": exponent_interval(widths, shuffled(_rows(travel, "width")))},
        )

    return measure


def _scale(sweep: str) -> Measure:
    """Exponent of the travel against the scale from 1 on in the widest networks, without and with their output at the start."""

    def measure(evidence: Evidence) -> Finding:
        widest = evidence.cubes[sweep]["travel"].isel(width=-1)
        large = widest.sel(scale=widest.scale[widest.scale >= 1.0])
        removed, kept = (exponent(large.sel(output_at_start=name), "scale") for name in ("removed", "kept"))
        return measured(
            removed,
            f"With {int(widest.width)} units the exponent is {removed.value:.2f} without the output at the start and "
            f"{kept.value:.2f} with it, which large networks have to unlearn.",
            controls={"kept": kept},
        )

    return measure


CLAIMS: Mapping[str, Measure] = {
    "regimes_width": _width("regimes"),
    "regimes_scale": _scale("regimes"),
    "regimes_fresh_width": _width("regimes_fresh"),
    "regimes_fresh_scale": _scale("regimes_fresh"),
}
