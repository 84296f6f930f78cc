"""Maps of which tanh networks learn, over depth and weight variance, a panel per bias variance."""

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from initatlas.studies.atlas.chaos import accuracies, critical_variance, plane
from initatlas.studies.atlas.trainability_figures import MULTIPLE, draw_map
from initatlas.studies.evidence import Evidence


def chaos_map(evidence: Evidence) -> Figure:
    """Test accuracy over depth and weight variance with theory's lines, and the edge of chaos in the plane of both variances."""
    networks = accuracies(evidence).mean("seed")
    biases = networks.bias_variance.values.tolist()
    columns = min(len(biases) + 1, 4)
    rows = -(-(len(biases) + 1) // columns)
    figure, grid = plt.subplots(rows, columns, figsize=(2.9 * columns + 0.9, 3.0 * rows + 0.4), squeeze=False)
    for axes, bias in zip(grid.flat, biases, strict=False):
        mesh = draw_map(axes, networks.sel(bias_variance=bias))
        _lines(axes, evidence, bias)
        axes.set_title(rf"$\sigma_b^2 = {bias:g}$")
        axes.set_xlabel(r"weight variance $\sigma_w^2$")
    for axes in grid[:, 0]:
        axes.set_ylabel("depth (hidden layers)")
    _edge(grid.flat[len(biases)], evidence, networks)
    for axes in grid.flat[len(biases) + 1 :]:
        axes.set_visible(False)
    figure.colorbar(mesh, ax=grid, label="test accuracy", shrink=0.9)
    handles, names = grid.flat[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=3)
    return figure


def _lines(axes: Axes, evidence: Evidence, bias: float) -> None:
    """The edge of chaos, and multiples of the correlation depth."""
    outlined = [withStroke(linewidth=3.2, foreground="0.15")]
    limits = axes.get_xlim(), axes.get_ylim()
    axes.axvline(critical_variance(evidence, bias), color="w", ls=":", path_effects=outlined, label="edge of chaos")
    depth = plane(evidence, bias)["correlation_depth"]
    for multiple, style in ((1, "-"), (MULTIPLE, "--")):
        label = r"correlation depth $\xi_c$" if multiple == 1 else rf"${multiple}\,\xi_c$"
        axes.plot(depth.weight_variance, multiple * depth, color="w", ls=style, path_effects=outlined, label=label)
    axes.set_xlim(limits[0])
    axes.set_ylim(limits[1])


def _edge(axes: Axes, evidence: Evidence, networks: xr.DataArray) -> None:
    """Accuracy of the deepest networks in the plane of both variances, as dots, and the edge of chaos."""
    deepest = networks.isel(depth=-1)
    weight, bias = np.meshgrid(deepest.weight_variance.values, deepest.bias_variance.values)
    cells = deepest.transpose("bias_variance", "weight_variance").values
    axes.scatter(
        weight.ravel(), bias.ravel(), c=cells.ravel(), vmin=0.0, vmax=1.0, s=60, edgecolors="0.4", linewidths=0.4
    )
    lines = evidence.cubes["edge_of_chaos"]["bias_variance"].values.tolist()
    axes.plot([critical_variance(evidence, line) for line in lines], lines, color="0.2", ls=":")
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel(r"weight variance $\sigma_w^2$")
    axes.set_ylabel(r"bias variance $\sigma_b^2$")
    axes.set_title(f"depth {int(deepest.depth)}")
