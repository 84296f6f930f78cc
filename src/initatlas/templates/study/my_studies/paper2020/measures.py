"""Numbers that figures, tables and claims share, from a cube."""

import numpy as np
import xarray as xr

from initatlas.arrays import Doubles
from initatlas.studies.claim import Estimate
from initatlas.studies.statistics import CONFIDENCE, jackknife_interval, positive_mean_interval


def by_width(cube: xr.Dataset, name: str) -> Doubles:
    """A variable of all layers, shape (layers, widths)."""
    return np.asarray(cube[name].transpose("seed", "network", "width").values.reshape(-1, cube.width.size))


def mean_squares(cube: xr.Dataset, name: str, level: float = CONFIDENCE) -> list[Estimate]:
    """Mean square for each width, with its interval."""
    return [positive_mean_interval(column, level) for column in by_width(cube, name).T]


def exponent(cube: xr.Dataset, statistic: str) -> Estimate:
    """Exponent of the ``mean`` or the ``std`` over layers against the width."""
    logs = np.log(cube.width.values)

    def slope(rows: Doubles) -> float:
        return float(np.polyfit(logs, np.log(getattr(rows, statistic)(axis=0)), 1)[0])

    return jackknife_interval(slope, by_width(cube, "behind"))
