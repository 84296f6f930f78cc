"""Figures of the normalised kernel: 2 and 4, corollaries 3, 4, 8 and 9."""

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from initatlas.activations.base import activation_of
from initatlas.studies.evidence import Evidence
from initatlas.studies.tsuchida2018.depth_claims import PAPER_ACTIVATIONS
from initatlas.studies.tsuchida2018.deviations import activation, limit, part, scale_kurtosis, width
from initatlas.studies.tsuchida2018.drawing import (
    MARKERS,
    angle_axis,
    dots,
    layer_colours,
    layer_handles,
    some_angles,
    weights_text,
)
from initatlas.studies.tsuchida2018.layer_claims import MIDDLE, typical_distance
from initatlas.studies.tsuchida2018.printed import rate_constant
from initatlas.vocabulary import parse_label


def fig2(evidence: Evidence) -> Figure:
    """Normalised kernel of one ReLU layer against the angle: theory, and samples of random layers."""
    samples = evidence.cubes["fig2"]["cosine"].sel(layer=1)
    theory = evidence.cubes["theory"].sel(activation="relu", layer=1)
    units = width(evidence.cubes["fig2"])
    spread = np.sqrt(theory["sampling_variance"] / units)
    figure, axes = plt.subplots(figsize=(5.6, 4.0))
    axes.fill_between(
        theory.angle, theory["cosine"] - 1.96 * spread, theory["cosine"] + 1.96 * spread, color="C3", alpha=0.35, lw=0,
        label=f"95 % of layers of {units} units, by the exact variance",
    )  # fmt: skip
    axes.plot(theory.angle, theory["cosine"], color="k", lw=1.2, label="theory: arc-cosine kernel")
    axes.plot(samples.angle, samples.isel(seed=0), "o", color="C3", ms=2.6, mew=0, label="samples of one layer")
    dots(axes, samples.isel(angle=slice(0, None, 5)), "angle", color="C4", marker="s", capsize=2,
         label=f"mean of {samples.sizes['seed']} layers, 95 % interval")  # fmt: skip
    angle_axis(axes)
    axes.set_ylabel(r"cosine of the angle behind the layer, $\cos\theta_1$")
    axes.legend()
    return figure


def fig4a(evidence: Evidence) -> Figure:
    """Deep ReLU networks with generalised normal weights."""
    return _deep_kernel(evidence, "fig4a")


def fig4b(evidence: Evidence) -> Figure:
    """Deep leaky ReLU networks with generalised normal weights."""
    return _deep_kernel(evidence, "fig4b")


def fig4c(evidence: Evidence) -> Figure:
    """Deep ReLU networks with multivariate t weights."""
    return _deep_kernel(evidence, "fig4c")


def fig4d(evidence: Evidence) -> Figure:
    """Deep leaky ReLU networks with multivariate t weights."""
    return _deep_kernel(evidence, "fig4d")


def _deep_kernel(evidence: Evidence, name: str) -> Figure:
    """Normalised kernel in all layers, one panel per weight distribution: curves of theory, means of random networks."""
    cube = part(evidence.cubes["fig4"], name)
    curves = limit(cube, evidence.cubes["theory"])
    colours = layer_colours(cube.sizes["layer"])
    labels = [str(label) for label in cube.weights.values]
    rows = -(-len(labels) // 2)
    figure, grid = plt.subplots(rows, 2, figsize=(7.4, 2.9 * rows), sharex=True, sharey=True, squeeze=False)
    for axes, label in zip(grid.flat, labels, strict=False):
        for layer, colour in zip(cube.layer.values, colours, strict=True):
            axes.plot(curves.angle, curves.sel(layer=layer), color=colour, lw=1.1)
            samples = cube["cosine"].sel(weights=label, layer=layer)
            dots(axes, some_angles(samples), "angle", color=colour)
        axes.set_title(weights_text(label))
        angle_axis(axes, label=False)
    grid[0, 0].set_ylim(float(curves.min()) - 0.2, 1.1)  # an interval of few networks may reach beyond 1
    figure.supxlabel(r"angle between the inputs, $\theta_0$ (degrees)", fontsize=9)
    figure.supylabel(r"cosine of the angle behind layer $j$, $\cos\theta_j$", fontsize=9)
    handles = [
        *layer_handles(cube.layer.values, colours),
        Line2D([], [], color="0.35", label="theory"),
        Line2D([], [], color="0.35", marker="o", ms=3, ls="", label=f"mean of {cube.sizes['seed']},\n95 % interval"),
    ]
    figure.legend(handles=handles, title="layer $j$", loc="outside right center")
    figure.suptitle(f"{activation_of(activation(cube)).title}, width {width(cube)}")
    return figure


def cor3_4(evidence: Evidence) -> Figure:
    """Rotation-invariant weights: the kernel behind one wide layer, and how fast layers of a finite width come near it."""
    cube, theory = evidence.cubes["cor3_4"], evidence.cubes["theory"]
    figure, grid = plt.subplots(2, 2, figsize=(7.6, 6.0))
    for row, name in zip(grid, map(str, cube.activation.values), strict=True):
        _one_wide_layer(row[0], cube.sel(activation=name), theory.sel(activation=name))
        _fall_with_width(row[1], typical_distance(cube, theory, name), theory.sel(activation=name))
        row[0].set_ylabel(rf"$\cos\theta_1$, {activation_of(name).title}")
    for axes in grid[0]:
        axes.set_xlabel("")
    grid[0, 0].set_title(f"mean of {cube.sizes['seed']} layers of {int(cube.width.max())} units")
    grid[0, 1].set_title("distance of one layer from theory")
    handles = [
        Line2D([], [], color="k", lw=1.2, label="theory"),
        *(
            Line2D([], [], color=f"C{place}", marker=MARKERS[place], ms=4, lw=0, label=weights_text(str(label)))
            for place, label in enumerate(cube.weights.values)
        ),
        Line2D([], [], color="k", ls="--", lw=1.0, label="exact law,\nGaussian"),
        Line2D([], [], color="0.5", ls=":", lw=1.2, label=r"$n^{-(1 - 2/\nu)}$," + "\n" + r"$\nu < 4$"),
    ]
    figure.legend(handles=handles, loc="outside right center")
    return figure


def _one_wide_layer(axes: Axes, cube: xr.Dataset, theory: xr.Dataset) -> None:
    """The kernel at the largest width."""
    axes.plot(theory.angle, theory["cosine"].sel(layer=1), color="k", lw=1.2)
    for place, label in enumerate(cube.weights.values):
        samples = cube["cosine"].sel(weights=label, layer=1).isel(width=-1, angle=slice(place % 3, None, 3))
        dots(axes, samples, "angle", color=f"C{place}", marker=MARKERS[place], ms=3.4)
    angle_axis(axes)


def _fall_with_width(axes: Axes, distances: xr.DataArray, theory: xr.Dataset) -> None:
    """Geometric mean of the distance against the width, with the exact law of Gaussian weights, and the one of heavy tails."""
    logs: xr.DataArray = np.log(distances)  # type: ignore[assignment]
    typical: xr.DataArray = np.exp(logs.mean("seed"))  # type: ignore[assignment]
    widths = typical.width.values
    # E log|Z| = -(Euler's constant + log 2) / 2 for normal Z
    exact = np.exp(
        0.5 * float(np.log(theory["sampling_variance"].sel(angle=MIDDLE)).mean() - np.euler_gamma - np.log(2.0))
    )
    axes.loglog(widths, exact / np.sqrt(widths), color="k", ls="--", lw=1.0)
    for place, label in enumerate(map(str, typical.weights.values)):
        values = typical.sel(weights=label)
        axes.loglog(widths, values, color=f"C{place}", marker=MARKERS[place], ms=4, lw=0.8)
        if not np.isfinite(scale_kurtosis(label)):
            nu = parse_label(label)[1]["nu"]
            anchor = float(values.isel(width=-1)) * (widths / widths[-1]) ** -(1.0 - 2.0 / nu)
            axes.loglog(widths, anchor, color="0.5", ls=":", lw=1.2)
    axes.set_xlabel("width $n$")
    axes.set_ylabel("typical distance")


def cor8(evidence: Evidence) -> Figure:
    """The way to the fixed point: one minus the cosine over the depth, against the inverse square, and random networks."""
    cube = evidence.cubes["theory"]
    figure, axes = plt.subplots(figsize=(6.4, 4.2))
    for place, name in enumerate(map(str, cube.activation.values)):
        gap = cube["one_minus_cosine"].sel(activation=name, angle=90.0)
        axes.loglog(cube.layer, gap, color=f"C{place}", label=activation_of(name).title)
        slope = parse_label(name)[1].get("slope", 0.0)
        deep = cube.layer.values[cube.layer.values >= 64]
        axes.loglog(deep, rate_constant(slope) / deep**2, color=f"C{place}", ls=":", lw=1.0)
    for place, name in enumerate(("fig4a", "fig4b")):
        samples = part(evidence.cubes["fig4"], name)
        gaps = 1.0 - samples["cosine"].sel(weights="generalized_normal(beta=2)", angle=90.0)
        label = f"{samples.sizes['seed']} networks of width {width(samples)}" if place == 0 else None
        dots(axes, gaps, "layer", positive=True, color=f"C{place}", marker="o", ms=4, capsize=2, label=label)
    axes.plot([], [], color="0.4", ls=":", lw=1.0, label=r"$9\pi^2 / (2 s^2 j^2)$, $s = (1-a)^2/(1+a^2)$")
    axes.set_xlabel("layer $j$")
    axes.set_ylabel(r"$1 - \cos\theta_j$, orthogonal inputs")
    axes.legend(loc="lower left")
    return figure


def cor9(evidence: Evidence) -> Figure:
    """Mean squared difference of the signals of two inputs against depth, ReLU and leaky ReLU, Gaussian and t weights."""
    cube, theory = evidence.cubes["cor9"], evidence.cubes["theory"]
    figure, grid = plt.subplots(1, 2, figsize=(7.4, 3.4), sharey=True)
    for axes, name in zip(grid, PAPER_ACTIVATIONS, strict=True):
        gaps = theory["one_minus_cosine"].sel(activation=name, layer=cube.layer)
        for place, angle in enumerate((30.0, 90.0, 180.0)):
            axes.loglog(cube.layer, 2.0 * gaps.sel(angle=angle), color=f"C{place}", lw=1.2)
            style = {"color": f"C{place}", "marker": MARKERS[place], "ms": 4}
            for weights, face, beside in zip(cube.weights.values, (f"C{place}", "none"), (0.95, 1.05), strict=True):
                samples = cube["squared_difference"].sel(activation=name, weights=weights, angle=angle)
                placed = samples.assign_coords(layer=beside * samples.layer)
                dots(axes, placed, "layer", positive=True, mfc=face, mew=0.9, capsize=2, **style)
            axes.plot([], [], ls="", label=rf"$\theta_0 = {angle:.0f}°$", **style)
        axes.set_xlabel("layer $j$")
        axes.set_xticks(cube.layer.values, [f"{int(layer)}" for layer in cube.layer.values])
        axes.minorticks_off()
        axes.set_title(f"{activation_of(name).title}, width {width(cube)}")
    for weights, face in zip(cube.weights.values, ("0.4", "none"), strict=True):
        grid[0].plot([], [], color="0.4", marker="o", ms=4, ls="", mfc=face, label=weights_text(str(weights)))
    grid[0].plot([], [], color="0.4", lw=1.2, label=r"theory: $2 - 2\cos\theta_j$")
    grid[0].set_ylabel(r"$|h_j(x) - h_j(y)|^2 / |h_j(x)|^2$")
    grid[0].legend(loc="lower left")
    return figure
