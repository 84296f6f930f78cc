"""Claims that the atlas checks on its own sweeps."""

import numpy as np

from initatlas.studies.atlas.trainability import CHANCE, accuracy, best_variance, scale_at
from initatlas.studies.claim import Verdict
from initatlas.studies.evidence import Evidence
from initatlas.studies.uncontracted import Measurement, within

LEARNED = 0.5
"""A network has learned where it reaches this share of the best accuracy of its data set."""

ABOVE_CHANCE = 2.0
"""Networks whose accuracy is below this many times that of guessing say nothing of the best variance."""


def measure(evidence: Evidence) -> dict[str, Measurement]:
    """Measure all claims of the study."""
    return {
        "norm_preserving_variance": _norm_preserving(evidence),
        "beyond_depth_scale": _beyond(evidence),
        "within_depth_scale": _within_scale(evidence),
    }


def _norm_preserving(evidence: Evidence) -> Measurement:
    """The variance at which the deepest networks learn best, mean over the weight distributions."""
    deepest = accuracy(evidence, "glyphs").isel(depth=-1).mean("weights")
    if float(deepest.max()) < ABOVE_CHANCE * CHANCE:
        return Measurement(
            "not measured",
            f"No network of depth {int(deepest.depth)} learns the glyphs: the best accuracy is {float(deepest.max()):.2f}.",
        )
    value, low, high = best_variance(deepest)
    holds = within(value, evidence.published["norm_preserving_variance"], low=low, high=high)
    return Measurement(
        "holds" if holds else "differs",
        f"Networks of depth {int(deepest.depth)} on the glyphs, mean over the weight distributions; the range holds the "
        f"variances within 0.02 of the best accuracy, {float(deepest.max()):.2f}.",
        value,
        low,
        high,
    )


def _shares(evidence: Evidence, *, deeper_than: float, shallower_than: float) -> tuple[float, int]:
    """Share of the networks that learned, among those whose depth over the depth scale lies in an interval."""
    accuracies = accuracy(evidence, "glyphs")
    depths = accuracies.depth / scale_at(evidence, accuracies.weight_variance)
    inside = (depths > deeper_than) & (depths < shallower_than)
    learned = (accuracies > LEARNED * accuracies.max()).where(inside)
    return float(learned.mean()), int(np.isfinite(learned.values).sum())


def _beyond(evidence: Evidence) -> Measurement:
    """Networks deeper than six depth scales of gradients should not learn."""
    share, count = _shares(evidence, deeper_than=6.0, shallower_than=np.inf)
    return _judged(share, count, holds=share < 0.1, fails=share > 0.5)


def _within_scale(evidence: Evidence) -> Measurement:
    """Networks shallower than one depth scale of gradients should learn."""
    share, count = _shares(evidence, deeper_than=-np.inf, shallower_than=1.0)
    return _judged(share, count, holds=share > 0.9, fails=share < 0.5)


def _judged(share: float, count: int, *, holds: bool, fails: bool) -> Measurement:
    """A share of learning networks with its verdict."""
    if count == 0:
        return Measurement("not measured", "No network of the sweep lies there; the grid is too coarse at this scale.")
    verdict: Verdict = "holds" if holds else "fails" if fails else "differs"
    return Measurement(
        verdict,
        f"Share of {count} cells of the map (glyphs, largest width) that reach {LEARNED:.0%} of the best accuracy.",
        share,
    )
