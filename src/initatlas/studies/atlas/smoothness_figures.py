"""Figure of the smoothness of the function, before and after training."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from initatlas.arrays import Doubles
from initatlas.studies.atlas.learning_rate_figures import plain_logarithms
from initatlas.studies.atlas.smoothness import KINKED, SMOOTH, bends, start_smoothness
from initatlas.studies.statistics import mean_interval


def smoothness_figure(cube: xr.Dataset) -> Figure:
    """Bending at initialisation and after training over depth, a colour per variance; smoothness at initialisation."""
    figure, (start, end, exponent) = plt.subplots(1, 3, figsize=(11.0, 3.8))
    for place, variance in enumerate(cube.weight_variance.values.tolist()):
        colour, label = f"C{place}", rf"$\sigma_w^2 = {variance:.2g}$"
        before = bends(cube, mirrored=False, trained=False).sel(weight_variance=variance)
        _curve(start, before, color=colour, label=label)
        for mirrored, style in ((False, "-"), (True, "--")):
            after = bends(cube, mirrored=mirrored, trained=True).sel(weight_variance=variance)
            _curve(end, after, color=colour, ls=style, label=f"{label}, mirrored" if mirrored else label)
    for name, label in ((KINKED, "ReLU"), (SMOOTH, "tanh")):
        estimates = [mean_interval(row.values) for row in start_smoothness(cube, name)]
        reach = [[one.value - one.low for one in estimates], [one.high - one.value for one in estimates]]
        exponent.errorbar(cube.depth, [one.value for one in estimates], yerr=reach, marker="o", lw=1.0, label=label)
    exponent.axhline(1.5, color="0.4", lw=0.9, ls=":")
    start.set_title("at initialisation")
    start.set_ylabel("bending along lines")
    end.set_title("after training")
    exponent.set_title("smoothness at initialisation")
    exponent.legend()
    for axes in (start, end, exponent):
        axes.set_xlabel("depth (hidden layers)")
        axes.set_xscale("log", base=2)
        axes.set_xticks(cube.depth.values, [str(depth) for depth in cube.depth.values])
    for axes in (start, end):
        plain_logarithms(axes, "y")
    handles, names = end.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=cube.sizes["weight_variance"])
    return figure


def _curve(axes: Axes, rows: xr.DataArray, **style: Any) -> None:
    """Geometric mean over the seeds that did not diverge, and all of them as a band."""
    if not np.isfinite(rows).any():
        return
    mean = rows.reduce(_geometric_mean, "seed")
    axes.plot(rows.depth, mean, marker="o", ms=3, **style)
    axes.fill_between(rows.depth, rows.min("seed"), rows.max("seed"), color=style["color"], alpha=0.12, lw=0)


def _geometric_mean(values: Doubles, axis: int) -> Doubles:
    """Over an axis, of what is a number."""
    logs = np.log(np.where(np.isfinite(values), values, 1.0)).sum(axis)
    counted = np.isfinite(values).sum(axis)
    return np.where(counted > 0, np.exp(logs / np.maximum(counted, 1)), np.nan)
