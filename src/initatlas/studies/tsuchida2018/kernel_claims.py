"""Claims about the normalised kernel: figures 2 and 4, corollaries 3, 4, 8 and 9."""

import numpy as np
import xarray as xr

from initatlas.studies.claim import Verdict
from initatlas.studies.evidence import Evidence
from initatlas.studies.tsuchida2018.deviations import (
    FIGURE_4,
    deviation,
    exact_ratio,
    interior,
    part,
    rms,
    rms_interval,
    scale_kurtosis,
    width,
)
from initatlas.studies.tsuchida2018.statistics import Interval, mean_interval, slope
from initatlas.studies.uncontracted import Measurement, within

PAPER_ACTIVATIONS = ("relu", "leaky_relu(slope=0.2)")
GAUSSIAN = "generalized_normal(beta=2)"
CLOSE = 0.1
"""A root mean square distance that the eye still calls close in the figures, whose cosines run from -0.4 to 1."""

SPARE = 0.1
"""By how much squared deviations may exceed their exact law: it is one of infinite width."""


def measurement(verdict: Verdict, reason: str, found: Interval) -> Measurement:
    """A measurement with its interval."""
    return Measurement(verdict, reason, found.value, found.low, found.high)


def kernel_claims(evidence: Evidence) -> dict[str, Measurement]:
    """Measure the claims about the kernel."""
    claims = {"fig2_right_angle": _right_angle(evidence), "fig2_curve": _curve(evidence)}
    for name in FIGURE_4:
        claims[f"{name}_one_layer"] = _one_layer(evidence, name)
        claims[f"{name}_deep"] = _deep(evidence, name)
    claims["cor3"] = _rotation_invariant(evidence, "relu")
    claims["cor4"] = _rotation_invariant(evidence, "leaky_relu(slope=0.2)")
    claims["cor8_fixed_point"] = _fixed_point(evidence)
    claims["cor8_rate"] = _rate(evidence)
    claims["cor9"] = _squared_difference(evidence)
    return claims


def _right_angle(evidence: Evidence) -> Measurement:
    """Mean cosine behind one layer at 90 degrees."""
    cube = evidence.cubes["fig2"]
    found = mean_interval(cube["cosine"].sel(angle=90.0, layer=1).values)
    holds = within(found.value, evidence.published["fig2_right_angle"], low=found.low, high=found.high)
    reason = f"Mean of {cube.sizes['seed']} layers of {width(cube)} units, with its 95 % interval."
    return measurement("holds" if holds else "differs", reason, found)


def _curve(evidence: Evidence) -> Measurement:
    """Squared distance of the samples from theory, in units of its exact variance."""
    cube = evidence.cubes["fig2"]
    found = mean_interval(exact_ratio(cube, evidence.cubes["theory"]))
    reason = (
        f"Mean square of (sample - theory) over its exact variance for {width(cube)} units, angles from 15 to 165 degrees, "
        f"{cube.sizes['seed']} layers; 1 is expected."
    )
    return measurement("holds" if found.low < 1.0 + SPARE else "fails", reason, found)


def _one_layer(evidence: Evidence, name: str) -> Measurement:
    """Distance from theory behind one layer, for the worst weight distribution, in units of width^(-1/2)."""
    cube = part(evidence.cubes["fig4"], name)
    deviations = deviation(cube, evidence.cubes["theory"]).sel(layer=1)
    scaled = rms(deviations, "weights") * np.sqrt(width(cube))
    worst = str(scaled.idxmax().item())
    found = _times(rms_interval(deviations.sel(weights=worst)), np.sqrt(width(cube)))
    holds = found.value < 2.0
    reason = (
        f"Root mean square distance times the square root of the width {width(cube)}; largest for {worst}, "
        f"{float(scaled.drop_sel(weights=worst).max()):.2f} for the next. A value of order 1 is the sampling "
        "error of a finite layer."
    )
    if np.isinf(scale_kurtosis(worst)):
        reason += " Where the weights have no fourth moment, a finite layer converges more slowly than that."
    return measurement("holds" if holds else "differs", reason, found)


def _times(interval: Interval, factor: float) -> Interval:
    """An interval in other units."""
    return Interval(interval.value * factor, interval.low * factor, interval.high * factor)


def _deep(evidence: Evidence, name: str) -> Measurement:
    """Largest distance from theory over all layers, for the worst weight distribution."""
    cube = part(evidence.cubes["fig4"], name)
    deviations = deviation(cube, evidence.cubes["theory"])
    distances = rms(deviations, "weights", "layer")
    worst = str(distances.max("layer").idxmax().item())
    layer = int(distances.sel(weights=worst).idxmax().item())
    found = rms_interval(deviations.sel(weights=worst, layer=layer))
    others = float(distances.drop_sel(weights=worst).max())
    reason = (
        f"Largest root mean square distance over the layers 1 to {int(cube.layer.max())}, {cube.sizes['seed']} networks of "
        f"width {width(cube)}: {worst} at layer {layer}; {others:.3f} for the next distribution."
    )
    holds = found.value < CLOSE
    if not holds and others < CLOSE and np.isinf(scale_kurtosis(worst)):
        reason += (
            " The infinitely wide network has the same kernel; without a fourth moment a finite one is far from it."
        )
    return measurement("holds" if holds else "differs", reason, found)


def rotation_invariant_rms(cube: xr.Dataset, theory: xr.Dataset, activation: str) -> xr.DataArray:
    """Root mean square deviation of one layer by weights and width, for the sweep over rotation-invariant weights."""
    return rms(_rotation_invariant_deviation(cube, theory, activation), "weights", "width")


def _rotation_invariant_deviation(cube: xr.Dataset, theory: xr.Dataset, activation: str) -> xr.DataArray:
    """Sample minus theory of one layer, over weights, width, seed and angle."""
    limit = theory["cosine"].sel(activation=activation, layer=1)
    return interior(cube["cosine"].sel(activation=activation, layer=1) - limit)


def _rotation_invariant(evidence: Evidence, activation: str) -> Measurement:
    """Squared deviations at the largest width over their exact law, and the fall with the width where there is none."""
    cube, theory = evidence.cubes["cor3_4"], evidence.cubes["theory"]
    deviations = _rotation_invariant_deviation(cube, theory, activation)
    widest = int(cube.width.max())
    variance = theory["sampling_variance"].sel(activation=activation) / widest
    middle = slice(15.0, 165.0)
    ratios = {}
    for label in map(str, cube.weights.values):
        if np.isfinite(scale_kurtosis(label)):
            squares = (deviations.sel(weights=label, width=widest, angle=middle) ** 2) / variance.sel(angle=middle)
            ratios[label] = mean_interval(squares.mean("angle").values / scale_kurtosis(label))
    worst = max(ratios, key=lambda label: ratios[label].value)
    spread = rms(deviations, "weights", "width")
    heavy = [str(label) for label in cube.weights.values if label not in ratios]
    stays = [
        w for w in heavy if float(spread.sel(weights=w).isel(width=-1)) >= float(spread.sel(weights=w).isel(width=0))
    ]
    reason = f"Mean square of (sample - theory) over its exact variance at {widest} units, largest for {worst}; 1 is expected."
    if heavy:
        how = f"does not fall with the width for {', '.join(stays)}" if stays else "falls with the width all the same"
        by_label = "; ".join(f"{label} {_fall(spread.sel(weights=label))}" for label in heavy)
        reason += f" Without a fourth moment there is no such law; the root mean square distance {how}: {by_label}."
    holds = not stays and ratios[worst].low < 1.0 + SPARE
    return measurement("holds" if holds else "fails", reason, ratios[worst])


def _fall(spread: xr.DataArray) -> str:
    """First and last distance over the widths, in words."""
    first, last = spread.isel(width=0), spread.isel(width=-1)
    return f"{float(first):.3f} at {int(first.width)} units, {float(last):.3f} at {int(last.width)}"


def _fixed_point(evidence: Evidence) -> Measurement:
    """Largest angle behind the deepest layer of the recursion, from any angle."""
    cube = evidence.cubes["theory"]
    gap = cube["one_minus_cosine"]
    angle: xr.DataArray = np.degrees(np.arccos(1.0 - gap.max("angle")))  # type: ignore[assignment]
    last = angle.isel(layer=-1)
    worst = str(last.idxmax().item())
    always_down = bool((gap.diff("layer") <= 0.0).all())
    return Measurement(
        "holds" if always_down and float(last.max()) < 0.05 * float(angle.isel(layer=0).max()) else "fails",
        f"Largest angle in degrees behind {int(cube.layer.max())} layers, from any angle between the inputs: {worst}. It "
        f"{'falls in every' if always_down else 'does not fall in every'} recorded layer, for every slope. A recursion "
        "without sampling error.",
        float(last.max()),
    )


def _rate(evidence: Evidence) -> Measurement:
    """Exponent of 1 - cos theta_j in j, over the deepest layers of the recursion."""
    cube = evidence.cubes["theory"]
    deep = cube["one_minus_cosine"].max("angle").sel(layer=slice(1024, None))
    slopes = {str(label): slope(deep.layer, deep.sel(activation=label)) for label in cube.activation.values}
    worst = max((slopes[label] for label in PAPER_ACTIVATIONS), key=lambda found: abs(found + 2.0))
    others = "; ".join(f"{label} {found:.3f}" for label, found in slopes.items() if label not in PAPER_ACTIVATIONS)
    return Measurement(
        "holds" if within(worst, evidence.published["cor8_rate"]) else "differs",
        f"Slope of log(1 - cos theta_j) against log j from layer 1024 to {int(cube.layer.max())}, for the "
        f"paper's two activations the one farther from -2. For others: {others}. A geometric decay would have no slope.",
        worst,
    )


def _squared_difference(evidence: Evidence) -> Measurement:
    """Mean squared difference of the signals of two orthogonal inputs in the deepest layer."""
    cube, theory = part(evidence.cubes["fig4"], "fig4b"), evidence.cubes["theory"]
    samples = cube["squared_difference"].sel(weights=GAUSSIAN, angle=90.0)
    limit = 2.0 * theory["one_minus_cosine"].sel(activation="leaky_relu(slope=0.2)", angle=90.0, layer=cube.layer)
    found = mean_interval(samples.isel(layer=-1).values)
    first, last = float(limit.isel(layer=0)), float(limit.isel(layer=-1))
    reason = (
        f"Orthogonal inputs behind {int(cube.layer.max())} leaky ReLU layers of width {width(cube)}, {cube.sizes['seed']} "
        f"networks with Gaussian weights; 2 - 2 cos theta_j is {last:.4f} there and {first:.2f} behind one "
        "layer, where the samples "
        f"have {float(samples.isel(layer=0).mean()):.2f}."
    )
    holds = found.holds(last) and found.high < 0.5 * first
    return measurement("holds" if holds else "differs", reason, found)
