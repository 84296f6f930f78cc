"""What the figures of this study share: axes of angles, colours of layers, points with intervals over networks."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from initatlas.studies.statistics import student_quantile
from initatlas.vocabulary import format_number, parse_label

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p", "h")
"""One per weight distribution, in the order of the axis."""

_FAMILIES = {
    "gaussian": "Gaussian",
    "uniform": "uniform",
    "laplace": "Laplace",
    "generalized_normal": "gen. normal",
    "multivariate_t": "t",
    "student_t": "independent t",
}
_GREEK = {"beta": r"\beta", "nu": r"\nu"}


def angle_axis(axes: Axes, *, label: bool = True) -> None:
    """The angle between the inputs, in degrees."""
    if label:
        axes.set_xlabel(r"angle between the inputs, $\theta_0$ (degrees)")
    axes.set_xticks(range(0, 181, 30))
    axes.set_xlim(-3, 183)


def weights_text(label: str, *, family: bool = True) -> str:
    """A weight distribution in words, with its Greek parameter; without the family where that is plain."""
    name, parameters = parse_label(label)
    inside = ", ".join(rf"${_GREEK.get(key, key)} = {format_number(value)}$" for key, value in parameters.items())
    known = _FAMILIES.get(name, name)
    return f"{known} {inside}".strip() if family or not inside else inside


def layer_colours(count: int) -> Any:
    """From the first layer to the last."""
    return plt.get_cmap("viridis")(np.linspace(0.0, 0.9, count))


def layer_handles(layers: Any, colours: Any) -> list[Line2D]:
    """Legend entries of layers."""
    return [Line2D([], [], color=colour, label=f"{int(layer)}") for layer, colour in zip(layers, colours, strict=True)]


def half_width(samples: xr.DataArray, dim: str = "seed") -> xr.DataArray:
    """Half of the 95 % interval of a mean over networks, by Student's law."""
    networks = samples.sizes[dim]
    error: xr.DataArray = samples.std(dim, ddof=1) * (student_quantile(networks) / np.sqrt(networks))
    return error


def dots(axes: Axes, samples: xr.DataArray, x: str, *, positive: bool = False, **style: Any) -> None:
    """Means over networks with their 95 % intervals, along dimension `x`.

    On a logarithmic axis (`positive`) an interval that reaches below zero is drawn down to a twentieth of the mean.
    """
    mean, error = samples.mean("seed").values, half_width(samples).values
    axes.errorbar(
        samples[x].values,
        mean,
        yerr=np.stack([np.minimum(error, 0.95 * mean) if positive else error, error]),
        **{"ls": "", "marker": "o", "ms": 2.6, "elinewidth": 0.8, "capsize": 0, "mew": 0, **style},
    )


def some_angles(samples: xr.DataArray) -> xr.DataArray:
    """Samples at so many evenly spaced angles, 16 at most, that their dots can be told apart."""
    return samples.isel(angle=slice(0, None, -(-(samples.sizes["angle"] - 1) // 15)))
