"""Claims on where tanh networks with biases learn: the correlation depth against the edge of chaos."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from initatlas.arrays import Doubles, Flags
from initatlas.studies.atlas.chaos import accuracies, correlation_depths, learned
from initatlas.studies.atlas.trainability import idle
from initatlas.studies.atlas.trainability_claims import parting
from initatlas.studies.claim import Finding, absent, measured
from initatlas.studies.evidence import Evidence
from initatlas.studies.judge import Measure
from initatlas.studies.statistics import mean_interval, scaled, transformed, widened

FAR = 6.0
"""Correlation depths beyond which networks should not learn."""


def _evidence_of(evidence: Evidence) -> Finding | None:
    """A finding where the sweep has nothing to say."""
    if finding := idle(accuracies(evidence)):
        return finding
    ratios = correlation_depths(evidence)
    if not bool((ratios > FAR).any() and (ratios < FAR).any()):
        return absent(
            "The sweep lacks networks on one side of six correlation depths; the grid is too coarse at this scale."
        )
    return None


def _rows(evidence: Evidence, positions: xr.DataArray) -> tuple[Doubles, Flags]:
    """Positive positions of the cells, and which networks learned there: shapes (cells,) and (cells, seeds)."""
    inside = positions.values > 0.0
    return positions.values[inside], learned(accuracies(evidence)).values[inside]


def misplaced(positions: Doubles, below: Flags) -> float:
    """Share of networks on the wrong side of the border that has the fewest of them.

    Parameters
    ----------
    positions
        Shape (n,), positive.
    below
        Which of them should lie below, shape (n,).
    """
    return min(float(np.mean(below != (positions < border))) for border in np.unique(positions)[1:])


def _one_border(evidence: Evidence) -> Finding:
    """Share of networks that the depth misplaces, less that by the correlation depth, by seed."""
    if finding := _evidence_of(evidence):
        return finding
    ratios = correlation_depths(evidence)
    shares = {
        name: _misplaced(evidence, positions)
        for name, positions in {
            "depth": ratios.depth.broadcast_like(ratios).transpose(*ratios.dims).astype(float),
            "ratio": ratios,
            "reversed": ratios.copy(data=ratios.values[..., ::-1]),
        }.items()
    }
    which = learned(accuracies(evidence))
    return measured(
        mean_interval(shares["depth"] - shares["ratio"]),
        f"{which.sizes['seed']} seeds, {ratios.size} cells; {float(which.mean()):.0%} of the networks learned. The depth "
        f"misplaces {shares['depth'].mean():.1%} of them, the correlation depth {shares['ratio'].mean():.1%}.",
        controls={"reversed": mean_interval(shares["depth"] - shares["reversed"])},
    )


def _misplaced(evidence: Evidence, positions: xr.DataArray) -> Doubles:
    """Share of misplaced networks by seed."""
    cells, which = _rows(evidence, positions)
    return np.array([misplaced(cells, row) for row in which.T])


def _border(evidence: Evidence) -> Finding:
    """Correlation depths that part the networks that learned from the others."""
    if finding := _evidence_of(evidence):
        return finding
    cells, which = _rows(evidence, correlation_depths(evidence))
    borders = [parting(cells, row) for row in which.T]
    mean = mean_interval([centre for centre, _ in borders])
    estimate = transformed(widened(mean, max(gap for _, gap in borders) / 2.0), np.exp)
    return measured(
        estimate,
        f"{len(borders)} seeds: {', '.join(f'{np.exp(centre):.1f}' for centre, _ in borders)}.",
        controls={"twice": scaled(estimate, 0.5), "half": scaled(estimate, 2.0)},
    )


CLAIMS: Mapping[str, Measure] = {"one_border": _one_border, "border_in_correlation_depths": _border}
