"""Batch normalisation: against PyTorch's own layers, in function space."""

import numpy as np
import pytest
import torch

from initatlas.piecewise.descent import Descent
from initatlas.piecewise.normalised_descent import train_normalised
from initatlas.piecewise.shallow import ShallowNetwork
from initatlas.piecewise.starts import drawn, shallow_of

UNITS = 7


def start(seed=0):
    return shallow_of(drawn([UNITS], scheme="he", rng=np.random.default_rng(seed)))


def data(count=24):
    x = np.random.default_rng(1).uniform(-2.0, 3.0, count)
    return x, np.sin(2.0 * x)


def pytorch(network, x, y, *, rate, batch, epochs, rng, scale, momentum=0.1):
    """The same with PyTorch's layers; outputs at some places in evaluation mode."""
    first, normalisation, last = (
        torch.nn.Linear(1, UNITS),
        torch.nn.BatchNorm1d(UNITS, momentum=momentum),
        torch.nn.Linear(UNITS, 1),
    )
    model = torch.nn.Sequential(first, normalisation, torch.nn.ReLU(), last).double()
    with torch.no_grad():
        first.weight[:, 0] = torch.tensor(network.input_weights)
        first.bias[:] = torch.tensor(network.biases)
        last.weight[0] = torch.tensor(network.output_weights)
        last.bias[:] = float(network.output_bias)
    optimiser = torch.optim.SGD(model.parameters(), lr=rate)
    for _ in range(epochs):
        order = rng.permutation(x.size)
        for begin in range(0, x.size, batch):
            part = order[begin : begin + batch]
            outputs = model(torch.tensor(x[part, None]))[:, 0]
            loss = 0.5 * scale(part.size) * ((outputs - torch.tensor(y[part])) ** 2).sum()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    model.eval()
    return lambda places: model(torch.tensor(places[:, None])).detach().numpy()[:, 0]


@pytest.mark.parametrize(("loss", "rate", "batch", "momentum"), [("half_sum", 0.003, 8, 0.1), ("mean", 0.02, 10, 0.3)])
def test_it_agrees_with_pytorch(loss, rate, batch, momentum):
    network, (x, y), descent = start(), data(), Descent(rate, loss=loss)
    places = np.linspace(-4.0, 5.0, 50)
    for epochs in (0, 1, 300):
        (found,) = train_normalised(
            network, x, y, descent, batch=batch, record=[epochs], rng=np.random.default_rng(5), momentum=momentum
        )
        expected = pytorch(network, x, y, rate=rate, batch=batch, epochs=epochs, rng=np.random.default_rng(5),
                           scale=descent.scale, momentum=momentum)  # fmt: skip
        np.testing.assert_allclose(found(places), expected(places), rtol=0, atol=1e-9)


def test_a_record_is_the_network_of_that_epoch():
    network, (x, y) = start(), data()
    found = train_normalised(network, x, y, Descent(0.003), batch=8, record=[2, 5], rng=np.random.default_rng(5))
    for epochs, one in zip((2, 5), found, strict=True):
        (alone,) = train_normalised(
            network, x, y, Descent(0.003), batch=8, record=[epochs], rng=np.random.default_rng(5)
        )
        assert np.array_equal(one(x), alone(x))


def test_a_network_that_leaves_the_numbers_is_none():
    x, y = data()
    found = train_normalised(start(), x, y, Descent(1e6), batch=8, record=[0, 60], rng=np.random.default_rng(0))
    assert found[0] is not None
    assert found[1] is None


@pytest.mark.parametrize(
    ("network", "count", "batch", "message"),
    [
        (start(), 24, 1, "batch: 1 of 24"),
        (start(), 25, 8, "batch: 8 of 25"),
        (start(), 1, 8, "batch: 8 of 1"),
        (ShallowNetwork(np.ones((2, 3)), np.ones((2, 3)), np.ones((2, 3))), 24, 8, "give one"),
    ],
)
def test_bad_input_is_refused(network, count, batch, message):
    with pytest.raises(ValueError, match=message):
        train_normalised(network, *data(count), Descent(0.1), batch=batch, record=[1], rng=np.random.default_rng(0))
