"""Claims on figure 1 left: pieces that fits and trained networks need for a quadratic."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from initatlas.arrays import Doubles
from initatlas.studies.claim import Finding, Parts, measured
from initatlas.studies.evidence import Evidence
from initatlas.studies.judge import Measure
from initatlas.studies.sahs2020.measures import at_end, kept
from initatlas.studies.statistics import by_part, exact, mean_interval

NETWORKS: Mapping[str, str] = {
    "fig1_gd": "gradient descent",
    "fig1_batch_norm": "descent with batch normalisation",
    "fig1_adam": "Adam",
}
"""The sweeps of trained networks, and what they are."""


def losses(cube: xr.Dataset) -> xr.DataArray:
    """Training losses of the networks of a sweep; of batches the smaller ones."""
    values = at_end(cube["train_loss"])
    return values.isel(batch=0) if "batch" in values.dims else values


def pieces_for(loss: Doubles, segments: xr.Dataset, method: str = "separate") -> Doubles:
    """Pieces with which a fit has a loss, between and beyond those of the sweep along straight lines in logarithms."""
    fits = segments.sel(algorithm=method)
    pieces, reached = np.log(fits["pieces_taken"].values), np.log(fits["loss"].values)
    wanted = np.log(loss)
    slopes = np.diff(pieces) / np.diff(reached)
    part = np.clip(np.searchsorted(-reached, -wanted) - 1, 0, slopes.size - 1)
    pieces_needed: Doubles = np.exp(pieces[part] + slopes[part] * (wanted - reached[part]))
    return pieces_needed


def _near_zero(evidence: Evidence) -> Finding:
    """Powers of ten between the losses of the fewest and of the most pieces of the optimal fit."""
    fits = evidence.cubes["fig1_segments"].sel(algorithm="separate")
    loss, pieces = fits["loss"].values, fits["pieces_taken"].values
    powers = np.log10(loss[0] / loss)
    return measured(
        exact(powers[-1]),
        f"With {pieces[-1]} pieces the loss is {loss[-1]:.2g}, with {pieces[0]} it is {loss[0]:.2g}.",
        controls={"ten": exact(powers[1])},
    )


def _merge(evidence: Evidence) -> Finding:
    """Pieces of greedy merging over those of the optimal fit with the same loss, by number of pieces."""
    segments = evidence.cubes["fig1_segments"]
    by_pieces = _factors(segments, "merged")
    widest = losses(evidence.cubes["fig1_gd"]).isel(width=-1)
    need = float(pieces_for(np.array([widest.mean()]), segments)[0])
    factors = [part.value for part in by_pieces.values()]
    return measured(
        by_pieces,
        f"Greedy merging takes {min(factors):.2f} to {max(factors):.2f} times as many pieces.",
        controls={"descent": exact(float(widest.width) / need)},
    )


def _factors(segments: xr.Dataset, method: str) -> Parts:
    """Pieces of a method over those of the optimal fit with the same loss."""
    fits = segments.sel(algorithm=method)
    taken = fits["pieces_taken"].values
    need = pieces_for(fits["loss"].values, segments)
    return {f"{int(count)} pieces": exact(count / pieces) for count, pieces in zip(taken, need, strict=True)}


def _more_pieces(evidence: Evidence) -> Finding:
    """Logarithm of the units of the widest networks over the pieces of the optimal fit with their loss."""
    segments = evidence.cubes["fig1_segments"]
    ratios = {}
    for sweep, name in NETWORKS.items():
        widest = losses(evidence.cubes[sweep]).isel(width=-1)
        ratios[name] = np.log(float(widest.width) / pieces_for(kept(widest), segments))
    parts = by_part(ratios, mean_interval)
    continuous = _factors(segments, "continuous")
    text = ", ".join(f"{np.exp(part.value):.1f} ({name})" for name, part in parts.items())
    return measured(
        parts,
        f"Units of the widest networks over pieces of the optimal fit with the same loss, geometric means: {text}.",
        controls={"continuous": {name: exact(float(np.log(part.value))) for name, part in continuous.items()}},
    )


def _log_ratios(above: xr.DataArray, below: xr.DataArray) -> dict[str, Doubles]:
    """Logarithms of the ratios of losses, network by network, by width."""
    by_width = {}
    for width in above.width.values.tolist():
        one, other = kept(above.sel(width=width)), kept(below.sel(width=width))
        count = min(one.size, other.size)
        by_width[f"{width:g} units"] = np.log(one[:count] / other[:count])
    return by_width


def _order(worse: str, better: str) -> Measure:
    """Logarithms of the ratio of the losses of two optimisers, by width."""

    def measure(evidence: Evidence) -> Finding:
        above, below = (losses(evidence.cubes[sweep]) for sweep in (worse, better))
        half = below.sizes["seed"] // 2
        parts = by_part(_log_ratios(above, below), mean_interval)
        text = ", ".join(f"{np.exp(part.value):.3g} ({name})" for name, part in parts.items())
        halves = _log_ratios(below.isel(seed=slice(half)), below.isel(seed=slice(half, 2 * half)))
        return measured(
            parts,
            f"Loss after {NETWORKS[worse]} over that after {NETWORKS[better]}, geometric means: {text}.",
            controls={"halves": mean_interval(np.concatenate([*halves.values()]))},
        )

    return measure


CLAIMS: Mapping[str, Measure] = {
    "fig1_dp": _near_zero,
    "fig1_merge": _merge,
    "fig1_more_pieces": _more_pieces,
    "fig1_adam": _order("fig1_batch_norm", "fig1_adam"),
    "fig1_batch_norm": _order("fig1_gd", "fig1_batch_norm"),
}
