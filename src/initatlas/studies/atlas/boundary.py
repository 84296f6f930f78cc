"""The boundary between networks that train and networks that diverge: what is read from its maps."""

import numpy as np
import xarray as xr

from initatlas.arrays import Doubles, Flags

AXES = ("weight_variance", "learning_rate")


def edge(diverged: Flags) -> Flags:
    """Cells that differ from their neighbour to the right or above, shape (rows, columns)."""
    cells = np.zeros(diverged.shape, dtype=np.bool_)
    cells[:, :-1] |= diverged[:, 1:] != diverged[:, :-1]
    cells[:-1] |= diverged[1:] != diverged[:-1]
    return cells


def box_sizes(side: int) -> list[int]:
    """Sides of boxes that tile a square map without a rest, up to an eighth of it."""
    return [size for size in range(1, side // 8 + 1) if side % size == 0]


def box_counts(cells: Flags, sizes: list[int]) -> list[int]:
    """How many boxes of each size hold a cell, of a square map."""
    side = len(cells)
    tiles = (cells.reshape(side // size, size, side // size, size) for size in sizes)
    return [int(boxes.any(axis=(1, 3)).sum()) for boxes in tiles]


def box_dimension(diverged: Flags) -> float:
    """Box-counting dimension of the boundary: minus the slope of log count against log size; nan where there is none.

    A smooth curve has 1. Sohl-Dickstein 2024 takes the median of the slopes over a sequence of zooms instead.
    """
    cells = edge(diverged)
    sizes = box_sizes(len(cells))
    if not cells.any() or len(sizes) < 2:
        return float("nan")
    return -float(np.polyfit(np.log(sizes), np.log(box_counts(cells, sizes)), 1)[0])


def stability(cube: xr.Dataset) -> xr.DataArray:
    """Learning rate times sharpness at initialisation: gradient descent of the linearised network diverges above 2."""
    product: xr.DataArray = cube["learning_rate"] * cube["sharpness"]
    return product


def by_network(maps: xr.DataArray) -> list[Flags]:
    """The map of each network, shape (weight variances, learning rates)."""
    return [maps.sel(network=network).transpose(*AXES).values.astype(np.bool_) for network in maps.network.values]


def shares(cube: xr.Dataset, low: float, high: float) -> Doubles:
    """Share of converged networks among those whose learning rate times sharpness is in [low, high), by network."""
    product = stability(cube)
    inside = (product >= low) & (product < high)
    converged = (cube["diverged"] == 0).where(inside)
    values: Doubles = converged.mean([*AXES]).values
    return values
