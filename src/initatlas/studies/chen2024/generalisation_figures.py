"""Figure 1: test errors against the number of samples."""

from math import ceil

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from initatlas.studies.chen2024.generalisation import (
    MIRRORED,
    STANDARD,
    exponents,
    log_errors,
    settings,
    theory_exponents,
)
from initatlas.studies.statistics import mean_interval

COLUMNS = 2

COLOURS = {MIRRORED: "C0", STANDARD: "C1"}


def errors(cube: xr.Dataset) -> Figure:
    """A panel per dimension, with and without bias where the cube has both."""
    panels = settings(cube)
    rows = ceil(len(panels) / COLUMNS)
    figure, grid = plt.subplots(rows, COLUMNS, figsize=(7.4, 3.2 * rows), squeeze=False, sharex=True)
    for axes, (title, part) in zip(grid.T.flat if rows > 1 else grid.flat, panels.items(), strict=True):
        _panel(axes, part)
        axes.set_title(title)
    for axes in grid[:, 0]:
        axes.set_ylabel("test error")
    for axes in grid[-1]:
        axes.set_xlabel("number of samples $n$")
    return figure


def _panel(axes: Axes, cube: xr.Dataset) -> None:
    """Both starts with their fitted lines, and the slopes of theory."""
    samples = cube.samples.values
    for start, colour in COLOURS.items():
        rows = log_errors(cube, start)
        ends = np.exp([mean_interval(column).numbers for column in rows.T]).T
        slope = float(exponents(cube, start).mean())
        axes.errorbar(
            samples, ends[0], np.abs(ends[1:] - ends[0]), color=colour, marker="o", ms=4, lw=0, elinewidth=1.2
        )
        middle = np.exp(rows.mean() + slope * (np.log(samples).mean() - np.log(samples)))
        axes.plot(samples, middle, color=colour, ls="--", lw=1.2, label=f"{start}: $n^{{{-slope:.2f}}}$")
    printed, without_bias = theory_exponents(int(cube.dimension))
    start_at = 1.6 * float(np.exp(log_errors(cube, STANDARD)[:, 0].mean()))
    for exponent, dots, words in ((printed, ":", "3/(d+3)"), (without_bias, "-.", "3/(d+2)")):
        line = start_at * (samples / samples[0]) ** -exponent
        axes.plot(samples, line, color="0.5", ls=dots, lw=1.0, label=f"slope of $n^{{-{words}}}$")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(samples, [str(int(n)) for n in samples], minor=False)
    axes.minorticks_off()
    axes.legend(loc="lower left", fontsize="small")
