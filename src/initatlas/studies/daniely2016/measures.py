"""What the figures, tables and claims read from the cubes."""

import numpy as np
import xarray as xr

from initatlas.activations.base import activation_of

FAILURES = 0.05
"""Failure probability delta of the theorems."""

RESOLVED = 0.01
"""Largest relative error of an eigenvalue that counts as resolved."""


def title(activation: str) -> str:
    """How an activation is called in print."""
    return activation_of(activation).title


def by_activation_and(values: xr.DataArray, dim: str) -> dict[str, xr.DataArray]:
    """Numbers by activation and one more dimension, by what such a part is called in a sentence."""
    return {
        f"{title(name)}, {dim} {place}": values.sel({"activation": name, dim: place})
        for name in values.activation.values.tolist()
        for place in values[dim].values.tolist()
    }


def exponent(values: xr.DataArray, dim: str) -> xr.DataArray:
    """Least-squares slope of log values on the logarithm of a coordinate; values that are nan are left out."""
    logs = logarithm(values)
    abscissa = logarithm(values[dim]).where(logs.notnull())
    abscissa = abscissa - abscissa.mean(dim)
    return (abscissa * logs).sum(dim) / (abscissa**2).sum(dim)


def logarithm(values: xr.DataArray) -> xr.DataArray:
    """Natural logarithm, with the coordinates."""
    logs: xr.DataArray = xr.apply_ufunc(np.log, values)
    return logs


def typical(errors: xr.DataArray) -> xr.DataArray:
    """Geometric mean over the replicates."""
    means: xr.DataArray = xr.apply_ufunc(np.exp, logarithm(errors).mean("seed"))
    return means


def standardised(cube: xr.Dataset, name: str) -> xr.DataArray:
    """Distance of the Monte Carlo mean from the closed form, in standard errors.

    What never varies has no standard error: rounding, 1e-9, takes its place.
    """
    distances: xr.DataArray = abs(cube[f"{name}_sampled"] - cube[name]) / cube[f"{name}_standard_error"].clip(min=1e-9)
    return distances


def series_error(cube: xr.Dataset, name: str, *, reach: float = 0.9) -> xr.DataArray:
    """Largest distance of the Hermite series from the closed form over correlations up to `reach`, by activation."""
    inner = cube.sel(correlation=abs(cube.correlation) <= reach + 1e-9)
    return abs(inner[f"{name}_series"] - inner[name]).max("correlation")


def theorem_accuracy(cube: xr.Dataset) -> xr.DataArray:
    """The eps that the theorem on C-bounded activations promises at each width and layer.

    It solves r = (4 C^4)^(L + 1) log(8 L / delta) / eps^2; nan where the activation is not bounded.
    """
    constant = cube["bound_constant"]
    widths = (4.0 * constant**4) ** (cube.layer + 1) * logarithm(8.0 * cube.layer / FAILURES)
    accuracy: xr.DataArray = (widths / cube.width) ** 0.5
    return accuracy


def resolved(cube: xr.Dataset) -> xr.DataArray:
    """Eigenvalues whose relative error is below 0.01; nan elsewhere."""
    return cube["eigenvalue"].where(cube["share_error"] <= RESOLVED * cube["share"])


def reach(cube: xr.Dataset) -> xr.DataArray:
    """Last even degree of the unbroken run of resolved ones, from 0 on: so far double precision would show any degree."""
    even = resolved(cube).sel(degree=slice(0, None, 2)).notnull()
    last: xr.DataArray = 2 * even.cumprod("degree").sum("degree") - 2
    return last


def shallow_over_deep(cube: xr.Dataset) -> xr.DataArray:
    """Eigenvalue at every depth over that at the next one, where both are resolved; ``depth`` is the shallower one."""
    eigenvalues = resolved(cube)
    deeper = eigenvalues.isel(depth=slice(1, None)).assign_coords(depth=cube.depth.values[:-1])
    return eigenvalues.isel(depth=slice(None, -1)) / deeper


def upper_half(values: xr.DataArray) -> xr.DataArray:
    """Values at the upper half of the degrees that have one; nan elsewhere."""
    last = values.degree.where(np.isfinite(values)).max("degree")
    return values.where(values.degree >= last / 2)


def separation_factor(cube: xr.Dataset) -> xr.DataArray:
    """Largest ratio of the norm at depth 1 to the norm at a depth, over the even harmonics, which depth 1 has."""
    even = resolved(cube).sel(degree=slice(2, None, 2))
    factors: xr.DataArray = (even / even.sel(depth=1)).max("degree") ** 0.5
    return factors
