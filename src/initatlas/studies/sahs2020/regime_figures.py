"""Beyond the paper: the map of the lazy and the adaptive regime, and breakpoints in motion."""

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from initatlas.cubes import fixed_parameters
from initatlas.experiments.target_labels import target_function
from initatlas.studies.sahs2020.measures import TITLES

_OUTPUTS = {"kept": "as drawn", "removed": "output at the start taken off"}
_MOMENTS = 5
"""Frames that stand on the page."""


def travelled(cube: xr.Dataset) -> Figure:
    """Mean travel by width and scale, with and without the output at the start."""
    figure, grid = plt.subplots(1, 2, figsize=(8.4, 3.8), sharex=True, sharey=True)
    mean = cube["travel"].mean("network")
    norm = LogNorm(float(mean.min()), float(mean.max()))
    for axes, (name, title) in zip(grid, _OUTPUTS.items(), strict=True):
        cells = mean.sel(output_at_start=name).transpose("scale", "width").values
        image = axes.pcolormesh(cells, norm=norm, cmap="viridis")
        axes.set_title(title)
        axes.set_xlabel("units")
        axes.set_xticks(np.arange(cells.shape[1]) + 0.5, [f"{width}" for width in cube.width.values])
        axes.set_yticks(np.arange(cells.shape[0]) + 0.5, [f"{scale:g}" for scale in cube.scale.values])
        axes.grid(visible=False)
    grid[0].set_ylabel("initial weights and biases,\nmultiples of He's")
    figure.colorbar(image, ax=grid, label="travel of the median breakpoint")
    figure.suptitle(f"{cube['travel'].size} networks")
    return figure


def frames(cube: xr.Dataset) -> Figure:
    """Some frames of networks in training: a row per scale, a column per moment."""
    target = str(fixed_parameters(cube)["target"])
    moments = np.unique(np.geomspace(1, cube.sizes["record"], _MOMENTS).round().astype(int)) - 1
    scales = cube.scale.values.tolist()
    figure, grid = plt.subplots(len(scales), moments.size, figsize=(10.2, 5.4), sharex=True, sharey=True)
    for row, scale in zip(grid, scales, strict=True):
        for axes, moment in zip(row, moments.tolist(), strict=True):
            _frame(axes, cube.sel(scale=scale).isel(record=moment), target)
        row[0].set_ylabel(f"{scale:g} times He's")
    for axes in grid[-1]:
        axes.set_xlabel("input $x$")
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncol=3)
    return figure


def _frame(axes: Axes, frame: xr.Dataset, target: str) -> None:
    """One network at one moment: its function and where it bends."""
    x = frame.place.values
    axes.plot(x, target_function(target, x[0], x[-1])(x), color="0.6", lw=1.0, label=TITLES[target])
    axes.plot(x, frame["curve"], color="C0", lw=1.3, label="network")
    knots = frame["breakpoint"].values
    inside = knots[(knots > x[0]) & (knots < x[-1])]
    axes.plot(inside, np.interp(inside, x, frame["curve"].values), "|", color="C1", ms=9, mew=1.5, label="breakpoints")
    axes.set_title(f"{int(frame['epoch'])} updates", fontsize=9)
    axes.set_ylim(-2.5, 2.5)
