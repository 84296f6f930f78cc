"""Figures of the smoothness of the initial function, and of networks beside NTK regression."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, StrMethodFormatter

from initatlas.studies.chen2024.limits import STARTS, terms, theory_threshold, threshold, width_exponents
from initatlas.studies.statistics import mean_interval

SHARES = (0.8, 1.0, 1.2)
"""Of the threshold, for which partial sums are shown."""

COLOURS = dict(zip(STARTS, ("C0", "C1"), strict=True))


def smoothness(cube: xr.Dataset) -> Figure:
    """Thresholds against d, and partial sums of the norm at the middle d on both sides of its threshold."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.4, 3.3), layout="constrained")
    dimensions = cube.dimension.values
    spheres = [cube.sel(dimension=dimension) for dimension in dimensions]
    left.plot(dimensions - 1, [theory_threshold(one) for one in spheres], color="0.5", label="$3/(d+1)$")
    left.plot(dimensions - 1, [threshold(one).value for one in spheres], "o", color="C0", label="from both spectra")
    left.plot(
        dimensions - 1, [threshold(one, "ntk").value for one in spheres], "x", color="C3", label="process of the NTK"
    )
    left.set(xlabel="$d$", ylabel="threshold of $s$", xticks=dimensions - 1, ylim=(0, None))
    left.legend(fontsize="small")
    middle = spheres[len(spheres) // 2]
    for share, colour in zip(SHARES, ("C0", "C2", "C3"), strict=True):
        sums = terms(middle, share * theory_threshold(middle)).cumsum("degree")
        right.loglog(sums.degree, sums / sums[0], color=colour, label=f"$s = {share:g} \\cdot 3/(d+1)$")
    right.set(xlabel="degree $k$", ylabel="norm in $[H]^s$ to degree $k$", title=f"$d = {int(middle.dimension) - 1}$")
    right.legend(fontsize="small")
    return figure


def convergence(cube: xr.Dataset) -> Figure:
    """Distances to the regressions with both kernels, against width."""
    figure, axes = plt.subplots(figsize=(5.2, 3.6))
    for start, colour in COLOURS.items():
        exponent = float(width_exponents(cube, start).mean())
        _line(axes, cube, "distance", start, color=colour, label=f"{start}: $m^{{{-exponent:.2f}}}$")
        _line(axes, cube, "other_distance", start, color=colour, ls=":", label=f"{start}, NNGP for the NTK")
    axes.set(xscale="log", yscale="log", xlabel="width $m$", ylabel="largest distance to the regression")
    axes.set_xticks(cube.width.values, [str(int(width)) for width in cube.width.values])
    axes.minorticks_off()
    # a decade or so has one power of ten
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.legend(fontsize="small")
    return figure


def _line(axes: Axes, cube: xr.Dataset, variable: str, start: str, **style: Any) -> None:
    """Geometric means over samples, with intervals."""
    rows = np.log(cube[variable].sel(start=start).transpose("width", "seed").values)
    middle, low, high = np.exp([mean_interval(row).numbers for row in rows]).T
    axes.errorbar(cube.width.values, middle, [middle - low, high - middle], marker="o", ms=3, capsize=2, **style)
