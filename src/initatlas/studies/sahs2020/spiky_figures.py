"""Figures 4 and 6: spiky and standard starts, before and after training."""

import matplotlib.pyplot as plt
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from initatlas.experiments.target_labels import target_function
from initatlas.studies.sahs2020.measures import TITLES
from initatlas.studies.sahs2020.spiky_claims import FUNCTIONS

_STYLES = {"drawn": ("C0", "standard start"), "spiky": ("C1", "spiky start")}
_TIMES = ("before training", "after training")


def before_and_after(cube: xr.Dataset, title: str) -> Figure:
    """One network of each start, a column per function: above before training, below after it."""
    figure, grid = plt.subplots(2, 6, figsize=(10.2, 4.2), sharex=True, sharey="row")
    for column, target in enumerate(FUNCTIONS.values()):
        for row in range(2):
            _curves(grid[row, column], cube.sel(target=target).isel(record=-row), target)
        grid[0, column].set_title(TITLES[target])
        grid[1, column].set_xlabel("input $x$")
    for axes, time in zip(grid[:, 0], _TIMES, strict=True):
        axes.set_ylabel(f"{time}\noutput")
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncol=3)
    figure.suptitle(f"{title}, first network of {cube.sizes['seed']}")
    return figure


def _curves(axes: Axes, cube: xr.Dataset, target: str) -> None:
    """The function of the first network of each start, and what it learns."""
    x = cube.place.values
    axes.plot(x, target_function(target, x[0], x[-1])(x), color="0.45", ls=":", lw=1.2, label="what they learn")
    for start, (colour, label) in _STYLES.items():
        axes.plot(x, cube["curve"].sel(start=start).isel(seed=0), color=colour, lw=1.2, label=label)
