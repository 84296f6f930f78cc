"""Figure of the estimates of functions whose smoothness is known."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from initatlas.studies.chen2024.known import PRINTED, SHORT, by_slope, by_sphere, without_window


def known(cube: xr.Dataset) -> Figure:
    """Estimates against the known smoothness, a panel per sphere."""
    spheres = by_sphere(cube)
    figure, panels = plt.subplots(1, len(spheres), figsize=(7.4, 3.0), sharey=True, squeeze=False, layout="constrained")
    for axes, (dimension, sphere) in zip(panels.flat, spheres.items(), strict=True):
        known_values = sphere.smoothness.values
        axes.plot([0, known_values.max()], [0, known_values.max()], color="0.6", lw=1.0, zorder=0)
        _points(axes, by_slope(sphere, PRINTED), color="C1", marker="x", label=f"slope, $i < {PRINTED}$ of 3000")
        _points(axes, by_slope(sphere, SHORT), color="C4", marker="s", mfc="none", label=f"slope, $i < {SHORT}$")
        _points(axes, without_window(sphere), color="C0", marker="o", label="without a window")
        axes.set(title=f"sphere in $R^{{{dimension}}}$", xlabel="known smoothness", xticks=known_values, ylim=(0, None))
    panels[0, 0].set_ylabel("estimate")
    panels[0, 0].legend(fontsize="small", loc="upper left")
    return figure


def _points(axes: Axes, estimates: xr.Dataset, **style: Any) -> None:
    """Means over all functions, with their standard deviations."""
    values = estimates["value"].transpose("smoothness", "seed", "function").values
    rows = values.reshape(len(values), -1)
    axes.errorbar(
        estimates.smoothness.values, np.mean(rows, axis=1), np.std(rows, axis=1), ls="none", ms=4, capsize=2, **style
    )
