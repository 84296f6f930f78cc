"""Claims on which parametrisations keep the best learning rate over width and depth."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from initatlas.arrays import Doubles
from initatlas.studies.atlas.learning_rate import (
    best_rates,
    exponents,
    grid_error,
    kernel_changes,
    kernel_distances,
    losses,
    losses_over_depth,
    signal_changes,
)
from initatlas.studies.claim import Estimate, Finding, absent, measured
from initatlas.studies.evidence import Evidence
from initatlas.studies.judge import Measure
from initatlas.studies.statistics import mean_interval, widened


def _width(evidence: Evidence, parametrisation: str, control: str) -> Finding:
    """Exponent of the best learning rate in the width."""
    return _exponent({name: losses(evidence, name) for name in (parametrisation, control)}, "width")


def _cross_entropy(evidence: Evidence) -> Finding:
    """The same with cross entropy; the control has the squared error."""
    return _exponent(
        {"standard": losses(evidence, "standard", cross_entropy=True), "mup": losses(evidence, "mup")}, "width"
    )


def _depth(evidence: Evidence) -> Finding:
    """Exponent of the best learning rate in the depth."""
    scaled, chain = (losses_over_depth(evidence, name) for name in ("scaled", "none"))
    return _exponent({"scaled": scaled, "chain": chain}, "depth")


def _exponent(rows: Mapping[str, xr.DataArray], axis: str) -> Finding:
    """Exponent of the first, with the second as the control."""
    best = {name: best_rates(loss) for name, loss in rows.items()}
    for name, rates in best.items():
        if not np.isfinite(rates).all():
            return absent(f"A best learning rate lies at an end of the grid ({name}); widen it.")
    first, control = rows
    sizes = rows[first][axis].values
    estimates = {name: _estimate(loss, loss[axis].values, best[name]) for name, loss in rows.items()}
    return measured(
        estimates[first],
        f"{len(best[first])} seeds, best learning rates by {axis} {_in_words(sizes, best[first])}; "
        f"of the control {_in_words(rows[control][axis].values, best[control])}.",
        controls={control: estimates[control]},
    )


def _estimate(loss: xr.DataArray, sizes: Doubles, best: Doubles) -> Estimate:
    """Mean exponent over the seeds, wider by the grid's share."""
    return widened(mean_interval(exponents(sizes, best)), grid_error(loss, sizes))


def _in_words(sizes: Doubles, rows: Doubles) -> str:
    """Geometric means over the seeds."""
    means = np.exp(np.log(rows).mean(axis=0))
    return ", ".join(f"{mean:.2g} ({int(size)})" for size, mean in zip(sizes, means, strict=True))


def _coordinates(evidence: Evidence, parametrisation: str, control: str) -> Finding:
    """Exponent in the width of how far the last signals move."""
    moved = {name: signal_changes(evidence, name) for name in (parametrisation, control)}
    if not all(np.isfinite(one).all() for one in moved.values()):
        return absent("A network diverged, or has a silent layer.")
    sizes = moved[control].width.values
    estimates = {name: mean_interval(exponents(sizes, one.values.T)) for name, one in moved.items()}
    return measured(
        estimates[parametrisation],
        f"{moved[control].sizes['seed']} seeds, widths {int(sizes[0])} to {int(sizes[-1])}; relative changes "
        f"{_in_words(sizes, moved[parametrisation].values.T)}; of the control {_in_words(sizes, moved[control].values.T)}.",
        controls={control: estimates[control]},
    )


def _kernel_limit(evidence: Evidence) -> Finding:
    """Exponent in the width of the distance between kernels and their limit, before and after training."""
    times = {"before training": 0, "after training": -1}
    away = {words: kernel_distances(evidence, "ntk", place) for words, place in times.items()}
    control = kernel_changes(evidence, "mup")
    if not all(np.isfinite(one).all() for one in (*away.values(), control)):
        return absent("A network diverged.")
    sizes = control.width.values
    in_words = "; ".join(f"{words} {_in_words(sizes, one.values.T)}" for words, one in away.items())
    return measured(
        {words: mean_interval(exponents(sizes, one.values.T)) for words, one in away.items()},
        f"{control.sizes['seed']} seeds; relative distances by width {in_words}; changes of muP "
        f"{_in_words(sizes, control.values.T)}.",
        controls={"mup": mean_interval(exponents(sizes, control.values.T))},
    )


CLAIMS: Mapping[str, Measure] = {
    "learning_rate_mup": lambda evidence: _width(evidence, "mup", "standard"),
    "learning_rate_ntk": lambda evidence: _width(evidence, "ntk", "standard"),
    "learning_rate_standard": lambda evidence: _width(evidence, "standard", "mup"),
    "learning_rate_cross_entropy": _cross_entropy,
    "learning_rate_depth": _depth,
    "coordinates_mup": lambda evidence: _coordinates(evidence, "mup", "ntk"),
    "coordinates_ntk": lambda evidence: _coordinates(evidence, "ntk", "mup"),
    "kernel_limit_ntk": _kernel_limit,
}
