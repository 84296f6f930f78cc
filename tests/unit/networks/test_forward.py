"""The forward pass of random networks."""

from itertools import islice
from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import erf

from initatlas.activations.base import activation_of
from initatlas.kernels.angles import one_minus_cosine
from initatlas.kernels.preserving import signal_preserving_variance
from initatlas.networks.forward import (
    RandomNetwork,
    angle_pairs,
    cosine_similarity,
    forward_signals,
    pair_signals,
)
from initatlas.weights.base import family_of

LEAKY = "leaky_relu(slope=0.2)"
Z = np.linspace(-3, 3, 13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("identity", Z),
        ("relu", np.where(Z > 0, Z, 0)),
        (LEAKY, np.where(Z > 0, Z, 0.2 * Z)),
        ("erf", erf(Z)),
        ("tanh", np.tanh(Z)),
        ("elu", np.where(Z > 0, Z, np.exp(np.minimum(Z, 0)) - 1)),
        ("gelu", Z * (1 + erf(Z / sqrt(2))) / 2),
    ],
)
def test_activations_keep_precision_and_values(label, expected, dtype):
    result = activation_of(label).phi(Z.astype(dtype))
    assert result.dtype == dtype
    np.testing.assert_allclose(result, expected, rtol=8 * np.finfo(dtype).eps, atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(angle=st.floats(1e-6, np.pi), dimension=st.integers(2, 50), seed=st.integers(0, 2**32))
def test_angle_pairs_are_unit_vectors_at_the_angle(angle, dimension, seed):
    x, y = angle_pairs(np.array([angle]), dimension, rng=np.random.default_rng(seed))
    np.testing.assert_allclose([np.linalg.norm(x), np.linalg.norm(y)], 1.0, rtol=1e-14)
    # |x - y| = 2 sin(angle / 2) holds to all digits, also for small angles.
    np.testing.assert_allclose(np.linalg.norm(x - y), 2 * np.sin(angle / 2), rtol=1e-9, atol=1e-15)


def test_angle_pairs_point_in_every_direction():
    x, y = angle_pairs(np.full(20_000, 0.7), 3, rng=np.random.default_rng(0))
    for vectors in (x, y):
        np.testing.assert_allclose(vectors.mean(axis=0), 0, atol=5 * sqrt(1 / 3 / 20_000))
        np.testing.assert_allclose(vectors.T @ vectors / 20_000, np.eye(3) / 3, atol=5 * 0.3 / sqrt(20_000))


def test_an_angle_needs_two_dimensions():
    with pytest.raises(ValueError, match="2 dimensions"):
        angle_pairs(np.array([0.1]), 1, rng=np.random.default_rng(0))


def test_cosine_similarity_near_one_zero_and_minus_one():
    angle = np.array([0.0, 1e-7, 1e-3, 1.0, np.pi / 2, 3.0, np.pi])
    h = np.column_stack([np.full(7, 3.0), np.zeros(7)])
    g = 7.0 * np.column_stack([np.cos(angle), np.sin(angle)])
    cosine = cosine_similarity(h, g)
    np.testing.assert_allclose(cosine, np.cos(angle), atol=4e-16)
    assert cosine[0] == cosine.max() == 1.0
    assert 1.0 - cosine[1] == pytest.approx(5e-15, rel=0.03)


def test_cosine_of_a_zero_row_is_nan():
    assert np.isnan(cosine_similarity(np.zeros((1, 3)), np.ones((1, 3)))).all()


@settings(max_examples=25, deadline=None)
@given(scale=st.floats(1e-3, 1e3), seed=st.integers(0, 1000))
def test_cosine_similarity_is_scale_invariant_and_bounded(scale, seed):
    h, g = np.random.default_rng(seed).standard_normal((2, 8, 5)).astype(np.float32)
    cosine = cosine_similarity(h, g)
    assert (np.abs(cosine) <= 1.0).all()
    np.testing.assert_allclose(cosine_similarity(h.astype(float) * scale, g), cosine, atol=1e-15)


@pytest.mark.parametrize(("plane", "used"), [("axes", 2), ("flat", 7), ("flat", 8), ("graded", 8)])
def test_fixed_planes(plane, used):
    angles = np.array([0.0, 0.4, np.pi / 2, np.pi])
    dimension = max(used, 5)
    x, y = angle_pairs(angles, dimension, rng=np.random.default_rng(0), plane=plane)
    np.testing.assert_allclose(np.sum(x * y, axis=1), np.cos(angles), atol=1e-15)
    np.testing.assert_allclose(np.linalg.norm(y, axis=1), 1.0, rtol=1e-14)
    assert (np.abs(x) + np.abs(y) > 1e-12).any(axis=0).sum() == used


def test_graded_inputs_fall_a_little_faster_than_hypothesis_5_asks():
    sizes = [1000, 100_000]
    pairs = [angle_pairs(np.array([np.pi / 2]), size, rng=np.random.default_rng(0), plane="graded") for size in sizes]
    for place in (0, 1):
        shares = [size**0.25 * np.abs(pair[place]).max() for size, pair in zip(sizes, pairs, strict=True)]
        assert shares[1] / shares[0] == pytest.approx(100.0**-0.05, rel=0.02)


def network(**changed):
    law = {"activation": "relu", "weights": "gaussian", "weight_variance": 2.0, "depth": 1, "width": 200}
    return RandomNetwork(**{**law, **changed})


def normal(shape, variance, rng):
    return family_of("gaussian").draw(shape, variance=variance, rng=rng, dtype=np.float64)


def test_forward_signals_against_explicit_matrices():
    inputs = np.random.default_rng(1).standard_normal((3, 4))
    law = network(
        activation="tanh", depth=2, width=5, weight_variance=1.5, weight_mean=0.7, bias_variance=0.3, fan="in"
    )
    first, second = forward_signals(inputs, law, rng=np.random.default_rng(2), dtype=np.float64)
    rng = np.random.default_rng(2)
    w1 = normal((5, 4), 1.5 / 4, rng) + 0.7 / 4
    b1 = normal((1, 5), 0.3, rng)
    w2 = normal((5, 5), 1.5 / 5, rng) + 0.7 / 5
    b2 = normal((1, 5), 0.3, rng)
    expected = np.tanh(inputs @ w1.T + b1)
    np.testing.assert_allclose(first, expected, rtol=1e-12)
    np.testing.assert_allclose(second, np.tanh(expected @ w2.T + b2), rtol=1e-12)


def test_residual_layers_add_to_the_stream():
    inputs = np.random.default_rng(1).standard_normal((3, 4))
    law = network(activation="erf", depth=3, width=5, residual=True)
    signals = list(forward_signals(inputs, law, rng=np.random.default_rng(2), dtype=np.float64))
    rng = np.random.default_rng(2)
    expected = inputs @ normal((5, 4), 2 / 5, rng).T
    for found in signals:
        np.testing.assert_allclose(found, expected, rtol=1e-12)
        expected = expected + erf(expected) @ normal((5, 5), 2 / 5, rng).T


@pytest.mark.parametrize(("fan", "n"), [("in", 400), ("out", 200)])
def test_fan_decides_the_variance_of_the_first_layer(fan, n):
    law = network(activation="identity", weights="uniform", weight_variance=1.0, fan=fan)
    (signal,) = forward_signals(np.ones((1, 400)) / 20.0, law, rng=np.random.default_rng(3))
    squares = signal.astype(float) ** 2
    assert abs(squares.mean() * n - 1.0) < 5 * sqrt(2 / 200)


def test_a_network_has_a_layer():
    with pytest.raises(ValueError, match="depth 0"):
        network(depth=0)


@pytest.mark.parametrize("activation", ["relu", LEAKY, "identity"])
@pytest.mark.parametrize("weights", ["gaussian", "uniform", "generalized_normal(beta=0.5)", "multivariate_t(nu=10)"])
def test_critical_variance_preserves_norms(activation, weights):
    angles = np.linspace(0.1, 3.0, 30)
    law = network(
        activation=activation,
        weights=weights,
        weight_variance=signal_preserving_variance(activation, rms=1.0),
        width=1000,
    )
    squared = []
    for seed in range(5):
        found = pair_signals(angles, law, layers=[1], input_dimension=300, rng=np.random.default_rng(seed))
        squared.append(np.mean(found.norm_ratio**2))
    # Var(phi(z)^2) / E[phi(z)^2]^2 is at most 5 for Gaussian z (ReLU); t weights with nu = 10 make it 7. One direction
    # of the estimate would have an error of sqrt(7 / 1000); averaging is not counted, the pairs share one network.
    assert abs(np.mean(squared) - 1.0) < 3 * sqrt(7 / 1000 / 5)


@pytest.mark.parametrize(("activation", "slope"), [("relu", 0.0), (LEAKY, 0.2)])
@pytest.mark.parametrize("weights", ["gaussian", "multivariate_t(nu=5)", "generalized_normal(beta=0.5)"])
def test_wide_networks_follow_the_kernel(activation, slope, weights):
    angles = np.linspace(0.0, np.pi, 9)
    law = network(
        activation=activation,
        weights=weights,
        weight_variance=signal_preserving_variance(activation, rms=1.0),
        depth=3,
        width=1500,
    )
    found = pair_signals(angles, law, layers=[1, 2, 3], input_dimension=500, rng=np.random.default_rng(7))
    for depth, cosine in enumerate(found.cosine, start=1):
        # An empirical cosine of 1500 neurons errs by at most about 1 / sqrt(1500), and errors add over layers.
        expected = 1.0 - one_minus_cosine(angles, depth, f"leaky_relu(slope={slope})")
        np.testing.assert_allclose(cosine, expected, atol=4 * sqrt(depth / 1500))
        assert cosine[0] == 1.0


def test_recorded_layers_are_those_of_one_pass():
    law = network(activation="erf", weights="laplace", weight_variance=1.3, depth=4, width=50)
    angles = np.array([0.3, 2.0])
    run = {"input_dimension": 20, "input_rms": 1.7}
    every = pair_signals(angles, law, layers=[1, 2, 3, 4], rng=np.random.default_rng(8), **run)
    some = pair_signals(angles, law, layers=[2, 4], rng=np.random.default_rng(8), **run)
    np.testing.assert_array_equal(some.cosine, every.cosine[[1, 3]])
    np.testing.assert_array_equal(some.norm_ratio, every.norm_ratio[[1, 3]])
    # |h - g|^2 = |h|^2 + |g|^2 - 2 |h| |g| cos bounds the difference from below by the sine of the angle.
    assert (every.squared_difference >= 1 - np.maximum(every.cosine, 0) ** 2 - 1e-6).all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("residual", [False, True])
def test_signals_that_overflow_name_their_layer(residual):
    network = RandomNetwork("relu", "gaussian", 2e6, 30, 50, residual=residual)
    layers = forward_signals(np.ones((2, 50)), network, rng=np.random.default_rng(0))
    assert all(np.isfinite(signals).all() for signals in islice(layers, 12))
    message = r"^layer 13 of 30: the signals overflow float32 \(activation relu, weight_variance 2e\+06\)"
    with pytest.raises(ValueError, match=message):
        next(layers)


def test_what_is_recorded_of_a_pair():
    angles, law = np.array([0.3, 1.2, 2.8]), network(depth=2, width=30)
    found = pair_signals(
        angles, law, layers=[2], input_dimension=9, input_rms=2.0, rng=np.random.default_rng(4), plane="random"
    )
    rng = np.random.default_rng(4)
    inputs = 6.0 * np.concatenate(angle_pairs(angles, 9, rng=rng, plane="random"))
    h, g = np.split(list(forward_signals(inputs, law, rng=rng))[1].astype(np.float64), 2)
    sizes = np.linalg.norm(h, axis=1), np.linalg.norm(g, axis=1)
    np.testing.assert_allclose(found.norm_ratio[0], sizes[0] / 6.0, rtol=1e-5)
    np.testing.assert_allclose(found.cosine[0], np.sum(h * g, axis=1) / (sizes[0] * sizes[1]), atol=1e-5)
    expected = np.sum((h - g) ** 2, axis=1) / sizes[0] ** 2
    np.testing.assert_allclose(found.squared_difference[0], expected, rtol=1e-4)
