"""What the figures, tables and claims read from the trainability cube."""

import numpy as np
import xarray as xr

from initatlas.studies.evidence import Evidence

CHANCE = 0.1
"""Accuracy of guessing one of ten classes."""


def accuracy(evidence: Evidence, dataset: str) -> xr.DataArray:
    """Test accuracy at the largest width, mean over the seeds: weights x depth x weight variance."""
    cube = evidence.cubes["trainability"]
    return cube["test_accuracy"].sel(dataset=dataset, width=int(cube.width.max())).mean("seed")


def critical_variance(evidence: Evidence) -> float:
    """The weight variance at which theory's depth scale of gradients is largest: the norm-preserving one."""
    scale = evidence.cubes["depth_scale"]["depth_scale"]
    return float(scale.weight_variance[int(np.argmax(scale.values))])


def scale_at(evidence: Evidence, weight_variance: xr.DataArray) -> xr.DataArray:
    """Theory's depth scale of gradients at the variances of the map, from the nearest point of its finer grid."""
    scale = evidence.cubes["depth_scale"]["depth_scale"]
    return scale.sel(weight_variance=weight_variance, method="nearest").assign_coords(weight_variance=weight_variance)


def best_variance(accuracies: xr.DataArray) -> tuple[float, float, float]:
    """Geometric mean of the variances whose accuracy is within 0.02 of the best one, and the ends of that set."""
    close = accuracies.weight_variance.values[accuracies.values >= float(accuracies.max()) - 0.02]
    return float(np.exp(np.log(close).mean())), float(close.min()), float(close.max())
