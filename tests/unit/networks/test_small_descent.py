"""Gradient descent of small networks: against autograd, and its sharpness against the Jacobian."""

import numpy as np
import pytest
import torch

from initatlas.networks.small_descent import descend_small, draw_small, fill_tanh, sharpness

ACTIVATIONS = {"tanh": torch.tanh, "relu": torch.relu, "identity": lambda z: z}


def drawn(seed=0, **changes):
    settings = {"inputs": 5, "width": 7, "samples": 6, "weight_variance": 1.5} | changes
    return draw_small(**settings, rng=np.random.default_rng(seed))


def outputs(x, hidden, readout, activation):
    return ACTIVATIONS[activation](torch.as_tensor(x) @ hidden) @ readout


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_losses_are_those_of_autograd(activation):
    x, y, hidden, readout = drawn()
    ours = descend_small(x, y, hidden, readout, activation=activation, rate=0.2, steps=60)
    parameters = [torch.tensor(array, requires_grad=True) for array in (hidden, readout)]
    losses = []
    for _ in range(61):
        loss = ((outputs(x, *parameters, activation) - torch.as_tensor(y)) ** 2).mean()
        losses.append(loss.item())
        with torch.no_grad():
            for parameter, slope in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
                parameter -= 0.2 * slope
    np.testing.assert_allclose(ours, losses, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_sharpness_is_that_of_the_jacobian(activation):
    x, _, hidden, readout = drawn()
    parts = torch.autograd.functional.jacobian(
        lambda hidden, readout: outputs(x, hidden, readout, activation), (torch.tensor(hidden), torch.tensor(readout))
    )
    jacobian = torch.cat([part.reshape(len(x), -1) for part in parts], dim=1)
    expected = 2.0 / len(x) * torch.linalg.eigvalsh(jacobian @ jacobian.T)[-1]
    assert sharpness(x, hidden, readout, activation=activation) == pytest.approx(float(expected), rel=1e-12)


def test_small_signals_grow_beyond_the_line_and_not_before():
    """With a read-out near 0 the hidden weights hardly move: the network is linear, and the line is exact."""
    x, y, hidden, readout = drawn(inputs=1, samples=1, width=1)
    rate = 2.0 / sharpness(x, hidden, 0.0 * readout, activation="tanh")
    for factor, settles in ((0.9, True), (1.1, False)):
        start = np.full(1, 1e-9)
        losses = descend_small(x, 1e-6 * y, hidden, start, activation="tanh", rate=factor * rate, steps=20)
        assert (losses[-1] < losses[0]) == settles


def test_the_first_loss_is_that_of_the_given_network_which_stays_as_it_is():
    x, y, hidden, readout = drawn()
    before = hidden.copy(), readout.copy()
    losses = descend_small(x, y, hidden, readout, activation="tanh", rate=0.1, steps=3)
    assert losses[0] == pytest.approx(((np.tanh(x @ hidden) @ readout - y) ** 2).mean(), rel=1e-13)
    np.testing.assert_array_equal(hidden, before[0])
    np.testing.assert_array_equal(readout, before[1])


def test_losses_that_leave_the_numbers_are_infinite_from_then_on():
    losses = descend_small(*drawn(), activation="relu", rate=50.0, steps=200)
    end = int(np.isinf(losses).argmax())
    assert 0 < end < 200
    assert np.isinf(losses[end:]).all()
    assert (np.diff(losses[2:end]) > 0).all()


def test_a_variance_scales_the_hidden_weights_of_one_draw():
    (x, y, one, readout), (x4, y4, four, readout4) = drawn(weight_variance=1.0), drawn(weight_variance=4.0)
    np.testing.assert_allclose(four, 2.0 * one, rtol=1e-15)
    for first, second in ((x, x4), (y, y4), (readout, readout4)):
        np.testing.assert_array_equal(first, second)


def test_the_draw_has_the_variances_that_it_names():
    x, y, hidden, readout = drawn(inputs=50, width=400, samples=300, weight_variance=3.0)
    assert [array.var() for array in (x, y, 50 * hidden, 400 * readout)][:2] == pytest.approx([1.0, 1.0], rel=0.25)
    assert 50 * hidden.var() == pytest.approx(3.0, rel=0.05)
    assert 400 * readout.var() == pytest.approx(1.0, rel=0.25)


def test_hyperbolic_tangents_are_right_to_the_last_places():
    near = np.geomspace(1e-300, 1.0, 3001)
    x = np.concatenate([np.linspace(-25.0, 25.0, 5001), near, -near, [0.0, -0.0, np.inf, -np.inf, np.nan]])
    found = x.copy()
    fill_tanh(found, np.empty(x.size, dtype=np.int64))
    np.testing.assert_allclose(found, np.tanh(x), rtol=5 * np.finfo(float).eps, atol=0.0)
    assert np.signbit(found[-4])
