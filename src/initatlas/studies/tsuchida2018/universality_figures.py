"""Figures of theorem 6, and of the hypothesis on its inputs (figure 6)."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from initatlas.activations.base import activation_of
from initatlas.studies.evidence import Evidence
from initatlas.studies.tsuchida2018.drawing import MARKERS, half_width, weights_text
from initatlas.studies.tsuchida2018.universality_claims import (
    coordinate_curve,
    coordinate_slope,
    error_sizes,
    mean_deviations,
)

PICTURES, SPEECH = ("photographs", "kodak"), ("speech",)
_NAMES = {
    "photographs": "scikit-learn's 2 photographs",
    "kodak": "12 grey Kodak photographs",
    "speech": "CMU ARCTIC speech",
}


def thm6(evidence: Evidence) -> Figure:
    """Distance from the Gaussian kernel against the number of inputs, and the same for sparse inputs."""
    cube, law = evidence.cubes["thm6"], evidence.cubes["thm6_law"]["distance"]
    sizes = error_sizes(cube)
    figure, grid = plt.subplots(2, 4, figsize=(11.0, 5.6))
    panels = grid.flat[:5]
    places = {label: place for place, label in enumerate(dict.fromkeys([*_labels(sizes), *_labels(law)]))}
    for axes, name in zip(panels, map(str, cube.activation.values), strict=True):
        _errors(axes, sizes.sel(activation=name), places, -1.0)
        axes.set_title(activation_of(name).title)
        axes.sharey(panels[0])
    _errors(grid[1, 1], law.sel(activation="relu"), places, -0.5)
    grid[1, 1].set_title("ReLU, distance in law")
    for axes in grid[1, :2]:
        axes.set_xlabel("inputs $m$")
    for axes in grid[:, 0]:
        axes.set_ylabel("distance from Gaussian kernel")
    _sparse(grid[1, 2], mean_deviations(evidence), places)
    _legend(grid[1, 3], places)
    return figure


def _labels(array: xr.DataArray) -> list[str]:
    """Weight distributions of an array."""
    return [str(label) for label in array.weights.values]


def _errors(axes: Axes, sizes: xr.DataArray, places: Mapping[str, int], slope: float) -> None:
    """One activation: all distributions, with 95 % intervals over samples of the weights, and a power of m."""
    for label in _labels(sizes):
        values = sizes.sel(weights=label)
        error = np.minimum(half_width(values), 0.95 * values.mean("seed"))
        axes.errorbar(values.m, values.mean("seed"), yerr=[error, half_width(values)], color=f"C{places[label]}",
                      marker=MARKERS[places[label]], ms=3.2, lw=0.8, capsize=0)  # fmt: skip
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    top = float(sizes.mean("seed").isel(m=0).max())
    axes.plot(
        sizes.m, top * (sizes.m / float(sizes.m[0])) ** slope, color="0.4", ls=":" if slope == -1.0 else "--", lw=1.2
    )


def _sparse(axes: Axes, deviations: xr.DataArray, places: Mapping[str, int]) -> None:
    """Mean deviation behind a finite layer: 2 coordinates non-zero, all of one size, or of falling size."""
    for label in map(str, deviations.weights.values):
        colour = f"C{places[label]}" if label in places else "k"
        for plane, face, dashes in (("axes", "full", "-"), ("flat", "none", "--"), ("graded", "left", ":")):
            values = deviations.sel(weights=label, plane=plane)
            axes.errorbar(values.input_dimension, values.mean("seed"), yerr=half_width(values), color=colour,
                          marker="o", fillstyle=face, ls=dashes, lw=0.9, ms=4, capsize=2)  # fmt: skip
    axes.axhline(0.0, color="k", lw=0.8)
    axes.set_xscale("log", base=2)
    axes.set_xlabel("inputs $m$")
    axes.set_title(r"ReLU: $\cos\theta_1$ minus theory at 90°")


def _legend(axes: Axes, places: Mapping[str, int]) -> None:
    """One legend for all panels, in the place of a panel."""
    axes.axis("off")
    handles = [
        Line2D([], [], color=f"C{place}", marker=MARKERS[place], ms=4, lw=0.8, label=weights_text(label))
        for label, place in places.items()
    ]
    handles += [
        Line2D([], [], color="k", marker="o", ms=4, label="Gaussian (last panel)"),
        Line2D([], [], color="0.4", ls=":", label="slope $-1$"),
        Line2D([], [], color="0.4", ls="--", label="slope $-1/2$"),
        Line2D([], [], color="0.3", marker="o", ms=4, label="2 inputs non-zero"),
        Line2D([], [], color="0.3", marker="o", fillstyle="none", ls="--", ms=4, label="all inputs of one size"),
        Line2D([], [], color="0.3", marker="o", fillstyle="left", ls=":", ms=4, label="inputs of falling size"),
    ]
    axes.legend(handles=handles, loc="center")


def fig6(evidence: Evidence) -> Figure:
    """Share of the largest coordinate against the dimension: images left, speech right."""
    cube = evidence.cubes["fig6"]
    groups = {
        title: [name for name in group if name in cube.dataset.values]
        for title, group in (("photographs", PICTURES), ("speech", SPEECH))
    }
    there = {title: names for title, names in groups.items() if names}
    figure, grid = plt.subplots(1, len(there), figsize=(1.2 + 3.3 * len(there), 5.2), sharey=True, squeeze=False)
    for axes, (title, names) in zip(grid[0], there.items(), strict=True):
        for place, name in enumerate(names):
            for centred in (0, 1):
                _share(axes, cube.sel(dataset=name).isel(centred=centred), name, place, centred=bool(centred))
        axes.legend(fontsize=7.5, loc="upper center", bbox_to_anchor=(0.5, -0.16))
        axes.set(xscale="log", yscale="log", title=title, xlabel="dimension $m$")
    grid[0, 0].set_ylabel(r"$m\ \max_i\,(x_i / |x|)^4$")
    return figure


def _share(axes: Axes, cube: xr.Dataset, name: str, place: int, *, centred: bool) -> None:
    """Mean over pieces, one standard deviation upwards, and the law C / m through the finest resolution."""
    curve = coordinate_curve(cube)
    dimension, mean = curve["dimension"].values, curve["largest"].mean("piece").values
    slope = coordinate_slope(cube)
    colour = f"C{2 * place + int(centred)}"
    kind = "mean taken off" if centred else "in [0, 255]"
    axes.plot(dimension, mean, color=colour, marker="s" if centred else "o", ms=3.5,
              label=f"{_NAMES.get(name, name)}, {kind}\nslope {slope.value:.2f} [{slope.low:.2f}, {slope.high:.2f}]")  # fmt: skip
    axes.fill_between(dimension, mean, mean + curve["largest"].std("piece"), color=colour, alpha=0.2, lw=0)
    law = mean[0] * dimension[0] / dimension
    axes.plot(
        dimension, law, color=colour, ls=":", lw=1.2, label=r"law $C / m$" if place == 0 and not centred else None
    )
