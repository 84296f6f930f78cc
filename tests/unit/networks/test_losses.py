"""Losses: against autograd, and in training against a plain PyTorch loop."""

from itertools import islice
from typing import get_args

import numpy as np
import pytest
import torch

from initatlas.errors import UserError
from initatlas.networks.losses import make_loss
from initatlas.networks.padding import padded
from initatlas.networks.training import NetworkSettings, TrainingSettings, draw_layers, minibatches, train_networks
from initatlas.networks.training_settings import LossName

NAMES = get_args(LossName)
FORMULAS = {
    "cross_entropy": lambda f, y: torch.nn.functional.cross_entropy(f, y.argmax(-1)),
    "squared_mean": lambda f, y: ((f - y) ** 2).sum() / len(f),
    "squared_sum": lambda f, y: ((f - y) ** 2).sum(),
    "squared_half_sum": lambda f, y: 0.5 * ((f - y) ** 2).sum(),
}


pytestmark = pytest.mark.usefixtures("one_thread")


def targets_of(name, count, outputs, rng):
    """One-hot classes, as classes or as numbers; numbers that are no classes where the loss takes them."""
    classes = rng.integers(0, outputs, count)
    one_hot = np.eye(outputs, dtype=np.float32)[classes]
    return (classes, one_hot) if name == "cross_entropy" else (2 * one_hot - 0.7, 2 * one_hot - 0.7)


def padded_outputs(count, outputs, loss, rng):
    """Random outputs of one network, as a stacked network gives them."""
    found = torch.full((1, count, padded(outputs)), loss.padding_bias)
    found[0, :, :outputs] = torch.from_numpy(rng.standard_normal((count, outputs)).astype(np.float32))
    return found


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("outputs", [2, 10, 17])
def test_value_and_gradient_equal_autograd(name, outputs):
    loss, rng = make_loss(name, outputs), np.random.default_rng(outputs)
    targets, numbers = targets_of(name, 7, outputs, rng)
    loss.check(targets)
    prepared, found = loss.prepare(targets), padded_outputs(7, outputs, loss, rng)
    free = found[0, :, :outputs].double().requires_grad_()
    expected = FORMULAS[name](free, torch.from_numpy(numbers).double())
    expected.backward()
    total = float(loss.values(found, prepared).double().sum())
    assert loss.of_split(total, 7) == pytest.approx(float(expected.detach()), rel=1e-6)
    gradient = loss.gradient(found, prepared[None]) / loss.divisor(7)
    np.testing.assert_allclose(gradient[0, :, :outputs].numpy(), free.grad.numpy(), rtol=1e-5, atol=1e-6)
    assert not gradient[0, :, outputs:].any()


@pytest.mark.parametrize("name", NAMES)
def test_hits_ignore_what_is_padding(name):
    loss = make_loss(name, 3)
    found = torch.full((1, 3, padded(3)), loss.padding_bias)
    found[0, :, :3] = torch.tensor([[-3.0, -1.0, -2.0], [-1.0, -2.0, -3.0], [-3.0, -2.0, -1.0]])
    classes = np.array([1, 1, 2])
    targets = classes if name == "cross_entropy" else np.eye(3, dtype=np.float32)[classes] - 2.0
    assert loss.hits(found, loss.prepare(targets)).tolist() == [[True, False, True]]


def test_a_single_output_hits_by_its_sign():
    loss = make_loss("squared_mean", 1)
    targets = np.array([[1.0], [-1.0], [2.0]], dtype=np.float32)
    found = torch.zeros(1, 3, padded(1))
    found[0, :, 0] = torch.tensor([0.1, 0.1, -0.1])
    assert loss.hits(found, loss.prepare(targets)).tolist() == [[True, False, False]]


@pytest.mark.parametrize(
    ("name", "targets", "message"),
    [
        ("cross_entropy", np.array([0, 3]), "outputs: 3 must be more than the largest label, 3"),
        ("cross_entropy", np.zeros((2, 3), np.float32), r"needs classes, .* not float32 of shape \(2, 3\)"),
        ("squared_mean", np.array([0, 1]), r"needs numbers of shape \(n, 3\), not int64 of shape \(2,\)"),
        (
            "squared_sum",
            np.zeros((2, 2), np.float32),
            r"needs numbers of shape \(n, 3\), not float32 of shape \(2, 2\)",
        ),
    ],
)
def test_targets_of_another_loss_are_refused(name, targets, message):
    with pytest.raises(UserError, match=message):
        make_loss(name, 3).check(targets)


@pytest.mark.parametrize(
    ("name", "rate"), [("squared_mean", 0.02), ("squared_sum", 0.001), ("squared_half_sum", 0.002)]
)
def test_regression_equals_a_plain_torch_loop(name, rate):
    """A function of one variable, as the exact trainers of one-dimensional networks see it."""
    x = np.linspace(-2, 2, 40, dtype=np.float32)[:, None]
    split = x, np.sin(2 * x).astype(np.float32)
    shared = TrainingSettings(
        width=21,
        depth=2,
        activation="tanh",
        outputs=1,
        steps=60,
        batch_size=20,
        optimiser="sgd",
        momentum=0.0,
        evaluations=2,
        device="cpu",
        loss=name,
    )
    network = NetworkSettings("gaussian", 2.0, 0.1, rate)
    (record,) = train_networks(shared, [network], split, split, rngs=[np.random.default_rng(3)])
    rng = np.random.default_rng(3)
    layers = [
        [torch.from_numpy(array).double().requires_grad_() for array in layer]
        for layer in draw_layers(shared, network, 1, rng=rng)
    ]
    inputs, targets = (torch.from_numpy(part).double() for part in split)

    def output(rows):
        hidden = inputs[rows]
        for weight, bias in layers[:-1]:
            hidden = torch.tanh(hidden @ weight.T + bias)
        return hidden @ layers[-1][0].T + layers[-1][1]

    flat = [tensor for layer in layers for tensor in layer]
    optimiser = torch.optim.SGD(flat, lr=rate)
    for chosen in islice(minibatches(40, 20, rng=rng), 60):
        optimiser.zero_grad()
        FORMULAS[name](output(chosen), targets[chosen]).backward()
        optimiser.step()
    everything = np.arange(40)
    assert record.train_loss == pytest.approx(float(FORMULAS[name](output(everything), targets).detach()), rel=1e-4)
    assert record.train_loss < 0.7 * record.curve_train_loss[0]
