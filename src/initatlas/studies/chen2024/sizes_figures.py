"""Figure of the smoothness against the number of images."""

from collections.abc import Mapping
from math import ceil

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from initatlas.studies.chen2024.sizes import by_size, is_drawn, sizes_cube
from initatlas.studies.chen2024.smoothness import (
    PAPER_SAMPLES,
    PAPER_WINDOW,
    PRIMARY,
    SHORT_WINDOW,
    over_images,
    published_slope,
    title,
)
from initatlas.studies.evidence import Evidence

_COLUMNS = 2
_WINDOWS = {PAPER_WINDOW: ("C1", "s"), SHORT_WINDOW: ("C4", "v")}


def against_size(evidence: Evidence) -> Figure:
    """Slopes over both windows, with and without their null, and the estimate without a window; a panel per data set."""
    cube = sizes_cube(evidence)
    names = [str(name) for name in cube.dataset.values]
    columns = min(_COLUMNS, len(names))
    rows = ceil(len(names) / columns)
    figure, grid = plt.subplots(
        rows, columns, figsize=(5.6 if columns == 1 else 7.4, 0.9 + 2.5 * rows), squeeze=False, sharex=True, sharey=True
    )
    for axes, name in zip(grid.flat, names, strict=False):
        _panel(axes, by_size(cube, name), published_slope(evidence, name))
        axes.set_title(title(name))
    for axes in grid.flat[len(names) :]:
        axes.set_visible(False)
    grid[0, 0].set_ylim(bottom=0)  # of all panels, whose numbers are drawn by now
    for axes in grid[:, 0]:
        axes.set_ylabel("slope or smoothness")
    for axes in grid.flat[max(len(names) - columns, 0) : len(names)]:
        axes.set_xlabel("number of images $n$")
        axes.xaxis.set_tick_params(labelbottom=True)
    handles = {
        label: handle for axes in grid.flat for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=2)
    return figure


def _panel(axes: Axes, parts: Mapping[int, xr.Dataset], published: float | None) -> None:
    """One data set."""
    if published is not None:
        axes.axhline(published, color="0.45", lw=1.0, label="published")
    for window, (colour, marker) in _WINDOWS.items():
        label = f"slope over $i < {window / PAPER_SAMPLES:.2g}\\,n$"
        slopes = {n: part.sel(target=PRIMARY, window=window) for n, part in parts.items()}
        _line(axes, parts, {n: one["slope"] for n, one in slopes.items()}, color=colour, marker=marker, label=label)
        less_null = [float((one["slope"] - one["null_slope"]).mean()) for one in slopes.values()]
        axes.plot(
            list(parts),
            less_null,
            color=colour,
            marker=marker,
            mfc="none",
            ls="--",
            lw=1.0,
            label=f"{label}, less the null",
        )
    exponents = {n: part["exponent"].sel(target=PRIMARY) for n, part in parts.items()}
    _line(axes, parts, exponents, color="C0", marker="o", label="smoothness without a window")
    axes.set_xscale("log")
    axes.set_xticks([*parts], [*map(str, parts)], rotation=30)
    axes.minorticks_off()


def _line(
    axes: Axes,
    parts: Mapping[int, xr.Dataset],
    numbers: Mapping[int, xr.DataArray],
    *,
    color: str,
    marker: str,
    label: str,
) -> None:
    """Means over the draws, with the interval of the draw of images where there is one."""
    estimates = {n: over_images(part, numbers[n]) for n, part in parts.items()}
    reaches = [
        (one.value - one.low, one.high - one.value) if is_drawn(parts[n]) else (np.nan, np.nan)
        for n, one in estimates.items()
    ]
    values = [one.value for one in estimates.values()]
    axes.errorbar(
        list(parts), values, np.transpose(reaches), color=color, marker=marker, lw=1.2, capsize=2, label=label
    )
