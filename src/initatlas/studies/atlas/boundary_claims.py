"""Claims on the boundary between networks that train and networks that diverge."""

from collections.abc import Mapping

import numpy as np

from initatlas.studies.atlas.boundary import AXES, box_dimension, by_network, shares, stability
from initatlas.studies.claim import Finding, absent, measured
from initatlas.studies.evidence import Evidence
from initatlas.studies.judge import Measure
from initatlas.studies.statistics import mean_interval


def _dimension(evidence: Evidence) -> Finding:
    """Box-counting dimension of the boundary, and of the line of linear stability on the same grid."""
    cube = evidence.cubes["boundary_networks"]
    dimensions, lines = (
        np.array([box_dimension(one) for one in by_network(maps)]) for maps in (cube["diverged"], stability(cube) > 2.0)
    )
    if not (np.isfinite(dimensions).all() and np.isfinite(lines).all()):
        return absent("A map has no boundary, or is too coarse for boxes of two sizes.")
    return measured(
        mean_interval(dimensions),
        f"{len(dimensions)} networks on maps of {cube.sizes['learning_rate']} x {cube.sizes['weight_variance']}: "
        f"{', '.join(f'{value:.2f}' for value in dimensions)}. The line of linear stability has {lines.mean():.2f}. Of the first "
        f"network, finer: {_enlarged(evidence)}.",
        controls={"line": mean_interval(lines)},
    )


def _enlarged(evidence: Evidence) -> str:
    """Dimensions of the maps of the figure, in words."""
    names = {"boundary": "the whole plane", "boundary_near": "the frame", "boundary_close": "the frame in it"}
    maps = {words: evidence.cubes[name]["diverged"].transpose(*AXES) for name, words in names.items()}
    return ", ".join(f"{box_dimension(one.values != 0):.2f} ({words})" for words, one in maps.items())


def _stable(evidence: Evidence) -> Finding:
    """Share of the networks below the line of linear stability that converge."""
    return _converged(evidence, 0.0, 2.0)


def _catapult(evidence: Evidence) -> Finding:
    """Share of the networks up to twice the line of linear stability that converge."""
    return _converged(evidence, 2.0, 4.0)


def _converged(evidence: Evidence, low: float, high: float) -> Finding:
    """Share of converged networks in a band, and beyond twice the line."""
    cube = evidence.cubes["boundary_networks"]
    inside, beyond = shares(cube, low, high), shares(cube, 4.0, np.inf)
    if not (np.isfinite(inside).all() and np.isfinite(beyond).all()):
        return absent("The maps lack learning rates on one side of the line of linear stability.")
    return measured(
        mean_interval(inside),
        f"{len(inside)} networks, from {inside.min():.3f} to {inside.max():.3f}; beyond 4 / sharpness {beyond.mean():.3f}.",
        controls={"beyond": mean_interval(beyond)},
    )


CLAIMS: Mapping[str, Measure] = {
    "boundary_dimension": _dimension,
    "boundary_stable": _stable,
    "boundary_catapult": _catapult,
}
