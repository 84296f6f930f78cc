"""Figures of the boundary between networks that train and networks that diverge."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from initatlas.arrays import Doubles
from initatlas.studies.atlas.boundary import AXES

TITLES = ("the whole plane", "the frame, enlarged", "enlarged again")

FRAMES = (((0.53, 0.75), (0.32, 1.2)), ((0.585, 0.655), (0.38, 0.59)))
"""Parts of the plane that the poster enlarges, the second in the first: ranges of learning rate and weight variance."""


def boundary_map(cubes: Sequence[xr.Dataset]) -> Figure:
    """The plane of learning rate and weight variance, and two frames of it enlarged."""
    figure, row = plt.subplots(1, 3, figsize=(10.2, 3.9))
    for place, (axes, cube, title) in enumerate(zip(row, cubes, TITLES, strict=True)):
        _panel(axes, cube)
        axes.set_title(title)
        if place + 1 < len(cubes):
            _frame(axes, cubes[place + 1])
    _stability_lines(row[0], cubes[0])
    _legend(figure, row[0])
    return figure


def boundary_poster(cube: xr.Dataset) -> Figure:
    """The whole plane large, and two parts of the same map enlarged."""
    figure = plt.figure(figsize=(10.2, 6.6))
    grid = figure.add_gridspec(2, 2, width_ratios=(2.1, 1.0))
    places = [figure.add_subplot(grid[:, 0]), figure.add_subplot(grid[0, 1]), figure.add_subplot(grid[1, 1])]
    ranges = [{"learning_rate": slice(*rates), "weight_variance": slice(*variances)} for rates, variances in FRAMES]
    parts = [cube, *[cube.sel(frame) for frame in ranges]]
    for axes, part, inner, title in zip(places, parts, [*parts[1:], None], TITLES, strict=True):
        _panel(axes, part)
        axes.set_title(title)
        if inner is not None:
            _frame(axes, inner)
    places[1].set_xlabel("")
    places[1].set_xticks([0.55, 0.6, 0.65, 0.7])
    _stability_lines(places[0], cube)
    _legend(figure, places[0])
    return figure


def _stability_lines(axes: Axes, whole: xr.Dataset) -> None:
    """Where the linearised network becomes unstable, and twice that, over the whole plane."""
    axes.set_ylabel(r"weight variance $\sigma_w^2$ (times fan-in)")
    sharpness = whole["sharpness"].isel(learning_rate=0)
    for multiple, style in ((2.0, "-"), (4.0, "--")):
        axes.plot(
            multiple / sharpness,
            whole.weight_variance,
            color="k",
            ls=style,
            lw=1.0,
            label=rf"${multiple:g}\,/\,$sharpness",
        )
    axes.set_xlim(*_ends(whole.learning_rate))


def _legend(figure: Figure, axes: Axes) -> None:
    """What the colours of all panels and the lines of one are, below the figure."""
    patches = [Rectangle((0, 0), 1, 1, color=plt.get_cmap(name)(0.75)) for name in ("Blues", "Oranges")]
    lines, names = axes.get_legend_handles_labels()
    figure.legend(
        [*patches, *lines],
        ["trains (darker: slower)", "diverges (darker: slower)", *names],
        loc="outside lower center",
        ncols=4,
    )


def _panel(axes: Axes, cube: xr.Dataset) -> None:
    """One map: blue where networks train, orange where they diverge, darker the longer it takes."""
    slowness, diverged = (cube[name].transpose(*AXES).values for name in ("slowness", "diverged"))
    for wanted, colours in ((0, "Blues"), (1, "Oranges")):
        shown = np.where((diverged == wanted) & np.isfinite(slowness), np.log(slowness), np.nan)
        axes.pcolormesh(
            cube.learning_rate, cube.weight_variance, _ranks(shown), cmap=colours, vmin=-0.25, vmax=1.1, rasterized=True
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("learning rate")
    axes.grid(visible=False)
    for axis in (axes.xaxis, axes.yaxis):
        low, high = axis.get_view_interval()
        roomy = axis is axes.yaxis and high < 3.2 * low
        subs = range(1, 10) if roomy else (1.0, 2.0, 3.0, 5.0)
        axis.set_major_locator(LogLocator(subs=subs, numticks=12))
        axis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axis.set_minor_formatter(NullFormatter())


def _ranks(values: Doubles) -> Doubles:
    """Values as shares of those that are smaller, so that every part of a map shows its structure; nan stays."""
    ranks = np.full(values.shape, np.nan)
    known = np.isfinite(values)
    order = values[known].argsort().argsort()
    ranks[known] = order / max(order.size - 1, 1)
    return ranks


def _frame(axes: Axes, inner: xr.Dataset) -> None:
    """The part of the plane that the next panel shows."""
    (left, right), (low, high) = _ends(inner.learning_rate), _ends(inner.weight_variance)
    axes.add_patch(Rectangle((left, low), right - left, high - low, fill=False, edgecolor="k", lw=1.2))


def _ends(axis: xr.DataArray) -> tuple[float, float]:
    """First and last value of an axis."""
    return float(axis[0]), float(axis[-1])
