"""The infinitely wide limit against closed forms and wide random networks."""

from itertools import islice
from math import pi, sqrt

import numpy as np
import pytest
from scipy.stats import norm

from initatlas.activations.base import activation_of
from initatlas.kernels.angles import layerwise_signals, one_minus_cosine
from initatlas.kernels.wide_layers import cosine_sampling_variance, shifted_products, wide_layers
from initatlas.networks.forward import RandomNetwork, pair_signals

ANGLES = np.linspace(0.0, pi, 13)


def layers(count, **law):
    return list(islice(wide_layers(ANGLES, **law), count))


@pytest.mark.parametrize(("activation", "slope"), [("relu", 0.0), ("leaky_relu(slope=0.2)", 0.2)])
def test_rectifiers_have_their_closed_form(activation, slope):
    variance = 2.0 / (1.0 + slope**2)
    for depth, layer in enumerate(layers(8, activation=activation, weight_variance=variance), start=1):
        np.testing.assert_allclose(
            layer.cosine, 1.0 - one_minus_cosine(ANGLES, depth, f"leaky_relu(slope={slope})"), atol=1e-12
        )
        assert layer.mean_square == pytest.approx(1.0, rel=1e-12)


def test_erf_has_its_closed_form():
    (layer,) = layers(1, activation="erf", weight_variance=1.7)
    expected = np.arcsin(2 * 1.7 * np.cos(ANGLES) / (1 + 2 * 1.7)) / np.arcsin(2 * 1.7 / (1 + 2 * 1.7))
    np.testing.assert_allclose(layer.cosine, expected, atol=1e-12)


@pytest.mark.parametrize("activation", ["elu", "gelu", "relu"])
@pytest.mark.parametrize("correlation", [-0.6, 0.3])
def test_shifted_products_against_a_double_sum(activation, correlation):
    mean, variance = 0.4, 1.3
    nodes, step = np.linspace(-8.0, 8.0, 2001, retstep=True)
    density = norm.pdf(nodes) * step
    first = activation_of(activation).phi(mean + sqrt(variance) * nodes)
    mixed = correlation * nodes[:, None] + sqrt(1.0 - correlation**2) * nodes[None, :]
    product = (first * density) @ activation_of(activation).phi(mean + sqrt(variance) * mixed) @ density
    (found,) = shifted_products(activation_of(activation), np.array([correlation]), mean=mean, variance=variance)
    assert found == pytest.approx(product, abs=2e-5)


LAWS = {
    "bias": {"activation": "relu", "bias_variance": 0.4},
    "mean": {"activation": "relu", "weight_mean": 0.6},
    "elu": {"activation": "elu"},
    "gelu": {"activation": "gelu"},
    "residual": {"activation": "relu", "residual": True},
    "everything": {"activation": "gelu", "residual": True, "weight_mean": 0.5, "bias_variance": 0.1},
}


@pytest.mark.parametrize("name", LAWS)
def test_wide_random_networks_follow_the_limit(name):
    law = LAWS[name]
    expected = layers(4, weight_variance=1.8, **law)
    network = RandomNetwork(weights="laplace", weight_variance=1.8, depth=4, width=1200, **law)
    runs = [
        pair_signals(ANGLES, network, layers=[1, 2, 3, 4], input_dimension=1200, rng=np.random.default_rng(seed))
        for seed in range(4)
    ]
    cosines = np.mean([run.cosine for run in runs], axis=0)
    squares = np.mean([(run.norm_ratio**2).mean(axis=1) for run in runs], axis=0)
    for place, layer in enumerate(expected):
        # One network errs by about 1 / sqrt(1200) a layer; four of them, four layers, a little room for a maximum.
        np.testing.assert_allclose(cosines[place], layer.cosine, atol=4 * sqrt((place + 1) / 1200 / 4))
        assert squares[place] == pytest.approx(layer.mean_square, rel=0.1)


@pytest.mark.parametrize("slope", [0.0, 0.2])
def test_sampling_variance_is_that_of_many_layers(slope):
    width, networks = 400, 600
    activation = "leaky_relu(slope=0.2)" if slope else "relu"
    network = RandomNetwork(activation, "gaussian", 2.0 / (1 + slope**2), depth=1, width=width)
    angles = np.array([0.5, 1.0, pi / 2, 2.2])
    samples = [
        pair_signals(angles, network, layers=[1], input_dimension=50, rng=np.random.default_rng(seed)).cosine[0]
        for seed in range(networks)
    ]
    found = np.var(samples, axis=0) * width
    # A variance of 600 normal numbers errs by sqrt(2 / 600) = 6 %; the delta method by some 1 / width.
    np.testing.assert_allclose(found, cosine_sampling_variance(angles, slope), rtol=0.25)


@pytest.mark.parametrize(("activation", "tolerance"), [("erf", 1e-13), ("gelu", 1e-13), ("relu", 2e-5), ("elu", 1e-7)])
def test_a_small_mean_changes_little(activation, tolerance):
    phi, correlations = activation_of(activation), np.linspace(-1.0, 1.0, 9)
    found = shifted_products(phi, correlations, mean=1e-9, variance=1.4)
    np.testing.assert_allclose(found, phi.dual.at_correlation(1.4, correlations), atol=tolerance + 3e-9)
    assert shifted_products(phi, np.array([1.0]), mean=1e-9, variance=1.4) == pytest.approx(
        float(phi.dual.moment(np.asarray(1.4))), abs=3e-9
    )


@pytest.mark.parametrize("activation", ["gelu", "erf", "tanh"])
def test_layers_without_means_are_those_of_the_recursion(activation):
    law = {"weight_variance": 1.6, "bias_variance": 0.2}
    gaps, squares = layerwise_signals(ANGLES, 3, activation, squared_norm=1.6 * 0.49, **law)
    for layer, wide in enumerate(layers(3, activation=activation, input_variance=0.49, **law), start=1):
        np.testing.assert_allclose(wide.cosine, 1.0 - gaps[layer], atol=2e-12)
        assert wide.mean_square == pytest.approx(squares[layer], rel=1e-12)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("activation", "layer"), [("exp", 2), ("gelu", 119)])
def test_a_variance_that_overflows_names_its_layer(activation, layer):
    variance = 3.0 if activation == "exp" else 800.0
    with pytest.raises(
        ValueError, match=rf"^layer {layer}: the mean square of the signals overflows .*weight_variance {variance:g}"
    ):
        list(islice(wide_layers(np.zeros(1), activation=activation, weight_variance=variance), 200))
