"""Figure of the boundary between networks that train and networks that diverge."""

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


def boundary_map(cubes: Sequence[xr.Dataset]) -> Figure:
    """The plane of learning rate and weight variance, and two frames of it enlarged."""
    figure, row = plt.subplots(1, 3, figsize=(10.2, 3.9))
    for place, (axes, cube, title) in enumerate(zip(row, cubes, TITLES, strict=True)):
        _panel(axes, cube)
        axes.set_title(title)
        if place + 1 < len(cubes):
            _frame(axes, cubes[place + 1])
    row[0].set_ylabel(r"weight variance $\sigma_w^2$ (times fan-in)")
    whole = cubes[0]
    sharpness = whole["sharpness"].isel(learning_rate=0)
    for multiple, style in ((2.0, "-"), (4.0, "--")):
        row[0].plot(
            multiple / sharpness,
            whole.weight_variance,
            color="k",
            ls=style,
            lw=1.0,
            label=rf"${multiple:g}\,/\,$sharpness",
        )
    row[0].set_xlim(*_ends(whole.learning_rate))
    patches = [Rectangle((0, 0), 1, 1, color=plt.get_cmap(name)(0.75)) for name in ("Blues", "Oranges")]
    lines, names = row[0].get_legend_handles_labels()
    figure.legend(
        [*patches, *lines],
        ["trains (darker: slower)", "diverges (darker: slower)", *names],
        loc="outside lower center",
        ncols=4,
    )
    return figure


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
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 3.0, 5.0), numticks=12))
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
