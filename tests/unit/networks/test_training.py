"""Training of stacked networks: against autograd, against a plain PyTorch loop, and bit for bit across batches."""

import math
import os
import subprocess
import sys
import time
import warnings
from dataclasses import astuple, replace
from itertools import islice
from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from initatlas.activations.base import activation_of
from initatlas.errors import UserError
from initatlas.networks import compiled_mlp
from initatlas.networks.padding import padded
from initatlas.networks.stacked_mlp import Workspace, backward, forward, stack_networks
from initatlas.networks.training import (
    NetworkRecord,
    NetworkSettings,
    TrainingSettings,
    draw_layers,
    evaluation_steps,
    minibatches,
    train_networks,
)
from initatlas.networks.training_cost import networks_at_once, training_megabytes, training_seconds
from initatlas.networks.training_settings import LossName, Parametrisation, Residual

SETTINGS = TrainingSettings(
    width=10,
    depth=3,
    activation="relu",
    outputs=10,
    steps=12,
    batch_size=7,
    optimiser="sgd",
    momentum=0.0,
    evaluations=4,
    device="cpu",
)
NETWORK = NetworkSettings(weights="gaussian", weight_variance=2.0, bias_variance=0.1, learning_rate=0.05)
ACTIVATION_LABELS = [
    *(
        "identity",
        "relu",
        "leaky_relu(slope=0.2)",
        "erf",
        "tanh",
        "abs",
        "sin",
        "cos",
        "elu",
        "gelu",
        "softplus",
        "symlog",
    ),
    *("swish(beta=1)", "swish(beta=2)", "exp", "hermite(degree=0)", "hermite(degree=2)", "hermite(degree=3)"),
]
POOL = [
    NetworkSettings(weights, variance, bias, rate)
    for weights in ("gaussian", "uniform", "multivariate_t(nu=5)")
    for variance, bias, rate in ((2.0, 0.0, 0.1), (0.5, 0.2, 0.01), (4.0, 0.0, 0.5))
]


pytestmark = pytest.mark.usefixtures("one_thread")


def blobs(n: int, dim: int, classes: int = 10, seed: int = 0):
    """Noisy class centres."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(1234).standard_normal((classes, dim))
    y = rng.integers(0, classes, n)
    x = centres[y] + 0.5 * rng.standard_normal((n, dim))
    return x.astype(np.float32), y.astype(np.int64)


def train(shared: TrainingSettings, networks, seeds, dim: int, n: int = 60) -> list[NetworkRecord]:
    """Train on blobs, one generator per seed."""
    rngs = [np.random.default_rng(seed) for seed in seeds]
    return train_networks(shared, networks, blobs(n, dim), blobs(41, dim, seed=1), rngs=rngs)


def bits(record: NetworkRecord) -> list[bytes]:
    """Every number of a record, as bytes."""
    return [np.asarray(value).tobytes() for value in astuple(record)]


def torch_network(shared: TrainingSettings, layers) -> torch.nn.Sequential:
    """The same network built of torch.nn modules, in float64."""
    modules: list[torch.nn.Module] = []
    kinds = {
        "identity": torch.nn.Identity,
        "relu": torch.nn.ReLU,
        "tanh": torch.nn.Tanh,
        "softplus": torch.nn.Softplus,
        "gelu": torch.nn.GELU,
    }
    for weight, bias in layers:
        linear = torch.nn.Linear(*reversed(weight.shape), dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(weight))
            linear.bias.copy_(torch.from_numpy(bias))
        modules += [linear, kinds[shared.activation]()]
    return torch.nn.Sequential(*modules[:-1])


def torch_train(shared: TrainingSettings, network: NetworkSettings, split, seed: int) -> torch.nn.Sequential:
    """An independent training loop on autograd and torch.optim, in float64."""
    x, y = torch.from_numpy(split[0]).double(), torch.from_numpy(split[1])
    rng = np.random.default_rng(seed)
    model = torch_network(shared, draw_layers(shared, network, x.shape[1], rng=rng))
    if shared.optimiser == "adam":
        optimiser: torch.optim.Optimizer = torch.optim.Adam(model.parameters(), lr=network.learning_rate)
    else:
        optimiser = torch.optim.SGD(model.parameters(), lr=network.learning_rate, momentum=shared.momentum)
    for chosen in islice(minibatches(len(y), shared.batch_size, rng=rng), shared.steps):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(model(x[chosen]), y[chosen]).backward()
        optimiser.step()
    return model


@pytest.mark.parametrize("activation", ACTIVATION_LABELS)
@pytest.mark.parametrize(("depth", "residual"), [(0, False), (1, False), (4, False), (4, True)])
def test_gradients_equal_autograd(activation, depth, residual):
    shared = replace(SETTINGS, activation=activation, depth=depth, width=21)
    rngs = [np.random.default_rng(seed) for seed in range(3)]
    network = replace(NETWORK, weight_variance=0.1) if activation.startswith(("exp", "hermite")) else NETWORK
    layers = [draw_layers(shared, network, 19, rng=rng) for rng in rngs]
    mlp = stack_networks(layers, activation_of(activation), "cpu", residual=residual)
    inputs = torch.randn(3, 5, padded(19), generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([[1, 2, 3, 9, 0]] * 3)
    functions = {
        "identity": lambda z: z,
        "relu": torch.relu,
        "leaky_relu(slope=0.2)": lambda z: torch.nn.functional.leaky_relu(z, 0.2),
        "erf": torch.erf,
        "tanh": torch.tanh,
        "abs": torch.abs,
        "sin": torch.sin,
        "cos": torch.cos,
        "elu": torch.nn.functional.elu,
        "gelu": torch.nn.functional.gelu,
        "softplus": torch.nn.functional.softplus,
        "symlog": lambda z: torch.sign(z) * torch.log1p(torch.abs(z)),
        "swish(beta=1)": torch.nn.functional.silu,
        "swish(beta=2)": lambda z: z * torch.sigmoid(2 * z),
        "exp": torch.exp,
        "hermite(degree=0)": lambda z: z * 0 + 1,
        "hermite(degree=2)": lambda z: (z**2 - 1) / 2**0.5,
        "hermite(degree=3)": lambda z: (z**3 - 3 * z) / 6**0.5,
    }
    weights = [weight.clone().requires_grad_() for weight in mlp.weights]
    biases = [bias.clone().requires_grad_() for bias in mlp.biases]
    hidden, before = inputs, 0
    for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
        before = hidden @ weight.mT + bias + (before if residual else 0)
        hidden = functions[activation](before) * (torch.arange(weight.shape[1]) < 21)
    logits = hidden @ weights[-1].mT + biases[-1]
    logits.retain_grad()
    (-torch.log_softmax(logits, -1).gather(2, labels[..., None]).sum()).backward()

    space = Workspace(mlp, 5)
    assert torch.allclose(forward(mlp, inputs, space), logits, rtol=1e-5, atol=1e-5)
    seen = {}

    def check(layer, gradient, layer_inputs):
        seen[layer] = torch.bmm(gradient.mT, layer_inputs), gradient.sum(1, keepdim=True)

    backward(mlp, inputs, logits.grad, space, check)
    assert sorted(seen) == list(range(depth + 1))
    for layer, (weight, bias) in seen.items():
        torch.testing.assert_close(weight, weights[layer].grad, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(bias, biases[layer].grad, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("activation", ["relu", "tanh", "identity", "softplus", "gelu"])
@pytest.mark.parametrize(
    ("optimiser", "momentum", "rate"), [("sgd", 0.0, 0.05), ("sgd", 0.9, 0.01), ("adam", 0.0, 0.005)]
)
def test_training_equals_a_plain_torch_loop(activation, optimiser, momentum, rate):
    shared = replace(SETTINGS, activation=activation, optimiser=optimiser, momentum=momentum, steps=40)
    network = replace(NETWORK, learning_rate=rate)
    records = train(shared, [POOL[0], network, POOL[4]], [5, 6, 7], dim=30)
    train_split, test_split = blobs(60, 30), blobs(41, 30, seed=1)
    model = torch_train(shared, network, train_split, seed=6)
    for (x, y), loss, accuracy in (
        (train_split, records[1].train_loss, records[1].train_accuracy),
        (test_split, records[1].test_loss, records[1].test_accuracy),
    ):
        with torch.no_grad():
            logits = model(torch.from_numpy(x).double())
        expected = torch.nn.functional.cross_entropy(logits, torch.from_numpy(y)).item()
        assert loss == pytest.approx(expected, rel=1e-5, abs=1e-5)
        assert accuracy == pytest.approx((logits.argmax(1).numpy() == y).mean(), abs=1e-12)
    assert records[1].train_loss < records[1].curve_train_loss[0]


@pytest.mark.parametrize("dim", [64, 784, 33])
@pytest.mark.parametrize("width", [8, 10, 21, 32, 64, 100])
def test_records_do_not_depend_on_the_batch(width, dim):
    """Bit for bit, for 17 networks together, alone, and in shuffled batches of 2, 3, 5 and 8."""
    cases = np.random.default_rng([width, dim])
    for optimiser, momentum in (("sgd", 0.0), ("sgd", 0.9), ("adam", 0.0)):
        shared = replace(
            SETTINGS,
            width=width,
            depth=int(cases.integers(1, 9)),
            batch_size=int(cases.integers(1, 18)),
            activation=str(cases.choice(ACTIVATION_LABELS)),
            outputs=int(cases.choice([3, 10])),
            optimiser=optimiser,
            momentum=momentum,
            steps=4,
            evaluations=3,
            loss=str(cases.choice(get_args(LossName))),
            parametrisation=str(cases.choice(get_args(Parametrisation))),
            residual=str(cases.choice(get_args(Residual))),
            mirrored=bool(cases.integers(2)),
        )
        _check_batches(shared, dim, cases)


def _encoded(shared: TrainingSettings, split):
    """A split with the targets that the loss wants."""
    x, y = split
    return x, y if shared.loss == "cross_entropy" else np.eye(shared.outputs, dtype=np.float32)[y]


def _check_batches(shared: TrainingSettings, dim: int, cases: np.random.Generator) -> None:
    """Compare one batch of 17 networks with smaller batches of the same networks."""
    networks = [POOL[index % len(POOL)] for index in range(17)]
    rngs = [np.random.default_rng(seed) for seed in range(17)]
    splits = [_encoded(shared, blobs(n, dim, shared.outputs, seed)) for n, seed in ((37, 0), (23, 1))]
    together = [bits(record) for record in train_networks(shared, networks, *splits, rngs=rngs)]
    for count in (1, 2, 3, 5, 8):
        chosen = cases.permutation(17)[:count]
        rngs = [np.random.default_rng(seed) for seed in chosen]
        records = train_networks(shared, [networks[index] for index in chosen], *splits, rngs=rngs)
        for index, record in zip(chosen, records, strict=True):
            assert bits(record) == together[index], (shared, dim, count, index)


@settings(max_examples=25, deadline=None)
@example(width=1, depth=0, batch_size=1, dim=17, activation="identity", seed=0)
@example(width=33, depth=3, batch_size=1, dim=64, activation="relu", seed=0)
@given(
    width=st.integers(1, 70),
    depth=st.integers(0, 8),
    batch_size=st.integers(1, 17),
    dim=st.integers(1, 90),
    activation=st.sampled_from(ACTIVATION_LABELS),
    seed=st.integers(0, 2**32 - 1),
)
def test_records_do_not_depend_on_the_batch_for_any_shape(width, depth, batch_size, dim, activation, seed):
    shared = replace(
        SETTINGS, width=width, depth=depth, batch_size=batch_size, activation=activation, steps=3, evaluations=2
    )
    _check_batches(shared, dim, np.random.default_rng(seed))


@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_a_diverged_network_leaves_the_others_alone(optimiser):
    shared = replace(SETTINGS, depth=6, steps=30, evaluations=6, optimiser=optimiser)
    wild = NetworkSettings("gaussian", 200.0, 0.0, 1e30)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        records = train(shared, [POOL[0], wild, POOL[1], wild], [1, 2, 3, 4], dim=20)
        alone = train(shared, [POOL[0], POOL[1]], [1, 3], dim=20)
    assert [record.diverged for record in records] == [False, True, False, True]
    assert [bits(records[0]), bits(records[2])] == [bits(record) for record in alone]
    for lost in (records[1], records[3]):
        assert math.isnan(lost.train_loss)
        assert math.isnan(lost.test_loss)
        assert lost.train_accuracy == lost.test_accuracy == lost.curve_test_accuracy[-1] == 0.0
        assert math.isfinite(lost.curve_train_loss[0])
        assert math.isnan(lost.curve_train_loss[-1])


def test_a_network_whose_test_loss_alone_is_infinite_has_diverged():
    x, y = blobs(60, 20)
    train_split, test_split = (x, y), (np.full((5, 20), 3e38, np.float32), y[:5])
    with np.errstate(all="ignore"):
        (record,) = train_networks(SETTINGS, [NETWORK], train_split, test_split, rngs=[np.random.default_rng(1)])
    assert math.isfinite(record.curve_train_loss[-1])
    assert record.diverged
    assert math.isnan(record.train_loss)
    assert record.test_accuracy == 0.0


def test_a_lost_network_is_trained_no_further(monkeypatch):
    taken, loop = [], compiled_mlp.train

    def counted(*arguments):
        taken.append(loop(*arguments))
        return taken[-1]

    monkeypatch.setattr(compiled_mlp, "train", counted)
    for network, all_steps in ((NetworkSettings("gaussian", 200.0, 0.0, 1e30), False), (POOL[0], True)):
        taken.clear()
        (record,) = train(replace(SETTINGS, depth=6, steps=300, evaluations=2), [network], [1], dim=20)
        assert record.diverged != all_steps
        assert sum(taken) == 300 if all_steps else sum(taken) < 10


def test_all_networks_may_diverge():
    wild = NetworkSettings("gaussian", 200.0, 0.0, 1e30)
    records = train(replace(SETTINGS, depth=6), [wild, wild], [1, 2], dim=20)
    assert all(record.diverged for record in records)


def test_norm_ratio_is_that_of_a_forward_pass_in_double_precision():
    x, _ = blobs(60, 30)
    record = train(SETTINGS, [NETWORK], [3], dim=30)[0]
    hidden, expected = x.astype(float), []
    for weight, bias in draw_layers(SETTINGS, NETWORK, 30, rng=np.random.default_rng(3))[:-1]:
        hidden = np.maximum(hidden @ weight.T.astype(float) + bias, 0)
        expected.append(np.mean(np.linalg.norm(hidden, axis=1) / np.linalg.norm(x.astype(float), axis=1)))
    np.testing.assert_allclose(record.norm_ratio, expected, rtol=1e-5)


def test_norm_ratio_leaves_out_inputs_that_are_zero():
    x, y = blobs(20, 30)
    padded_x = np.concatenate([x[:9], np.zeros((1, 30), np.float32), x[9:]])
    shared = replace(SETTINGS, steps=1, evaluations=2)
    ratios = [
        train_networks(shared, [NETWORK], split, split, rngs=[np.random.default_rng(0)])[0].norm_ratio
        for split in ((x, y), (padded_x, np.concatenate([y[:9], [0], y[9:]])))
    ]
    np.testing.assert_allclose(ratios[0], ratios[1], rtol=1e-6)


def test_initial_weights_have_the_stated_variances():
    """Sample variance of a Gaussian: relative standard error sqrt(2 / n); five of them allowed."""
    shared = replace(SETTINGS, width=200, depth=2)
    network = NetworkSettings("gaussian", 3.0, 0.5, 0.1)
    first, second, last = draw_layers(shared, network, 300, rng=np.random.default_rng(0))
    for (weight, _), expected in ((first, 3 / 300), (second, 3 / 200), (last, 1 / 200)):
        assert np.var(weight) == pytest.approx(expected, rel=5 * math.sqrt(2 / weight.size))
    assert np.var(first[1]) == pytest.approx(0.5, rel=5 * math.sqrt(2 / 200))
    assert not last[1].any()


def test_the_read_out_keeps_the_mean_square_whatever_the_hidden_layers_have():
    shared = replace(SETTINGS, width=20_000, depth=1)
    (last, bias) = draw_layers(shared, NetworkSettings("gaussian", 3.0, 0.5, 0.1), 2, rng=np.random.default_rng(1))[-1]
    assert last.shape == (shared.outputs, 20_000)
    assert np.var(last) * 20_000 == pytest.approx(1.0, rel=5 * math.sqrt(2 / last.size))
    assert not bias.any()


def test_curve_starts_at_initialisation_and_ends_with_the_record():
    shared = replace(SETTINGS, steps=50, evaluations=6)
    record = train(shared, [NETWORK], [0], dim=30)[0]
    assert record.curve_step.tolist() == [0, 1, 3, 7, 19, 50]
    assert record.curve_test_accuracy[-1] == record.test_accuracy
    assert record.curve_train_loss[-1] == record.train_loss
    untrained = train(replace(shared, steps=1, evaluations=2), [NETWORK], [0], dim=30)[0]
    assert record.curve_train_loss[0] == untrained.curve_train_loss[0]


def test_a_curve_of_one_point_is_the_last_of_a_longer_one():
    shared = replace(SETTINGS, steps=50, evaluations=6)
    whole, last = (
        train(replace(shared, evaluations=count), [NETWORK, POOL[0]], [0, 1], dim=30, n=1100) for count in (6, 1)
    )
    for one, other in zip(whole, last, strict=True):
        assert other.curve_step.tolist() == [50]
        assert other.curve_train_loss == one.curve_train_loss[-1:]
        assert other.curve_test_accuracy == one.curve_test_accuracy[-1:]
        for name in ("train_loss", "test_loss", "train_accuracy", "test_accuracy"):
            assert getattr(other, name) == getattr(one, name)
        assert other.curve_train_loss[0] != other.train_loss  # of the first 1024 examples, and of all


@given(evaluations=st.integers(2, 60), extra=st.integers(0, 5000))
def test_evaluation_steps_rise_from_zero_to_the_last(evaluations, extra):
    steps = evaluations - 1 + extra
    points = evaluation_steps(steps, evaluations)
    assert len(points) == evaluations
    assert points[0] == 0
    assert points[-1] == steps
    assert (np.diff(points) > 0).all()


def test_minibatches_of_an_epoch_do_not_repeat_an_input():
    dealt = list(islice(minibatches(20, 6, rng=np.random.default_rng(0)), 6))
    for epoch in (dealt[:3], dealt[3:]):
        assert len(set(np.concatenate(epoch).tolist())) == 18
    assert not np.array_equal(dealt[0], dealt[3])


def test_every_input_comes_at_every_place_of_an_epoch_as_often():
    """Six inputs; counts of 1200 epochs have a standard deviation of 13."""
    dealt = np.array(list(islice(minibatches(6, 2, rng=np.random.default_rng(3)), 3 * 1200))).reshape(1200, 6)
    counts = np.array([np.bincount(place, minlength=6) for place in dealt.T])
    assert abs(counts - 200).max() < 5 * 13


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": 61}, "batch_size: 61"),
        ({"batch_size": 0}, "batch_size: 0"),
        ({"evaluations": 14}, "evaluations"),
        ({"outputs": 9}, "outputs: 9"),
    ],
)
def test_settings_that_cannot_be_trained_are_refused(change, message):
    with pytest.raises(UserError, match=message):
        train(replace(SETTINGS, **change), [NETWORK], [0], dim=4)


def test_a_split_without_test_inputs_is_refused():
    x, y = blobs(60, 4)
    with pytest.raises(UserError, match="no test inputs"):
        train_networks(SETTINGS, [NETWORK], (x, y), (x[:0], y[:0]), rngs=[np.random.default_rng(0)])


def test_every_network_needs_a_generator():
    with pytest.raises(ValueError, match="2 networks need as many generators"):
        train(SETTINGS, [NETWORK, NETWORK], [0], dim=4)


def test_no_networks_no_records():
    assert train(SETTINGS, [], [], dim=4) == []


def test_the_cost_model_imports_the_standard_library_only():
    code = "import sys, initatlas.networks.training_cost as _; print({'torch', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("shared", [replace(SETTINGS, width=64, batch_size=64), replace(SETTINGS, optimiser="adam")])
def test_the_cost_model_foretells_the_time(shared):
    """Within a factor of 8, on any machine: the median of five runs of CPU time."""
    times = []
    for _ in range(5):
        start = time.process_time()
        train(replace(shared, steps=60), [NETWORK] * 16, range(16), dim=64, n=500)
        times.append((time.process_time() - start) / 16)
    expected = training_seconds(replace(shared, steps=60), 64, 500, 41)
    assert expected / 8 < float(np.median(times)) < expected * 8


def test_costs_grow_with_what_is_asked():
    for change in ({"steps": 24}, {"width": 40}, {"depth": 9}, {"batch_size": 512}, {"optimiser": "adam"}):
        more = replace(SETTINGS, **change)
        assert training_seconds(more, 64, 1000, 100) > training_seconds(SETTINGS, 64, 1000, 100)
    assert training_seconds(SETTINGS, 64, 1000, 500) > training_seconds(SETTINGS, 64, 1000, 100)
    assert training_megabytes(SETTINGS, 784, 1000, 100) > training_megabytes(SETTINGS, 64, 1000, 100)
    assert training_megabytes(SETTINGS, 64, 9000, 100) > training_megabytes(SETTINGS, 64, 1000, 100)


def test_a_group_shrinks_when_its_networks_are_large():
    assert networks_at_once(SETTINGS, 64) == 16
    assert networks_at_once(replace(SETTINGS, width=2000, depth=10), 784) == 1


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_agrees_with_the_cpu():
    ours = train(SETTINGS, POOL[:3], [0, 1, 2], dim=30)
    theirs = train(replace(SETTINGS, device="cuda"), POOL[:3], [0, 1, 2], dim=30)
    for cpu, cuda in zip(ours, theirs, strict=True):
        assert cpu.train_loss == pytest.approx(cuda.train_loss, rel=1e-3)
        np.testing.assert_allclose(cpu.norm_ratio, cuda.norm_ratio, rtol=1e-4)
