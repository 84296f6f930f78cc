"""Function space of univariate ReLU networks: exact pieces, breakpoints, conversions."""

import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from initatlas.piecewise.deep import pieces
from initatlas.piecewise.linear import PiecewiseLinear, interpolation
from initatlas.piecewise.shallow import FunctionSpace, ShallowNetwork

SEEDS = st.integers(0, 10**6)
NAN, INF = float("nan"), float("inf")


def shallow(rng, *shape):
    return ShallowNetwork(*rng.normal(size=(3, *shape)), rng.normal(size=shape[:-1]))


def deep(rng, *widths):
    sizes = [1, *widths, 1]
    weights = [rng.normal(size=(out, into)) * np.sqrt(2 / into) for into, out in pairwise(sizes)]
    return weights, [rng.normal(size=out) for out in sizes[1:]]


def forward(weights, biases, x):
    """The network, point by point, and its derivative."""
    signal, slope = np.atleast_2d(x), np.ones((1, np.size(x)))
    for place, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        signal, slope = weight @ signal + bias[:, None], weight @ slope
        if place < len(weights) - 1:
            slope = slope * (signal > 0)
            signal = np.maximum(signal, 0)
    return signal[0], slope[0]


# ---- piecewise linear functions

TENT = PiecewiseLinear([-1.0, 0.0, 1.0], [0.0, 1.0, -1.0, 0.0], [0.0, 1.0, 1.0, 0.0])


def test_a_tent():
    np.testing.assert_array_equal(TENT([-2, -0.5, 0, 0.25, 5]), [0, 0.5, 1, 0.75, 0])
    np.testing.assert_array_equal(TENT.jumps, [1, -2, 1])
    np.testing.assert_array_equal(TENT.gaps, [0, 0, 0])
    assert TENT.roughness() == 6.0
    assert TENT.roughness(-1, 1) == 4.0
    assert TENT.roughness(-1.01, 0.5) == 5.0


def test_simplification_keeps_the_function():
    longer = PiecewiseLinear(
        [-1.0, -0.5, 0.0, 1.0, 3.0], [0.0, 1.0, 1.0, -1.0, 0.0, 0.0], [0.0, 1.0, 1.0, 1.0, 0.0, 0.0]
    )
    found = longer.simplified()
    np.testing.assert_array_equal(found.knots, TENT.knots)
    x = np.linspace(-4, 4, 33)
    np.testing.assert_array_equal(found(x), longer(x))
    step = PiecewiseLinear([0.0], [1.0, 1.0], [0.0, 0.5])
    assert step.simplified().knots.size == 1
    assert step.gaps == [0.5]
    assert step.simplified(0.6).knots.size == 0


@settings(max_examples=30)
@given(SEEDS, st.integers(1, 9))
def test_interpolation_passes_through_the_points(seed, count):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(2, count))
    found = interpolation(x, y)
    np.testing.assert_allclose(found(x), y, atol=1e-9 * (1 + abs(found.slopes).max()))
    assert found.knots.size == max(count - 2, 0)
    np.testing.assert_allclose(found.gaps, 0, atol=1e-9 * (1 + abs(found.slopes).max()))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PiecewiseLinear([1.0, 1.0], [0.0] * 3, [0.0] * 3), "knots: must increase"),
        (lambda: PiecewiseLinear([1.0], [0.0], [0.0, 0.0]), "slopes: 1 pieces for 1 knots, give 2"),
        (lambda: PiecewiseLinear([], [NAN], [0.0]), "slopes: nan or infinite at place (0,)"),
        (lambda: PiecewiseLinear([[1.0]], [0.0, 0.0], [0.0, 0.0]), "knots: 2 dimensions, give one"),
        (lambda: PiecewiseLinear(["a"], [0.0, 0.0], [0.0, 0.0]), "knots: not numbers"),
        (lambda: interpolation([], []), "x: no points"),
        (lambda: interpolation([1.0, 2.0], [1.0]), "y: 1 targets for 2 inputs"),
        (lambda: interpolation([2.0, 1.0, 2.0], [1.0, 2.0, 3.0]), "x: 2 is there twice"),
        (lambda: interpolation([1.0, 2.0], [1.0, INF]), "y: nan or infinite at place (1,)"),
        (lambda: ShallowNetwork([1.0], [1.0, 2.0], [1.0]), "biases: shape (2,), that of input_weights is (1,)"),
        (lambda: ShallowNetwork(1.0, 1.0, 1.0), "input_weights: no units"),
        (lambda: ShallowNetwork([1.0], [NAN], [1.0]), "biases: nan or infinite"),
        (lambda: ShallowNetwork([0.0], [1.0], [1.0]).in_function_space(), "input weight 0 has no breakpoint"),
        (lambda: ShallowNetwork([[1.0]], [[1.0]], [[1.0]]).function(), "one network, not of (1,)"),
        (lambda: FunctionSpace([0.0], [1.0], [0.5]), "orientations: give 1 or -1"),
        (lambda: FunctionSpace([0.0], [1.0], [1.0]).network([0.0]), "norms: must be above 0"),
        (lambda: FunctionSpace.of_function(TENT, low=-1.0), "low: -1 is not left of all knots"),
        (
            lambda: FunctionSpace.of_function(PiecewiseLinear([0.0], [1.0, 1.0], [0.0, 0.5]), low=-1.0),
            "the function is not continuous",
        ),
        (lambda: pieces([], []), "biases: 0 layers for 0 matrices"),
        (lambda: pieces([np.ones((2, 1))], [np.ones(2)]), "weights[0]: 2 outputs, give one"),
        (
            lambda: pieces([np.ones((2, 3)), np.ones((1, 2))], [np.ones(2), np.ones(1)]),
            "weights[0]: shape (2, 3), give (2, 1)",
        ),
        (lambda: pieces([[[NAN]], [[1.0]]], [[0.0], [0.0]]), "weights[0]: nan or infinite at place (0, 0)"),
    ],
)
def test_bad_input_is_refused_in_one_line(make, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


# ---- shallow networks


@settings(max_examples=50)
@given(SEEDS, st.integers(0, 12))
def test_the_function_of_a_shallow_network(seed, width):
    rng = np.random.default_rng(seed)
    network = shallow(rng, width)
    function = network.function()
    x = rng.normal(size=50) * 3
    np.testing.assert_allclose(function(x), network(x), atol=1e-9 * (1 + abs(function.intercepts).max()))
    np.testing.assert_allclose(function.gaps, 0, atol=1e-8 * (1 + abs(function.intercepts).max()))
    np.testing.assert_array_equal(function.knots, np.sort(network.breakpoints))
    np.testing.assert_allclose(function.jumps, network.jumps[np.argsort(network.breakpoints)], atol=1e-12)
    assert function.roughness(-1, 1) == pytest.approx(network.roughness(-1, 1))


def test_degenerate_units():
    """Two units at one place, one constant above zero, one below, one with output weight 0."""
    network = ShallowNetwork([1.0, -2.0, 0.0, 0.0, 1.0], [-1.0, 2.0, 3.0, -3.0, 0.0], [1.0, 1.0, 2.0, 5.0, 0.0], 0.5)
    np.testing.assert_array_equal(network.breakpoints, [1, 1, NAN, NAN, 0])
    np.testing.assert_array_equal(network.orientations, [1, -1, 0, 0, 1])
    np.testing.assert_array_equal(network.delta_slopes, [1, -2, 0, 0, 0])
    np.testing.assert_array_equal(network.jumps, [1, 2, 0, 0, 0])
    function = network.function()
    np.testing.assert_array_equal(function.knots, [0, 1])
    np.testing.assert_array_equal(function.jumps, [0, 3])
    np.testing.assert_array_equal(function([0.0, 1.0, 2.0]), network([0.0, 1.0, 2.0]))
    assert network.roughness() == 5.0  # by unit; of the function 9, for both kinks add
    assert function.roughness() == 9.0
    assert ShallowNetwork([0.0], [-1.0], [1.0], 2.0).function()(7.0) == 2.0


def test_many_networks_at_once():
    rng = np.random.default_rng(5)
    networks = shallow(rng, 3, 4, 6)
    assert networks(np.zeros(2)).shape == (3, 4, 2)
    assert networks.roughness().shape == (3, 4)
    single = ShallowNetwork(
        networks.input_weights[1, 2], networks.biases[1, 2], networks.output_weights[1, 2], networks.output_bias[1, 2]
    )
    np.testing.assert_array_equal(networks([0.3, 1.5])[1, 2], single([0.3, 1.5]))
    assert networks.roughness(-1, 2)[1, 2] == single.roughness(-1, 2)


@settings(max_examples=50)
@given(SEEDS, st.booleans())
def test_function_space_and_back(seed, keep_norms):
    network = shallow(np.random.default_rng(seed), 2, 5)
    units = network.in_function_space()
    again = units.network(abs(network.input_weights) if keep_norms else None)
    if keep_norms:
        np.testing.assert_allclose(again.input_weights, network.input_weights, rtol=1e-12)
        np.testing.assert_allclose(again.biases, network.biases, rtol=1e-12)
        np.testing.assert_allclose(again.output_weights, network.output_weights, rtol=1e-12)
    else:
        np.testing.assert_allclose(abs(again.input_weights), abs(again.output_weights), rtol=1e-12)
    np.testing.assert_allclose(again.in_function_space().breakpoints, units.breakpoints, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(again.delta_slopes, units.delta_slopes, rtol=1e-12)
    x = np.linspace(-3, 3, 20)
    np.testing.assert_allclose(again(x), network(x), atol=1e-10)


def test_a_unit_without_delta_slope_keeps_its_breakpoint():
    units = FunctionSpace([2.0], [0.0], [-1.0])
    assert units.network().breakpoints == [2.0]
    np.testing.assert_array_equal(units.network()([0.0, 5.0]), [0, 0])


@settings(max_examples=50)
@given(SEEDS, st.integers(1, 20), st.booleans())
def test_a_network_realises_a_given_function(seed, count, mixed):
    rng = np.random.default_rng(seed)
    x = np.linspace(-2, 2, count + 2) + rng.uniform(-0.4, 0.4, count + 2) * 4 / (count + 1)
    function = interpolation(x, rng.uniform(-2, 2, count + 2))
    low = float(x.min()) - 0.1
    facing = rng.choice([-1.0, 1.0], count) if mixed else None
    network = FunctionSpace.of_function(function, low=low, orientations=facing).network()
    assert network.input_weights.shape == (count + 1,)
    inside = rng.uniform(low, 5, 60)
    np.testing.assert_allclose(network(inside), function(inside), atol=1e-9 * (1 + abs(function.slopes).max()))


# ---- deep networks


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.lists(st.integers(1, 7), min_size=0, max_size=5))
def test_the_pieces_of_a_deep_network(seed, widths):
    rng = np.random.default_rng(seed)
    weights, biases = deep(rng, *widths)
    function, found = pieces(weights, biases)
    x = rng.normal(size=300) * 3
    x = x[np.min(abs(x[:, None] - np.append(function.knots, INF)), axis=1) > 1e-9]
    values, slopes = forward(weights, biases, x)
    np.testing.assert_allclose(function(x), values, atol=1e-9)
    np.testing.assert_allclose(function.slopes[np.searchsorted(function.knots, x)], slopes, atol=1e-9)
    np.testing.assert_allclose(function.gaps, 0, atol=1e-8)
    np.testing.assert_array_equal(np.unique(found.positions), function.knots)
    jumps = np.bincount(
        np.searchsorted(function.knots, found.positions), weights=found.jumps, minlength=function.knots.size
    )
    np.testing.assert_allclose(jumps, function.jumps, atol=1e-9)
    if widths:
        assert found.roughness(len(widths)).sum() == pytest.approx(function.roughness())


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_every_breakpoint_is_a_zero_of_its_unit_and_none_is_missed(seed):
    rng = np.random.default_rng(seed)
    weights, biases = deep(rng, 6, 5, 4)
    _, found = pieces(weights, biases)
    for layer in (1, 2, 3):
        for unit in range(weights[layer - 1].shape[0]):
            mine = found.positions[(found.layers == layer) & (found.units == unit)]
            single = [*weights[: layer - 1], weights[layer - 1][unit : unit + 1]]
            signal = forward(single, [*biases[: layer - 1], biases[layer - 1][unit : unit + 1]], mine)[0]
            np.testing.assert_allclose(signal / (1 + abs(mine)), 0, atol=1e-9)
            ends = np.concatenate([[-1e6], mine, [1e6]])
            dense = np.concatenate([np.linspace(a, b, 40)[1:-1] for a, b in pairwise(ends)])
            signs = np.sign(forward(single, [*biases[: layer - 1], biases[layer - 1][unit : unit + 1]], dense)[0])
            for part in signs.reshape(-1, 38):
                assert (part >= 0).all() or (part <= 0).all()


def test_dead_units_break_nothing_and_hidden_breakpoints_are_not_active():
    """The second layer is dead right of 1: units of the first layer that break there move nothing."""
    weights = [np.array([[1.0], [1.0]]), np.array([[-1.0, 0.0]]), np.array([[2.0]])]
    biases = [np.array([0.0, -3.0]), np.array([1.0]), np.array([0.5])]
    function, found = pieces(weights, biases)
    np.testing.assert_array_equal(found.positions, [0, 1, 3])
    np.testing.assert_array_equal(found.layers, [1, 2, 1])
    np.testing.assert_array_equal(found.units, [0, 0, 1])
    np.testing.assert_array_equal(found.active, [True, True, False])
    np.testing.assert_array_equal(found.jumps, [-2, 2, 0])
    np.testing.assert_array_equal(function([-1.0, 0.5, 2.0]), [2.5, 1.5, 0.5])
    assert function.simplified().knots.size == 2
    np.testing.assert_array_equal(found.within(-0.5, 3).positions, [0, 1])
    np.testing.assert_array_equal(found.roughness(2), [4, 4])


def test_units_that_break_at_one_place():
    """relu(x), relu(-x) and a second layer that is zero there: |x| bends once more at its own zero."""
    weights = [np.array([[1.0], [-1.0]]), np.array([[1.0, 1.0], [1.0, -1.0]]), np.array([[1.0, 1.0]])]
    biases = [np.zeros(2), np.zeros(2), np.zeros(1)]
    function, found = pieces(weights, biases)
    np.testing.assert_array_equal(found.positions, [0, 0, 0])
    np.testing.assert_array_equal(found.layers, [1, 1, 2])
    np.testing.assert_array_equal(found.units, [0, 1, 1])
    np.testing.assert_array_equal(function([-2.0, 3.0]), [2, 6])
    assert function.jumps == [3.0]


def test_a_network_without_breakpoints():
    function, found = pieces([np.zeros((2, 1)), np.ones((1, 2))], [np.array([1.0, -1.0]), np.zeros(1)])
    assert (function.knots.size, function(3.0), found.positions.size) == (0, 1.0, 0)
    assert pieces([np.array([[2.0]])], [np.array([1.0])])[0](3.0) == 7.0


def test_one_hidden_layer_agrees_with_the_shallow_network():
    network = shallow(np.random.default_rng(8), 9)
    function, found = pieces(
        [network.input_weights[:, None], network.output_weights[None]],
        [network.biases, np.atleast_1d(network.output_bias)],
    )
    np.testing.assert_allclose(found.positions, np.sort(network.breakpoints), rtol=1e-12)
    np.testing.assert_allclose(function.slopes, network.function().slopes, atol=1e-12)
    np.testing.assert_allclose(found.jumps, network.jumps[found.units], rtol=1e-12)
    assert found.active.all()
