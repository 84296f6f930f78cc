"""Training of one univariate ReLU network of any depth, and what it looks like in function space."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from initatlas.arrays import Doubles
from initatlas.piecewise.deep import Breakpoints, pieces
from initatlas.piecewise.deep_descent import train_deep
from initatlas.piecewise.descent import Descent, train_shallow
from initatlas.piecewise.linear import PiecewiseLinear
from initatlas.piecewise.starts import Parameters, layers_of, shallow_of

_ROUNDING = 1e-9
"""Changes of the slope that are smaller, relative to the largest slope, are rounding."""

_LARGEST = 1e100
"""Slopes and values of a network that is still of use: thousands of their squares add up to a number."""


class View(NamedTuple):
    """A network in function space.

    Attributes
    ----------
    function
        A knot wherever it bends.
    breakpoints
        Of all units, active or not.
    """

    function: PiecewiseLinear
    breakpoints: Breakpoints


def view(network: Parameters) -> View:
    """The function of a network and its breakpoints."""
    function, breakpoints = pieces(*network)
    return View(function.simplified(_ROUNDING * (1.0 + float(abs(function.slopes).max()))), breakpoints)


def trained(
    start: Parameters, x: Doubles, y: Doubles, descent: Descent, *, record: Sequence[int]
) -> list[Parameters | None]:
    """A network after some numbers of updates; None where it, or its function, is no longer finite.

    Parameters
    ----------
    start
        The network before.
    x, y, descent, record
        As in `initatlas.piecewise.descent.train_shallow`.
    """
    if len(start.weights) == 2:
        return _trained_shallow(start, x, y, descent, record)
    trajectory = train_deep(*start, x, y, descent, record=record)
    networks = [
        Parameters([one[place] for one in trajectory.weights], [one[place] for one in trajectory.biases])
        for place in range(len(record))
    ]
    return [if_usable(network) for network in networks]


def _trained_shallow(
    start: Parameters, x: Doubles, y: Doubles, descent: Descent, record: Sequence[int]
) -> list[Parameters | None]:
    """The same for one hidden layer, where an epoch costs less."""
    trajectory = train_shallow(shallow_of(start), x, y, descent, record=record)
    finite = np.atleast_1d(np.isfinite(trajectory.input_weights).all(axis=-1))
    return [if_usable(layers_of(trajectory.networks(place))) if finite[place] else None for place in range(len(record))]


def if_usable(network: Parameters) -> Parameters | None:
    """A network, or None if its function has left the numbers.

    A network that diverges may end with finite parameters whose products are none, or whose squared residuals are none. By the
    norms of the layers, slopes and values stay below a bound that leaves room for both.
    """
    slope, value = 1.0, 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        for weights, biases in zip(network.weights, network.biases, strict=True):
            norm = float(np.abs(weights).sum(axis=-1).max())
            slope, value = slope * norm, value * norm + float(np.abs(biases).max())
    return network if slope < _LARGEST and value < _LARGEST else None


def half_sum(function: PiecewiseLinear, x: Doubles, y: Doubles) -> float:
    """Half the sum of the squared residuals.

    References
    ----------
    Sahs et al. 2020, section 2.3.
    """
    return float(0.5 * ((function(x) - y) ** 2).sum())
