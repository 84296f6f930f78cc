"""Limits of the empirical kernels: against the package's NTK, against a derivative of the covariance, against wide networks."""

from dataclasses import replace

import numpy as np
import pytest

from initatlas import nngp, ntk
from initatlas.activations.base import activation_of
from initatlas.networks.parametrisations import layer_rates, layer_variances
from initatlas.networks.probes import Probe, run_network, training_kernel
from initatlas.networks.training import draw_layers, train_networks
from initatlas.networks.training_settings import NetworkSettings, TrainingSettings
from initatlas.networks.width_limit import limit_kernels

SETTINGS = TrainingSettings(
    width=40,
    depth=3,
    activation="erf",
    outputs=4,
    steps=4,
    batch_size=10,
    optimiser="sgd",
    momentum=0.0,
    evaluations=2,
    device="cpu",
    base_width=16,
)
NETWORK = NetworkSettings("gaussian", weight_variance=1.5, bias_variance=0.1, learning_rate=0.05)
INPUTS = 7
X = np.random.default_rng(8).standard_normal((6, INPUTS))

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize(("activation", "depth"), [("relu", 3), ("gelu", 2), ("elu", 2), ("relu", 0)])
@pytest.mark.parametrize("bias", [0.0, 1.0])
def test_ntk_parametrisation_has_the_ntk_of_the_package(activation, depth, bias):
    settings = replace(SETTINGS, activation=activation, depth=depth, parametrisation="ntk")
    limits = limit_kernels(settings, replace(NETWORK, weight_variance=1.0, bias_variance=bias), X)
    options = {"depth": depth, "activation": activation, "weight_variance": 1.0, "input_variance": 1 / INPUTS}
    # A bias is trained at the rate 1 though its variance is 0: that adds the derivatives alone.
    if bias or not depth:
        output_bias = {"output_bias_variance": 1.0, "bias_variance": bias}
        np.testing.assert_allclose(limits.kernel, ntk(X, **options, **output_bias), rtol=1e-9)
    if depth:
        expected = settings.width * nngp(X, **options, bias_variance=bias)
        np.testing.assert_allclose(limits.signal_kernel, expected, rtol=1e-9)


@pytest.mark.parametrize("parametrisation", ["standard", "ntk", "mup"])
@pytest.mark.parametrize("residual", ["none", "plain", "scaled"])
def test_kernel_is_the_derivative_of_the_covariance_by_the_variances(parametrisation, residual):
    """By Price's theorem, as long as the variances of both pre-activations stay as they are."""
    settings = replace(SETTINGS, parametrisation=parametrisation, residual=residual)
    variances = np.array(layer_variances(settings, NETWORK, INPUTS))
    rates = np.array(layer_rates(settings, INPUTS))

    def outputs(moved, own):
        products, covariance, norms = X @ X.T, 0.0, []
        for layer, (weight, bias) in enumerate(moved[:-1]):
            covariance = weight * products + bias + (covariance if residual != "none" else 0.0)
            norms.append(own[layer] if own else 1.0 + 2.0 * np.diag(covariance))
            cosines = 2.0 * covariance / np.sqrt(norms[-1][:, None] * norms[-1])
            products = settings.width * 2.0 / np.pi * np.arcsin(cosines)
        return moved[-1][0] * products + moved[-1][1], norms

    _, own = outputs(variances, None)
    size = 1e-6 * variances[0, 0] / rates.max()
    above, below = (outputs(variances + sign * size * rates, own)[0] for sign in (1.0, -1.0))
    limits = limit_kernels(settings, NETWORK, X)
    np.testing.assert_allclose(limits.kernel, (above - below) / (2.0 * size), rtol=1e-5)


def distance(settings, seed):
    layers = [
        (weight.astype(float), bias.astype(float))
        for weight, bias in draw_layers(settings, NETWORK, INPUTS, rng=np.random.default_rng(seed))
    ]
    activation, residual = activation_of(settings.activation), settings.residual != "none"
    signals = run_network(layers, X, activation, residual=residual)
    kernel = training_kernel(layers, X, signals, activation, residual=residual, rates=layer_rates(settings, INPUTS))
    limits, last = limit_kernels(settings, NETWORK, X), signals.after[-1]
    pairs = (kernel, limits.kernel), (last @ last.T, limits.signal_kernel)
    return [np.linalg.norm(one - limit) / np.linalg.norm(limit) for one, limit in pairs]


@pytest.mark.parametrize(
    ("parametrisation", "activation", "residual"),
    [("standard", "relu", "none"), ("ntk", "relu", "plain"), ("mup", "erf", "scaled")],
)
def test_kernels_come_nearer_to_the_limit_as_one_over_the_root_of_the_width(parametrisation, activation, residual):
    shared = {"parametrisation": parametrisation, "activation": activation, "residual": residual}
    narrow, wide = (
        np.sqrt(np.mean([np.square(distance(replace(SETTINGS, width=width, **shared), seed)) for seed in range(60)], 0))
        for width in (32, 256)
    )
    assert (np.abs(np.log(wide / narrow) / np.log(8) + 0.5) < 0.12).all()


@pytest.mark.parametrize("mirrored", [False, True])
def test_records_begin_at_the_distance_of_the_drawn_network(mirrored):
    settings = replace(SETTINGS, mirrored=mirrored, residual="scaled", parametrisation="mup")
    rng = np.random.default_rng(0)
    splits = [
        (rng.standard_normal((n, INPUTS)).astype(np.float32), rng.integers(0, settings.outputs, n)) for n in (40, 10)
    ]

    def probed(limit):
        rngs = [np.random.default_rng(3)]
        return train_networks(settings, [NETWORK], *splits, rngs=rngs, probe=Probe(X, 5, limit))[0].probed

    asked, unasked = probed(True), probed(False)
    start = distance(replace(settings, mirrored=False), 3)
    np.testing.assert_allclose([asked.kernel_distance[0], asked.signal_kernel_distance[0]], start, rtol=1e-6)
    assert asked.kernel_distance[1] not in (asked.kernel_distance[0], asked.kernel_change[1])
    assert np.isnan(unasked.kernel_distance).all()
    assert np.isnan(unasked.signal_kernel_distance).all()
    np.testing.assert_array_equal(asked.kernel_change, unasked.kernel_change)


def test_inputs_that_are_zero_have_a_limit():
    limits = limit_kernels(SETTINGS, replace(NETWORK, bias_variance=0.0), np.vstack([X, np.zeros(INPUTS)]))
    assert np.isfinite(limits.kernel).all()
    assert not limits.signal_kernel[-1].any()
