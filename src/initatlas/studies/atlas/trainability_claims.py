"""Claims on which networks learn, over depth, weight variance and weight distribution."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from initatlas.studies.atlas.invariance import GAUSSIAN
from initatlas.studies.atlas.trainability import ABOVE_CHANCE, CHANCE, best_variance, idle, networks, scales
from initatlas.studies.claim import Estimate, Finding, Parts, absent, measured
from initatlas.studies.evidence import Evidence
from initatlas.studies.judge import Measure
from initatlas.studies.statistics import confidence, mean_interval, scaled, share_interval, transformed, widened

LEARNED = 0.5
"""A network has learned where it reaches this share of the best accuracy of its data set."""

NEAR, FAR = 1.0, 6.0
"""Depth scales up to which networks should learn, and beyond which they should not."""


def _independent(accuracies: xr.DataArray) -> list[str]:
    """Labels of the weight distributions whose weights are independent."""
    return [label for label in accuracies.weights.values.tolist() if not label.startswith("multivariate")]


def _norm_preserving(evidence: Evidence) -> Finding:
    """The variance at which the deepest networks learn best, by weight distribution."""
    deepest = networks(evidence).isel(depth=-1)
    rows = {label: _best_logarithms(deepest.sel(weights=label)) for label in deepest.weights.values.tolist()}
    learned = {label: row for label, row in rows.items() if len(row) > 1}
    if not learned:
        return absent(f"Too few networks of depth {int(deepest.depth)} learn: one seed or none for each distribution.")
    step = float(np.diff(np.log(deepest.weight_variance.values)).max())
    parts = {label: _variance(row, step, len(learned)) for label, row in learned.items()}
    return measured(
        parts,
        f"Networks of depth {int(deepest.depth)}; mean accuracy at the best variance {_peaks(deepest, list(learned))}.",
        controls={"linear": {label: scaled(row, 0.5) for label, row in parts.items()}},
    )


def _best_logarithms(accuracies: xr.DataArray) -> list[float]:
    """Logarithm of the best variance of each seed of which some network learns."""
    seeds = [accuracies.isel(seed=seed) for seed in range(accuracies.sizes["seed"])]
    return [float(np.log(best_variance(one)[0])) for one in seeds if float(one.max()) >= ABOVE_CHANCE * CHANCE]


def _variance(logarithms: list[float], step: float, parts: int) -> Estimate:
    """Geometric mean of variances, with Student's interval of the logarithm, wider by half a step of the grid."""
    return transformed(widened(mean_interval(logarithms, confidence(parts)), 0.5 * step), np.exp)


def _peaks(deepest: xr.DataArray, labels: list[str]) -> str:
    """Best mean accuracy over the variances, by weight distribution."""
    best = deepest.mean("seed").max("weight_variance")
    return ", ".join(f"{float(best.sel(weights=label)):.2f} ({label})" for label in labels)


def _beyond(evidence: Evidence) -> Finding:
    """Share of the networks deeper than six depth scales that learned."""
    ratios = scales(evidence, networks(evidence))
    return _shares(evidence, ratios > FAR, "deeper than six depth scales", one_scale=ratios > NEAR)


def _within(evidence: Evidence) -> Finding:
    """Share of the networks not deeper than one depth scale that learned."""
    ratios = scales(evidence, networks(evidence))
    return _shares(evidence, ratios <= NEAR, "not deeper than one depth scale", six_scales=ratios > FAR)


def _shares(evidence: Evidence, region: xr.DataArray, words: str, **controls: xr.DataArray) -> Finding:
    """Shares of the networks of a region that learned, by distribution of independent weights."""
    accuracies = networks(evidence)
    if not all(bool(cells.any()) for cells in (region, *controls.values())):
        return absent(
            f"The sweep lacks networks {words}, or those of the control; the grid is too coarse at this scale."
        )
    if finding := idle(accuracies):
        return finding
    labels = _independent(accuracies)
    others = [label for label in accuracies.weights.values.tolist() if label not in labels]
    counted = "".join(
        f" Of {label}, which is not counted, {sum(learned)} of {len(learned)}."
        for label, learned in ((label, _learned(accuracies, label, region)) for label in others)
    )
    cells = int(region.sum())
    return measured(
        _by_label(accuracies, labels, region),
        f"Shares of {cells * accuracies.sizes['seed']} networks of each distribution ({cells} cells of the map) that reach "
        f"{LEARNED:.0%} of the best accuracy.{counted}",
        controls={name: _by_label(accuracies, labels, other) for name, other in controls.items()},
    )


def _by_label(accuracies: xr.DataArray, labels: list[str], region: xr.DataArray) -> Parts:
    """Share of the networks of a region that learned, by weight distribution.

    The interval takes all as trials of one probability; where cells differ in theirs, it is too wide.
    """
    learned = {label: _learned(accuracies, label, region) for label in labels}
    return {label: share_interval(sum(row), len(row), confidence(len(labels))) for label, row in learned.items()}


def _learned(accuracies: xr.DataArray, label: str, region: xr.DataArray) -> list[bool]:
    """Whether each network of a region has learned."""
    learned = accuracies.sel(weights=label) > LEARNED * accuracies.max()
    trained: list[bool] = learned.transpose("depth", "weight_variance", "seed").values[_mask(region)].ravel().tolist()
    return trained


def _mask(region: xr.DataArray) -> np.ndarray:
    """A region as an array over depth and weight variance."""
    mask: np.ndarray = region.transpose("depth", "weight_variance").values
    return mask


def _border(evidence: Evidence) -> Finding:
    """Depth scales that part the networks that learned from the others, by distribution of independent weights."""
    accuracies = networks(evidence)
    ratios = scales(evidence, accuracies)
    if finding := idle(accuracies):
        return finding
    if not bool((ratios > FAR).any()):
        return absent("No network of the sweep is deeper than six depth scales; the grid is too coarse at this scale.")
    labels = _independent(accuracies)
    parts = {label: _border_of(accuracies, label, ratios, len(labels)) for label in labels}
    return measured(
        parts,
        f"Mean of {accuracies.sizes['seed']} seeds, by weights: "
        f"{', '.join(f'{estimate.value:.1f} ({label})' for label, estimate in parts.items())}.",
        controls={
            "twice": {label: scaled(estimate, 0.5) for label, estimate in parts.items()},
            "half": {label: scaled(estimate, 2.0) for label, estimate in parts.items()},
        },
    )


def _border_of(accuracies: xr.DataArray, label: str, ratios: xr.DataArray, parts: int) -> Estimate:
    """Geometric mean over the seeds of the border, with Student's interval of its logarithm and half the gap of the grid."""
    region = ratios > 0.0
    depths = ratios.transpose("depth", "weight_variance").values[_mask(region)]
    learned = np.array(_learned(accuracies, label, region)).reshape(len(depths), -1)
    borders = [parting(depths, row) for row in learned.T]
    mean = mean_interval([centre for centre, _ in borders], confidence(parts))
    return transformed(widened(mean, max(gap for _, gap in borders) / 2.0), np.exp)


def parting(positions: np.ndarray, below: np.ndarray) -> tuple[float, float]:
    """Where positive numbers that should lie below a border are parted from the others with the fewest errors.

    Parameters
    ----------
    positions
        Shape (n,).
    below
        Which of them should lie below, shape (n,).

    Returns
    -------
    centre, gap
        Middle of the gap between two neighbours that is best, and its width, in logarithms; of several the first and the last
        are averaged.
    """
    edges = np.unique(np.round(np.log(positions), 9))
    centres, gaps = (edges[1:] + edges[:-1]) / 2.0, np.diff(edges)
    errors = np.array([np.sum(below != (np.log(positions) < centre)) for centre in centres])
    best = np.flatnonzero(errors == errors.min())[[0, -1]]
    return float(centres[best].mean()), float(gaps[best].max())


def _universal_independent(evidence: Evidence) -> Finding:
    """Distributions of independent weights against Gaussian ones."""
    return _universal(evidence, [label for label in _independent(networks(evidence)) if label != GAUSSIAN])


def _universal_t(evidence: Evidence) -> Finding:
    """Multivariate t weights against Gaussian ones."""
    accuracies = networks(evidence)
    independent = _independent(accuracies)
    return _universal(evidence, [label for label in accuracies.weights.values.tolist() if label not in independent])


def _universal(evidence: Evidence, labels: list[str]) -> Finding:
    """Mean accuracy of regions of the map, less that of Gaussian weights."""
    accuracies = networks(evidence)
    ratios = scales(evidence, accuracies)
    regions = {"one depth scale or less": ratios <= NEAR, "more than six depth scales": ratios > FAR}
    regions = {words: region for words, region in regions.items() if bool(region.any())}
    if not labels or not regions:
        return absent("The sweep has no such weights, or no network in those regions.")
    if finding := idle(accuracies):
        return finding
    gaussian = accuracies.sel(weights=GAUSSIAN)
    others = {label: accuracies.sel(weights=label) for label in labels}
    parts = _differences(others, gaussian, regions)
    return measured(
        parts,
        f"Mean accuracy of Gaussian weights: {_means(gaussian, regions)}.",
        controls={"twice": _differences({"twice the variance": _at_twice(gaussian)}, gaussian, regions)},
    )


def _at_twice(accuracies: xr.DataArray) -> xr.DataArray:
    """Accuracy at twice the variance, missing where the map ends."""
    step = float(np.diff(np.log(accuracies.weight_variance.values)).max())
    return accuracies.shift(weight_variance=-max(1, round(float(np.log(2.0)) / step)))


def _differences(
    others: Mapping[str, xr.DataArray], gaussian: xr.DataArray, regions: Mapping[str, xr.DataArray]
) -> Parts:
    """Mean over regions of an accuracy less another, paired by seed; cells that lack one of them are left out."""
    level = confidence(len(others) * len(regions))
    return {
        f"{label}, {words}": mean_interval(_over(other - gaussian, region).values, level)
        for label, other in others.items()
        for words, region in regions.items()
    }


def _over(accuracies: xr.DataArray, region: xr.DataArray) -> xr.DataArray:
    """Mean over the cells of a region, by seed."""
    return accuracies.where(region).mean(["depth", "weight_variance"])


def _means(accuracies: xr.DataArray, regions: Mapping[str, xr.DataArray]) -> str:
    """Mean accuracy of regions, in words."""
    return ", ".join(f"{float(_over(accuracies, region).mean()):.3f} ({words})" for words, region in regions.items())


CLAIMS: Mapping[str, Measure] = {
    "norm_preserving_variance": _norm_preserving,
    "beyond_depth_scale": _beyond,
    "within_depth_scale": _within,
    "border_in_depth_scales": _border,
    "universality_independent": _universal_independent,
    "universality_t": _universal_t,
}
