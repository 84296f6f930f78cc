"""What is recorded inside networks in training: against autograd, against functions whose smoothness is known, bit for bit."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from initatlas.activations.base import activation_of
from initatlas.networks.empirical_ntk import draw_networks, empirical_ntk, forward
from initatlas.networks.probes import Probe, bending, line_values, run_network, smoothness, training_kernel
from initatlas.networks.training import NetworkSettings, TrainingSettings, draw_layers, train_networks

SETTINGS = TrainingSettings(
    width=12,
    depth=3,
    activation="tanh",
    outputs=4,
    steps=8,
    batch_size=10,
    optimiser="sgd",
    momentum=0.0,
    evaluations=3,
    device="cpu",
)
NETWORK = NetworkSettings("gaussian", weight_variance=1.5, bias_variance=0.1, learning_rate=0.05)
INPUTS = 7
PROBE = Probe(np.random.default_rng(8).standard_normal((6, INPUTS)), 9)


pytestmark = pytest.mark.usefixtures("one_thread")


def split(n, seed):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, INPUTS)).astype(np.float32), rng.integers(0, SETTINGS.outputs, n)


def follow(seeds=(0,), networks=None, probe=PROBE, **changes):
    rngs = [np.random.default_rng(seed) for seed in seeds]
    networks = networks or [NETWORK] * len(rngs)
    return train_networks(replace(SETTINGS, **changes), networks, split(40, 0), split(10, 1), rngs=rngs, probe=probe)


@pytest.mark.parametrize("residual", [False, True])
def test_training_kernel_is_that_of_autograd(residual):
    layers = [
        (w.astype(float), b.astype(float))
        for w, b in draw_layers(SETTINGS, NETWORK, INPUTS, rng=np.random.default_rng(1))
    ]
    rates = [(0.5, 2.0), (0.3, 0.7), (1.1, 0.2), (0.9, 0.4)]
    inputs, tanh = PROBE.inputs, activation_of("tanh")
    leaves = [tuple(torch.tensor(part, requires_grad=True) for part in layer) for layer in layers]
    z, h = 0, torch.tensor(inputs)
    for weight, bias in leaves[:-1]:
        z = h @ weight.T + bias + (z if residual else 0)
        h = torch.tanh(z)
    outputs = h @ leaves[-1][0].T + leaves[-1][1]
    expected = np.zeros((6, 6))
    flat = [
        (leaf, rate) for pair, both in zip(leaves, rates, strict=True) for leaf, rate in zip(pair, both, strict=True)
    ]
    for c in range(4):
        rows = []
        for i in range(6):
            gradients = torch.autograd.grad(outputs[i, c], [leaf for leaf, _ in flat], retain_graph=True)
            rows.append(
                np.concatenate([math.sqrt(r) * g.numpy().ravel() for g, (_, r) in zip(gradients, flat, strict=True)])
            )
        expected += np.array(rows) @ np.array(rows).T / 4
    signals = run_network(layers, inputs, tanh, residual=residual)
    np.testing.assert_allclose(signals.outputs, outputs.detach().numpy(), rtol=1e-12)
    kernel = training_kernel(layers, inputs, signals, tanh, residual=residual, rates=rates)
    np.testing.assert_allclose(kernel, expected, rtol=1e-10)


def test_training_kernel_with_the_rates_of_jacot_is_the_empirical_ntk():
    relu = activation_of("relu")
    networks = draw_networks([INPUTS, 20, 30], 1, activation=relu, weight_variance=2.0, rng=np.random.default_rng(0))
    layers = [(scale * w[0], np.zeros(len(w[0]))) for w, scale in zip(networks.weights, networks.scales, strict=True)]
    rates = [(scale**2, 0.0) for scale in networks.scales]
    signals = run_network(layers, PROBE.inputs, relu, residual=False)
    np.testing.assert_allclose(
        training_kernel(layers, PROBE.inputs, signals, relu, residual=False, rates=rates),
        empirical_ntk(networks, forward(networks, PROBE.inputs))[0],
        rtol=1e-10,
    )


def test_lines_lead_from_input_to_input():
    points = line_values(PROBE)
    assert points.shape == (3, 9, INPUTS)
    np.testing.assert_array_equal(points[:, 0], PROBE.inputs[0::2])
    np.testing.assert_array_equal(points[:, -1], PROBE.inputs[1::2])
    np.testing.assert_allclose(points[:, 4], (PROBE.inputs[0::2] + PROBE.inputs[1::2]) / 2, rtol=1e-12)


def along(function, points=1025):
    t = np.linspace(0.0, 1.0, points)
    return np.asarray(function(t))[None, :, None]


def test_bending_is_the_total_variation_of_the_slope():
    assert bending(along(lambda t: 3.0 * t - 1.0)) == pytest.approx(0.0, abs=1e-8)
    assert bending(along(lambda t: np.abs(t - 0.5))) == pytest.approx(2.0)
    assert bending(along(lambda t: 3.0 * t**2)) == pytest.approx(6.0, rel=0.01)
    both = np.concatenate([along(lambda t: np.abs(t - 0.5)), along(lambda t: 0.0 * t)])
    assert bending(both) == pytest.approx(1.0)


def test_smoothness_of_a_parabola_of_kinks_and_of_a_random_walk():
    walk = np.cumsum(np.random.default_rng(0).standard_normal((200, 1025)), axis=1)[..., None]
    places, signs = np.random.default_rng(1).uniform(size=600), np.resize([1.0, -1.0], 600)
    kinks = along(lambda t: np.abs(t[:, None] - places) @ signs)
    assert smoothness(along(lambda t: t**2)) == pytest.approx(2.0, abs=1e-6)
    assert smoothness(kinks) == pytest.approx(1.5, abs=0.05)
    assert smoothness(walk) == pytest.approx(0.5, abs=0.01)
    assert math.isnan(smoothness(along(lambda t: 3.0 * t + 1e3)))
    assert math.isnan(smoothness(along(lambda t: 0.0 * t)))


@pytest.mark.parametrize("mirrored", [False, True])
def test_records_start_at_no_change_and_end_at_some(mirrored):
    (record,) = follow(mirrored=mirrored, residual="scaled")
    probed = record.probed
    for name in ("signal_change", "weight_change", "kernel_change", "signal_kernel_change"):
        values = getattr(probed, name)
        assert not values[0].any()
        assert (values[-1] > values[1]).all()
        assert (values[-1] < 1.0).all()
    assert probed.signal_ratio.shape == probed.signal_cosine.shape == (3, 3)
    assert probed.weight_change.shape == (3, 4)
    assert (probed.output_size[0] == 0.0) == mirrored
    assert np.isnan(probed.smoothness[0]) == mirrored
    assert np.isfinite(probed.smoothness[1:]).all()


def test_records_are_what_a_forward_pass_gives():
    layers = draw_layers(SETTINGS, NETWORK, INPUTS, rng=np.random.default_rng(0))
    h, ratios, cosines = PROBE.inputs, [], []
    for weight, bias in layers[:-1]:
        h = np.tanh(h @ weight.T + bias)
        norms = np.linalg.norm(h, axis=1)
        ratios.append((norms / np.linalg.norm(PROBE.inputs, axis=1)).mean())
        cosines.append((np.sum(h[0::2] * h[1::2], axis=1) / norms[0::2] / norms[1::2]).mean())
    probed = follow()[0].probed
    np.testing.assert_allclose(probed.signal_ratio[0], ratios, rtol=1e-12)
    np.testing.assert_allclose(probed.signal_cosine[0], cosines, rtol=1e-12)
    np.testing.assert_allclose(probed.output_size[0], np.sqrt(np.mean((h @ layers[-1][0].T) ** 2)), rtol=1e-12)


def test_change_of_the_read_out_after_one_step_is_that_of_autograd():
    shared = {"steps": 1, "evaluations": 2, "batch_size": 40}
    layers = draw_layers(SETTINGS, NETWORK, INPUTS, rng=np.random.default_rng(0))
    leaves = [tuple(torch.tensor(part, requires_grad=True) for part in layer) for layer in layers]
    (x, y), h = split(40, 0), None
    for weight, bias in leaves[:-1]:
        h = torch.tanh((torch.tensor(x) if h is None else h) @ weight.T + bias)
    torch.nn.functional.cross_entropy(h @ leaves[-1][0].T + leaves[-1][1], torch.tensor(y)).backward()
    expected = [(NETWORK.learning_rate * w.grad.norm() / w.detach().norm()).item() for w, _ in leaves]
    np.testing.assert_allclose(follow(**shared)[0].probed.weight_change[1], expected, rtol=1e-4)


def test_following_changes_nothing_and_does_not_depend_on_companions():
    wild = NetworkSettings("gaussian", 200.0, 0.0, 1e30)
    changes = {"activation": "gelu", "mirrored": True, "depth": 4}
    records = follow((0, 1, 2), [NETWORK, wild, NETWORK], **changes)
    (alone,) = follow((2,), **changes)
    (unseen,) = follow((2,), probe=None, **changes)
    assert unseen.probed is None
    assert alone.train_loss == unseen.train_loss == records[2].train_loss
    for name, values in vars(alone.probed).items():
        assert values.tobytes() == getattr(records[2].probed, name).tobytes(), name
    assert records[1].diverged
    assert np.isnan(records[1].probed.kernel_change[-1])
    assert np.isfinite(records[1].probed.kernel_change[0])


def test_layers_that_are_silent_have_no_cosine():
    silent = NetworkSettings("gaussian", 1e-100, 0.0, 0.1)
    probed = follow((0,), [silent], activation="relu")[0].probed
    assert np.isnan(probed.signal_cosine[0]).all()
    assert np.isnan(probed.signal_change[0]).all()
    assert not probed.signal_ratio[0].any()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_follows_the_same_networks():
    changes = {"mirrored": True, "residual": "scaled", "parametrisation": "mup"}
    (cpu,), (cuda,) = follow(**changes), follow(device="cuda", **changes)
    for name, values in vars(cpu.probed).items():
        np.testing.assert_allclose(getattr(cuda.probed, name), values, rtol=1e-2, atol=1e-6, err_msg=name)
