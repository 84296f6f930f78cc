"""Claims on random networks of finite width: how near their kernels are to those of infinite width."""

import numpy as np
import xarray as xr

from initatlas.experiments.replication import PAIR_DEGREES
from initatlas.studies.claim import Estimate, Finding, measured
from initatlas.studies.daniely2016.dual_claims import PRINTED
from initatlas.studies.daniely2016.measures import (
    FAILURES,
    by_activation_and,
    exponent,
    theorem_accuracy,
    title,
    typical,
)
from initatlas.studies.evidence import Evidence
from initatlas.studies.statistics import (
    by_part,
    confidence,
    exponent_interval,
    mean_interval,
    positive_mean_interval,
    scaled,
    share_interval,
)

SHARP = 0.5
"""The theorem promises nothing of use where its eps is above this: kernels lie between -1 and 1."""

TOO_SMALL, TOO_LARGE = 0.98, 1.1
"""Factors of the weights in the controls."""


def rate(evidence: Evidence) -> Finding:
    """Exponent of the width in the largest error, mean over the layers."""
    cube = evidence.cubes["replication"]
    errors = cube["max_error"].sel(weight_scale=1.0)
    single = exponent(typical(errors), "width")
    return measured(
        _rates(errors),
        f"Exponent of the width in the largest entry, mean over {cube.sizes['layer']} layers, widths {int(cube.width.min())} to "
        f"{int(cube.width.max())}, {cube.sizes['seed']} networks each; single layers and activations from "
        f"{float(single.min()):.2f} to {float(single.max()):.2f}.",
        controls={"two_percent": _rates(cube["max_error"].sel(weight_scale=TOO_SMALL))},
    )


def _rates(errors: xr.DataArray) -> dict[str, Estimate]:
    """Exponents by activation: the slope of the logarithm is a mean over networks."""
    slopes = exponent(errors, "width").mean("layer")
    return by_part(
        {title(name): slopes.sel(activation=name) for name in errors.activation.values.tolist()}, mean_interval
    )


def limit(evidence: Evidence) -> Finding:
    """Mean deviation of the pair's kernel from that of infinite width, networks weighted by their width."""
    cube = evidence.cubes["replication"]
    parts = _mean_deviations(cube.sel(weight_scale=1.0))
    return measured(
        parts,
        "Mean of the kernel of inputs at 60 degrees less that of infinite width, networks weighted by their width, "
        f"{cube.sizes['seed']} per width; from {min(e.value for e in parts.values()):.4f} to "
        f"{max(e.value for e in parts.values()):.4f} over layers and activations.",
        controls={"two_percent": _mean_deviations(cube.sel(weight_scale=TOO_SMALL))},
    )


def _mean_deviations(cube: xr.Dataset) -> dict[str, Estimate]:
    """Mean deviations by activation and layer."""
    weighted = cube["pair_deviation"].weighted(cube.width).mean("width")
    return by_part(by_activation_and(weighted, "layer"), mean_interval)


def bounded(evidence: Evidence) -> Finding:
    """Share of networks whose kernel is farther from the limit than the theorem allows, where it promises something."""
    cube = evidence.cubes["bounded"].isel(width=0, layer=0)
    promised = theorem_accuracy(cube).isel(seed=0)
    sharp = [str(name) for name in cube.activation.values if float(promised.sel(activation=name)) <= SHARP]
    deviations = abs(cube["pair_deviation"]).sel(activation=sharp)
    listed = ", ".join(f"{float(promised.sel(activation=name)):.2f} ({title(name)})" for name in sharp)
    return measured(
        _failures(deviations / promised),
        f"Share of {cube.sizes['seed']} networks of one layer of {int(cube.width)} units that miss what the theorem promises "
        f"(delta = {FAILURES}): {listed}. The largest deviation is {float(deviations.max()):.4f}.",
        controls={"bare": _failures(deviations * float(cube.width) ** 0.5)},
    )


def _failures(ratios: xr.DataArray) -> dict[str, Estimate]:
    """Shares of networks beyond what is promised, by activation."""
    level = confidence(ratios.sizes["activation"])
    return {
        title(name): share_interval(int((ratios.sel(activation=name) > 1.0).sum()), ratios.sizes["seed"], level)
        for name in ratios.activation.values.tolist()
    }


def relu(evidence: Evidence) -> Finding:
    """Exponent of the layer in the root mean square deviation of the pair, times the root of the width."""
    deviations = evidence.cubes["replication"]["pair_deviation"].sel(activation="relu")
    right = deviations.sel(weight_scale=1.0)
    return measured(
        _growth(right),
        f"Exponent of the layer, 1 to {int(right.layer.max())}, in the deviation of the fixed pair, over "
        f"{right.sizes['seed'] * right.sizes['width']} networks.",
        controls={"heavy": _growth(deviations.sel(weight_scale=TOO_LARGE))},
    )


def _growth(deviations: xr.DataArray) -> Estimate:
    """Exponent of the layer in a root mean square deviation; a row is one network of each width."""
    squares = (deviations**2 * deviations.width).mean("width").transpose("seed", "layer")
    return scaled(exponent_interval(deviations.layer.values, squares.values), 0.5)


def same_kernel(evidence: Evidence) -> Finding:
    """Mean deviation of the kernel of networks with other weights from that of Gaussian ones of the same variance."""
    cube = evidence.cubes["initialisations"]
    right = cube.sel(weight_scale=1.0)
    parts = by_part(
        {
            f"{name}, {title(activation)}": _last_layer(right.sel(weights=name, activation=activation))
            for name in ("uniform", "laplace")
            for activation in right.activation.values.tolist()
        },
        mean_interval,
    )
    larger = float(cube.weight_scale.max())
    return measured(
        parts,
        f"Mean kernel of a pair at 60 degrees behind {int(cube.layer.max())} layers, {cube.sizes['seed']} networks, less that of "
        f"infinitely wide Gaussian networks: {', '.join(f'{e.value:.4f} ({part})' for part, e in parts.items())}.",
        controls={"gaussian": mean_interval(_last_layer(right.sel(weights="gaussian", activation="relu")))},
        references={
            "variance": mean_interval(_last_layer(cube.sel(weights="gaussian", activation="erf", weight_scale=larger)))
        },
    )


def _last_layer(cube: xr.Dataset) -> xr.DataArray:
    """Deviations of the pair behind the last layer."""
    return cube["pair_deviation"].isel(layer=-1)


def scaling(evidence: Evidence) -> Finding:
    """Mean product of the outputs of a network with parameters of N(0, I) over the kernel, behind one layer and two.

    The read-out's mean is taken exactly, and the ReLU is homogeneous: with unscaled weights every layer has r times the kernel.
    """
    cube = evidence.cubes["replication"].sel(activation="relu", weight_scale=1.0).isel(width=-1)
    width, limits = float(cube.width), _relu_limits(2)
    kernels = {layer: 1.0 + cube["pair_deviation"].sel(layer=layer) / limit for layer, limit in limits.items()}
    parts = {f"{layer} layers": width**layer * kernel for layer, kernel in kernels.items()}
    return measured(
        by_part(parts, positive_mean_interval),
        f"Mean product of the outputs at two inputs over the kernel of the recursion, at width {int(width)}, "
        f"{cube.sizes['seed']} networks: {', '.join(f'{float(v.mean()):.3g} ({part})' for part, v in parts.items())}. Divided "
        f"by the width in every layer it is {float(kernels[1].mean()):.3f} and {float(kernels[2].mean()):.3f}.",
        controls={"read_out": positive_mean_interval(width * kernels[2])},
    )


def _relu_limits(layers: int) -> dict[int, float]:
    """Normalised ReLU kernel of the fixed pair behind so many layers, at infinite width."""
    correlation, limits = np.cos(np.deg2rad(PAIR_DEGREES)), {}
    for layer in range(1, layers + 1):
        correlation = float(PRINTED["relu"](xr.DataArray(correlation)))
        limits[layer] = correlation
    return limits
