"""Maps of which networks learn, over depth and weight variance."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from initatlas.studies.atlas.trainability import accuracy, critical_variance
from initatlas.studies.evidence import Evidence

MULTIPLE = 6
"""Tanh networks were found trainable to about six correlation depths (Schoenholz et al. 2017, figure 5).

That of ReLU networks without biases is infinite; the depth scale of gradients, which is that of norms too, takes its place.
"""


def accuracy_map(evidence: Evidence, sweep: str) -> Figure:
    """Test accuracy over depth and weight variance: a panel per weight distribution, with the theory's lines."""
    accuracies = accuracy(evidence, sweep)
    labels = accuracies.weights.values.tolist()
    columns = min(len(labels), 2)
    rows = -(-len(labels) // columns)
    figure, grid = plt.subplots(
        rows, columns, figsize=(3.6 * columns + 1.0, 2.9 * rows + 0.3), sharex=True, sharey=True, squeeze=False
    )
    for axes, label in zip(grid.flat, labels, strict=False):
        mesh = _panel(axes, accuracies.sel(weights=label), evidence)
        axes.set_title(str(label).replace("_", " "))
    for axes in grid.flat[len(labels) :]:
        axes.set_visible(False)
    for axes in grid[-1]:
        axes.set_xlabel(r"weight variance $\sigma_w^2$ (times fan-in)")
    for axes in grid[:, 0]:
        axes.set_ylabel("depth (hidden layers)")
    figure.colorbar(mesh, ax=grid, label="test accuracy", shrink=0.9)
    handles, names = grid.flat[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=3)
    return figure


def draw_map(axes: Axes, accuracies: xr.DataArray) -> QuadMesh:
    """Accuracy as colour over depth and weight variance, both on logarithmic axes."""
    variances, depths = accuracies.weight_variance.values, accuracies.depth.values
    cells = accuracies.transpose("depth", "weight_variance").values
    mesh = axes.pcolormesh(_edges(variances), _edges(depths), cells, vmin=0.0, vmax=1.0, rasterized=True)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    axes.set_yticks(depths, [str(depth) for depth in depths])
    axes.grid(visible=False)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlim(*_edges(variances)[[0, -1]])
    axes.set_ylim(*_edges(depths)[[0, -1]])
    return mesh


def _panel(axes: Axes, accuracies: xr.DataArray, evidence: Evidence) -> QuadMesh:
    """Accuracy as colour; the norm-preserving variance and the depth scale of gradients as lines."""
    mesh = draw_map(axes, accuracies)
    limits = axes.get_xlim(), axes.get_ylim()
    outlined = [withStroke(linewidth=3.2, foreground="0.15")]
    axes.axvline(
        critical_variance(evidence), color="w", ls=":", path_effects=outlined, label=r"norm-preserving $\sigma_w^2$"
    )
    scale = evidence.cubes["depth_scale"]["depth_scale"]
    for multiple, style in ((1, "-"), (MULTIPLE, "--")):
        label = r"depth scale of gradients $\xi_\nabla$" if multiple == 1 else rf"${multiple}\,\xi_\nabla$"
        axes.plot(scale.weight_variance, multiple * scale, color="w", ls=style, path_effects=outlined, label=label)
    axes.set_xlim(limits[0])
    axes.set_ylim(limits[1])
    return mesh


def _edges(centres: Sequence[float]) -> np.ndarray:
    """Cell borders half way between the centres on a logarithmic axis."""
    logs = np.log(np.asarray(centres, dtype=float))
    half = np.diff(logs).mean() / 2 if len(logs) > 1 else 0.5
    middle = (logs[1:] + logs[:-1]) / 2
    edges: np.ndarray = np.exp(np.concatenate([[logs[0] - half], middle, [logs[-1] + half]]))
    return edges
