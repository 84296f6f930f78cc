"""How far samples of random networks lie from the kernel of the infinitely wide one."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from initatlas.cubes import fixed_parameters
from initatlas.vocabulary import parse_label


def interior(array: xr.DataArray) -> xr.DataArray:
    """Without the ends of the angle axis: at 0 degrees the cosine is 1 in every network."""
    return array.sel(angle=slice(1e-6, None))


FIGURE_4 = {
    "fig4a": ("relu", "generalized_normal"),
    "fig4b": ("leaky_relu(slope=0.2)", "generalized_normal"),
    "fig4c": ("relu", "multivariate_t"),
    "fig4d": ("leaky_relu(slope=0.2)", "multivariate_t"),
}
"""Activation and weights of the parts of figure 4."""


def part(cube: xr.Dataset, name: str) -> xr.Dataset:
    """The networks of one part of figure 4."""
    activation, family = FIGURE_4[name]
    labels = [label for label in cube.weights.values if parse_label(str(label))[0] == family]
    return cube.sel(activation=activation, weights=labels)


def activation(cube: xr.Dataset) -> str:
    """The activation of the networks of a cube, or of a part of one."""
    return str(cube["activation"].item() if "activation" in cube.coords else fixed_parameters(cube)["activation"])


def limit(cube: xr.Dataset, theory: xr.Dataset) -> xr.DataArray:
    """Cosines of the infinitely wide network at the layers of a cube."""
    return theory["cosine"].sel(activation=activation(cube), layer=cube.layer)


def deviation(cube: xr.Dataset, theory: xr.Dataset) -> xr.DataArray:
    """Sample minus theory, over all dimensions of the sample; layer and activation are matched."""
    return interior(cube["cosine"] - limit(cube, theory))


def rms(deviations: xr.DataArray, *keep: str) -> xr.DataArray:
    """Root mean square over all dimensions but `keep`."""
    squares: xr.DataArray = (deviations**2).mean([name for name in deviations.dims if name not in keep])
    return squares**0.5


def exact_ratio(cube: xr.Dataset, theory: xr.Dataset) -> NDArray[np.float64]:
    """Squared deviation behind one layer over its exact variance, per network.

    The variance is that of the delta method for the width of the cube; the mean is 1 if theory is right. Angles within 15
    degrees of 0 and 180 are left out: near 180 only few neurons see both inputs.

    Returns
    -------
    ndarray, shape (seeds,)
    """
    middle = slice(15.0, 165.0)
    squares = deviation(cube, theory).sel(layer=1, angle=middle) ** 2
    variance = theory["sampling_variance"].sel(activation=activation(cube), angle=middle) / width(cube)
    ratio: xr.DataArray = (squares / variance).mean("angle")
    return ratio.transpose("seed", ...).values


def scale_kurtosis(label: str) -> float:
    """E[t^4] / E[t^2]^2 of the scale that the weights of one neuron share; inf where the weights have no fourth moment.

    By this factor the squared deviation of a finite layer is larger than with Gaussian weights: (nu - 2) / (nu - 4) for the
    multivariate t, 1 where the weights are independent and many.
    """
    name, parameters = parse_label(label)
    if name != "multivariate_t":
        return 1.0
    nu = parameters["nu"]
    return (nu - 2.0) / (nu - 4.0) if nu > 4.0 else float("inf")


def width(cube: xr.Dataset) -> int:
    """Neurons per layer of the networks of a cube."""
    return int(fixed_parameters(cube)["width"])
