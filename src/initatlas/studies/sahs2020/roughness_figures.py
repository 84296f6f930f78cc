"""Figures 3, 5 and 8: roughness by layer during training, and in gaps of the data."""

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from initatlas.cubes import fixed_parameters
from initatlas.experiments.target_labels import target_function
from initatlas.studies.sahs2020.measures import TITLES, at_end
from initatlas.studies.statistics import positive_mean_interval


def by_layer(cube: xr.Dataset) -> Figure:
    """Roughness by layer against updates, a panel per function; mean over networks."""
    targets = cube.target.values.tolist()
    figure, grid = plt.subplots(1, len(targets), figsize=(9.6, 3.4), sharex=True, sharey=True)
    colours = plt.get_cmap("viridis")(np.linspace(0.0, 0.9, cube.sizes["layer"]))
    for axes, target in zip(grid, targets, strict=True):
        one = cube.sel(target=target)
        mean = one["roughness_by_layer"].mean("seed")
        for layer, colour in zip(cube.layer.values.tolist(), colours, strict=True):
            axes.plot(one["epoch"].isel(seed=0), mean.sel(layer=layer), color=colour, label=f"{layer}")
        axes.set_title(TITLES[target])
        axes.set_xlabel("updates")
    grid[0].set_yscale("log")
    grid[0].set_ylabel("sum of squared changes of the\noutput's slope by a layer's units")
    figure.legend(*grid[0].get_legend_handles_labels(), title="hidden\nlayer", loc="outside right center")
    figure.suptitle(f"mean of {cube.sizes['seed']} networks, 4 hidden layers of 8 units")
    return figure


def in_gaps(by_width: xr.Dataset, by_scale: xr.Dataset) -> Figure:
    """Roughness in the gap against width and against initial scale."""
    figure, grid = plt.subplots(1, 2, figsize=(7.6, 3.5), sharey=True)
    for axes, cube, axis, text in (
        (grid[0], by_width, "width", "units"),
        (grid[1], by_scale, "scale", "initial weights and biases,\nmultiples of He's"),
    ):
        for place, target in enumerate(cube.target.values.tolist()):
            _with_intervals(axes, at_end(cube["roughness_inner"]).sel(target=target), axis, place)
        axes.set_xscale("log")
        axes.set_xlabel(text)
        ticks = cube[axis].values.tolist()
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
    grid[0].set_yscale("log")
    grid[0].set_ylabel("roughness in the gap")
    grid[0].legend()
    figure.suptitle(f"{by_width.sizes['seed']} networks each, no data between −0.5 and 0.5")
    return figure


def _with_intervals(axes: Axes, values: xr.DataArray, axis: str, place: int) -> None:
    """Means over networks with their intervals."""
    x = values[axis].values
    estimates = [positive_mean_interval(values.isel({axis: at}).dropna("seed").values) for at in range(x.size)]
    reach = np.array([[one.value - one.low, one.high - one.value] for one in estimates]).T
    target = str(values.target.item())
    axes.errorbar(
        x, [one.value for one in estimates], yerr=reach, color=f"C{place}", marker="os"[place], label=TITLES[target]
    )


def across_gaps(cube: xr.Dataset) -> Figure:
    """The two functions, the data, and what narrow and wide networks make of the gap."""
    targets = cube.target.values.tolist()
    figure, grid = plt.subplots(1, len(targets), figsize=(7.6, 3.5), sharey=True)
    x, settings = cube.place.values, fixed_parameters(cube)
    grid_points = np.linspace(x[0], x[-1], int(settings["samples"]))
    data = grid_points[abs(grid_points) >= float(settings["gap"])]
    for axes, target in zip(grid, targets, strict=True):
        for place, width in enumerate((cube.width.values[0], cube.width.values[-1])):
            curves = at_end(cube["curve"]).sel(target=target, width=width).isel(seed=slice(3))
            axes.plot(x, curves.transpose("place", "seed"), color=f"C{place}", lw=1.0)
            axes.plot([], [], color=f"C{place}", label=f"three networks of {width} units")
        axes.plot(data, target_function(target, x[0], x[-1])(data), "o", color="k", ms=2.5, label="data")
        axes.axvspan(-float(settings["gap"]), float(settings["gap"]), color="0.9", lw=0, zorder=0)
        axes.set_title(TITLES[target])
        axes.set_xlabel("input $x$")
    grid[0].set_ylabel("output")
    figure.legend(*grid[0].get_legend_handles_labels(), loc="outside lower center", ncol=3)
    return figure
