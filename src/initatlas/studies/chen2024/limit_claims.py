"""Claims on the smoothness of the initial function, and on networks beside NTK regression."""

from collections.abc import Mapping

import xarray as xr

from initatlas.studies.chen2024.limits import STARTS, theory_threshold, threshold, width_exponents
from initatlas.studies.claim import Estimate, Finding, measured
from initatlas.studies.evidence import Evidence
from initatlas.studies.judge import Measure
from initatlas.studies.statistics import by_part, mean_interval, shifted


def _threshold(evidence: Evidence) -> Finding:
    """Thresholds less 3 / (d + 1)."""
    cube = evidence.cubes["gp_smoothness"]
    spheres = {f"d = {int(dimension) - 1}": cube.sel(dimension=dimension) for dimension in cube.dimension.values}
    shown = ", ".join(f"{threshold(one).value:.4f} for {theory_threshold(one):.4f} ({d})" for d, one in spheres.items())
    return measured(
        {d: _beyond(one, "nngp") for d, one in spheres.items()},
        f"Measured for predicted: {shown}.",
        controls={"own_process": {d: _beyond(one, "ntk") for d, one in spheres.items()}},
    )


def _beyond(cube: xr.Dataset, process: str) -> Estimate:
    """A threshold less the one of theory."""
    return shifted(threshold(cube, process), -theory_threshold(cube))


def _rate(evidence: Evidence) -> Finding:
    """Exponents of the width."""
    cube = evidence.cubes["uniform_convergence"]
    last = cube.isel(width=-1).mean("seed")
    shown = ", ".join(f"{float(last['distance'].sel(start=start)):.2g} ({start})" for start in STARTS)
    return measured(
        by_part({start: width_exponents(cube, start) for start in STARTS}, mean_interval),
        f"{cube.sizes['seed']} samples, widths from {int(cube.width.min())} to {int(cube.width.max())}; the mean distance at the "
        f"largest is {shown}.",
        controls={
            "other_kernel": by_part(
                {start: width_exponents(cube, start, "other_distance") for start in STARTS}, mean_interval
            )
        },
    )


CLAIMS: Mapping[str, Measure] = {"gp_threshold": _threshold, "uniform_rate": _rate}
