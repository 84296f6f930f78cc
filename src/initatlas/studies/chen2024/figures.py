"""Figures of Chen, Li, Lin 2024."""

from math import ceil

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from initatlas.studies.chen2024 import generalisation_figures, known_figures, limit_figures, sizes_figures
from initatlas.studies.chen2024.smoothness import (
    INITIAL,
    PAPER_SAMPLES,
    PAPER_WINDOW,
    PRIMARY,
    SHORT_WINDOW,
    decay,
    published_slope,
    samples,
    table_cube,
    title,
)
from initatlas.studies.evidence import Evidence

COLUMNS = 2


def fig1(evidence: Evidence) -> Figure:
    """Test errors of finite networks."""
    return generalisation_figures.errors(evidence.cubes["fig1"])


def fig1_limit(evidence: Evidence) -> Figure:
    """Test errors of networks of infinite width."""
    return generalisation_figures.errors(evidence.cubes["fig1_limit"])


def gp_smoothness(evidence: Evidence) -> Figure:
    """Smoothness of the function that networks start from."""
    return limit_figures.smoothness(evidence.cubes["gp_smoothness"])


def known_smoothness(evidence: Evidence) -> Figure:
    """Estimates of functions whose smoothness is known."""
    return known_figures.known(evidence.cubes["known_smoothness"])


def sizes(evidence: Evidence) -> Figure:
    """Smoothness against the number of images."""
    return sizes_figures.against_size(evidence)


def uniform_convergence(evidence: Evidence) -> Figure:
    """Networks beside NTK regression."""
    return limit_figures.convergence(evidence.cubes["uniform_convergence"])


def fig2_4(evidence: Evidence) -> Figure:
    """Decay of the tail sums of every data set that is there, with the fits over two windows."""
    cube = table_cube(evidence)
    names = [str(name) for name in cube.dataset.values]
    rows = ceil(len(names) / COLUMNS)
    figure, grid = plt.subplots(rows, COLUMNS, figsize=(7.4, 3.3 * rows), squeeze=False, sharey=True)
    for axes, name in zip(grid.flat, names, strict=False):
        _panel(axes, cube.sel(dataset=name), name, published_slope(evidence, name))
    for axes in grid.flat[len(names) :]:
        axes.set_visible(False)
    for axes in grid[:, 0]:
        axes.set_ylabel(r"tail sum $T_i / T_1$")
    for axes in grid.flat[max(len(names) - COLUMNS, 0) : len(names)]:
        axes.set_xlabel("index $i$")
    return figure


def _panel(axes: Axes, cube: xr.Dataset, name: str, published: float | None) -> None:
    """One data set: tail sums of labels and of initial functions, the null, and the fitted lines."""
    labels = cube.sel(target=PRIMARY)
    index, tail = decay(labels.isel(seed=0))
    n = samples(cube)
    axes.loglog(index, tail, color="C0", lw=1.6, label="labels")
    axes.loglog(*decay(cube.sel(target=INITIAL).isel(seed=0)), color="C2", lw=1.0, label="random networks")
    axes.loglog(index, (n - index + 1) / n, color="0.6", lw=1.0, ls=":", label="labels without information")
    for window, colour, dashes in ((SHORT_WINDOW, "C4", "--"), (PAPER_WINDOW, "C1", "-.")):
        last = round(window * n / PAPER_SAMPLES)
        fitted = float(labels["slope"].sel(window=window).mean())
        axes.loglog(
            index[:last],
            _line(index, tail, last),
            color=colour,
            ls=dashes,
            lw=1.3,
            label=f"fit $i < {last}$: {fitted:.2f}",
        )
    axes.set_ylim(max(tail.min(), 1e-4) * 0.8, 1.5)
    printed = f", published {published:.2f}" if published is not None else ""
    axes.set_title(f"{title(name)}, n = {n}{printed}")
    axes.legend(loc="lower left", fontsize="small")


def _line(index: np.ndarray, tail: np.ndarray, last: int) -> np.ndarray:
    """The least-squares line of log T on log i over the first indices."""
    coefficients = np.polyfit(np.log(index[: last - 1]), np.log(tail[: last - 1]), 1)
    line: np.ndarray = np.exp(np.polyval(coefficients, np.log(index[:last])))
    return line
