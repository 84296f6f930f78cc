"""Claims of Tsuchida, Roosta-Khorasani, Gallagher 2018."""

import numpy as np

from initatlas.studies.claim import Measurement, within
from initatlas.studies.evidence import Evidence
from initatlas.studies.tsuchida2018.deviations import deviation, rms, width

DEEP_FIGURES = ("fig4a", "fig4b", "fig4c", "fig4d")

NORMAL_95 = 1.96

CLOSE = 0.1
"""A root mean square distance that the eye still calls close in the figures, whose cosines run from -0.4 to 1."""


def measure(evidence: Evidence) -> dict[str, Measurement]:
    """Measure all claims of the study."""
    claims = {"fig2_right_angle": _right_angle(evidence), "fig2_curve": _curve(evidence)}
    for name in DEEP_FIGURES:
        claims[f"{name}_one_layer"] = _one_layer(evidence, name)
        claims[f"{name}_deep"] = _deep(evidence, name)
    return claims


def _right_angle(evidence: Evidence) -> Measurement:
    """Mean cosine behind one layer at 90 degrees."""
    samples = evidence.cubes["fig2"]["cosine"].sel(angle=90.0)
    mean = float(samples.mean())
    error = NORMAL_95 * float(samples.std(ddof=1)) / np.sqrt(samples.size)
    holds = within(mean, evidence.published["fig2_right_angle"], low=mean - error, high=mean + error)
    return Measurement(
        "holds" if holds else "differs",
        f"Mean of {samples.size} layers of {width(evidence.cubes['fig2'])} units, with its 95 % interval.",
        mean,
        mean - error,
        mean + error,
    )


def _curve(evidence: Evidence) -> Measurement:
    """Squared distance of the mean of the layers from theory, in units of its standard error, over all angles."""
    deviations = deviation(evidence.cubes["fig2"], evidence.cubes["theory"])
    seeds = deviations.sizes["seed"]
    error = deviations.std("seed", ddof=1) / np.sqrt(seeds)
    ratio = float(((deviations.mean("seed") / error) ** 2).mean())
    expected = (seeds - 1) / (seeds - 3)
    return Measurement(
        "holds" if ratio < 2 * expected else "fails",
        f"Mean square of (mean - theory) / standard error over {deviations.sizes['angle']} angles; "
        f"{expected:.2f} is expected if theory is exact, and the angles of a layer are correlated.",
        ratio,
    )


def _one_layer(evidence: Evidence, name: str) -> Measurement:
    """Distance from theory behind one layer, for the worst weight distribution, in units of width^(-1/2)."""
    cube = evidence.cubes[name]
    scaled = rms(deviation(cube, evidence.cubes["theory"]).sel(depth=1), "weights") * np.sqrt(width(cube))
    worst = str(scaled.idxmax().item())
    value = float(scaled.max())
    others = float(scaled.drop_sel(weights=worst).max())
    holds = value < 2.0
    reason = (
        f"Root mean square distance times the square root of the width {width(cube)}; largest for {worst}, "
        f"{others:.2f} for the next. A value of order 1 is the sampling error of a finite layer."
    )
    if not holds:
        reason += " Where the weights have no fourth moment, a finite layer converges more slowly than that."
    return Measurement("holds" if holds else "differs", reason, value)


def _deep(evidence: Evidence, name: str) -> Measurement:
    """Largest distance from theory over all depths, for the worst weight distribution."""
    cube = evidence.cubes[name]
    distances = rms(deviation(cube, evidence.cubes["theory"]), "weights", "depth")
    worst = distances.max("depth").idxmax().item()
    depth = int(distances.sel(weights=worst).idxmax().item())
    value, others = float(distances.max()), float(distances.drop_sel(weights=worst).max())
    holds = value < CLOSE
    reason = (
        f"Largest root mean square distance over the depths 1 to {int(cube.depth.max())}, at width {width(cube)}: {worst} at "
        f"depth {depth}; {others:.3f} for the next distribution."
    )
    if not holds and others < CLOSE:
        reason += (
            " The infinitely wide network has the same kernel; without a fourth moment a finite one is far from it."
        )
    return Measurement("holds" if holds else "differs", reason, value)
