"""How smooth the function is before and after training: what is read from the sweep over variance, depth and mirroring."""

import numpy as np
import xarray as xr

from initatlas.arrays import Doubles

KINKED, SMOOTH = "relu", "tanh"
"""The activation that the figure is about, and one with all derivatives."""

NORM_PRESERVING = 2.0
"""Weight variance of ReLU networks at which norms stay."""


def bends(cube: xr.Dataset, *, mirrored: bool, trained: bool) -> xr.DataArray:
    """Bending of ReLU networks before or after training: depth x weight variance x seed."""
    chosen = cube["bending"].isel(dataset=0, evaluation=-1 if trained else 0, drop=True)
    return chosen.sel(activation=KINKED, mirrored=mirrored, drop=True)


def preserving(rows: xr.DataArray) -> xr.DataArray:
    """Those at the norm-preserving variance, or next to it."""
    return rows.sel(weight_variance=NORM_PRESERVING, method="nearest", drop=True)


def log_bends(cube: xr.Dataset, *, mirrored: bool) -> Doubles:
    """Logarithm of the bending after training at the norm-preserving variance, mean over the depths, by seed.

    Seeds of which a network diverged are left out.
    """
    rows = preserving(bends(cube, mirrored=mirrored, trained=True)).transpose("depth", "seed")
    logs = np.log(rows.values).mean(axis=0)
    finite: Doubles = logs[np.isfinite(logs)]
    return finite


def start_smoothness(cube: xr.Dataset, activation: str) -> xr.DataArray:
    """Smoothness of the networks that do not start at 0: depth x seed, mean over the variances."""
    chosen = cube["smoothness"].isel(dataset=0, evaluation=0, drop=True)
    return (
        chosen.sel(activation=activation, mirrored=False, drop=True).mean("weight_variance").transpose("depth", "seed")
    )
