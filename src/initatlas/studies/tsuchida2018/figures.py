"""Figures of Tsuchida, Roosta-Khorasani, Gallagher 2018."""

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from initatlas.studies.evidence import Evidence

MARKERS = ("o", "s", "^", "D", "v", "P", "X")
"""One per weight distribution, in the order of the axis."""


def fig2(evidence: Evidence) -> Figure:
    """Normalised kernel of one ReLU layer against the angle: theory, and samples of random layers."""
    samples = evidence.cubes["fig2"]["cosine"]
    theory = evidence.cubes["theory"]["cosine"].sel(activation="relu", depth=1)
    figure, axes = plt.subplots(figsize=(5.4, 3.8))
    mean, spread = samples.mean("seed"), samples.std("seed", ddof=1)
    axes.fill_between(
        samples.angle, mean - 2 * spread, mean + 2 * spread, color="C1", alpha=0.25, lw=0,
        label=f"mean ± 2 s.d. of {samples.sizes['seed']} layers",
    )  # fmt: skip
    axes.plot(theory.angle, theory, color="k", lw=1.4, label="theory: arc-cosine kernel")
    axes.plot(samples.angle, samples.isel(seed=0), "o", color="C1", ms=3, label="samples of one layer")
    _angle_axis(axes)
    axes.set_ylabel(r"cosine of the angle behind the layer, $\cos\theta_1$")
    axes.legend()
    return figure


def fig4a(evidence: Evidence) -> Figure:
    """Deep ReLU networks with generalised normal weights."""
    return _deep_kernel(evidence.cubes["fig4a"], evidence.cubes["theory"], "relu")


def fig4b(evidence: Evidence) -> Figure:
    """Deep leaky ReLU networks with generalised normal weights."""
    return _deep_kernel(evidence.cubes["fig4b"], evidence.cubes["theory"], "leaky_relu(slope=0.2)")


def fig4c(evidence: Evidence) -> Figure:
    """Deep ReLU networks with multivariate t weights."""
    return _deep_kernel(evidence.cubes["fig4c"], evidence.cubes["theory"], "relu")


def fig4d(evidence: Evidence) -> Figure:
    """Deep leaky ReLU networks with multivariate t weights."""
    return _deep_kernel(evidence.cubes["fig4d"], evidence.cubes["theory"], "leaky_relu(slope=0.2)")


def _deep_kernel(cube: xr.Dataset, theory: xr.Dataset, activation: str) -> Figure:
    """Normalised kernel at every depth: a curve of theory, and samples of one network per weight distribution."""
    figure, axes = plt.subplots(figsize=(6.6, 4.4))
    depths = cube.depth.values
    colours = plt.get_cmap("viridis")(np.linspace(0.0, 0.9, len(depths)))
    limit = theory["cosine"].sel(activation=activation)
    for depth, colour in zip(depths, colours, strict=True):
        axes.plot(limit.angle, limit.sel(depth=depth), color=colour, lw=1.3)
        for label, marker in zip(cube.weights.values, MARKERS, strict=False):
            sample = cube["cosine"].sel(weights=label, depth=depth).isel(seed=0)
            axes.plot(sample.angle[::3], sample[::3], marker, color=colour, ms=2.6, alpha=0.75, mew=0)
    _angle_axis(axes)
    axes.set_ylabel(r"cosine of the angle behind layer $j$, $\cos\theta_j$")
    lines = [Line2D([], [], color=colour, label=f"{depth}") for depth, colour in zip(depths, colours, strict=True)]
    points = [
        Line2D([], [], ls="", marker=marker, color="0.35", ms=4, label=_parameter(label))
        for label, marker in zip(cube.weights.values, MARKERS, strict=False)
    ]
    curves = axes.legend(handles=lines, title="layers $j$", loc="upper left", bbox_to_anchor=(1.01, 1.0))
    axes.add_artist(curves)
    axes.legend(handles=points, title="samples", loc="lower left", bbox_to_anchor=(1.01, 0.0))
    return figure


def _parameter(label: str) -> str:
    """The parameter of a weight distribution, with its Greek letter."""
    inside = label[label.index("(") + 1 : -1]
    name, _, value = inside.partition("=")
    return rf"$\{name} = {value}$"


def _angle_axis(axes: Axes) -> None:
    """The angle between the inputs, in degrees."""
    axes.set_xlabel(r"angle between the inputs, $\theta_0$ (degrees)")
    axes.set_xticks(range(0, 181, 30))
    axes.set_xlim(-3, 183)
