"""Figure 7: number of partitions with continuous least-squares fits, against breakpoints and data points."""

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure


def growth(cube: xr.Dataset) -> Figure:
    """Medians over draws of data with their ranges, and the number of all partitions."""
    figure, grid = plt.subplots(1, 2, figsize=(8.4, 3.7), sharey=True)
    points, used = cube.points.values, cube.used.values
    for place, count in enumerate(points.tolist()):
        _line(grid[0], cube.sel(points=count, used=used[1:]), "used", f"{count}", place)
    chosen = [int(used[-1]) // 2**halvings for halvings in (4, 3, 2, 1, 0) if int(used[-1]) // 2**halvings]
    for place, breakpoints in enumerate(chosen):
        _line(grid[1], cube.sel(used=breakpoints), "points", f"{breakpoints}", place)
    for axes, label, title in zip(grid, ("breakpoints $H$", "data points $N$"), ("N", "H"), strict=True):
        axes.plot([], [], color="0.5", ls=":", label="all")
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel(label)
        axes.legend(title=f"${title}$")
    grid[1].set_xticks(points, [f"{count}" for count in points])
    grid[1].minorticks_off()
    grid[0].set_ylabel("partitions with a continuous\nleast-squares fit")
    figure.suptitle(f"{cube.sizes['seed']} draws of data")
    return figure


def _line(axes: Axes, one: xr.Dataset, dim: str, label: str, place: int) -> None:
    """One number of data points or of breakpoints."""
    counts = one["continuous"].transpose(dim, "seed").values
    x, colour = one[dim].values, f"C{place}"
    axes.plot(x, np.median(counts, axis=1), color=colour, label=label)
    axes.fill_between(x, counts.min(axis=1), counts.max(axis=1), color=colour, alpha=0.2, lw=0)
    axes.plot(x, one["partitions"].isel(seed=0), color=colour, ls=":", lw=1.0)
