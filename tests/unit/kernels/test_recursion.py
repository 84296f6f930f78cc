"""Kernels of deep networks: against 40 digits, against sampled networks, at any size of input and any depth."""

from math import inf, pi, sqrt

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from initatlas.activations.base import activation_of
from initatlas.kernels.angles import kernels_at_angle, kernels_by_depth, layerwise_signals, one_minus_cosine
from initatlas.kernels.architecture import Architecture
from initatlas.kernels.arguments import MOST_LAYERS
from initatlas.kernels.preserving import preactivation_preserving_variance
from initatlas.kernels.recursion import hidden_states, output_kernels
from initatlas.networks.forward import RandomNetwork, forward_signals

ANGLES = (1e-8, 1e-6, 1e-3, 0.3, 0.99, 1.01, 1.5, 2.5, 3.1)
LEAKY = "leaky_relu(slope=0.2)"
SMOOTH_AND_NOT = ("relu", LEAKY, "abs", "erf", "sin", "gelu", "elu", "tanh")


def exact_rectifier(angle, depth, slope, bias=0):
    """1 - cosine of the last signals, NNGP and NTK of unit inputs by the textbook recursion, with 40 digits."""
    with mp.workdps(40):
        a, theta, b = mp.mpf(slope), mp.mpf(angle), mp.mpf(bias)
        weight = 2 / (1 + a**2)
        variance, covariance = 1 + b, mp.cos(theta) + b
        ntk = covariance
        for layer in range(depth):
            t = mp.acos(covariance / variance)
            gradient = weight * (a + (1 - a) ** 2 * (mp.pi - t) / (2 * mp.pi))
            product = a * mp.cos(t) + (1 - a) ** 2 * (mp.sin(t) + (mp.pi - t) * mp.cos(t)) / (2 * mp.pi)
            gap = 1 - weight * product
            added = b if layer < depth - 1 else 0
            covariance = weight * variance * product + added
            variance += added
            ntk = covariance + gradient * ntk
        return gap, covariance, ntk


def exact_erf(angle, depth, weight, bias):
    """The same for erf."""
    with mp.workdps(40):
        variance, covariance = 1 + mp.mpf(bias), mp.cos(mp.mpf(angle)) + mp.mpf(bias)
        ntk = covariance
        for layer in range(depth):
            added = mp.mpf(bias) if layer < depth - 1 else 0
            gradient = weight * 4 / mp.pi / mp.sqrt((1 + 2 * variance) ** 2 - 4 * covariance**2)
            top = mp.asin(2 * variance / (1 + 2 * variance))
            product = mp.asin(2 * covariance / (1 + 2 * variance))
            gap = 1 - product / top
            covariance, variance = (weight * 2 / mp.pi * value + added for value in (product, top))
            ntk = covariance + gradient * ntk
        return gap, covariance, ntk


@pytest.mark.parametrize("angle", ANGLES)
@pytest.mark.parametrize("depth", [1, 2, 10])
@pytest.mark.parametrize("slope", [0.0, 0.2, 0.9])
def test_rectifiers_at_40_digits(angle, depth, slope):
    label = f"leaky_relu(slope={slope})"
    gap, nngp, ntk = exact_rectifier(angle, depth, slope)
    assert abs(float(one_minus_cosine(np.array(angle), depth, label) / gap - 1)) < 4e-15
    ours = kernels_at_angle(Architecture(label, depth), np.array(angle))
    assert abs(float(ours[0] - nngp)) < 4e-15
    assert abs(float(ours[1] - ntk)) < 2e-15 * (depth + 1)


@pytest.mark.parametrize("angle", ANGLES)
@pytest.mark.parametrize("depth", [1, 3, 10])
def test_biases_and_smooth_activations_at_40_digits(angle, depth):
    for label, weight, exact in (
        ("relu", None, exact_rectifier(angle, depth, 0, 0.3)),
        ("erf", 1.7, exact_erf(angle, depth, 1.7, 0.3)),
    ):
        architecture = Architecture(label, depth, weight, 0.3)
        ours = kernels_at_angle(architecture, np.array(angle))
        gap = one_minus_cosine(np.array(angle), depth, label, weight_variance=weight, bias_variance=0.3)
        assert abs(float(gap / exact[0] - 1)) < 1e-14
        assert abs(float(ours[0] / exact[1] - 1)) < 1e-14 * (depth + 1)
        assert abs(float(ours[1] / exact[2] - 1)) < 1e-14 * (depth + 1)


@pytest.mark.parametrize("activation", ["relu", "erf", "tanh", "gelu"])
@pytest.mark.parametrize("bias", [0.0, 0.2])
def test_nngp_against_sampled_networks(activation, bias):
    # Two inputs of unequal norms; the covariance of the last signals of many wide networks of two layers
    inputs = np.array([[1.0, 0.0], [0.9, 1.2]])
    norms = np.sum(inputs**2, axis=1)
    theta = np.arccos(inputs[0] @ inputs[1] / np.sqrt(norms[0] * norms[1]))
    architecture = Architecture(activation, 2, 1.5, bias, input_variance=0.75)
    *_, state = hidden_states(architecture, norms[0], norms[1], np.array(theta))
    expected = float(output_kernels(architecture, state)[0]) / 1.5
    rng, samples = np.random.default_rng(0), []
    for _ in range(60):
        network = RandomNetwork(activation, "gaussian", 1.5, depth=2, width=500, bias_variance=bias, fan="in")
        *_, last = forward_signals(inputs, network, rng=rng, dtype=np.float64)
        samples.append(np.mean(last[0] * last[1]))
    assert abs(np.mean(samples) - expected) < 4 * np.std(samples) / sqrt(len(samples)) + 5 * abs(expected) / 500


@pytest.mark.parametrize("activation", ["relu", "erf", "gelu"])
def test_ntk_is_the_kernel_of_gradients(activation):
    # One hidden layer f = sqrt(2 / m) v phi(W x + b) with all of W, b, v standard normal: sum the squared gradients
    rng, width = np.random.default_rng(1), 400_000
    x, y = np.array([1.0, 0.0]), np.array([0.6, 0.8])
    w, b, v = rng.standard_normal((width, 2)), rng.standard_normal(width), rng.standard_normal(width)
    u, t = w @ x + b, w @ y + b
    from initatlas.activations.base import activation_of

    terms = 2 * activation_of(activation).phi(u) * activation_of(activation).phi(t)
    slopes = activation_of(activation).derivative(u) * activation_of(activation).derivative(t)
    terms += 2 * v**2 * slopes * (x @ y + 1)
    architecture = Architecture(activation, 1, 2.0, 1.0)
    ntk = kernels_at_angle(architecture, np.array(np.arccos(x @ y)))[1]
    assert abs(terms.mean() - float(ntk)) < 4 * terms.std() / sqrt(width)


@pytest.mark.parametrize("activation", SMOOTH_AND_NOT)
@pytest.mark.parametrize("bias", [0.0, 0.5])
def test_deep_networks_stay_finite_at_every_angle(activation, bias):
    depth = 5 if activation == "tanh" else 200
    theta = np.array([0.0, 1e-300, 1e-12, 1.0, pi - 1e-12, pi])
    weight = 0.5 if bias else None
    for nngp, ntk in kernels_by_depth(Architecture(activation, depth, weight, bias), theta):
        assert np.isfinite(nngp).all()
        assert np.isfinite(ntk).all()


def test_depth_ten_thousand():
    theta = np.array([0.0, 1e-9, 1.0, pi])
    nngp, ntk = kernels_at_angle(Architecture("relu", 10_000), theta)
    assert nngp[0] == pytest.approx(1.0, rel=1e-12)
    assert ntk[0] == pytest.approx(10_001.0, rel=1e-12)
    assert np.isfinite(ntk).all()
    # theta' = theta - theta^2 / (3 pi) + ...: theta_j ~ 3 pi / j, so (1 - cos theta_j) j^2 -> 9 pi^2 / 2.
    gap = one_minus_cosine(np.array(2.0), 10_000)
    assert gap * 1e8 == pytest.approx(4.5 * pi**2, rel=0.01)


@pytest.mark.parametrize("norm", [1e-150, 1.0, 1e150])
def test_homogeneous_kernels_scale(norm):
    theta = np.linspace(0, pi, 9)
    unit = kernels_at_angle(Architecture("relu", 4), theta)
    scaled = kernels_at_angle(Architecture("relu", 4), theta, squared_norm=norm**2)
    for one, other in zip(unit, scaled, strict=True):
        np.testing.assert_allclose(other, norm**2 * one, rtol=1e-14)


def test_supercritical_depths_scale_or_say_that_they_overflow():
    theta = np.array([0.5])
    critical = kernels_at_angle(Architecture("relu", 50), theta)[1]
    np.testing.assert_allclose(
        kernels_at_angle(Architecture("relu", 50, 3.0), theta)[1], 1.5**50 * critical, rtol=1e-12
    )
    with pytest.raises(ValueError, match=r"overflows at depth \d+: weight_variance 3 is 1.5 times"):
        kernels_at_angle(Architecture("relu", 10_000, 3.0), theta)


@settings(max_examples=60, deadline=None)
@given(
    activation=st.sampled_from(["relu", LEAKY, "abs", "erf", "sin", "gelu", "elu"]),
    p=st.floats(0.01, 3.0),
    q=st.floats(0.01, 3.0),
    theta=st.floats(0, pi),
    bias=st.sampled_from([0.0, 0.7]),
)
def test_exact_and_plain_angles_give_the_same_kernels(activation, p, q, theta, bias):
    architecture = Architecture(activation, 3, None, bias, input_variance=0.5)
    arguments = np.array(p), np.array(q), np.array(theta)
    exact, plain = (
        [output_kernels(architecture, state) for state in hidden_states(architecture, *arguments, exact_angles=exact)]
        for exact in (True, False)
    )
    scale = float(exact[-1][1]) if theta < 1 else sqrt(p * q) + 1
    for one, other in zip(exact, plain, strict=True):
        # the angle of a cosine near 1 is good to 1e-8, and a rectifier's derivative is linear in it
        np.testing.assert_allclose(one, other, atol=1e-7 * max(scale, 1.0))


def test_layers_agree_with_single_depths():
    angles = np.array([0.1, 2.0])
    rows, _ = layerwise_signals(angles, 6, LEAKY)
    for depth in range(7):
        np.testing.assert_array_equal(rows[depth], one_minus_cosine(angles, depth, LEAKY))


def test_one_hidden_layer_is_the_ntk_of_chen2024():
    u = np.linspace(-1, 1, 41)
    k0 = (pi - np.arccos(u)) / pi
    k1 = (np.sqrt(1 - u**2) + u * (pi - np.arccos(u))) / pi
    nngp, ntk = kernels_at_angle(Architecture(), np.arccos(u))
    np.testing.assert_allclose(nngp, k1, atol=1e-15)
    np.testing.assert_allclose(ntk, k1 + u * k0, atol=4e-15)


def test_output_layer_and_depth_zero():
    theta = np.array([0.3, 2.0])
    nngp, ntk = kernels_at_angle(Architecture("erf", 2, 1.5, 0.1), theta)
    other = kernels_at_angle(
        Architecture("erf", 2, 1.5, 0.1, output_weight_variance=3.0, output_bias_variance=0.4), theta
    )
    np.testing.assert_allclose(other[0], 2 * nngp + 0.4, rtol=1e-14)
    np.testing.assert_allclose(other[1], 2 * ntk + 0.4, rtol=1e-14)
    linear = kernels_at_angle(Architecture("erf", 0, input_variance=2.0), theta, squared_norm=3.0)
    np.testing.assert_allclose(linear, [6 * np.cos(theta)] * 2)


def test_preactivation_preserving_variances():
    expected = {
        "identity": 1,
        "relu": 2,
        LEAKY: 2 / 1.04,
        "abs": 1,
        "step": 2,
        "hermite(degree=3)": 1,
        "exp": np.exp(-2),
    }
    for label, variance in expected.items():
        assert preactivation_preserving_variance(activation_of(label).dual) == pytest.approx(variance, rel=1e-14)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"depth": -1}, "depth = -1: give a whole number"),
        ({"depth": MOST_LAYERS + 1}, "depth = 20001: give a whole number from 0 to 20000"),
        ({"weight_variance": -2.0}, "weight_variance = -2.0: give a finite number of 0 or more"),
        ({"bias_variance": inf}, "bias_variance = inf: give a finite number"),
        ({"activation": "mish"}, "'mish' does not exist; allowed: abs, cos"),
    ],
)
def test_wrong_architectures_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Architecture(**arguments)


def test_the_step_has_no_ntk():
    nngp, ntk = kernels_at_angle(Architecture("step", 3), np.array([0.0, 1.0]))
    assert ntk is None
    assert nngp[0] == pytest.approx(1.0, rel=1e-15)


@pytest.mark.parametrize("activation", ["erf", "sin", "identity"])
def test_the_kernel_of_an_odd_network_is_odd_in_the_cosine(activation):
    """Against the recursion in the obtuse angle itself."""
    architecture, angle = Architecture(activation, 2, output_bias_variance=0.3), np.array([1.8, 2.6, 3.0])
    one = np.ones(())
    *_, state = hidden_states(architecture, one, one, angle)
    nngp, ntk = (values + 0.3 for values in output_kernels(architecture, state))
    found = kernels_at_angle(architecture, angle)
    np.testing.assert_allclose(found[0], nngp, rtol=1e-9)
    np.testing.assert_allclose(found[1], ntk, rtol=1e-9)
    assert (found[0] < 0.3).all()
