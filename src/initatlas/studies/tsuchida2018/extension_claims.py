"""Claims about networks beyond the paper: biases, means, other activations, residual connections, rectangular layers."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import xarray as xr

from initatlas.arrays import Doubles
from initatlas.studies.claim import Estimate, Finding, measured
from initatlas.studies.evidence import Evidence
from initatlas.studies.judge import Measure
from initatlas.studies.statistics import (
    by_part,
    confidence,
    correlation_interval,
    exact,
    exponent_interval,
    mean_interval,
    scaled,
)
from initatlas.studies.tsuchida2018.depth_claims import angles_in_degrees
from initatlas.studies.tsuchida2018.deviations import interior, width

VARIANTS = ("bias", "mean", "elu", "gelu", "residual", "rectangular")
"""The networks beyond the paper, in the order of the sweep."""

PLAIN = 0
OFF = {
    "bias": {"without": PLAIN},
    "mean": {"without": PLAIN},
    "elu": {"five_percent": 1},
    "gelu": {"five_percent": 2},
    "residual": {"without": PLAIN, "five_percent": 3},
}
"""Controls of the variants, by their place in the sweep of wrong recursions."""


def fixed_shape(cube: xr.Dataset) -> float:
    """Root of neurons over inputs: by it a layer with variances by fan-in changes a norm that it preserves per neuron."""
    return float(np.sqrt(width(cube) / int(cube["input_dimension"])))


def departures(cube: xr.Dataset, limit: xr.Dataset, shape: float) -> dict[str, Doubles]:
    """How far networks are from a recursion: the cosine over layers and angles, and the logarithm of the norm per layer.

    Parameters
    ----------
    shape
        Factor of all norms that is due to the first layer's shape.

    Returns
    -------
    dict
        Part to one number per network, shape (networks,).
    """
    cosines = interior(cube["cosine"] - limit["cosine"]).mean(["layer", "angle"])
    logs = np.log(last_norms(cube, limit, shape).transpose("seed", "angle").values).mean(axis=1)
    return {"the cosine": cosines.values, "the norm per layer": logs / int(cube.layer.max())}


def last_norms(cube: xr.Dataset, limit: xr.Dataset, shape: float) -> xr.DataArray:
    """Norms in the last layer over those of the recursion, by network and angle."""
    expected = float(limit["norm_ratio"].isel(layer=-1)) * shape
    ratios: xr.DataArray = cube["norm_ratio"].isel(layer=-1) / expected
    return ratios


def _extension(evidence: Evidence, name: str) -> Finding:
    """Mean of sample minus recursion for one network beyond the paper."""
    cube, limit = (
        evidence.cubes[sweep].isel(variant=VARIANTS.index(name)) for sweep in ("extensions", "extensions_limit")
    )
    off, shape = evidence.cubes["extensions_off"], fixed_shape(cube)
    wrong = {control: departures(cube, off.isel(variant=place), shape) for control, place in OFF.get(name, {}).items()}
    if name == "rectangular":
        wrong["square"] = departures(cube, limit, 1.0)
    spread = float((interior(cube["cosine"] - limit["cosine"]).mean("seed") ** 2).mean() ** 0.5)
    return measured(
        by_part(departures(cube, limit, shape), mean_interval),
        f"Mean of sample minus recursion, {cube.sizes['seed']} networks of {int(cube.layer.max())} layers of width "
        f"{width(cube)}; the cosine over layers and angles, the logarithm of the norm over layers. Layer by layer and angle by "
        f"angle the mean network is {spread:.3f} away, root mean square. {_norms(cube, limit, shape)}",
        controls={control: by_part(values, mean_interval) for control, values in wrong.items()},
    )


def _norms(cube: xr.Dataset, limit: xr.Dataset, shape: float) -> str:
    """Norms in the last layer relative to the recursion, and how they go with the angles."""
    ratios = last_norms(cube, limit, shape)
    low, high = float(ratios.mean("angle").min()), float(ratios.mean("angle").max())
    angles = angles_in_degrees(1.0 - cube["cosine"].isel(layer=-1).sel(angle=90.0))
    correlation = correlation_interval(np.log(ratios.sel(angle=90.0).values), angles.values)
    return (
        f"Norms in the last layer are {low:.2f} to {high:.2f} times those of the recursion; over networks the correlation "
        f"of the logarithm of a norm with the angle, from orthogonal inputs, is {correlation.value:.2f} "
        f"[{correlation.low:.2f}, {correlation.high:.2f}]."
    )


STARTS = (30.0, 60.0, 90.0, 120.0, 150.0, 180.0)
"""Angles between the inputs from which a fixed point is approached, in degrees."""


def limit_angle(gaps: xr.DataArray) -> Estimate:
    """Angle that a recursion tends to, in degrees: its mean over starts in the last layer.

    Its error is the largest distance of that from the angle of any start in the last layer, or at half the depth.
    """
    angles = angles_in_degrees(gaps.sel(angle=list(STARTS)))
    last, half = angles.isel(layer=-1), angles.sel(layer=slice(None, int(gaps.layer.max()) // 2)).isel(layer=-1)
    value = float(last.mean())
    return exact(value, max(float(abs(last - value).max()), float(abs(half - value).max())))


def _fixed_point(evidence: Evidence, name: str) -> Finding:
    """Angle that the recursion tends to, against that of ReLU."""
    gaps = evidence.cubes["fixed_points"]["one_minus_cosine"].sel(activation=name)
    relu = limit_angle(evidence.cubes["theory"]["one_minus_cosine"].sel(activation="relu"))
    limits = limit_angle(gaps)
    last = angles_in_degrees(gaps.isel(layer=-1).sel(angle=list(STARTS)))
    return measured(
        limits,
        f"Angle behind {int(gaps.layer.max())} layers of infinite width at the variance that preserves a root mean square of 1: "
        f"from {float(last.min()):.2f} to {float(last.max()):.2f} degrees over the starts, {limits.value - limits.low:.2f} at "
        f"most from those at half the depth. ReLU: {relu.value:.3f}.",
        controls={"relu": relu},
    )


def width_exponent(samples: xr.DataArray, limit: xr.DataArray) -> Estimate:
    """Exponent of the root mean square distance from a limit over angles against the width, with its interval over networks."""
    squares = interior((samples - limit) ** 2).mean("angle").transpose("seed", "width")
    return scaled(exponent_interval(squares.width.values, squares.values, confidence(2)), 0.5)


def _width(evidence: Evidence) -> Finding:
    """How the deviation of ELU and GELU networks falls with their width."""
    cube, limits = evidence.cubes["extension_width"], evidence.cubes["extensions_limit"]
    samples = cube["cosine"].isel(layer=-1)
    plain = evidence.cubes["extensions_off"]["cosine"].isel(variant=PLAIN, layer=-1)
    exponents, wrong, angles = {}, {}, []
    for name in ("elu", "gelu"):
        limit = limits["cosine"].isel(variant=VARIANTS.index(name), layer=-1)
        here = samples.sel(activation=name)
        exponents[name], wrong[name] = width_exponent(here, limit), width_exponent(here, plain)
        angles.append(f"{name} {_angles_by_width(here)}, recursion {_right_angle(limit):.1f}")
    return measured(
        exponents,
        f"Exponent over the widths, {cube.sizes['seed']} networks of each. Mean angle in layer {int(cube.layer.max())} from "
        f"orthogonal inputs, degrees: {'; '.join(angles)}.",
        controls={"relu": wrong},
    )


def _angles_by_width(cosines: xr.DataArray) -> str:
    """Mean angles over networks by width, in words."""
    return ", ".join(f"{_right_angle(cosines.sel(width=size)):.1f} at {int(size)}" for size in cosines.width.values)


def _right_angle(cosines: xr.DataArray) -> float:
    """Mean angle in degrees from orthogonal inputs."""
    return float(angles_in_degrees(1.0 - cosines.sel(angle=90.0)).mean())


CLAIMS: Mapping[str, Measure] = {
    **{f"extension_{name}": partial(_extension, name=name) for name in VARIANTS},
    **{f"extension_{name}_fixed_point": partial(_fixed_point, name=name) for name in ("elu", "gelu")},
    "extension_width": _width,
}
