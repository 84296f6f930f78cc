"""What figures and claims read from the spectra of both kernels on spheres, and from distances to NTK regression."""

from typing import Any

import numpy as np
import xarray as xr

from initatlas.arrays import Doubles
from initatlas.studies.claim import Estimate
from initatlas.studies.statistics import exact, log_slope

STARTS = ("mirrored", "standard")


def terms(cube: xr.Dataset, smoothness: float, process: str = "nngp") -> xr.DataArray:
    """N_k mu_k lambda_k^-s over even degrees from 2 on: the expected squared norm in [H]^s of the NTK is their sum.

    Parameters
    ----------
    cube
        At one dimension.
    smoothness
        s.
    process
        Kernel with the eigenvalues mu.
    """
    even = cube.isel(degree=slice(2, None, 2))
    values: Any = np.log(even["eigenvalue"])
    logs = even["log_multiplicity"].sel(kernel="ntk") + values.sel(kernel=process)
    norms: xr.DataArray = np.exp(logs - smoothness * values.sel(kernel="ntk"))
    return norms


def threshold(cube: xr.Dataset, process: str = "nngp") -> Estimate:
    """Largest s for which the sum of `terms` is finite, from the upper half of the degrees; the half below tells the error.

    Where N_k mu_k falls as k^-a and lambda_k as k^-b, the sum is finite for s < (a - 1) / b.
    """
    last = int(cube.degree.max())
    upper, lower = (_threshold(cube, process, end // 2, end) for end in (last, last // 2))
    return exact(upper, abs(upper - lower))


def _threshold(cube: xr.Dataset, process: str, first: int, last: int) -> float:
    """From the degrees of a window."""
    part = cube.sel(degree=slice(first - first % 2, last))
    # the eigenvalue k (k + D - 2) of the Laplacian has no term in 1 / k about this centre
    places = part.degree.values[::2] + 0.5 * (int(cube.dimension) - 2)
    even = part.isel(degree=slice(0, None, 2))
    values = even["eigenvalue"]
    falling = np.exp(even["log_multiplicity"].sel(kernel="ntk").values) * values.sel(kernel=process).values
    weights, powers = (-log_slope(places, one) for one in (falling, values.sel(kernel="ntk").values))
    return (weights - 1.0) / powers


def theory_threshold(cube: xr.Dataset) -> float:
    """3 / (d + 1) on S^d, whose inputs have d + 1 coordinates."""
    return 3.0 / int(cube.dimension)


def width_exponents(cube: xr.Dataset, start: str, variable: str = "distance") -> Doubles:
    """Least-squares exponent p of each sample, where the distance goes like width^-p, shape (seeds,)."""
    rows = cube[variable].sel(start=start).transpose("seed", "width").values
    return np.array([-log_slope(cube.width.values, row) for row in rows])
