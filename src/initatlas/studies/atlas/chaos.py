"""Tanh networks with biases: what is read from the sweep over depth and both variances, and from theory's plane."""

import numpy as np
import xarray as xr

from initatlas.studies.atlas.trainability import CHANCE
from initatlas.studies.evidence import Evidence


def accuracies(evidence: Evidence) -> xr.DataArray:
    """Test accuracy: bias variance x depth x weight variance x seed."""
    chosen = evidence.cubes["trainability_tanh"]["test_accuracy"].isel(dataset=0, drop=True)
    return chosen.transpose("bias_variance", "depth", "weight_variance", "seed")


def plane(evidence: Evidence, bias_variance: float) -> xr.Dataset:
    """Theory at one bias variance, over the weight variance."""
    return evidence.cubes["edge_of_chaos"].sel(bias_variance=bias_variance, method="nearest")


def critical_variance(evidence: Evidence, bias_variance: float) -> float:
    """Weight variance on the edge of chaos, where chi, which grows with it, is 1; between points of theory's grid."""
    chi = plane(evidence, bias_variance)["chi"]
    return float(np.exp(np.interp(1.0, chi.values, np.log(chi.weight_variance.values))))


def correlation_depths(evidence: Evidence) -> xr.DataArray:
    """Depth over theory's correlation depth, in the shape of the accuracies without seeds; 0 where that is infinite."""
    networks = accuracies(evidence)
    axes = {name: networks[name] for name in ("bias_variance", "weight_variance")}
    nearest = evidence.cubes["edge_of_chaos"]["correlation_depth"].sel(axes, method="nearest").assign_coords(axes)
    ratios: xr.DataArray = networks.depth / nearest
    return ratios.transpose("bias_variance", "depth", "weight_variance")


def learned(networks: xr.DataArray) -> xr.DataArray:
    """Which networks reach half of the best accuracy beyond that of guessing."""
    reached: xr.DataArray = networks > CHANCE + 0.5 * (networks.max() - CHANCE)
    return reached
