"""Figures of the study."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from initatlas.studies.claim import Estimate
from initatlas.studies.evidence import Evidence
from initatlas.studies.statistics import CONFIDENCE
from my_studies.hanin_nica2019.measures import beta, log_mean, log_variance, ntk_moment, shapes, widths
from my_studies.hanin_nica2019.theory import RATE, log_norm_mean_and_variance, ntk_limit, ntk_second_moment

WIDTHS_OF_RECURSION, LARGEST_BETA = (64, 256), 3.0


def growth(evidence: Evidence) -> Figure:
    """Second moment of the NTK against beta: networks at small beta, the recursion at large beta."""
    figure, (near, far) = plt.subplots(1, 2, figsize=(7.2, 3.4))
    _networks(near, evidence)
    _recursion(far)
    for axes in (near, far):
        axes.set_xlabel(r"$\beta$, sum of the inverse widths")
        axes.legend()
    return figure


def _networks(axes: Axes, evidence: Evidence) -> None:
    """Measured and exact second moments, between the limit of wide layers and that of norms."""
    cube = evidence.cubes["moments"]
    found = list(shapes(cube))
    for width in cube.width.values.tolist():
        chosen = [shape for shape in found if shape[1] == width]
        places = [beta(shape) for shape in chosen]
        _errorbar(axes, places, [ntk_moment(cube, shape, CONFIDENCE) for shape in chosen], f"width {width}")
        exact = [ntk_second_moment(widths(shape)) for shape in chosen]
        axes.plot(places, exact, "x", color="0.2", zorder=3, label="exact" if width == cube.width[-1] else None)
    betas = np.linspace(1e-3, 1.1 * max(map(beta, found)), 100)
    axes.plot(betas, [ntk_limit(value) for value in betas], color="0.2", label="limit of wide layers")
    axes.plot(betas, np.exp(RATE * betas), "--", color="0.5", label=r"$\exp(5 \beta)$")
    axes.set_ylabel(r"$E[K^2]\,/\,E[K]^2$ of the NTK's diagonal")


def _recursion(axes: Axes) -> None:
    """The exact second moment over exp(5 beta), which has a limit of 1/3."""
    for width in WIDTHS_OF_RECURSION:
        depths = np.unique(np.geomspace(1, LARGEST_BETA * width, 30).astype(int)).tolist()
        betas = np.array([beta((depth, width)) for depth in depths])
        moments = np.array([ntk_second_moment(widths((depth, width))) for depth in depths])
        axes.plot(betas, moments * np.exp(-RATE * betas), label=f"exact, width {width}")
    betas = np.linspace(1e-3, LARGEST_BETA, 200)
    axes.plot(betas, [ntk_limit(value) * np.exp(-RATE * value) for value in betas], color="0.2", label="limit")
    axes.axhline(1 / 3, color="0.5", ls=":")
    axes.set_ylabel(r"$E[K^2]\,/\,E[K]^2 \exp(-5 \beta)$")
    axes.set_ylim(bottom=0.0)


def log_norms(evidence: Evidence) -> Figure:
    """Mean and variance of the log of the squared norm over beta, against the width."""
    figure, grid = plt.subplots(1, 2, figsize=(7.2, 3.2))
    cube = evidence.cubes["deep"]
    places = cube.width.values.tolist()
    curve = np.unique(np.geomspace(min(places), max(places), 40).astype(int))
    theory = np.array([log_norm_mean_and_variance(width) for width in curve.tolist()]) * curve[:, np.newaxis]
    for number, (axes, moment, limit) in enumerate(zip(grid, (log_mean, log_variance), (-RATE / 2, RATE), strict=True)):
        depths = cube.depth.values.tolist()
        for depth, shift in zip(depths, np.geomspace(0.92, 1.08, len(depths)), strict=True):
            found = [moment(cube, [depth], width) for width in places]
            _errorbar(axes, [shift * width for width in places], found, f"depth {depth}")
        axes.plot(curve, theory[:, number], color="0.2", label="exact")
        axes.axhline(limit, color="0.5", ls="--")
        axes.set_xscale("log", base=2)
        axes.set_xticks(places, [str(width) for width in places])
        axes.set_xlabel("width")
        axes.set_ylabel(f"{('mean', 'variance')[number]} of the log of the norm, over $\\beta$")
    grid[1].legend()
    return figure


def _errorbar(axes: Axes, places: list[float], found: list[Estimate], label: str) -> None:
    """Points with their intervals."""
    numbers = np.array([estimate.numbers for estimate in found])
    errors = [numbers[:, 0] - numbers[:, 1], numbers[:, 2] - numbers[:, 0]]
    axes.errorbar(places, numbers[:, 0], yerr=errors, fmt="o", label=label)
