"""Where the training of univariate ReLU networks starts: weights drawn as usual, or a function that is given.

Sahs et al. 2020, sections 2.2 and 3, appendices A.1 and A.3.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np

from initatlas.arrays import Doubles
from initatlas.piecewise.arrays import interval, whole
from initatlas.piecewise.linear import PiecewiseLinear, interpolation
from initatlas.piecewise.shallow import FunctionSpace, ShallowNetwork

Scheme = Literal["he", "glorot", "pytorch"]
Biases = Literal["pytorch", "normal"]
Knots = Literal["random", "even"]
Norms = Literal["balanced", "unit"]


class Parameters(NamedTuple):
    """A network of one input and one output, layer by layer.

    Attributes
    ----------
    weights
        One matrix per layer, the output's among them, shape (units, inputs).
    biases
        One vector per layer, shape (units,).
    """

    weights: list[Doubles]
    biases: list[Doubles]


def drawn(
    hidden: Sequence[int],
    *,
    scheme: Scheme,
    biases: Biases = "pytorch",
    bias_deviation: float = 1.0,
    scale: float = 1.0,
    rng: np.random.Generator,
) -> Parameters:
    """Draw a network at random.

    Parameters
    ----------
    hidden
        Units of each hidden layer.
    scheme
        Weights: ``he`` N(0, 2 / fan-in), ``glorot`` N(0, 2 / (fan-in + fan-out)), ``pytorch`` uniform within 1 / sqrt(fan-in), as
        its linear layers are by default.
    biases
        ``pytorch``, uniform within 1 / sqrt(fan-in) in every layer; or ``normal``, with `bias_deviation` in the hidden layers and
        0 behind the last one, as in theorem 1 of Sahs et al. 2020.
    scale
        Factor of all weights and biases.

    Raises
    ------
    ValueError
        If a layer has no units, or there is no such scheme.
    """
    for units in hidden:
        whole("hidden", units, 1)
    _check_choice("scheme", scheme, get_args(Scheme))
    _check_choice("biases", biases, get_args(Biases))
    sizes = [1, *hidden, 1]
    shapes = [*zip(sizes[1:], sizes[:-1], strict=True)]
    weights = [scale * _weights(shape, scheme, rng) for shape in shapes]
    if biases == "pytorch":
        return Parameters(weights, [scale * _within(fan_in**-0.5, (units,), rng) for units, fan_in in shapes])
    inner = [scale * bias_deviation * rng.standard_normal(units) for units in hidden]
    return Parameters(weights, [*inner, np.zeros(1)])


def _check_choice(name: str, value: str, allowed: tuple[str, ...]) -> None:
    """Refuse a word that is not allowed."""
    if value not in allowed:
        raise ValueError(f"{name}: {value!r}, allowed: {', '.join(allowed)}")


def _weights(shape: tuple[int, int], scheme: Scheme, rng: np.random.Generator) -> Doubles:
    """One matrix of weights, shape (fan-out, fan-in)."""
    fan_out, fan_in = shape
    if scheme == "pytorch":
        return _within(fan_in**-0.5, shape, rng)
    variance = 2.0 / fan_in if scheme == "he" else 2.0 / (fan_in + fan_out)
    return rng.normal(0.0, variance**0.5, shape)


def _within(bound: float, shape: tuple[int, ...], rng: np.random.Generator) -> Doubles:
    """Uniform numbers between -bound and bound."""
    return rng.uniform(-bound, bound, shape)


def shallow_of(parameters: Parameters) -> ShallowNetwork:
    """A network of one hidden layer.

    Raises
    ------
    ValueError
        If it has more.
    """
    if len(parameters.weights) != 2:
        raise ValueError(f"{len(parameters.weights) - 1} hidden layers, give one")
    first, last = parameters.weights
    return ShallowNetwork(first[:, 0], parameters.biases[0], last[0], parameters.biases[1][0])


def layers_of(network: ShallowNetwork) -> Parameters:
    """The layers of a single shallow network."""
    weights = [network.input_weights[:, None], network.output_weights[None, :]]
    return Parameters(weights, [network.biases, np.reshape(network.output_bias, 1)])


def folding(hidden: Sequence[int], *, low: float, high: float) -> Parameters:
    """A network in which every layer folds the interval as often as it has units: the pieces multiply from layer to layer.

    It has units^layers pieces, all of one length, where no trained network of that size comes near.

    References
    ----------
    Telgarsky 2015, "Representation benefits of deep feedforward networks", with folds of any number.
    """
    first = Parameters([np.full((1, 1), 1.0 / (high - low))], [np.full(1, -low / (high - low))])
    weights, biases, before = [], [], first
    for units in hidden:
        # unit k breaks at k / units; the slope is units, -units, units, ...
        weights.append(np.repeat(before.weights[-1], units, axis=0))
        biases.append(before.biases[-1] - np.arange(units) / units)
        fold = units * np.concatenate([[1.0], 2.0 * (-1.0) ** np.arange(1, units)])
        before = Parameters([fold[None, :]], [np.zeros(1)])
    return Parameters([*weights, before.weights[-1]], [*biases, before.biases[-1]])


def knots_between(low: float, high: float, count: int, *, kind: Knots, rng: np.random.Generator) -> Doubles:
    """Places inside an interval: ``random``, uniform and in order, or ``even``, as far from each other as from the ends.

    Raises
    ------
    ValueError
        If there is no such kind, the interval is empty, or the count is below 0.
    """
    _check_choice("kind", kind, get_args(Knots))
    low, high = interval(low, high)
    whole("count", count, 0)
    if kind == "even":
        return np.linspace(low, high, count + 2)[1:-1]
    return np.sort(rng.uniform(low, high, count))


def with_breakpoints(
    function: ShallowNetwork, knots: Doubles, *, low: float, high: float, noise: float, rng: np.random.Generator
) -> PiecewiseLinear:
    """Nearly the function of a network, with other breakpoints: straight between its values at both ends and at some knots.

    Parameters
    ----------
    function
        A single network.
    knots
        Inside the interval, shape (k,).
    noise
        Standard deviation of what is added to each value.

    References
    ----------
    Sahs et al. 2020, section 3 and appendix A.1: "uniform" initialisation takes random knots.
    """
    places = np.concatenate([[low], knots, [high]])
    return interpolation(places, function(places) + noise * rng.standard_normal(places.size))


def spiky(knots: Doubles, *, low: float, high: float, height: float, rng: np.random.Generator) -> PiecewiseLinear:
    """Straight between values at both ends and at some knots, which are uniform between -height and height.

    References
    ----------
    Sahs et al. 2020, appendix A.3.
    """
    places = np.concatenate([[low], knots, [high]])
    return interpolation(places, rng.uniform(-height, height, places.size))


def realised(function: PiecewiseLinear, *, low: float, norms: Norms) -> ShallowNetwork:
    """A network that is a continuous function on the right of `low`, with one unit more than the function has knots.

    Parameters
    ----------
    norms
        ``balanced``: input and output weight of each unit have the same size; ``unit``: input weights are 1 or -1.
    """
    return FunctionSpace.of_function(function, low=low).network(1.0 if norms == "unit" else None)
