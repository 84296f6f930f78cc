"""Figures of norms, 5 and corollary 10, and of the networks beyond the paper."""

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from initatlas.studies.evidence import Evidence
from initatlas.studies.tsuchida2018.deviations import width
from initatlas.studies.tsuchida2018.drawing import (
    MARKERS,
    angle_axis,
    dots,
    half_width,
    layer_colours,
    layer_handles,
    some_angles,
    weights_text,
)
from initatlas.studies.tsuchida2018.norm_claims import squared_ratios

VARIANT_TITLES = (
    r"ReLU, biases of variance 0.5",
    r"ReLU, weights of mean $0.5 / n$",
    "ELU, norm-preserving",
    "GELU, norm-preserving",
    "ReLU, residual connections",
    "ReLU, four neurons per input",
)


def fig5(evidence: Evidence) -> Figure:
    """Histograms of norm ratios: one network per panel, and the medians of all networks below."""
    cube = evidence.cubes["fig5"]
    layers = cube.layer.values
    colours = layer_colours(len(layers))
    figure, grid = plt.subplots(2, 2, figsize=(7.6, 5.6), sharex=True, height_ratios=(2, 1))
    titles = (r"He: $\sqrt{E[W^2]} = \sqrt{2/n}$", r"equation 10: $\sqrt{E[W^2]} = \sqrt{2/((1 + a^2) n)}$")
    ratios = cube["norm_ratio"]
    edges_in_all = round(12.0 * cube.sizes["input"] ** (1.0 / 3.0))  # few inputs fill few bins
    edges = np.geomspace(float(ratios.min()) * 0.97, float(ratios.max()) * 1.03, edges_in_all)
    for place, title in enumerate(titles):
        one = ratios.isel(weight_variance=place, seed=0)
        for layer, colour in zip(layers, colours, strict=True):
            counts, _ = np.histogram(one.sel(layer=layer), edges)
            grid[0, place].stairs(counts, edges, fill=True, color=colour, alpha=0.75, lw=0)
        grid[0, place].set_title(title)
        _norms_of_networks(grid[1, place], ratios.isel(weight_variance=place), place)
    grid[0, 0].set_xscale("log")
    grid[0, 0].set_ylabel(f"inputs of {cube.sizes['input']}, one network")
    grid[1, 0].set_ylabel("layer $j$")
    for axes in grid[1]:
        axes.set_xlabel(r"$|h_j(x)| / |x|$")
    handles = [
        *layer_handles(layers, colours),
        Line2D([], [], color="0.35", marker="o", ms=3, ls="", label="median of\na network"),
        Line2D([], [], color="k", ls="--", lw=1.0, label="infinite width"),
    ]
    figure.legend(handles=handles, title="layer $j$", loc="outside right center")
    figure.suptitle(f"leaky ReLU $a = 0.2$, width {width(cube)}, {cube.sizes['seed']} networks each")
    return figure


def _norms_of_networks(axes: Axes, ratios: xr.DataArray, place: int) -> None:
    """Median norm ratio of every network by layer, and the limit of infinite width."""
    layers = ratios.layer.values
    growth = (1.04, 1.0)[place]
    medians = ratios.median("input")
    for layer in layers:
        axes.plot(medians.sel(layer=layer), np.full(medians.sizes["seed"], layer), "o", color="0.35", ms=3, mew=0)
    axes.plot(growth ** (0.5 * layers), layers, color="k", ls="--", lw=1.0)
    axes.set_yscale("log", base=2)
    axes.set_yticks(layers, [f"{int(layer)}" for layer in layers])
    axes.invert_yaxis()


def cor10(evidence: Evidence) -> Figure:
    """Squared norm ratios behind one layer of equation 10, by distribution, shape and fan."""
    cube = evidence.cubes["cor10"]
    units = width(cube)
    dimensions = cube.input_dimension.values
    figure, grid = plt.subplots(1, 2, figsize=(7.6, 3.6), sharex=True)
    for axes, fan in zip(grid, ("out", "in"), strict=True):
        for place, label in enumerate(map(str, cube.weights.values)):
            values = squared_ratios(cube, label, fan=fan)
            shifted = np.arange(len(dimensions)) + 0.12 * (place - 1.5)
            axes.errorbar(
                shifted, values.mean("seed"), yerr=half_width(values), color=f"C{place}", ls="",
                marker=MARKERS[place], capsize=2, label=weights_text(label),
            )  # fmt: skip
        law = np.ones(len(dimensions)) if fan == "out" else units / dimensions
        for position, value in enumerate(law):
            axes.plot([position - 0.3, position + 0.3], [value, value], color="k", lw=1.0, zorder=1)
        axes.set_xticks(np.arange(len(dimensions)), [f"{int(m)}" for m in dimensions])
        axes.set_xlabel(f"inputs $m$ of a layer of {units} units")
    grid[0].set_title("$n$ in equation 10: neurons (fan-out)")
    grid[1].set_title("$n$ in equation 10: inputs (fan-in, He)")
    grid[0].set_ylabel(r"mean of $|h_1|^2 / |x|^2$")
    grid[1].plot([], [], color="k", lw=1.0, label="theory")
    for excess, above in ((0.98, "bottom"), (1.02, "top")):
        grid[0].axhline(excess, color="0.5", ls=":", lw=1.0)
        grid[0].annotate("variance 2 % off", (0.02, excess), xycoords=("axes fraction", "data"), fontsize=7.5, color="0.35",
                         va=above)  # fmt: skip
    grid[1].legend()
    return figure


def extensions(evidence: Evidence) -> Figure:
    """Networks beyond the paper: their recursion, and random networks with Laplace weights."""
    cube, limit = evidence.cubes["extensions"], evidence.cubes["extensions_limit"]
    layers = cube.layer.values
    colours = layer_colours(len(layers))
    figure, grid = plt.subplots(2, 3, figsize=(8.6, 5.2), sharex=True, sharey=True)
    for place, (axes, title) in enumerate(zip(grid.flat, VARIANT_TITLES, strict=True)):
        for layer, colour in zip(layers, colours, strict=True):
            curve = limit["cosine"].isel(variant=place).sel(layer=layer)
            axes.plot(curve.angle, curve, color=colour, lw=1.1)
            samples = cube["cosine"].isel(variant=place).sel(layer=layer)
            dots(axes, some_angles(samples), "angle", color=colour)
        axes.set_title(title)
        angle_axis(axes, label=False)
        axes.set_xticks(range(0, 181, 60))
    figure.supxlabel(r"angle between the inputs, $\theta_0$ (degrees)", fontsize=9)
    figure.supylabel(r"cosine of the angle in layer $j$, $\cos\theta_j$", fontsize=9)
    handles = [
        *layer_handles(layers, colours),
        Line2D([], [], color="0.35", label="recursion"),
        Line2D([], [], color="0.35", marker="o", ms=3, ls="", label=f"mean of {cube.sizes['seed']},\n95 % interval"),
    ]
    figure.legend(handles=handles, title="layer $j$", loc="outside right center")
    figure.suptitle(f"Laplace weights, width {width(cube)}")
    return figure
