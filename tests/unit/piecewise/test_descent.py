"""Exact gradient descent of univariate networks, against a dense loop of PyTorch."""

import re
from itertools import pairwise

import numpy as np
import pytest
import torch

from initatlas.piecewise.deep import pieces
from initatlas.piecewise.deep_descent import train_deep
from initatlas.piecewise.descent import Descent, train_shallow
from initatlas.piecewise.shallow import ShallowNetwork

GRID = np.arange(-2.0, 2.001, 0.05)
SINE = np.sin(np.pi * GRID)


def network(units, seed=0, networks=()):
    rng = np.random.default_rng(seed)
    shape = (*networks, units)
    w, b, v = rng.normal(size=(3, *shape)) * np.array([2**0.5, 1.0, (2 / max(units, 1)) ** 0.5]).reshape(
        3, *([1] * len(shape))
    )
    return ShallowNetwork(w, b, v, rng.normal(size=networks) * 0.1)


FACTORS = {"half_sum": lambda e: 0.5 * (e**2).sum(), "sum": lambda e: (e**2).sum(), "mean": lambda e: (e**2).mean()}


def dense(start, x, y, descent, epochs):
    """The same in PyTorch: parameters and loss after so many updates."""
    parts = (start.input_weights, start.biases, start.output_weights, start.output_bias)
    w, b, v, c = (torch.tensor(np.array(part), dtype=torch.float64, requires_grad=True) for part in parts)
    inputs, targets = torch.tensor(np.array(x, dtype=float)), torch.tensor(np.array(y, dtype=float))
    trained = [w, b, v, c] if descent.train_output_bias else [w, b, v]
    if descent.optimiser == "adam":
        optimiser = torch.optim.Adam(trained, descent.learning_rate, descent.betas, descent.epsilon)
    else:
        optimiser = torch.optim.SGD(trained, descent.learning_rate)

    def loss():
        outputs = (v * torch.relu(inputs[:, None] * w + b)).sum(dim=1) + c
        return FACTORS[descent.loss](outputs - targets)

    for _ in range(epochs):
        optimiser.zero_grad()
        loss().backward()
        optimiser.step()
    return [part.detach().numpy() for part in (w, b, v, c)], loss().item()


def assert_agrees(start, x, y, descent, epochs, tolerance=1e-11):
    found = train_shallow(start, x, y, descent, record=[0, epochs])
    parts, loss = dense(start, x, y, descent, epochs)
    ours = (found.input_weights, found.biases, found.output_weights, found.output_bias)
    for part, mine in zip(parts, ours, strict=True):
        np.testing.assert_allclose(mine[-1], part, atol=tolerance, rtol=0)
    assert found.losses[-1] == pytest.approx(loss, rel=1e-9, abs=1e-12)
    assert found.diverged == -1
    return found


@pytest.mark.parametrize("units", [1, 5, 21, 60])
@pytest.mark.parametrize("loss", ["half_sum", "sum", "mean"])
def test_a_thousand_epochs_agree_with_a_dense_loop(units, loss):
    rate = {"half_sum": 5e-4, "sum": 2e-4, "mean": 2e-2}[loss]
    found = assert_agrees(network(units), GRID, SINE, Descent(rate, loss=loss), 1000)
    assert found.losses[-1] < found.losses[0]


@pytest.mark.parametrize("output_bias", [True, False])
def test_adam_agrees_with_a_dense_loop(output_bias):
    descent = Descent(1e-3, optimiser="adam", betas=(0.8, 0.99), epsilon=1e-6, train_output_bias=output_bias)
    found = assert_agrees(network(13), GRID, SINE, descent, 1000)
    assert (found.output_bias[0] == found.output_bias[1]) == (not output_bias)


def test_unordered_data_far_from_zero_with_inputs_that_repeat():
    rng = np.random.default_rng(4)
    x = rng.choice([7.0, 7.25, 8.5, 9.0, 9.75], 40) + np.where(rng.random(40) < 0.5, rng.normal(size=40), 0.0)
    y = rng.normal(size=40)
    start = network(17, seed=2)
    moved = ShallowNetwork(
        start.input_weights, start.biases - 8.0 * start.input_weights, start.output_weights, start.output_bias
    )
    assert_agrees(moved, x, y, Descent(2e-4), 1000)


def test_zero_weights_coinciding_breakpoints_and_ties_with_the_data():
    w = np.array([1.0, 1.0, -1.0, 0.0, 0.0, 0.0, 1.0, 2.0])
    b = np.array([0.0, 0.0, 0.0, 1.0, -1.0, 0.0, -0.5, -1.0])
    v = np.array([0.5, 0.5, 0.5, 0.3, 0.3, 0.3, 0.0, 0.2])
    found = assert_agrees(ShallowNetwork(w, b, v, 0.1), np.linspace(-2, 2, 9), np.ones(9), Descent(1e-3), 200)
    assert found.input_weights[-1][4] == 0.0  # a dead unit stays
    assert found.input_weights[-1][3] != 0.0  # a constant one starts to bend


@pytest.mark.parametrize("points", [1, 2, 3])
def test_few_points(points):
    x = np.linspace(-1, 1, points)
    assert_agrees(network(6, seed=3), x, np.cos(x), Descent(1e-2), 300)


def test_a_unit_may_turn_round():
    """A large step flips the sign of an input weight; the places of the units change order on the way."""
    start = ShallowNetwork([0.05, 1.0], [0.5, 0.2], [1.0, -1.0])
    found = train_shallow(start, GRID, SINE, Descent(2e-3), record=range(60))
    assert (found.input_weights[:, 0] < 0).any()
    assert_agrees(start, GRID, SINE, Descent(2e-3), 59)


def test_records_are_states_on_the_way():
    start = network(9, networks=(2, 3))
    found = train_shallow(start, GRID, SINE, Descent(5e-4), record=[0, 7, 50])
    assert found.losses.shape == (3, 2, 3)
    assert found.input_weights.shape == (3, 2, 3, 9)
    np.testing.assert_array_equal(found.networks(0).input_weights, start.input_weights)
    np.testing.assert_array_equal(found.networks(0).output_bias, start.output_bias)
    np.testing.assert_allclose(found.losses[0], 0.5 * ((start(GRID) - SINE) ** 2).sum(axis=-1), rtol=1e-12)
    once = train_shallow(start, GRID, SINE, Descent(5e-4), record=[7])
    np.testing.assert_array_equal(once.input_weights[0], found.input_weights[1])
    later = train_shallow(found.networks(1), GRID, SINE, Descent(5e-4), record=[43])
    np.testing.assert_allclose(later.biases[0], found.biases[2], atol=1e-13)
    single = ShallowNetwork(
        start.input_weights[1, 2], start.biases[1, 2], start.output_weights[1, 2], np.asarray(start.output_bias)[1, 2]
    )
    alone = train_shallow(single, GRID, SINE, Descent(5e-4), record=[50])
    np.testing.assert_array_equal(alone.output_weights[0], found.output_weights[2, 1, 2])


def test_threads_change_no_bit():
    start = network(9, networks=(7,))
    one, two = (train_shallow(start, GRID, SINE, Descent(5e-4), record=[0, 60], threads=n) for n in (1, 3))
    np.testing.assert_array_equal(one.input_weights, two.input_weights)
    np.testing.assert_array_equal(one.losses, two.losses)


def test_divergence_is_recorded_and_touches_no_other_network():
    start = network(5, networks=(2,))
    wild = ShallowNetwork(
        start.input_weights * np.array([[1.0], [40.0]]), start.biases, start.output_weights, start.output_bias
    )
    found = train_shallow(wild, GRID, SINE, Descent(1e-3), record=[0, 300])
    assert found.diverged[0] == -1
    assert 0 < found.diverged[1] < 300
    assert np.isfinite(found.losses[:, 0]).all()
    assert np.isnan(found.losses[1, 1])
    assert np.isnan(found.input_weights[1, 1]).all()
    assert found.networks(0).input_weights.shape == (2, 5)
    with pytest.raises(ValueError, match="1 of 2 networks diverged"):
        found.networks()


def test_a_network_without_units_is_its_constant():
    found = train_shallow(ShallowNetwork(*np.empty((3, 0)), 1.0), GRID, GRID * 0 + 3.0, Descent(5e-3), record=[0, 2000])
    assert found.losses[0] == pytest.approx(0.5 * 4 * GRID.size)
    assert found.output_bias[-1] == pytest.approx(3.0)


# ---- deep networks


def deep_network(widths, seed=0, networks=()):
    rng = np.random.default_rng(seed)
    sizes = [1, *widths, 1]
    weights = [rng.normal(size=(*networks, out, into)) * np.sqrt(2 / into) for into, out in pairwise(sizes)]
    return weights, [0.5 * rng.normal(size=(*networks, out)) for out in sizes[1:]]


def dense_deep(weights, biases, x, y, descent, epochs):
    """The same in PyTorch: parameters and loss after so many updates."""
    parts = [torch.tensor(np.array(part), dtype=torch.float64, requires_grad=True) for part in (*weights, *biases)]
    layers, inputs, targets = len(weights), torch.tensor(np.array(x))[:, None], torch.tensor(np.array(y))
    make = torch.optim.Adam if descent.optimiser == "adam" else torch.optim.SGD
    optimiser = make(parts if descent.train_output_bias else parts[:-1], descent.learning_rate)

    def loss():
        signal = inputs
        for place in range(layers):
            signal = torch.nn.functional.linear(signal, parts[place], parts[layers + place])
            signal = torch.relu(signal) if place < layers - 1 else signal
        return FACTORS[descent.loss](signal[:, 0] - targets)

    for _ in range(epochs):
        optimiser.zero_grad()
        loss().backward()
        optimiser.step()
    return [part.detach().numpy() for part in parts], loss().item()


def assert_deep_agrees(network_, x, y, descent, epochs, tolerance=1e-10):
    weights, biases = network_
    found = train_deep(weights, biases, x, y, descent, record=[0, epochs])
    parts, loss = dense_deep(weights, biases, x, y, descent, epochs)
    for part, mine in zip(parts, (*found.weights, *found.biases), strict=True):
        np.testing.assert_allclose(mine[-1], part, atol=tolerance, rtol=0)
    assert found.losses[-1] == pytest.approx(loss, rel=1e-9, abs=1e-12)
    assert found.diverged == -1
    return found


@pytest.mark.parametrize("widths", [(6,), (8, 8), (8, 8, 8, 8), (3, 1, 12), (2, 5, 1, 4, 3)])
@pytest.mark.parametrize("loss", ["half_sum", "mean"])
def test_a_thousand_epochs_of_a_deep_network_agree_with_a_dense_loop(widths, loss):
    found = assert_deep_agrees(
        deep_network(widths, seed=1), GRID, SINE, Descent({"half_sum": 1e-4, "mean": 5e-3}[loss], loss=loss), 1000
    )
    assert found.losses[-1] < found.losses[0]


def test_more_segments_than_there_is_room_for_at_first():
    x = np.linspace(-3, 3, 500)
    weights, biases = deep_network((40, 40), seed=3)
    assert pieces(weights, biases)[1].within(-3, 3).positions.size > 64
    assert_deep_agrees((weights, biases), x, np.sin(2 * x), Descent(2e-6), 60)


@pytest.mark.parametrize("output_bias", [True, False])
def test_adam_of_a_deep_network(output_bias):
    descent = Descent(1e-3, optimiser="adam", train_output_bias=output_bias)
    found = assert_deep_agrees(deep_network((8, 8), seed=2), GRID, SINE, descent, 300)
    assert (found.biases[-1][0, 0] == found.biases[-1][1, 0]) == (not output_bias)


def test_deep_networks_take_unordered_and_repeated_inputs_far_from_zero():
    rng = np.random.default_rng(6)
    x = 5.0 + rng.choice([0.0, 0.25, 1.0, 2.5], 50) + np.where(rng.random(50) < 0.5, rng.normal(size=50), 0.0)
    assert_deep_agrees(deep_network((6, 5), seed=8), x, rng.normal(size=50), Descent(1e-5), 500)
    assert_deep_agrees(deep_network((6, 5), seed=8), np.array([0.3]), np.array([2.0]), Descent(1e-3), 200)


def test_one_hidden_layer_is_the_shallow_network():
    start = network(11, networks=(2,))
    shallow = train_shallow(start, GRID, SINE, Descent(5e-4), record=[0, 300])
    deep = train_deep(
        [start.input_weights[..., None], start.output_weights[:, None]],
        [start.biases, np.asarray(start.output_bias)[:, None]],
        GRID,
        SINE,
        Descent(5e-4),
        record=[0, 300],
    )
    np.testing.assert_allclose(deep.weights[0][..., 0], shallow.input_weights, atol=1e-11)
    np.testing.assert_allclose(deep.losses, shallow.losses, rtol=1e-9)


def test_many_deep_networks_and_threads_and_one_that_diverges():
    weights, biases = deep_network((4, 3), networks=(2, 3))
    biases[2][1, 1] = 1e300
    one, two = (train_deep(weights, biases, GRID, SINE, Descent(1e-3), record=[0, 9, 90], threads=n) for n in (1, 3))
    assert one.losses.shape == (3, 2, 3)
    assert [part.shape for part in one.weights] == [(3, 2, 3, 4, 1), (3, 2, 3, 3, 4), (3, 2, 3, 1, 3)]
    np.testing.assert_array_equal(one.weights[1], two.weights[1])
    np.testing.assert_array_equal(one.weights[1][0], weights[1])
    assert one.diverged[1, 1] > 0
    assert (np.delete(one.diverged.ravel(), 4) == -1).all()
    assert np.isnan(one.losses[-1, 1, 1])
    assert np.isfinite(one.losses).sum() >= 15
    alone = train_deep([w[0, 2] for w in weights], [b[0, 2] for b in biases], GRID, SINE, Descent(1e-3), record=[90])
    np.testing.assert_array_equal(alone.weights[2][0], one.weights[2][2, 0, 2])


DEEP = deep_network((2, 3))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: train_deep(DEEP[0][:1], DEEP[1][:1], [1.0], [1.0], Descent(0.1), record=[1]),
            "give two or more of each",
        ),
        (lambda: train_deep(DEEP[0], DEEP[1][:2], [1.0], [1.0], Descent(0.1), record=[1]), "biases: 2 layers for 3"),
        (lambda: train_deep(DEEP[0][:2], DEEP[1][:2], [1.0], [1.0], Descent(0.1), record=[1]), "weights[1]: 3 outputs"),
        (
            lambda: train_deep([DEEP[0][0].T, *DEEP[0][1:]], DEEP[1], [1.0], [1.0], Descent(0.1), record=[1]),
            "weights[0], biases[0]: shapes (1, 2) and (2,), give (2, 1) and (2,)",
        ),
        (lambda: train_deep(DEEP[0], DEEP[1], [], [], Descent(0.1), record=[1]), "x: no points"),
        (lambda: train_deep(DEEP[0], DEEP[1], [1.0], [1.0], Descent(0.1), record=[2, 1]), "record: give increasing"),
        (lambda: Descent(0.0), "learning_rate: 0.0, give a number above 0"),
        (lambda: Descent(float("nan")), "learning_rate: nan"),
        (lambda: Descent(0.1, loss="max"), "loss: 'max', allowed: half_sum, sum, mean"),
        (lambda: Descent(0.1, optimiser="sgd"), "optimiser: 'sgd', allowed: gd, adam"),
        (lambda: Descent(0.1, betas=(0.9, 1.0)), "betas: (0.9, 1.0)"),
        (lambda: Descent(0.1, epsilon=0.0), "epsilon: 0.0"),
        (lambda: train_shallow(network(2), [], [], Descent(0.1), record=[1]), "x: no points"),
        (lambda: train_shallow(network(2), [1.0], [float("inf")], Descent(0.1), record=[1]), "y: nan or infinite"),
        (lambda: train_shallow(network(2), [1.0], [1.0], Descent(0.1), record=[]), "record: give increasing"),
        (lambda: train_shallow(network(2), [1.0], [1.0], Descent(0.1), record=[3, 3]), "record: give increasing"),
        (lambda: train_shallow(network(2), [1.0], [1.0], Descent(0.1), record=[-1]), "record: give increasing"),
    ],
)
def test_bad_input_is_refused_in_one_line(make, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make()
