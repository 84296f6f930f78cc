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
    """A network after some numbers of updates; None where it is no longer finite.

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
    return [network if _is_finite(network) else None for network in networks]


def _trained_shallow(
    start: Parameters, x: Doubles, y: Doubles, descent: Descent, record: Sequence[int]
) -> list[Parameters | None]:
    """The same for one hidden layer, where an epoch costs less."""
    trajectory = train_shallow(shallow_of(start), x, y, descent, record=record)
    finite = np.atleast_1d(np.isfinite(trajectory.input_weights).all(axis=-1))
    return [layers_of(trajectory.networks(place)) if finite[place] else None for place in range(len(record))]


def _is_finite(network: Parameters) -> bool:
    """Whether all parameters are numbers."""
    return all(bool(np.isfinite(one).all()) for one in (*network.weights, *network.biases))


def half_sum(function: PiecewiseLinear, x: Doubles, y: Doubles) -> float:
    """Half the sum of the squared residuals.

    References
    ----------
    Sahs et al. 2020, section 2.3.
    """
    return float(0.5 * ((function(x) - y) ** 2).sum())
