"""Claims about random layers and networks: figures 2 and 4, and how the layers of a finite width scatter."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from initatlas.studies.claim import Estimate, Finding, measured
from initatlas.studies.evidence import Evidence
from initatlas.studies.judge import Measure
from initatlas.studies.statistics import (
    by_part,
    log_slope,
    mean_interval,
    positive_mean_interval,
    scaled,
    shifted,
)
from initatlas.studies.tsuchida2018.deviations import (
    FIGURE_4,
    deviation,
    exact_ratio,
    interior,
    part,
    scale_kurtosis,
    width,
)
from initatlas.studies.tsuchida2018.integral_claims import INDEPENDENT_T, SLOPE, WRONG_SLOPE
from initatlas.studies.tsuchida2018.printed import composed_cosine, normalised_kernel
from initatlas.vocabulary import parse_label

SPARSE = "generalized_normal(beta=0.5)"
MIDDLE = slice(15.0, 165.0)
"""Angles at which many neurons see both inputs."""


def slope_of(activation: str) -> float:
    """Slope of a rectifier by its label."""
    return parse_label(activation)[1].get("slope", 0.0)


def has_fourth_moment(label: str) -> bool:
    """Whether weights of this distribution have a fourth moment, so that a finite layer has a variance."""
    return bool(np.isfinite(scale_kurtosis(label)))


def _right_angle(evidence: Evidence) -> Finding:
    """Mean cosine behind one layer at 90 degrees, and at 87."""
    cube = evidence.cubes["fig2"]
    cosine = cube["cosine"].sel(layer=1)
    return measured(
        mean_interval(cosine.sel(angle=90.0).values),
        f"Mean of {cube.sizes['seed']} layers of {width(cube)} units.",
        controls={"neighbour": mean_interval(cosine.sel(angle=87.0).values)},
    )


def _curve(evidence: Evidence) -> Finding:
    """Mean distance of the samples from theory, angle by angle."""
    cube = evidence.cubes["fig2"]
    estimates = by_angle(deviation(cube, evidence.cubes["theory"]).sel(layer=1))
    return measured(
        estimates,
        f"Mean of sample minus theory over {cube.sizes['seed']} layers of {width(cube)} units, at {len(estimates)} angles.",
        controls={"slope": against_slope(estimates, 0.0, 0.05)},
    )


def by_angle(deviations: xr.DataArray, *others: str) -> dict[str, Estimate]:
    """Mean deviations over the networks, for every angle and every value of some other dimensions."""
    cases = deviations.stack(case=("angle", *others)).transpose("case", "seed")
    values: dict[str, ArrayLike] = {
        ", ".join([f"{where[0]:.0f} degrees", *map(str, where[1:])]): row.values
        for where, row in zip(cases["case"].values, cases, strict=True)
    }
    return by_part(values, mean_interval)


def against_slope(slopes: Mapping[str, Estimate], slope: float, other: float) -> dict[str, Estimate]:
    """Mean deviations from the kernel of another slope; the parts begin with their angle in degrees."""
    moved = {}
    for name, estimate in slopes.items():
        cosine = np.cos(np.radians(float(name.partition(" ")[0])))
        difference = normalised_kernel(cosine, other) - normalised_kernel(cosine, slope)
        moved[name] = shifted(estimate, -float(difference))
    return moved


def _scatter(evidence: Evidence) -> Finding:
    """Squared distance of the samples from theory, in units of its exact variance."""
    cube = evidence.cubes["fig2"]
    ratio = positive_mean_interval(exact_ratio(cube, evidence.cubes["theory"]))
    return measured(
        ratio,
        f"Mean square of sample minus theory over the exact variance for {width(cube)} units, {cube.sizes['seed']} layers.",
        controls={"twelve_percent": scaled(ratio, 1.0 / 1.12)},
    )


def one_layer_deviations(cube: xr.Dataset, theory: xr.Dataset, activation: str) -> xr.DataArray:
    """Sample minus theory behind one layer, for one activation of a cube."""
    limit = theory["cosine"].sel(activation=activation, layer=1)
    return interior(cube["cosine"].sel(activation=activation, layer=1) - limit)


def _flat_layer(name: str) -> Measure:
    """Layer 1 of figures 4a and 4b: generalised normal weights and flat inputs."""
    activation, _ = FIGURE_4[name]

    def measure(evidence: Evidence) -> Finding:
        cube, theory = evidence.cubes["fig4_flat"], evidence.cubes["theory"]
        estimates = by_angle(one_layer_deviations(cube, theory, activation), "weights")
        sparse = evidence.cubes["thm6_sparse"]["cosine"].sel(weights=SPARSE, plane="axes", layer=1, angle=90.0)
        limit = float(theory["cosine"].sel(activation="relu", layer=1, angle=90.0))
        controls: dict[str, Estimate | dict[str, Estimate]] = (
            {"slope": against_slope(estimates, SLOPE, WRONG_SLOPE)}
            if slope_of(activation)
            else {"sparse": mean_interval(sparse.isel(input_dimension=-1).values - limit)}
        )
        return measured(
            estimates,
            f"Mean of sample minus theory over {cube.sizes['seed']} layers of {width(cube)} units, flat inputs; the angles and "
            "exponents of the sweep.",
            controls=controls,
        )

    return measure


def _coordinate_layer(name: str) -> Measure:
    """Layer 1 of figures 4c and 4d: multivariate t weights and inputs in the plane of two coordinates."""
    activation, _ = FIGURE_4[name]

    def measure(evidence: Evidence) -> Finding:
        cube = evidence.cubes["cor3_4"].isel(width=-1)
        deviations = one_layer_deviations(cube, evidence.cubes["theory"], activation)
        coarse = deviations.sel(angle=[30.0, 60.0, 90.0, 120.0, 150.0])
        light = [w for w in map(str, cube.weights.values) if w.startswith("multivariate_t") and has_fourth_moment(w)]
        estimates = by_angle(coarse.sel(weights=light), "weights")
        controls: dict[str, Mapping[str, Estimate]] = {"independent_t": by_angle(coarse.sel(weights=INDEPENDENT_T))}
        if slope_of(activation):
            controls["slope"] = against_slope(estimates, SLOPE, WRONG_SLOPE)
        return measured(
            estimates,
            f"Mean of sample minus theory over {cube.sizes['seed']} layers of {int(cube.width)} units, inputs in the plane of "
            f"two coordinates; {len(light)} values of nu, 5 angles.",
            controls=controls,
        )

    return measure


def _deep(name: str) -> Measure:
    """Distance of deep networks from theory, distribution by distribution."""

    def measure(evidence: Evidence) -> Finding:
        cube = part(evidence.cubes["fig4"], name)
        deviations = deviation(cube, evidence.cubes["theory"])
        light = [w for w in map(str, cube.weights.values) if has_fourth_moment(w)]
        slope = slope_of(FIGURE_4[name][0])
        curves = interior(cube["cosine"]) - deviations
        following = xr.apply_ufunc(lambda cosine: normalised_kernel(cosine, slope), curves)
        controls = {"next_layer": distances(deviations + curves - following, light)}
        if slope:
            controls["printed"] = distances(deviations + curves - _printed_curves(curves, slope), light)
        return measured(
            distances(deviations, light),
            f"Largest root mean square distance of a layer, 1 to {int(cube.layer.max())}, mean over {cube.sizes['seed']} "
            f"networks of width {width(cube)}.{_heavy(deviations)}",
            controls=controls,
        )

    return measure


def farthest_layer(deviations: xr.DataArray) -> xr.DataArray:
    """Root mean square over angles, largest over the layers; angles without a curve are left out."""
    squares: xr.DataArray = (deviations**2).mean("angle").max("layer")
    return squares**0.5


def distances(deviations: xr.DataArray, weights: list[str]) -> dict[str, Estimate]:
    """Mean over networks of the distance of their farthest layer, by weights."""
    farthest = farthest_layer(deviations)
    values: dict[str, ArrayLike] = {label: farthest.sel(weights=label).values for label in weights}
    return by_part(values, positive_mean_interval)


def _printed_curves(like: xr.DataArray, slope: float) -> xr.DataArray:
    """The composition as printed, by layer and angle."""
    layers, angles = like.layer.values, np.radians(like.angle.values)
    curves = [[composed_cosine(float(t), int(layer), slope, as_printed=True) for t in angles] for layer in layers]
    return xr.DataArray(curves, {"layer": like.layer, "angle": like.angle}, ("layer", "angle"))


def _heavy(deviations: xr.DataArray) -> str:
    """What the distributions without a fourth moment do, in a sentence behind a space; empty where there are none."""
    farthest = farthest_layer(deviations).mean("seed")
    labels = [w for w in map(str, deviations.weights.values) if not has_fourth_moment(w)]
    listed = "; ".join(f"{label} {float(farthest.sel(weights=label)):.2f}" for label in labels)
    return f" Not counted, for want of a fourth moment: {listed}." if labels else ""


def _scatter_of_t(evidence: Evidence) -> Finding:
    """Squared deviations over their exact law at the larger widths, for weights with many moments."""
    cube = evidence.cubes["cor3_4"].sel(width=slice(1000, None))
    labels = [w for w in map(str, cube.weights.values) if parse_label(w)[1].get("nu", np.inf) >= 10.0]
    without: dict[str, ArrayLike] = {
        name: squared_ratios(evidence, "multivariate_t(nu=6)", name) for name in map(str, cube.activation.values)
    }
    values: dict[str, ArrayLike] = {
        f"{label}, {name}": squared_ratios(evidence, label, name) / scale_kurtosis(label)
        for label in labels
        for name in map(str, cube.activation.values)
    }
    return measured(
        by_part(values, positive_mean_interval),
        f"Mean square of sample minus theory over its law, {cube.sizes['seed']} layers of each width from 1000 units on.",
        controls={"without_factor": by_part(without, positive_mean_interval)},
    )


def squared_ratios(evidence: Evidence, label: str, activation: str) -> NDArray[np.float64]:
    """Squared deviations over the exact variance of Gaussian weights, per network; widths and angles averaged."""
    cube, theory = evidence.cubes["cor3_4"].sel(width=slice(1000, None)), evidence.cubes["theory"]
    squares = one_layer_deviations(cube, theory, activation).sel(weights=label, angle=MIDDLE) ** 2
    variance = theory["sampling_variance"].sel(activation=activation, angle=MIDDLE)
    ratios: xr.DataArray = (squares * cube.width / variance).mean(("width", "angle"))
    return ratios.values


def _heavy_tails(evidence: Evidence) -> Finding:
    """Exponent of the typical distance in the width less that of the stable law, without a fourth moment."""
    cube = evidence.cubes["cor3_4"]
    expected = {
        w: -(1.0 - 2.0 / parse_label(w)[1]["nu"]) for w in map(str, cube.weights.values) if not has_fourth_moment(w)
    }
    exponents = {
        (w, name): width_exponents(evidence, w, name) for w in expected for name in map(str, cube.activation.values)
    }
    less = {f"{w}, {name}": values - expected[w] for (w, name), values in exponents.items()}
    half = {f"{w}, {name}": values + 0.5 for (w, name), values in exponents.items()}
    text = "; ".join(f"{w}, {name} {values.mean():.2f}" for (w, name), values in exponents.items())
    return measured(
        by_part(less, mean_interval),
        f"Exponent of the typical distance from {int(cube.width.min())} to {int(cube.width.max())} units less the expected one, "
        f"{cube.sizes['seed']} layers of each width. The exponents: {text}.",
        controls={"square_root": by_part(half, mean_interval)},
    )


def width_exponents(evidence: Evidence, label: str, activation: str) -> NDArray[np.float64]:
    """Exponent of the distance in the width, from one layer of each width: the logarithm is averaged over angles."""
    distance = typical_distance(evidence.cubes["cor3_4"], evidence.cubes["theory"], activation).sel(weights=label)
    rows = distance.transpose("seed", "width")
    return np.array([log_slope(distance.width, row) for row in rows.values])


def typical_distance(cube: xr.Dataset, theory: xr.Dataset, activation: str) -> xr.DataArray:
    """Geometric mean over the middle angles of the distance of each layer from theory."""
    deviations = one_layer_deviations(cube, theory, activation).sel(angle=MIDDLE)
    logs: xr.DataArray = np.log(abs(deviations))  # type: ignore[assignment]
    distance: xr.DataArray = np.exp(logs.mean("angle"))  # type: ignore[assignment]
    return distance


CLAIMS: Mapping[str, Measure] = {
    "fig2_right_angle": _right_angle,
    "fig2_curve": _curve,
    "fig2_scatter": _scatter,
    "cor3_4_scatter": _scatter_of_t,
    "cor3_4_heavy": _heavy_tails,
    **{f"{name}_one_layer": _flat_layer(name) for name in ("fig4a", "fig4b")},
    **{f"{name}_one_layer": _coordinate_layer(name) for name in ("fig4c", "fig4d")},
    **{f"{name}_deep": _deep(name) for name in FIGURE_4},
}
