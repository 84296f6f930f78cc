"""Claim on figure 7: how the number of critical points grows with data points and breakpoints."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from initatlas.arrays import Doubles
from initatlas.studies.claim import Finding, Parts, measured
from initatlas.studies.evidence import Evidence
from initatlas.studies.judge import Measure
from initatlas.studies.statistics import by_part, mean_interval


def exponents(counts: xr.DataArray) -> dict[str, Doubles]:
    """Exponents of the growth with N at the most breakpoints, and with H at the most data points, of each draw of data."""
    used = counts.used.values
    large = counts.sel(used=used[used >= used[-1] // 4])
    most_breakpoints, most_points = large.isel(used=-1), large.isel(points=-1)
    return {
        f"N, with {used[-1]} breakpoints": _exponent(most_breakpoints.points.values, most_breakpoints, "points"),
        f"H, with {counts.points.values[-1]} data points": _exponent(most_points.used.values, most_points, "used"),
    }


def _exponent(x: Doubles, counts: xr.DataArray, dim: str) -> Doubles:
    """Slope of the logarithm of counts against that of `x`, by draw."""
    slopes: Doubles = np.polyfit(np.log(x), np.log(counts.transpose(dim, "seed").values), 1)[0]
    return slopes


def _polynomial(evidence: Evidence) -> Finding:
    """Exponents of the continuous partitions; their share of all partitions falls."""
    cube = evidence.cubes["fig7"]
    parts: Parts = by_part(exponents(cube["continuous"]), mean_interval)
    text = ", ".join(f"{part.value:.1f} ({name})" for name, part in parts.items())
    return measured(
        parts,
        f"Exponents, from a quarter of the breakpoints on: {text}.",
        controls={"share": by_part(exponents(cube["continuous"] / cube["partitions"]), mean_interval)},
    )


CLAIMS: Mapping[str, Measure] = {"fig7_polynomial": _polynomial}
