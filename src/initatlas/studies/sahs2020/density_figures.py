"""Figure 9: density of the breakpoints before and after training, and the curvature of the function."""

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from initatlas.studies.sahs2020.density_claims import DEPTHS, FUNCTIONS, layers, of_depth
from initatlas.studies.sahs2020.measures import TITLES


def densities(cube: xr.Dataset) -> Figure:
    """A row per function, a column per number of hidden layers; mean over networks."""
    targets = [*FUNCTIONS.values()]
    figure, grid = plt.subplots(len(targets), len(DEPTHS), figsize=(7.6, 8.2), sharex=True)
    for row, target in zip(grid, targets, strict=True):
        for axes, depth in zip(row, DEPTHS, strict=True):
            one = cube.sel(target=target)
            _panel(axes, of_depth(one["density"], depth), of_depth(one["curvature"], depth))
        row[0].set_ylabel(f"{TITLES[target]}\nbreakpoints per unit")
    for axes, depth in zip(grid[0], DEPTHS, strict=True):
        axes.set_title(layers(depth))
    for axes in grid[-1]:
        axes.set_xlabel("input $x$")
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncol=3)
    figure.suptitle(f"mean of {cube.sizes['seed']} networks")
    return figure


def _panel(axes: Axes, density: xr.DataArray, curvature: xr.DataArray) -> None:
    """Densities as lines, the curvature as an area of the same height."""
    x, mean = density.place.values, density.mean("seed")
    bends = np.asarray(curvature.isel(seed=0).values, dtype=np.float64)
    area = bends * (float(mean.max()) / bends.max())
    axes.fill_between(x, area, color="0.88", lw=0, label="curvature of the function, scaled")
    for time, colour, style in (("before", "C0", "--"), ("after", "C1", "-")):
        axes.plot(x, mean.sel(time=time), color=colour, ls=style, label=f"{time} training")
    axes.set_ylim(bottom=0.0)
