"""Figure of networks whose weights differ in their distribution alone."""

import matplotlib.pyplot as plt
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from initatlas.studies.atlas.invariance import GAUSSIAN, curves, gap
from initatlas.studies.statistics import mean_interval


def invariance_figure(cube: xr.Dataset) -> Figure:
    """Training curves at the largest width; and how far each distribution is from Gaussian weights, over width."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.6))
    labels = cube.weights.values.tolist()
    for place, label in enumerate(labels):
        _curve(left, cube, label, f"C{place}")
        if label != GAUSSIAN:
            _gaps(right, cube, label, f"C{place}", shift=1.0 + 0.05 * (place - len(labels) / 2))
    left.set_title(f"width {int(cube.width.max())}")
    left.set_xlabel("minibatch updates")
    left.set_ylabel("test accuracy")
    left.set_xscale("log")
    right.axhline(0.0, color="C0", lw=1.2)
    right.set_title("mean over training, less that of Gaussian weights")
    right.set_xlabel("width")
    right.set_ylabel("difference of test accuracy")
    right.set_xscale("log", base=2)
    right.set_xticks(cube.width.values, [str(width) for width in cube.width.values])
    handles, names = left.get_legend_handles_labels()
    figure.legend(handles, [name.replace("_", " ") for name in names], loc="outside lower center", ncols=3)
    return figure


def _curve(axes: Axes, cube: xr.Dataset, label: str, colour: str) -> None:
    """Mean over the seeds, and all seeds as a band."""
    width = int(cube.width.max())
    accuracies = curves(cube).sel(weights=label, width=width).isel(evaluation=slice(1, None))
    steps = cube["curve_step"].isel(dataset=0, seed=0, evaluation=slice(1, None)).sel(weights=label, width=width)
    axes.plot(steps, accuracies.mean("seed"), color=colour, label=label)
    axes.fill_between(steps, accuracies.min("seed"), accuracies.max("seed"), color=colour, alpha=0.12, lw=0)


def _gaps(axes: Axes, cube: xr.Dataset, label: str, colour: str, *, shift: float) -> None:
    """Difference with its interval, at every width."""
    estimates = [mean_interval(gap(cube, label, width)) for width in cube.width.values.tolist()]
    values = [one.value for one in estimates]
    reach = [[one.value - one.low for one in estimates], [one.high - one.value for one in estimates]]
    axes.errorbar(cube.width * shift, values, yerr=reach, color=colour, marker="o", lw=0.9)
