"""What figure and claims read from the estimates of functions whose smoothness is known."""

import xarray as xr

from initatlas.arrays import Doubles
from initatlas.studies.chen2024.smoothness import PAPER_WINDOW, SHORT_WINDOW

SHORT, PRINTED = SHORT_WINDOW, PAPER_WINDOW


def by_sphere(cube: xr.Dataset) -> dict[int, xr.Dataset]:
    """The cube at each dimension of the inputs."""
    return {int(dimension): cube.sel(dimension=dimension) for dimension in cube.dimension.values}


def eigenvalue_decay(sphere: xr.Dataset) -> float:
    """Power of the index by which the NTK's eigenvalues fall on the sphere in R^d: d / (d - 1)."""
    dimension = int(sphere.dimension)
    return dimension / (dimension - 1.0)


def without_window(sphere: xr.Dataset) -> xr.Dataset:
    """The estimate without a window: `value`, `low` and `high` over seed, smoothness and function."""
    return xr.Dataset({
        "value": sphere["exponent"], "low": sphere["exponent_low"], "high": sphere["exponent_high"]
    })  # fmt: skip


def by_slope(sphere: xr.Dataset, window: int) -> xr.Dataset:
    """The same from the slope over a window, over the decay of the eigenvalues."""
    chosen, decay = sphere.sel(window=window), eigenvalue_decay(sphere)
    return xr.Dataset({
        "value": chosen["slope"] / decay, "low": chosen["slope_low"] / decay, "high": chosen["slope_high"] / decay
    })  # fmt: skip


def errors(estimates: xr.Dataset, smoothness: float) -> Doubles:
    """Mean error over the functions of one smoothness, one number per sample of inputs."""
    left: Doubles = (estimates["value"].sel(smoothness=smoothness).mean("function") - smoothness).values
    return left


def coverage(estimates: xr.Dataset) -> Doubles:
    """Share of all functions whose interval holds their smoothness, one number per sample of inputs."""
    held = (estimates["low"] <= estimates.smoothness) & (estimates.smoothness <= estimates["high"])
    shares: Doubles = held.mean(["smoothness", "function"]).values
    return shares
