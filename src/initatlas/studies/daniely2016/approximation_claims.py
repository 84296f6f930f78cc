"""Claims on random features: how well one random layer approximates functions inside and outside of its kernel's space."""

import xarray as xr

from initatlas.studies.claim import Estimate, Finding, measured
from initatlas.studies.daniely2016.measures import by_activation_and, title
from initatlas.studies.evidence import Evidence
from initatlas.studies.statistics import by_part, confidence, exponent_interval, positive_mean_interval

WIDEST = 3
"""Widths at the wide end whose errors give the rate for a target of infinite norm."""


def rate(evidence: Evidence) -> Finding:
    """Exponent of the width in the mean squared error of the unbiased weights."""
    errors = evidence.cubes["approximation"]["unbiased_error"]
    parts = _exponents(errors.sel(feature_scale=1.0))
    return measured(
        parts,
        f"Exponent of the width, {int(errors.width.min())} to {int(errors.width.max())}, {errors.sizes['seed']} layers and "
        "targets per width. By theory it is -1 if the mean product of the features is the kernel of the target.",
        controls={"too_large": _exponents(errors.isel(feature_scale=-1).sel(activation=["relu"]))},
    )


def _exponents(errors: xr.DataArray) -> dict[str, Estimate]:
    """Exponents of the width in the mean over layers, by activation."""
    names = errors.activation.values.tolist()
    return {title(name): _exponent(errors.sel(activation=name), parts=len(names)) for name in names}


def _exponent(errors: xr.DataArray, *, parts: int = 1) -> Estimate:
    """Exponent of the width in the mean over layers."""
    return exponent_interval(errors.width.values, errors.transpose("seed", "width").values, confidence(parts))


def bound(evidence: Evidence) -> Finding:
    """m times the error for the worst target of norm 1, with the best output weights."""
    errors = evidence.cubes["worst_target"]["fitted_error"]
    parts = _means(errors * errors.width)
    shuffled = evidence.cubes["approximation"]["shuffled_error"].sel(feature_scale=1.0)
    return measured(
        parts,
        f"m times the mean squared error for the worst of all functions of norm 1, mean over {errors.sizes['seed']} layers: from "
        f"{min(e.value for e in parts.values()):.3f} to {max(e.value for e in parts.values()):.3f} over widths and activations.",
        controls={"shuffled": _means(shuffled * shuffled.width), "faster": _means(errors * errors.width**2)},
    )


def _means(values: xr.DataArray) -> dict[str, Estimate]:
    """Means over the layers, by activation and width."""
    return by_part(by_activation_and(values, "width"), positive_mean_interval)


def only_if(evidence: Evidence) -> Finding:
    """Error of the widest layer for neurons of infinite norm, as a share of their mean square."""
    cube = evidence.cubes["neuron"].isel(width=-1)
    inside = evidence.cubes["approximation"].sel(activation="relu", feature_scale=1.0).isel(width=-1)
    error = positive_mean_interval(cube["fitted_error"] / cube["mean_square"])
    return measured(
        error,
        f"Error of the best output weights for single ReLU neurons at width {int(cube.width)}, as a share of their mean square: "
        f"{error.value:.2e}. By theory (not measured) their norm is infinite, for each harmonic of their degrees adds the same.",
        controls={"norm_one": positive_mean_interval(inside["fitted_error"] / inside["mean_square"])},
    )


def only_if_rate(evidence: Evidence) -> Finding:
    """Exponent of the width in the error for neurons of infinite norm, at the wide end."""
    errors = evidence.cubes["neuron"]["fitted_error"].isel(width=slice(-WIDEST, None))
    inside = evidence.cubes["approximation"]["fitted_error"].sel(activation="relu", feature_scale=1.0)
    whole = _exponent(evidence.cubes["neuron"]["fitted_error"])
    return measured(
        _exponent(errors),
        f"Exponent of the width in the error of the best output weights, widths {int(errors.width.min())} to "
        f"{int(errors.width.max())}; from {int(evidence.cubes['neuron'].width.min())} on it is {whole.value:.2f}. Single ReLU "
        "neurons are the target; by theory it tends to -3 / (d - 1).",
        controls={"norm_one": _exponent(inside)},
    )
