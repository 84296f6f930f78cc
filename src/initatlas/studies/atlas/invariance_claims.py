"""The claim that distributions of one variance train alike."""

from collections.abc import Mapping

from initatlas.studies.atlas.invariance import HEAVY, gap, learning, light
from initatlas.studies.atlas.trainability import idle
from initatlas.studies.claim import Finding, measured
from initatlas.studies.evidence import Evidence
from initatlas.studies.judge import Measure
from initatlas.studies.statistics import confidence, mean_interval


def _invariance(evidence: Evidence) -> Finding:
    """Learning with other weights, less that with Gaussian ones, at the largest width."""
    cube = evidence.cubes["invariance"]
    width = int(cube.width.max())
    accuracies = learning(cube).sel(width=width)
    if finding := idle(accuracies):
        return finding
    labels = light(cube)
    means = ", ".join(
        f"{float(accuracies.sel(weights=label).mean()):.3f} ({label})" for label in cube.weights.values.tolist()
    )
    return measured(
        {label: mean_interval(gap(cube, label, width), confidence(len(labels))) for label in labels},
        f"Width {width}, {cube.sizes['seed']} seeds; mean test accuracy over training {means}.",
        controls={"heavy": mean_interval(gap(cube, HEAVY, width))},
    )


CLAIMS: Mapping[str, Measure] = {"invariance": _invariance}
