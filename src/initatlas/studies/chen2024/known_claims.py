"""Claims on the estimate of the smoothness that needs no window."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from initatlas.arrays import Doubles
from initatlas.studies.chen2024.known import PRINTED, SHORT, by_slope, by_sphere, coverage, errors, without_window
from initatlas.studies.claim import Finding, measured
from initatlas.studies.evidence import Evidence
from initatlas.studies.judge import Measure
from initatlas.studies.statistics import by_part, mean_interval


def _errors(estimates: Mapping[int, xr.Dataset]) -> dict[str, Doubles]:
    """Errors by sphere and smoothness."""
    return {
        f"R^{dimension}, s = {s:g}": errors(one, s)
        for dimension, one in estimates.items()
        for s in one.smoothness.values.tolist()
    }


def _known(evidence: Evidence) -> Finding:
    """Errors of the estimate, and of the slope over the printed window."""
    cube = evidence.cubes["known_smoothness"]
    spheres = by_sphere(cube)
    left = _errors({dimension: without_window(sphere) for dimension, sphere in spheres.items()})
    printed = _errors({dimension: by_slope(sphere, PRINTED) for dimension, sphere in spheres.items()})
    spread = np.sqrt(
        np.mean([float(without_window(sphere)["value"].var("function").mean()) for sphere in spheres.values()])
    )
    return measured(
        by_part(left, mean_interval),
        f"Mean errors go from {min(map(np.mean, left.values())):+.3f} to {max(map(np.mean, left.values())):+.3f} over "
        f"{len(left)} settings, {cube.sizes['seed']} samples of {cube.sizes['function']} functions each; one function's estimate "
        f"scatters by {spread:.3f}. The slopes over the printed window are {np.mean(list(printed.values())):.2f} too large "
        "in the mean.",
        controls={"printed_window": by_part(printed, mean_interval)},
    )


def _covered(evidence: Evidence) -> Finding:
    """Shares of intervals that hold the truth."""
    cube = evidence.cubes["known_smoothness"]
    spheres = by_sphere(cube)
    shares = {f"R^{dimension}": coverage(without_window(sphere)) for dimension, sphere in spheres.items()}
    short = {f"R^{dimension}": coverage(by_slope(sphere, SHORT)) for dimension, sphere in spheres.items()}
    shown = ", ".join(f"{values.mean():.2f} ({sphere})" for sphere, values in shares.items())
    return measured(
        by_part(shares, mean_interval),
        f"Covered: {shown}; by the slope over i < {SHORT} and its bootstrap: {np.mean(list(short.values())):.2f}.",
        controls={"window_interval": by_part(short, mean_interval)},
    )


CLAIMS: Mapping[str, Measure] = {"known_smoothness": _known, "known_coverage": _covered}
