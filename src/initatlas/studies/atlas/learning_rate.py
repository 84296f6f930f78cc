"""Which learning rate is best, over width and depth: what is read from the sweeps."""

import numpy as np
import xarray as xr

from initatlas.arrays import Doubles
from initatlas.studies.evidence import Evidence
from initatlas.studies.statistics import log_slope

TITLES = {"standard": "standard", "ntk": "NTK", "mup": "muP"}
"""Parametrisations, by what the figure calls them."""

BRANCHES = {
    "none": "no residual branches",
    "scaled": r"branches times $1/\sqrt{\mathrm{depth}}$",
}
"""Residual connections, by what the figure calls them."""


def losses(evidence: Evidence, parametrisation: str, *, cross_entropy: bool = False) -> xr.DataArray:
    """Training loss after training: width x learning rate x seed; NaN where it diverged."""
    name = "learning_rate_ntk" if parametrisation == "ntk" else "learning_rate"
    name = "learning_rate_cross_entropy" if cross_entropy else name
    return evidence.cubes[name]["train_loss"].isel(dataset=0, drop=True).sel(parametrisation=parametrisation, drop=True)


def losses_over_depth(evidence: Evidence, residual: str) -> xr.DataArray:
    """The same: depth x learning rate x seed."""
    return (
        evidence.cubes["learning_rate_depth"]["train_loss"].isel(dataset=0, drop=True).sel(residual=residual, drop=True)
    )


def best_rate(rates: Doubles, row: Doubles) -> float:
    """The learning rate of least loss, from its logarithms on an evenly spaced grid of logarithms.

    Parameters
    ----------
    rates
        Shape (k,), increasing geometrically.
    row
        Losses, NaN or infinite where training diverged.

    Returns
    -------
    float
        Vertex of the parabola through the best point and its neighbours; the point itself beside a network that diverged. NaN at
        an end of the grid, where the best rate may lie beyond.
    """
    logs = np.log(np.where(np.isfinite(row) & (row > 0.0), row, np.inf))
    best = int(np.argmin(logs))
    if best in (0, len(rates) - 1) or not np.isfinite(logs[best]):
        return float("nan")
    below, at, above = logs[best - 1 : best + 2]
    step = float(np.log(rates[best + 1] / rates[best]))
    curved = np.isfinite(below + above) and below - 2.0 * at + above > 0.0
    return float(rates[best] * np.exp(0.5 * step * (below - above) / (below - 2.0 * at + above) if curved else 0.0))


def best_rates(loss: xr.DataArray) -> Doubles:
    """Best learning rates of losses over an axis, the learning rate and the seed: shape (seeds, axis)."""
    axis = next(str(name) for name in loss.dims if name not in ("learning_rate", "seed"))
    rows = loss.transpose("seed", axis, "learning_rate").values
    rates = loss.learning_rate.values
    return np.array([[best_rate(rates, row) for row in seed] for seed in rows])


def exponents(sizes: Doubles, rows: Doubles) -> Doubles:
    """Exponent of each row in the sizes, a least-squares slope of logarithms: rows of shape (seeds, sizes)."""
    return np.array([log_slope(sizes, row) for row in rows])


def grid_error(loss: xr.DataArray, sizes: Doubles) -> float:
    """How far off an exponent may be when the best rates at both ends are half a step of the grid off, together."""
    step = float(np.diff(np.log(loss.learning_rate.values)).max())
    return 0.5 * step / float(np.log(sizes[-1] / sizes[0]))


def signal_changes(evidence: Evidence, parametrisation: str) -> xr.DataArray:
    """How far the last layer's signals have moved after training, relative to their norm: width x seed."""
    return _checked(evidence, "signal_change", parametrisation).isel(evaluation=-1, layer=-1, drop=True)


def kernel_distances(evidence: Evidence, parametrisation: str, evaluation: int) -> xr.DataArray:
    """Distance of the empirical NTK from its limit, over the limit's norm, at a point of the training curve: width x seed."""
    return _checked(evidence, "kernel_distance", parametrisation).isel(evaluation=evaluation, drop=True)


def kernel_changes(evidence: Evidence, parametrisation: str) -> xr.DataArray:
    """Distance of the empirical NTK after training from that before it, over its norm: width x seed."""
    return _checked(evidence, "kernel_change", parametrisation).isel(evaluation=-1, drop=True)


def _checked(evidence: Evidence, output: str, parametrisation: str) -> xr.DataArray:
    """An output of the coordinate check in one parametrisation: width x seed, and what else it has."""
    cube = evidence.cubes["coordinate_check"].isel(dataset=0, drop=True)
    run = cube["parametrisation"].values.tolist().index(parametrisation)
    return cube[output].isel(run=run, drop=True).transpose("width", "seed", ...)
