"""Claims about norms: figure 5 and corollary 10."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import xarray as xr

from initatlas.studies.claim import Estimate, Finding, measured
from initatlas.studies.evidence import Evidence
from initatlas.studies.judge import Measure
from initatlas.studies.statistics import agreement, mean_interval, positive_mean_interval, transformed
from initatlas.studies.tsuchida2018.deviations import width
from initatlas.vocabulary import parse_label

LEAKY, SMALL_SLOPE = "leaky_relu(slope=0.2)", "leaky_relu(slope=0.01)"
HE, EQUATION_10 = 2.0, 2.0 / 1.04
"""Weight variances times the number of neurons."""

DISTRIBUTIONS = {
    "cor10_gaussian": "gaussian",
    "cor10_laplace": "laplace",
    "cor10_uniform": "uniform",
    "cor10_t": "multivariate_t(nu=10)",
}


def relative_variance(slope: float) -> float:
    """Variance of phi(z)^2 over its squared mean, for a leaky ReLU of some slope and a standard normal z.

    By it a layer of n neurons has a squared norm of relative variance so much over n, and the mean of its logarithm lies half
    of that below the logarithm of its mean.
    """
    return 6.0 * (1.0 + slope**4) / (1.0 + slope**2) ** 2 - 1.0


def growth_interval(cube: xr.Dataset, activation: str, variance: float) -> Estimate:
    """Factor per layer of the squared norm in networks of infinite width, with its interval over networks.

    The logarithm of a norm is a sum over layers that are independent for Gaussian weights, so it is near normal. What a finite
    width takes from its mean is added again, to first order in 1 / width.

    Raises
    ------
    KeyError
        If the cube has no such network.
    """
    estimate = _network(cube, activation, variance)
    logs: xr.DataArray = np.log(estimate["norm_ratio"].isel(layer=-1))  # type: ignore[assignment]
    mean = mean_interval(2.0 * logs.mean("input").values / int(cube.layer.max()) + _lowered(cube, activation))
    return transformed(mean, np.exp)


def _network(cube: xr.Dataset, activation: str, variance: float) -> xr.Dataset:
    """The networks of one activation and one weight variance."""
    here = (cube["activation"] == activation) & np.isclose(cube["weight_variance"], variance)
    if int(here.sum()) != 1:
        raise KeyError(f"{activation} with the weight variance {variance}")
    return cube.isel(network=int(here.values.argmax()))


def _growth(evidence: Evidence, activation: str, variance: float, controls: Mapping[str, tuple[str, float]]) -> Finding:
    """Growth of squared norms for one activation and weight variance; the controls are others."""
    cube = evidence.cubes["fig5_growth"]
    return measured(
        growth_interval(cube, activation, variance),
        f"Factor per layer of the squared norm, geometric mean over {int(cube.layer.max())} layers, {cube.sizes['input']} inputs "
        f"and {cube.sizes['seed']} networks of width {width(cube)}. That width lowers it by {_lowered(cube, activation):.4f}, "
        "which is added again.",
        controls={name: growth_interval(cube, *control) for name, control in controls.items()},
    )


def _lowered(cube: xr.Dataset, activation: str) -> float:
    """By how much a finite width lowers the logarithm of the factor."""
    return 0.5 * relative_variance(parse_label(activation)[1]["slope"]) / width(cube)


def squared_ratios(cube: xr.Dataset, label: str, **where: str) -> xr.DataArray:
    """Squared norm ratio behind one layer, averaged over the inputs, by input dimension and network."""
    ratios = cube["norm_ratio"].sel({"weights": label, "layer": 1, **where})
    squares: xr.DataArray = (ratios**2).mean("input")
    return squares


def _preserved(evidence: Evidence, label: str) -> Finding:
    """Mean squared norm ratio at the variance of equation 10, over all shapes of a layer."""
    cube = evidence.cubes["cor10"]
    values = squared_ratios(cube, label, fan="out").values.ravel()
    off = squared_ratios(evidence.cubes["cor10_off"], label).values.ravel()
    return measured(
        positive_mean_interval(values),
        f"Mean squared norm ratio behind {values.size} layers of {width(cube)} leaky ReLU units, "
        f"{cube.sizes['input_dimension']} numbers of inputs; p = {agreement(values, 1.0):.2f} for the value 1.",
        controls={"two_percent": positive_mean_interval(off)},
    )


def _fan_in(evidence: Evidence) -> Finding:
    """Squared norm ratio with twice as many inputs as neurons, variance by fan-in."""
    cube = evidence.cubes["cor10"]
    neurons = width(cube)
    by_inputs, by_neurons = (squared_ratios(cube, "gaussian", fan=fan) for fan in ("in", "out"))
    many = positive_mean_interval(by_inputs.sel(input_dimension=2 * neurons).values)
    means = by_neurons.mean("seed")
    return measured(
        many,
        f"Mean squared norm ratio with {2 * neurons} inputs and {neurons} neurons, {cube.sizes['seed']} layers, Gaussian weights "
        f"of the same formula with the number of inputs for n. By the number of neurons, as in equation 10, it is from "
        f"{float(means.min()):.3f} to {float(means.max()):.3f} over the shapes.",
        controls={
            "fan_out": positive_mean_interval(by_neurons.sel(input_dimension=2 * neurons).values),
            "square": positive_mean_interval(by_inputs.sel(input_dimension=neurons).values),
        },
    )


CLAIMS: Mapping[str, Measure] = {
    "fig5_he": partial(_growth, activation=LEAKY, variance=HE, controls={"two_percent": (LEAKY, 1.02 * HE)}),
    "fig5_preserving": partial(
        _growth,
        activation=LEAKY,
        variance=EQUATION_10,
        controls={"two_percent": (LEAKY, 1.02 * EQUATION_10), "he": (LEAKY, HE)},
    ),
    "fig5_he_small_slope": partial(_growth, activation=SMALL_SLOPE, variance=HE, controls={"large_slope": (LEAKY, HE)}),
    **{name: partial(_preserved, label=label) for name, label in DISTRIBUTIONS.items()},
    "cor10_fan_in": _fan_in,
}
