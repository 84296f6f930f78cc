"""The forward pass of random networks."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import erf

from initatlas.kernels.recursion import one_minus_cosine
from initatlas.networks.forward import (
    activate,
    angle_pairs,
    cosine_similarity,
    forward_signals,
    layerwise_cosines,
    random_network_cosines,
)
from initatlas.weights.criticality import norm_preserving_variance

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
    ],
)
def test_activations_keep_precision_and_values(label, expected, dtype):
    result = activate(label, Z.astype(dtype))
    assert result.dtype == dtype
    np.testing.assert_allclose(result, expected, rtol=4 * np.finfo(dtype).eps, atol=1e-12)


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


def test_forward_signals_against_explicit_matrices():
    inputs = np.random.default_rng(1).standard_normal((3, 4))
    arguments = {"depth": 2, "width": 5, "activation": "tanh", "weights": "gaussian", "weight_variance": 1.5}
    first, second = forward_signals(
        inputs, **arguments, bias_variance=0.3, rng=np.random.default_rng(2), dtype=np.float64, fan="in"
    )
    rng = np.random.default_rng(2)
    w1 = rng.standard_normal((5, 4)) * sqrt(1.5 / 4)
    b1 = rng.standard_normal((1, 5)) * sqrt(0.3)
    w2 = rng.standard_normal((5, 5)) * sqrt(1.5 / 5)
    b2 = rng.standard_normal((1, 5)) * sqrt(0.3)
    expected = np.tanh(inputs @ w1.T + b1)
    np.testing.assert_allclose(first, expected, rtol=1e-12)
    np.testing.assert_allclose(second, np.tanh(expected @ w2.T + b2), rtol=1e-12)


@pytest.mark.parametrize(("fan", "n"), [("in", 400), ("out", 200)])
def test_fan_decides_the_variance_of_the_first_layer(fan, n):
    (signal,) = forward_signals(
        np.ones((1, 400)) / 20.0,
        depth=1,
        width=200,
        activation="identity",
        weights="uniform",
        weight_variance=1.0,
        rng=np.random.default_rng(3),
        fan=fan,
    )
    squares = signal.astype(float) ** 2
    assert abs(squares.mean() * n - 1.0) < 5 * sqrt(2 / 200)


@pytest.mark.parametrize("activation", ["relu", LEAKY, "identity"])
@pytest.mark.parametrize("weights", ["gaussian", "uniform", "generalized_normal(beta=0.5)", "multivariate_t(nu=10)"])
def test_critical_variance_preserves_norms(activation, weights):
    angles = np.linspace(0.1, 3.0, 30)
    squared = []
    for seed in range(5):
        _, norm_ratio = random_network_cosines(
            angles,
            depth=1,
            width=1000,
            input_dimension=300,
            activation=activation,
            weights=weights,
            weight_variance=norm_preserving_variance(activation),
            rng=np.random.default_rng(seed),
        )
        squared.append(np.mean(norm_ratio**2))
    # Var(phi(z)^2) / E[phi(z)^2]^2 is at most 5 for Gaussian z (ReLU); t weights with nu = 10 make it 7. One direction
    # of the estimate would have an error of sqrt(7 / 1000); averaging is not counted, the pairs share one network.
    assert abs(np.mean(squared) - 1.0) < 3 * sqrt(7 / 1000 / 5)


@pytest.mark.parametrize(("activation", "slope"), [("relu", 0.0), (LEAKY, 0.2)])
@pytest.mark.parametrize("weights", ["gaussian", "multivariate_t(nu=5)", "generalized_normal(beta=0.5)"])
def test_wide_networks_follow_the_kernel(activation, slope, weights):
    angles = np.linspace(0.0, np.pi, 9)
    layers = layerwise_cosines(
        angles,
        depth=3,
        width=1500,
        input_dimension=500,
        activation=activation,
        weights=weights,
        weight_variance=norm_preserving_variance(activation),
        rng=np.random.default_rng(7),
    )
    for depth, (cosine, _) in enumerate(layers, start=1):
        # An empirical cosine of 1500 neurons errs by at most about 1 / sqrt(1500), and errors add over layers.
        expected = 1.0 - one_minus_cosine(angles, depth, activation)
        np.testing.assert_allclose(cosine, expected, atol=4 * sqrt(depth / 1500))
    assert cosine[0] == 1.0


def test_random_network_cosines_is_the_last_layer():
    arguments = {
        "depth": 4,
        "width": 50,
        "input_dimension": 20,
        "activation": "erf",
        "weights": "laplace",
        "weight_variance": 1.3,
    }
    angles = np.array([0.3, 2.0])
    *_, expected = layerwise_cosines(angles, **arguments, rng=np.random.default_rng(8))
    result = random_network_cosines(angles, **arguments, rng=np.random.default_rng(8))
    np.testing.assert_array_equal(result, expected)
    with pytest.raises(ValueError, match="depth 0"):
        random_network_cosines(angles, **{**arguments, "depth": 0}, rng=np.random.default_rng(8))
