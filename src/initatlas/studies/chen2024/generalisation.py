"""What the figures, tables and claims read from the cubes of test errors against the number of samples."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import xarray as xr

from initatlas.arrays import Doubles
from initatlas.studies.claim import Estimate
from initatlas.studies.statistics import CONFIDENCE, log_slope, mean_interval

MIRRORED, STANDARD, AGAIN = "mirrored", "standard", "standard_again"
"""Starts of training: from zero, from a random function, and from another one on the same data."""


def theory_exponents(dimension: int) -> tuple[float, float]:
    """Exponents of n in the error of a standard start: as printed, and for inputs on the sphere in R^d without bias.

    The theorem (4.3 and 4.4) is stated for the sphere S^d in R^(d+1) and gives 3 / (d + 3). Inputs of figure 1 have d
    coordinates, so they lie on S^(d-1), where it gives 3 / (d + 2).
    """
    return 3.0 / (dimension + 3.0), 3.0 / (dimension + 2.0)


def settings(cube: xr.Dataset) -> dict[str, xr.Dataset]:
    """Part of a claim, or panel, to the cube there: a dimension, and where the cube has both, with or without bias."""
    dimensions = {f"d = {int(d)}": cube.sel(dimension=d) for d in cube.dimension.values}
    if "bias" not in cube.dims:
        return dimensions
    words = {False: "without bias", True: "with bias"}
    return {
        f"{name}, {words[bool(bias)]}": part.sel(bias=bias)
        for name, part in dimensions.items()
        for bias in part.bias.values
    }


def log_errors(cube: xr.Dataset, start: str, variable: str = "test_error") -> Doubles:
    """Logarithms of the errors of one setting, one row per trial, shape (trials, numbers of samples)."""
    errors = cube[variable].sel(start=start).transpose("seed", "samples").values
    logarithms: Doubles = np.log(errors)
    return logarithms


def exponents(cube: xr.Dataset, start: str, variable: str = "test_error") -> Doubles:
    """Least-squares exponent p of each trial, where the error goes like n^-p, shape (trials,)."""
    samples = cube.samples.values
    rows = np.exp(log_errors(cube, start, variable))
    return np.array([-log_slope(samples, row) for row in rows])


def local_exponents(cube: xr.Dataset, start: str, level: float = CONFIDENCE) -> list[tuple[int, int, Estimate]]:
    """Exponents between neighbouring numbers of samples: both numbers, and the mean over trials."""
    samples: Sequence[int] = cube.samples.values.tolist()
    rows = log_errors(cube, start)
    return [
        (few, many, mean_interval((rows[:, k] - rows[:, k + 1]) / np.log(many / few), level))
        for k, (few, many) in enumerate(pairwise(samples))
    ]
