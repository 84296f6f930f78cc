"""What the figures, tables and claims read from the trainability cubes."""

import numpy as np
import xarray as xr

from initatlas.studies.claim import Finding, absent
from initatlas.studies.evidence import Evidence

CHANCE = 0.1
"""Accuracy of guessing one of ten classes."""

ABOVE_CHANCE = 2.0
"""Networks whose accuracy is below this many times that of guessing have learned nothing."""


def networks(evidence: Evidence, sweep: str = "trainability") -> xr.DataArray:
    """Test accuracy at the largest width: weights x depth x weight variance x seed."""
    cube = evidence.cubes[sweep]
    return cube["test_accuracy"].isel(dataset=0).sel(width=int(cube.width.max()))


def accuracy(evidence: Evidence, sweep: str) -> xr.DataArray:
    """Test accuracy at the largest width, mean over the seeds: weights x depth x weight variance."""
    return networks(evidence, sweep).mean("seed", keep_attrs=True)


def critical_variance(evidence: Evidence) -> float:
    """The weight variance at which theory's depth scale of gradients is largest: the norm-preserving one."""
    scale = evidence.cubes["depth_scale"]["depth_scale"]
    return float(scale.weight_variance[int(np.argmax(scale.values))])


def scales(evidence: Evidence, accuracies: xr.DataArray) -> xr.DataArray:
    """Depth over theory's depth scale of gradients, depth x weight variance; 0 where the scale is infinite.

    The scale is that of the nearest point of its finer grid.
    """
    scale = evidence.cubes["depth_scale"]["depth_scale"]
    variance = accuracies.weight_variance
    nearest = scale.sel(weight_variance=variance, method="nearest").assign_coords(weight_variance=variance)
    ratios: xr.DataArray = accuracies.depth / nearest
    return ratios


def best_variance(accuracies: xr.DataArray) -> tuple[float, float, float]:
    """Geometric mean of the variances whose accuracy is within 0.02 of the best one, and the ends of that set."""
    close = accuracies.weight_variance.values[accuracies.values >= float(accuracies.max()) - 0.02]
    return float(np.exp(np.log(close).mean())), float(close.min()), float(close.max())


def idle(accuracies: xr.DataArray) -> Finding | None:
    """A finding where no network has learned anything: then all are alike, and nothing is to be said of them."""
    best = float(accuracies.max())
    if best >= ABOVE_CHANCE * CHANCE:
        return None
    return absent(
        f"No network learns: the best accuracy is {best:.2f}, that of guessing {CHANCE:.2f}. Train for more steps."
    )
