"""Figures of Daniely, Frostig, Singer 2016."""

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, ScalarFormatter

from initatlas.studies.daniely2016.measures import exponent, logarithm, resolved, separation_factor, title, typical
from initatlas.studies.evidence import Evidence

THEORY = {"color": "0.35", "ls": "--", "lw": 1.1}


def duals(evidence: Evidence) -> Figure:
    """Duals and their derivatives: closed form, Hermite series and Monte Carlo."""
    cube = evidence.cubes["duals"]
    names = cube.activation.values.tolist()
    rows = -(-len(names) // 5)
    figure, grid = plt.subplots(rows, 5, figsize=(9.6, 2.4 * rows + 0.5), sharex=True, sharey=True, squeeze=False)
    for axes, name in zip(grid.flat, names, strict=False):
        for index, kind in enumerate(("dual", "derivative")):
            _three_ways(axes, cube.sel(activation=name), kind, f"C{index}")
        axes.set_title(title(name))
        axes.set_ylim(-1.25, 2.6)
    for axes in grid[-1]:
        axes.set_xlabel(r"correlation $\rho$")
    for axes in grid[:, 0]:
        axes.set_ylabel("normalised dual")
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def _three_ways(axes: Axes, cube: xr.Dataset, kind: str, colour: str) -> None:
    """One curve in closed form, by its series and by Monte Carlo."""
    label = {"dual": r"dual $\hat\sigma$", "derivative": r"derivative $\hat\sigma'$"}[kind]
    places = slice(None, None, max(1, cube.sizes["correlation"] // 10))
    axes.plot(cube.correlation, cube[kind], color=colour, lw=2.2, alpha=0.55, label=f"{label}, closed form")
    axes.plot(cube.correlation, cube[f"{kind}_series"], color="0.1", lw=0.9, ls=":", label=f"{label}, Hermite series")
    axes.errorbar(
        cube.correlation[places],
        cube[f"{kind}_sampled"][places],
        1.96 * cube[f"{kind}_standard_error"][places],
        fmt="o",
        ms=3,
        color=colour,
        label=f"{label}, Monte Carlo, 95 %",
    )


def replication(evidence: Evidence) -> Figure:
    """Errors of the empirical kernel against the width."""
    cube = evidence.cubes["replication"].sel(weight_scale=1.0)
    names = cube.activation.values.tolist()
    figure, grid = plt.subplots(2, len(names), figsize=(8.4, 5.2), sharex=True, sharey="row", squeeze=False)
    kinds = {"max_error": "largest error", "spectral_error": "relative spectral error"}
    for row, (kind, label) in zip(grid, kinds.items(), strict=True):
        for axes, name in zip(row, names, strict=True):
            _errors_by_layer(axes, cube[kind].sel(activation=name))
        row[0].set_ylabel(label)
    for axes, name in zip(grid[0], names, strict=True):
        axes.set_title(title(name))
    for axes in grid[-1]:
        axes.set_xlabel("width $r$ (neurons)")
        _plain_ticks(axes, cube.width.values[::2] if cube.sizes["width"] > 4 else cube.width.values)
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=6)
    return figure


def _errors_by_layer(axes: Axes, errors: xr.DataArray) -> None:
    """Geometric means over the networks, with the scatter of single networks, and the slope of theory."""
    logs = logarithm(errors)
    for layer in errors.layer.values.tolist():
        mean, error = (np.asarray(part.sel(layer=layer)) for part in (logs.mean("seed"), logs.std("seed", ddof=1)))
        reach = 1.96 * error / np.sqrt(errors.sizes["seed"])
        bars = np.exp(mean) * np.array([1.0 - np.exp(-reach), np.exp(reach) - 1.0])
        axes.errorbar(errors.width, np.exp(mean), bars, marker="o", ms=3, label=f"layer {layer}")
    start = 0.8 * float(typical(errors).isel(width=0).min())
    axes.loglog(errors.width, start * (errors.width / errors.width[0]) ** -0.5, **THEORY, label=r"theory, $r^{-1/2}$")


def _plain_ticks(axes: Axes, ticks: np.ndarray) -> None:
    """Ticks of a logarithmic abscissa at the values themselves."""
    axes.set_xticks(ticks)
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter())


def approximation(evidence: Evidence) -> Figure:
    """Squared errors of random features against the width."""
    cube = evidence.cubes["approximation"].sel(feature_scale=1.0)
    names = cube.activation.values.tolist()
    figure, grid = plt.subplots(1, len(names), figsize=(7.4, 3.6), sharex=True, sharey=True, squeeze=False)
    neuron = evidence.cubes["neuron"]["fitted_error"]
    for axes, name in zip(grid.flat, names, strict=True):
        chosen = cube.sel(activation=name)
        _with_errors(axes, chosen["unbiased_error"], "norm 1, unbiased weights", "C0")
        _with_errors(axes, chosen["fitted_error"], "norm 1, fitted weights", "C1")
        _with_errors(
            axes, evidence.cubes["worst_target"]["fitted_error"].sel(activation=name), "norm 1, worst target", "C3"
        )
        if name == "relu":
            _with_errors(axes, neuron, "neurons (infinite norm), best weights", "C2")
        axes.loglog(neuron.width, 1.0 / neuron.width, **THEORY, label=r"summary: $R^2/m$")
        axes.set_title(title(name))
        axes.set_xlabel("width $m$ (random features)")
        axes.set_xscale("log", base=2)
    grid[0, 0].set_ylabel("mean squared error")
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def depth_spectrum(evidence: Evidence) -> Figure:
    """Eigenvalues against the degree, by depth, dimension and activation."""
    cube = evidence.cubes["depth_spectrum"].sel(activation=["relu", "erf"])
    eigenvalues = resolved(cube)
    dimensions = cube.dimension.values.tolist()
    figure, grid = plt.subplots(2, len(dimensions), figsize=(8.6, 5.4), squeeze=False)
    for row, name in zip(grid, cube.activation.values.tolist(), strict=True):
        for axes, dimension in zip(row, dimensions, strict=True):
            chosen = eigenvalues.sel(activation=name, dimension=dimension)
            _spectra(axes, chosen)
            axes.set_title(f"{title(name)}, $d = {dimension}$")
            axes.set_xlabel("degree $k$")
        row[0].set_ylabel(r"eigenvalue $\lambda_k$")
    for axes, dimension in zip(grid[0], dimensions, strict=True):
        degree = cube.degree.values[8:]
        shifted = degree + 0.5 * (dimension - 2.0)
        level = 8.0 * float(eigenvalues.sel(activation="relu", dimension=dimension, depth=2, degree=8))
        line = level * (shifted / shifted[0]) ** -(dimension + 2.0)
        axes.loglog(degree, line, **THEORY, label=r"theory, $(k + d/2 - 1)^{-(d + 2)}$")
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=6)
    return figure


def _spectra(axes: Axes, eigenvalues: xr.DataArray) -> None:
    """One line per depth, through the degrees from 1 on that are there."""
    for index, depth in enumerate(eigenvalues.depth.values.tolist()):
        there = eigenvalues.sel(depth=depth, degree=slice(1, None)).dropna("degree")
        style = {"marker": "o", "ms": 2.5, "lw": 0.8} if there.sizes["degree"] < 40 else {"lw": 1.2}
        axes.loglog(there.degree, there, color=f"C{index}", label=f"depth {depth}", **style)


def separation(evidence: Evidence) -> Figure:
    """Norm at depth 1 over norm at a depth, largest over the even harmonics, against the dimension."""
    factors = separation_factor(evidence.cubes["separation"])
    figure, axes = plt.subplots(figsize=(5.8, 3.8))
    for index, depth in enumerate(factors.depth.values[1:].tolist()):
        chosen = factors.sel(depth=depth)
        fitted = round(float(exponent(chosen, "dimension")), 2) + 0.0  # no minus before a zero
        axes.loglog(
            chosen.dimension, chosen, marker="o", color=f"C{index}", label=f"depth {depth}, exponent {fitted:.2f}"
        )
        claimed = chosen.dimension ** (0.5 * depth)
        axes.loglog(chosen.dimension, claimed, color=f"C{index}", ls="--", lw=1.0, label=f"summary: $d^{{{depth}/2}}$")
    axes.set_xlabel("dimension $d$ of the inputs")
    axes.set_ylabel("norm at depth 1 / norm at the depth")
    _plain_ticks(axes, factors.dimension.values)
    axes.legend(fontsize="small")
    return figure


def universality(evidence: Evidence) -> Figure:
    """Error of interpolation, and shares of the degrees, against the depth."""
    cube = evidence.cubes["universality"]
    relu, erf = cube.sel(activation="relu"), cube.sel(activation="erf")
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(9.6, 3.6))
    for degree in cube.degree.values.tolist():
        label, colour = f"degree {degree}", f"C{degree - 1}"
        _with_errors(left, relu["degree_error"].sel(degree=degree), label, colour)
        if degree % 2:
            _with_errors(middle, erf["degree_error"].sel(degree=degree), label, colour)
        share = relu["share"].isel(seed=0).sel(degree=degree).clip(min=1e-6)
        right.plot(cube.layers, share, marker="o", color=colour, label=label)
    _with_errors(left, relu["mixture_error"], "sum of all", "C5")
    for axes, text, label in (
        (left, "ReLU", "mean squared test error"),
        (middle, "erf, the odd degrees that it has", "mean squared test error"),
        (right, "ReLU, shares of the trace", "share (cut at $10^{-6}$)"),
    ):
        axes.set_xscale("log")
        axes.set_title(text)
        axes.set_xlabel("depth $L$ (hidden layers)")
        axes.set_ylabel(label)
        _plain_ticks(axes, 2 ** np.arange(int(np.log2(cube.layers.max())) + 1))
    for axes in (left, middle):
        axes.axhline(1.0, label="predicting nothing", **THEORY)
        axes.set_ylim(bottom=0.0)
    right.set_yscale("log")
    for axes in (left, middle, right):
        axes.legend(fontsize="small")
    return figure


def _with_errors(axes: Axes, errors: xr.DataArray, label: str, colour: str) -> None:
    """Means over the replicates with their 95 % intervals, along the dimension that is left."""
    reach = 1.96 * errors.std("seed", ddof=1) / np.sqrt(errors.sizes["seed"])
    means = errors.mean("seed")
    axes.errorbar(means[means.dims[0]], means, reach, marker="o", ms=3, label=label, color=colour)
