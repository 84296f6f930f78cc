"""Figure 2: births, deaths and travel of breakpoints by layer, relative to the first layer."""

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from initatlas.studies.sahs2020.measures import TITLES, kept
from initatlas.studies.sahs2020.motion_claims import change_rate, speed
from initatlas.studies.statistics import positive_mean_interval


def by_layer(cube: xr.Dataset) -> Figure:
    """Changes and speed by layer, with 95 % intervals over networks."""
    figure, grid = plt.subplots(1, 2, figsize=(7.6, 3.4), sharex=True)
    texts = ("births and deaths", "distance")
    layers = cube.layer.values
    for axes, values, text in zip(grid, (change_rate(cube), speed(cube)), texts, strict=True):
        for place, target in enumerate(cube.target.values.tolist()):
            rows = [kept(values.sel(target=target, layer=layer)) for layer in layers.tolist()]
            with np.errstate(invalid="ignore"):  # draws of networks without a change have no relative error
                estimates = [positive_mean_interval(row) if row.any() else None for row in rows]
            known = [(layer, one) for layer, one in zip(layers + 0.1 * (place - 0.5), estimates, strict=True) if one]
            reach = np.array([[one.value - one.low, one.high - one.value] for _, one in known]).T
            axes.errorbar(
                [layer for layer, _ in known], [one.value for _, one in known], yerr=reach,
                color=f"C{place}", marker="os"[place], ls="", label=TITLES[target],
            )  # fmt: skip
        axes.set_xticks(layers)
        axes.set_xlabel("hidden layer")
        axes.set_ylabel(f"{text} per breakpoint\nand 100 updates")
        axes.set_yscale("log")
    grid[0].legend()
    figure.suptitle(f"{cube.sizes['seed']} networks of 5 hidden layers of 8 units each")
    return figure
