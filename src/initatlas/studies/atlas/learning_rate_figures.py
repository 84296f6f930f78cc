"""Figures of the best learning rate over width and depth with the coordinate check, and of kernels beside their limit."""

from typing import Literal

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from initatlas.arrays import Doubles
from initatlas.studies.atlas.learning_rate import (
    BRANCHES,
    TITLES,
    best_rates,
    kernel_changes,
    kernel_distances,
    losses,
    losses_over_depth,
    signal_changes,
)
from initatlas.studies.evidence import Evidence
from initatlas.studies.statistics import mean_interval


def learning_rate_figure(evidence: Evidence) -> Figure:
    """Losses over the learning rate by parametrisation; below, best rates over width and depth, and signals' changes."""
    figure, grid = plt.subplots(2, 3, figsize=(10.2, 6.4))
    for axes, (name, title) in zip(grid[0], TITLES.items(), strict=True):
        _loss_curves(axes, losses(evidence, name))
        axes.set_title(title)
    grid[0, 0].set_ylabel("training loss (squared error)")
    grid[0, 0].legend(title="width")
    width, depth, change = grid[1]
    loss = losses(evidence, "standard", cross_entropy=True)
    _relative(width, loss.width.values, best_rates(loss), "standard, cross entropy", "0.5")
    for name, title in TITLES.items():
        loss, moved = losses(evidence, name), signal_changes(evidence, name)
        _relative(width, loss.width.values, best_rates(loss), title)
        _means(change, moved.width.values, moved.values.T, title)
    for name, title in BRANCHES.items():
        loss = losses_over_depth(evidence, name)
        _relative(depth, loss.depth.values, best_rates(loss), title)
    width.set_ylabel("best learning rate, over the first")
    change.set_ylabel("relative change of the last signals")
    for axes, label, title in (
        (width, "width", "width"),
        (depth, "depth (hidden layers)", "depth"),
        (change, "width", "coordinate check"),
    ):
        axes.set_xlabel(label)
        axes.set_title(title)
        if axes.has_data():
            low, high = axes.get_ylim()
            axes.set_ylim(
                low * (low / high) ** 0.35, high
            )  # room for the legend below the curves, on a scale of logarithms
            axes.legend(loc="lower left")
    return figure


def kernel_limit_figure(evidence: Evidence) -> Figure:
    """Distances of the empirical NTK over the width, from infinite width and from its start, a panel per parametrisation."""
    figure, row = plt.subplots(1, 3, figsize=(10.2, 3.4), sharey=True)
    for axes, (name, title) in zip(row, TITLES.items(), strict=True):
        start, end = (kernel_distances(evidence, name, place) for place in (0, -1))
        widths = start.width.values
        _means(axes, widths, start.values.T, "before training, from the limit")
        _means(axes, widths, end.values.T, "after training, from the limit", dashed=True)
        _means(axes, widths, kernel_changes(evidence, name).values.T, "after training, from before")
        fall = float(np.exp(np.log(start.isel(width=0)).mean())) * np.sqrt(widths[0] / widths)
        axes.plot(widths, fall, color="0.5", ls=":", zorder=0, label=r"$1/\sqrt{\mathrm{width}}$")
        axes.set_title(title)
        axes.set_xlabel("width")
    row[0].set_ylabel("relative distance of the NTK")
    figure.legend(*row[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def _loss_curves(axes: Axes, loss: xr.DataArray) -> None:
    """Geometric mean over the seeds, where all trained, a curve per width."""
    widths = loss.width.values.tolist()
    for place, width in enumerate(widths):
        rows = loss.sel(width=width).transpose("seed", "learning_rate").values
        colour = plt.get_cmap("viridis")(place / max(len(widths) - 1, 1))
        axes.plot(loss.learning_rate, np.exp(np.log(rows).mean(axis=0)), color=colour, marker=".", label=str(width))
    plain_logarithms(axes, "x")
    plain_logarithms(axes, "y")
    axes.set_xlabel("learning rate")


def plain_logarithms(axes: Axes, which: Literal["x", "y"]) -> None:
    """A logarithmic axis with plain numbers at 1, 2 and 5 of every decade.

    Beside each other those of two decades have room; above each other all whole ones of less than half a decade do.
    """
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    axis: Axis = axes.xaxis if which == "x" else axes.yaxis
    low, high = axes.get_xlim() if which == "x" else axes.get_ylim()
    crowded = high / low > (200.0 if which == "x" else 1e4)
    roomy = which == "y" and high / low < 3.2
    axis.set_major_locator(LogLocator(subs=range(1, 10) if roomy else (1.0,) if crowded else (1.0, 2.0, 5.0)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())


def _relative(axes: Axes, sizes: Doubles, best: Doubles, label: str, colour: str | None = None) -> None:
    """Best learning rates over those at the first size."""
    _means(axes, sizes, best / np.exp(np.log(best[:, 0]).mean()), label, colour)


def _means(
    axes: Axes, sizes: Doubles, rows: Doubles, label: str, colour: str | None = None, *, dashed: bool = False
) -> None:
    """Geometric means over the seeds with 95 % intervals, against the size; nothing where fewer than two seeds have a number."""
    axes.set_xscale("log", base=2)
    axes.set_xticks(sizes, [str(size) for size in sizes])
    columns = {size: np.log(column[np.isfinite(column)]) for size, column in zip(sizes, rows.T, strict=True)}
    numbers = [(size, *mean_interval(column).numbers) for size, column in columns.items() if column.size > 1]
    if not numbers:
        return
    kept, logs = [size for size, *_ in numbers], np.array([interval for _, *interval in numbers])
    values, lows, highs = np.exp(logs).T
    reach = [values - lows, highs - values]
    line, marker = ("--", "x") if dashed else ("-", "o")
    axes.errorbar(kept, values, yerr=reach, color=colour, ls=line, marker=marker, lw=1.0, capsize=2, label=label)
    plain_logarithms(axes, "y")
