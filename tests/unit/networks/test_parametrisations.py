"""Parametrisations, residual branches and mirrored networks: against loops that spell out the multipliers, on autograd."""

import math
from dataclasses import replace
from itertools import islice, product

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from initatlas.networks.parametrisations import layer_rates, layer_variances
from initatlas.networks.training import NetworkSettings, TrainingSettings, draw_layers, minibatches, train_networks

SETTINGS = TrainingSettings(
    width=24,
    depth=3,
    activation="tanh",
    outputs=4,
    steps=15,
    batch_size=10,
    optimiser="sgd",
    momentum=0.0,
    evaluations=3,
    device="cpu",
    base_width=6,
)
NETWORK = NetworkSettings("gaussian", weight_variance=1.5, bias_variance=0.1, learning_rate=0.03)
INPUTS = 9


pytestmark = pytest.mark.usefixtures("one_thread")


def split(n, seed):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, INPUTS)).astype(np.float32), rng.integers(0, SETTINGS.outputs, n)


def multipliers(shared, layer, fan_in):
    """The factor a of W = a w, and that of the learning rate of w: as the papers have them."""
    m, last = shared.width / shared.base_width, layer == shared.depth
    if shared.parametrisation == "ntk":
        return fan_in**-0.5, 1.0
    if shared.parametrisation == "mup" and shared.optimiser == "sgd":  # Yang and Hu 2021, table 1
        return (m**-0.5 if last else m**0.5 if layer == 0 else 1.0), 1.0
    if shared.parametrisation == "mup":  # Yang et al. 2022, table 3
        return 1.0, 1.0 if layer == 0 else 1.0 / m
    return 1.0, 1.0


def bias_multiplier(shared, layer):
    m = shared.width / shared.base_width
    mup = shared.parametrisation == "mup" and shared.optimiser == "sgd"
    return m**0.5 if mup and layer < shared.depth else 1.0


class Half:
    """One network of leaves w and b, with its multipliers in the forward pass."""

    def __init__(self, shared, layers):
        self.shared, self.scales, self.leaves, self.groups = shared, [], [], []
        for layer, (weight, bias) in enumerate(layers):
            branch = shared.residual == "scaled" and 0 < layer < shared.depth
            deep = shared.depth**-0.5 if branch else 1.0
            a, rate = multipliers(shared, layer, weight.shape[1])
            b = bias_multiplier(shared, layer)
            self.scales.append((a * deep, b * deep))
            adam = deep if shared.optimiser == "adam" else 1.0
            w, c = (
                torch.tensor(array / scale, dtype=torch.float64, requires_grad=True)
                for array, scale in zip((weight, bias), self.scales[-1], strict=True)
            )
            self.leaves.append((w, c))
            self.groups += [{"params": [w], "lr": rate * adam}, {"params": [c], "lr": adam}]

    def __call__(self, x):
        z, h = None, x
        for (w, c), (a, b) in zip(self.leaves, self.scales, strict=True):
            last = w.shape[0] == self.shared.outputs
            new = a * h @ w.T + b * c
            z = new if z is None or last or self.shared.residual == "none" else z + new
            h = torch.tanh(z)
        return z


def reference(shared, data, seed):
    """Train one network, and return its loss on the data."""
    x, y = torch.from_numpy(data[0]).double(), torch.from_numpy(data[1])
    rng = np.random.default_rng(seed)
    layers = draw_layers(shared, NETWORK, INPUTS, rng=rng)
    halves = [Half(shared, layers) for _ in range(1 + shared.mirrored)]

    def network(inputs):
        outputs = [half(inputs) for half in halves]
        return outputs[0] if len(halves) == 1 else (outputs[0] - outputs[1]) / math.sqrt(2.0)

    groups = [{**group, "lr": NETWORK.learning_rate * group["lr"]} for half in halves for group in half.groups]
    optimiser = torch.optim.Adam(groups) if shared.optimiser == "adam" else torch.optim.SGD(groups, shared.momentum)
    for group in optimiser.param_groups if shared.optimiser == "sgd" else []:
        group["momentum"] = shared.momentum
    for chosen in islice(minibatches(len(y), shared.batch_size, rng=rng), shared.steps):
        optimiser.zero_grad()
        cross_entropy(network(x[chosen]), y[chosen]).backward()
        optimiser.step()
    with torch.no_grad():
        return cross_entropy(network(x), y).item()


@pytest.mark.parametrize(("optimiser", "momentum"), [("sgd", 0.0), ("sgd", 0.9), ("adam", 0.0)])
@pytest.mark.parametrize(
    ("parametrisation", "residual", "mirrored"),
    list(product(("standard", "ntk", "mup"), ("none", "plain", "scaled"), (False, True))),
)
def test_training_equals_a_loop_with_the_multipliers_written_out(
    parametrisation, residual, mirrored, optimiser, momentum
):
    shared = replace(
        SETTINGS,
        parametrisation=parametrisation,
        residual=residual,
        mirrored=mirrored,
        optimiser=optimiser,
        momentum=momentum,
    )
    train = split(40, 0)
    record = train_networks(shared, [NETWORK] * 2, train, split(10, 1), rngs=[np.random.default_rng(s) for s in (3, 4)])
    assert record[1].train_loss == pytest.approx(reference(shared, train, 4), rel=2e-5)
    assert record[1].train_loss != record[1].curve_train_loss[0]


@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_mup_is_standard_at_its_base_width(optimiser):
    train, test = split(40, 0), split(10, 1)
    losses = [
        train_networks(
            replace(SETTINGS, parametrisation=name, base_width=24, optimiser=optimiser),
            [NETWORK],
            train,
            test,
            rngs=[np.random.default_rng(0)],
        )[0].train_loss
        for name in ("standard", "mup")
    ]
    assert losses[0] == losses[1]


@pytest.mark.parametrize("loss", ["cross_entropy", "squared_mean"])
def test_a_mirrored_network_starts_at_zero(loss):
    shared = replace(SETTINGS, mirrored=True, loss=loss)
    (x, y), test = split(40, 0), split(10, 1)
    targets = [part if loss == "cross_entropy" else np.eye(4, dtype=np.float32)[part] for part in (y, test[1])]
    (record,) = train_networks(
        shared, [NETWORK], (x, targets[0]), (test[0], targets[1]), rngs=[np.random.default_rng(0)]
    )
    assert record.curve_train_loss[0] == pytest.approx(math.log(4) if loss == "cross_entropy" else 1.0, abs=1e-6)
    assert record.curve_train_loss[-1] < record.curve_train_loss[0]


def test_the_signals_of_a_mirrored_network_are_those_of_its_halves():
    ratios = [
        train_networks(
            replace(SETTINGS, mirrored=mirrored),
            [NETWORK] * 2,
            split(40, 0),
            split(10, 1),
            rngs=[np.random.default_rng(s) for s in range(2)],
        )[1].norm_ratio
        for mirrored in (False, True)
    ]
    np.testing.assert_array_equal(*ratios)


def test_variances_and_rates_of_the_papers_tables():
    """At four times the base width and depth 3, nine inputs."""
    mup = replace(SETTINGS, parametrisation="mup", residual="scaled")
    expected = [(1.5 / 9, 0.1), *[(1.5 / 24 / 3, 0.1 / 3)] * 2, (1 / 24 / 4, 0.0)]
    np.testing.assert_allclose(layer_variances(mup, NETWORK, 9), expected, rtol=1e-12)
    np.testing.assert_allclose(layer_rates(mup, 9), [(4, 4), (1 / 3, 4 / 3), (1 / 3, 4 / 3), (1 / 4, 1)], rtol=1e-12)
    adam = replace(mup, optimiser="adam", residual="plain")
    np.testing.assert_allclose(layer_rates(adam, 9), [(1, 1), (1 / 4, 1), (1 / 4, 1), (1 / 4, 1)], rtol=1e-12)
    ntk = replace(SETTINGS, parametrisation="ntk")
    np.testing.assert_allclose(layer_rates(ntk, 9), [(1 / 9, 1), *[(1 / 24, 1)] * 3], rtol=1e-12)
    np.testing.assert_allclose(layer_rates(replace(ntk, optimiser="adam"), 9)[0], (1 / 3, 1), rtol=1e-12)
    assert layer_variances(SETTINGS, NETWORK, 9)[-1] == (1 / 24, 0.0)
