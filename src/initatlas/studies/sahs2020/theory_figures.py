"""Figures of the theorems: laws of units, roughness, lonely partitions, laws of motion."""

from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from initatlas.cubes import fixed_parameters
from initatlas.piecewise.densities import GaussianInitialisation, UniformInitialisation
from initatlas.studies.sahs2020.flow_claims import shares
from initatlas.studies.sahs2020.measures import TITLES
from initatlas.studies.statistics import mean_interval

_FAMILIES = (("gaussian", GaussianInitialisation), ("uniform", UniformInitialisation))


def laws(cube: xr.Dataset) -> Figure:
    """Histograms of breakpoints and delta-slopes, and their densities, by family."""
    figure, grid = plt.subplots(2, 2, figsize=(7.6, 5.0))
    for row, (family, kind) in zip(grid, _FAMILIES, strict=True):
        one, law = cube.sel(family=family).isel(law=0), kind(1.0, 1.0, 1.0)
        _density(row[0], one["breakpoint_density"], law.breakpoint.pdf)
        _density(row[1], one["delta_slope_density"], law.delta_slope.pdf)
        row[0].set_ylabel(f"{family.capitalize()}\ndensity")
        row[1].set_yscale("log")
        row[1].set_ylim(1e-4 if family == "gaussian" else 1e-3, 3.0)
    grid[0, 0].set_title(r"breakpoints $\beta = -b / w$")
    grid[0, 1].set_title(r"delta-slopes $\mu = w v$")
    grid[1, 0].set_xlabel(r"$\beta$, in units of $\sigma_b / \sigma_w$")
    grid[1, 1].set_xlabel(r"$\mu$, in units of $\sigma_w \sigma_v$")
    grid[0, 0].legend()
    figure.suptitle(f"{int(fixed_parameters(cube)['units'])} random units and theorem 1")
    return figure


def _density(axes: Axes, histogram: xr.DataArray, pdf: Callable[[Any], Any]) -> None:
    """A histogram and the law."""
    middles = histogram.bin.values
    width = float(middles[1] - middles[0])
    axes.bar(middles, histogram, width=width, color="C3", alpha=0.6, lw=0, label="random units")
    density = pdf(middles)  # the density of delta-slopes has no value at 0, between two bins
    axes.plot(middles, np.where(density > 0, density, np.nan), color="k", lw=1.1, label="theorem 1")


def roughness(cube: xr.Dataset) -> Figure:
    """Mean, variance and tails of the roughness, by width."""
    figure, grid = plt.subplots(1, 3, figsize=(9.6, 3.4))
    gaussian = cube.sel(family="gaussian")
    for place, preset in enumerate(("he", "glorot")):
        one = gaussian.sel(preset=preset)
        for axes, moment, theory in (
            (grid[0], "mean", "theory_mean"),
            (grid[1], "mean_squared_distance", "theory_variance"),
        ):
            _by_width(
                axes, one[moment], one[theory].isel(seed=0), f"C{place}", {"he": "He", "glorot": "Glorot"}[preset]
            )
    _tails(grid[2], gaussian.sel(preset="he"))
    grid[0].axhline(2.0, color="0.5", ls=":", lw=1.0)
    grid[0].annotate("appendix: 2", (5, 2.0), fontsize=7.5, color="0.35", va="top")
    grid[0].set_ylabel(r"mean of $\rho = \sum_i \mu_i^2$")
    grid[1].set_ylabel(r"variance of $\rho$")
    grid[0].plot([], [], color="k", lw=1.0, label="theorem 2")
    grid[0].legend()
    return figure


def _by_width(axes: Axes, moment: xr.DataArray, theory: xr.DataArray, colour: str, label: str) -> None:
    """A moment of the roughness against the width, with the theorem's."""
    widths = moment.width.values
    estimates = [mean_interval(moment.sel(width=width)) for width in widths]
    reach = [one.high - one.value for one in estimates]
    axes.errorbar(widths, [one.value for one in estimates], yerr=reach, color=colour, ls="", marker="o", label=label)
    axes.plot(widths, theory, color="k", lw=1.0, zorder=1)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("units $H$")


def _tails(axes: Axes, cube: xr.Dataset) -> None:
    """Shares of networks beyond an excess, and the bound."""
    tails = cube["beyond"].sum("seed") / (cube.networks * cube.sizes["seed"])
    for place, width in enumerate(cube.width.values.tolist()):
        tail = tails.sel(width=width)
        axes.plot(cube.excess, tail.where(tail > 0), color=f"C{place}", marker="o", ms=3, label=f"He, $H = {width}$")
    axes.plot(cube.excess, cube["bound"].isel(seed=0, width=0), color="k", lw=1.0, label="bound of theorem 2")
    axes.set_yscale("log")
    axes.set_xlabel("excess over the mean\n(standard deviations)")
    axes.set_ylabel("probability")
    axes.legend(fontsize=7.5)


def lonely(cube: xr.Dataset) -> Figure:
    """How often partitions are lonely against alpha, with the printed formula and that of the birthday problem."""
    figure, grid = plt.subplots(1, 2, figsize=(7.6, 3.5), sharex=True, sharey=True)
    alphas = cube.alpha.values
    for axes, points in zip(grid, cube.points.values.tolist(), strict=True):
        for place, placing in enumerate(("even", "random")):
            one = cube.sel(points=points, placing=placing)
            estimates = list(shares(one, 1).values())
            reach = np.array([[part.value - part.low, part.high - part.value] for part in estimates]).T
            axes.errorbar(alphas, [part.value for part in estimates], yerr=reach, color=f"C{place}", ls="", marker="os"[place],
                          label=f"{placing} breakpoints")  # fmt: skip
            axes.plot(alphas, one["exact"], color=f"C{place}", lw=1.0)
        one = cube.sel(points=points, placing="even")
        axes.plot(alphas, one["birthday"], color="k", lw=1.0, ls="--", label=r"$\exp(-N(N-1)/(2(H+1)))$")
        axes.plot(alphas, one["printed"], color="C4", lw=1.3, ls=":", label=r"printed: $1 - \exp(-N^2/(H+1))$")
        axes.set_xscale("log", base=2)
        axes.set_xticks(alphas, [f"{alpha:g}" for alpha in alphas])
        axes.set_xlabel(r"$\alpha = H / N^2$")
        axes.set_title(f"$N = {points}$ data points")
    grid[0].set_ylabel("probability of a lonely partition")
    figure.legend(*grid[0].get_legend_handles_labels(), loc="outside lower center", ncol=2)
    return figure


def motion(cube: xr.Dataset) -> Figure:
    """Distance of velocities from laws against the step."""
    texts = {"right": "right-hand sides", "no_correlation": "without the correlation", "gradient": "minus the gradient"}
    figure, grid = plt.subplots(1, 2, figsize=(7.6, 3.3), sharex=True, sharey=True)
    for axes, variable, title in zip(grid, ("breakpoint", "delta_slope"), ("breakpoints", "delta-slopes"), strict=True):
        for place, (name, text) in enumerate(texts.items()):
            distances = cube[variable].sel(laws=name).stack(networks=("target", "seed"))
            low, middle, high = (distances.quantile(share, "networks") for share in (0.25, 0.5, 0.75))
            axes.plot(cube.step, middle, color=f"C{place}", marker="o", ms=3, label=text)
            axes.fill_between(cube.step, low, high, color=f"C{place}", alpha=0.2, lw=0)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_title(title)
        axes.set_xlabel("learning rate of the step")
    grid[0].set_ylabel("distance of velocities\nfrom the law, relative")
    figure.legend(*grid[0].get_legend_handles_labels(), loc="outside lower center", ncol=3)
    figure.suptitle(
        f"{cube['breakpoint'].sel(laws='right').isel(step=0).size} networks: "
        + " and ".join(TITLES[t] for t in cube.target.values)
    )
    return figure
