"""Claims about the normalised kernel with depth: corollaries 8 and 9."""

import numpy as np
import xarray as xr

from initatlas.studies.claim import Verdict
from initatlas.studies.evidence import Evidence
from initatlas.studies.tsuchida2018.deviations import part, width
from initatlas.studies.tsuchida2018.statistics import Interval, mean_interval, slope
from initatlas.studies.uncontracted import Measurement, within

PAPER_ACTIVATIONS = ("relu", "leaky_relu(slope=0.2)")
GAUSSIAN = "generalized_normal(beta=2)"


def measurement(verdict: Verdict, reason: str, found: Interval) -> Measurement:
    """A measurement with its interval."""
    return Measurement(verdict, reason, found.value, found.low, found.high)


def kernel_claims(evidence: Evidence) -> dict[str, Measurement]:
    """Measure the claims about the kernel."""
    return {
        "cor8_fixed_point": _fixed_point(evidence),
        "cor8_rate": _rate(evidence),
        "cor9": _squared_difference(evidence),
    }


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
