"""Claims about depth: corollaries 8 and 9, and the definiteness of deep kernels."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import xarray as xr

from initatlas.arrays import Doubles
from initatlas.studies.claim import Estimate, Finding, Parts, measured
from initatlas.studies.evidence import Evidence
from initatlas.studies.judge import Measure
from initatlas.studies.statistics import (
    by_part,
    confidence,
    exact,
    jackknife_interval,
    log_slope,
    positive_mean_interval,
)
from initatlas.studies.tsuchida2018.deviations import width
from initatlas.studies.tsuchida2018.printed import smallest_eigenvalue
from initatlas.vocabulary import parse_label

RELU = "relu"
LEAKY = ("leaky_relu(slope=0.2)", "leaky_relu(slope=0.5)", "leaky_relu(slope=0.8)")
RECTIFIERS = (RELU, *LEAKY)
PAPER_ACTIVATIONS = (RELU, "leaky_relu(slope=0.2)")

TWICE_FROM = 4096
"""Layer from which the depth is doubled for rectifiers."""

DEEP, SHALLOW = slice(1024, None), slice(1, 64)
"""Layers that an exponent is fitted to: where the power law is, and before it."""

ROUNDING = 1e-12


def angles_in_degrees(gaps: xr.DataArray) -> xr.DataArray:
    """Angles in degrees from one minus their cosines."""
    angles: xr.DataArray = np.degrees(2.0 * np.arcsin(np.sqrt(0.5 * gaps)))  # type: ignore[assignment]
    return angles


def share_left(gaps: xr.DataArray, layer: int) -> float:
    """Largest share of an angle behind a layer that is left behind twice as many, over the angles between the inputs."""
    angles = angles_in_degrees(gaps.sel(angle=slice(1.0, None)))
    return float((angles.sel(layer=2 * layer) / angles.sel(layer=layer)).max())


def _fixed_point(evidence: Evidence) -> Finding:
    """What is left of an angle when a deep network gets twice as deep."""
    gaps = evidence.cubes["theory"]["one_minus_cosine"]
    other = evidence.cubes["fixed_points"]["one_minus_cosine"].sel(activation="elu")
    half = int(other.layer.max()) // 2
    largest = angles_in_degrees(gaps.isel(layer=-1).sel(activation=list(RECTIFIERS))).max("angle")
    return measured(
        {name: exact(share_left(gaps.sel(activation=name), TWICE_FROM), ROUNDING) for name in RECTIFIERS},
        f"Share of an angle behind {TWICE_FROM} layers that is left behind {2 * TWICE_FROM}, the largest over the angles between "
        f"the inputs. Behind {int(gaps.layer.max())} layers the largest angle is {float(largest.max()):.2f} degrees, for "
        f"{largest.idxmax().item()}. For ELU: from layer {half} to {2 * half}.",
        controls={"elu": exact(share_left(other, half), ROUNDING)},
    )


def exponent(gaps: xr.DataArray) -> Estimate:
    """Exponent of a fall with the layer; as far as it still changes, from the exponent between the last two layers."""
    exponent = log_slope(gaps.layer, gaps)
    last = gaps.isel(layer=[-2, -1])
    return exact(exponent, abs(exponent - log_slope(last.layer, last)))


def _rate(evidence: Evidence) -> Finding:
    """Exponent of 1 - cos theta_j in j, over the deepest layers of the recursion."""
    gaps = evidence.cubes["theory"]["one_minus_cosine"].max("angle")
    deep = gaps.sel(layer=DEEP)
    others = (name for name in RECTIFIERS if name not in PAPER_ACTIVATIONS)
    by_label = "; ".join(f"{name} {exponent(deep.sel(activation=name)).value:.3f}" for name in others)
    return measured(
        _exponents(deep),
        f"Slope of log(1 - cos theta_j) against log j from layer {int(deep.layer.min())} to {int(deep.layer.max())}, with its "
        f"distance from the slope between the last two recorded layers. For slopes nearer to the identity: {by_label}.",
        controls={"shallow": _exponents(gaps.sel(layer=SHALLOW)), "angle": _exponents(angles_in_degrees(deep))},
    )


def _exponents(fall: xr.DataArray) -> Parts:
    """Exponents by activation."""
    return {name: exponent(fall.sel(activation=name)) for name in PAPER_ACTIVATIONS}


def differences(networks: xr.Dataset, name: str) -> dict[str, xr.DataArray]:
    """Squared differences of signals over their squared norm behind the last layer, by angle and network."""
    last = networks["squared_difference"].isel(layer=-1)
    return {f"{name} at {angle:.0f} degrees": last.sel(angle=angle) for angle in (90.0, 180.0)}


def _squared_difference(evidence: Evidence, weights: str) -> Finding:
    """Mean squared difference of the signals of two inputs in the deepest layer."""
    cube = evidence.cubes["cor9"]
    depth = int(cube.layer.max())
    samples: dict[str, xr.DataArray] = {}
    for name in PAPER_ACTIVATIONS:
        samples |= differences(cube.sel(activation=name, weights=weights), name)
    elu = differences(evidence.cubes["extension_width"].sel(activation="elu").isel(width=-1), "elu")
    limits = evidence.cubes["theory"]["one_minus_cosine"].sel(layer=depth)
    infinite = {
        f"{name} at {angle:.0f} degrees": exact(2.0 * float(limits.sel(activation=name, angle=angle)), ROUNDING)
        for name in PAPER_ACTIVATIONS
        for angle in (90.0, 180.0)
    }
    return measured(
        by_part(samples, positive_mean_interval),
        f"Squared difference of the signals over the squared norm of one behind {depth} layers of width {width(cube)}, "
        f"{cube.sizes['seed']} networks; in the limit of infinite width at most {max(e.value for e in infinite.values()):.4f}.",
        controls={"elu": by_part(elu, positive_mean_interval)},
        references={"infinite": infinite},
    )


def turned_kernel(cosines: xr.DataArray, slope: float) -> xr.DataArray:
    """The normalised kernel of one leaky ReLU layer, over the angle in degrees, with the sign of its linear term turned."""
    linear = np.cos(np.radians(cosines.angle))
    turned: xr.DataArray = cosines - 4.0 * slope / (1.0 + slope**2) * linear
    return turned


def definiteness(cosines: xr.DataArray) -> Estimate:
    """Smallest over largest eigenvalue of a kernel's Gram matrix on a circle."""
    return exact(smallest_eigenvalue(cosines.values), ROUNDING)


def turned_kernels(evidence: Evidence) -> Parts:
    """Definiteness of the turned kernels."""
    cosines = evidence.cubes["theory"]["cosine"].sel(layer=1)
    return {
        name: definiteness(turned_kernel(cosines.sel(activation=name), parse_label(name)[1]["slope"])) for name in LEAKY
    }


def _deep_definite(evidence: Evidence) -> Finding:
    """Smallest eigenvalue of the Gram matrices of deep leaky ReLU networks."""
    cosines = evidence.cubes["theory"]["cosine"]
    layers = [int(layer) for layer in cosines.layer.values if layer > 1]
    return measured(
        {
            f"{name}, layer {layer}": definiteness(cosines.sel(activation=name, layer=layer))
            for name in LEAKY
            for layer in layers
        },
        f"Smallest over largest eigenvalue of Gram matrices on {2 * (cosines.sizes['angle'] - 1)} points of a circle, layers "
        f"{layers[0]} to {layers[-1]}.",
        controls={"turned": turned_kernels(evidence)},
    )


def distance_exponents(cube: xr.Dataset, variable: str) -> Parts:
    """Exponents of root mean square distances against the width, by activation and weights."""
    distances = cube[variable].transpose("seed", "width", ...)
    labels = [(str(name), str(weights)) for name in cube.activation.values for weights in cube.weights.values]
    widths = cube.width.values

    def exponent_of(rows: Doubles) -> float:
        """Exponent of the root mean square over networks."""
        return 0.5 * log_slope(widths, (rows**2).mean(axis=0))

    return {
        f"{name}, {weights}": jackknife_interval(
            exponent_of, distances.sel(activation=name, weights=weights).values, confidence(len(labels))
        )
        for name, weights in labels
    }


def _kernel_ridge(evidence: Evidence) -> Finding:
    """How the distance between an extreme learning machine and kernel ridge regression falls with the width."""
    cube = evidence.cubes["extreme_learning"]
    widest = cube.isel(width=-1)
    machine, kernel = (float((widest[name] ** 2).mean() ** 0.5) for name in ("machine_error", "kernel_error"))
    return measured(
        distance_exponents(cube, "distance"),
        f"Exponent of the root mean square distance over widths from {int(cube.width.min())} to {int(cube.width.max())}, "
        f"{cube.sizes['seed']} layers of each. At the largest width it is {float((widest['distance'] ** 2).mean() ** 0.5):.3f} "
        f"times the target, and the test errors are {machine:.3f} and {kernel:.3f}.",
        controls={"linear": distance_exponents(cube, "other_distance")},
    )


CLAIMS: Mapping[str, Measure] = {
    "cor8_fixed_point": _fixed_point,
    "cor8_rate": _rate,
    "cor9": partial(_squared_difference, weights="gaussian"),
    "cor9_t": partial(_squared_difference, weights="multivariate_t(nu=10)"),
    "deep_definite": _deep_definite,
    "elm_kernel_ridge": _kernel_ridge,
}
