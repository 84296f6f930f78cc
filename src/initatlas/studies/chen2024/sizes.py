"""What figure, table and claims read from the smoothness of more and more images."""

import numpy as np
import xarray as xr

from initatlas.arrays import Doubles
from initatlas.studies.chen2024.smoothness import samples, share, table_cube
from initatlas.studies.evidence import Evidence

LARGEST_SHARE = 0.5
"""Draws of a larger share of the images that are there agree too much to say how far other images would move a slope."""


_READ = ("slope", "null_slope", "exponent", "sample_size", "population")


def sizes_cube(evidence: Evidence) -> xr.Dataset:
    """Slopes and estimates over the number of images: that of table 1, and the others; data sets and seeds that both have."""
    table, others = table_cube(evidence)[[*_READ]], evidence.cubes["sizes"][[*_READ]]
    of_table = table.expand_dims(samples=[int(table["sample_size"].max())])
    both: xr.Dataset = xr.concat([of_table, others], "samples", join="inner", data_vars="all", coords="minimal")
    return both.sortby("samples")


def by_size(cube: xr.Dataset, name: str) -> dict[int, xr.Dataset]:
    """One data set by the number of images that were drawn; where fewer are there than asked for, all of them once."""
    parts: dict[int, xr.Dataset] = {}
    for asked in cube["samples"].values.tolist():
        part = cube.sel(dataset=name, samples=asked)
        parts.setdefault(samples(part), part)
    return parts


def drawn_by_size(cube: xr.Dataset, name: str) -> dict[int, xr.Dataset]:
    """The same as far as the draws are at most `LARGEST_SHARE` of the images."""
    return {n: part for n, part in by_size(cube, name).items() if is_drawn(part)}


def is_drawn(part: xr.Dataset) -> bool:
    """Whether the images are a draw of at most `LARGEST_SHARE` of those that are there."""
    return share(part) <= LARGEST_SHARE


def per_doubling(numbers: dict[int, Doubles]) -> Doubles:
    """Change of numbers with every doubling of n, by least squares.

    Parameters
    ----------
    numbers
        Number of images to one number per seed, two sizes at least.

    Returns
    -------
    ndarray
        One change per seed.
    """
    doublings = np.log2(list(numbers))
    changes: Doubles = np.polyfit(doublings, np.array(list(numbers.values())), 1)[0]
    return changes
