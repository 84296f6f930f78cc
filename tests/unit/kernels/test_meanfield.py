"""Mean-field theory: fixed points, phases and depth scales."""

import itertools
from math import exp, inf, log, pi, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from initatlas.activations.base import activation_of
from initatlas.duals.numerical import Numerical
from initatlas.kernels import meanfield
from initatlas.networks.forward import RandomNetwork, forward_signals

LEAKY = "leaky_relu(slope=0.2)"
ALL = ("identity", "relu", LEAKY, "erf", "tanh")
SMOOTH = ("erf", "tanh")


@pytest.mark.parametrize("q", [0.1, 1.0, 10.0, 100.0])
def test_tanh_quadrature_against_a_much_finer_one(q):
    # One-dimensional integrals, c = 1 and c = -1, with a hundred thousand nodes.
    x = np.linspace(-9, 9, 100_001)
    weights = np.exp(-(x**2) / 2) * (x[1] - x[0]) / sqrt(2 * pi)
    expected = weights @ np.tanh(sqrt(q) * x) ** 2
    np.testing.assert_allclose(
        activation_of("tanh").dual.at_correlation(q, [1.0, -1.0, 0.0]), [expected, -expected, 0.0], atol=1e-13
    )
    slope = weights @ (1 - np.tanh(sqrt(q) * x) ** 2) ** 2
    np.testing.assert_allclose(activation_of("tanh").dual.derivative_at_correlation(q, 1.0), slope, atol=1e-13)


def test_value_of_the_erf_dual():
    # erf(x) at S = .3, S11 = S22 = .7: (2 / pi) asin(.6 / 2.4).
    assert activation_of("erf").dual.at_correlation(0.7, 0.3 / 0.7) == pytest.approx(
        2 / pi * np.arcsin(0.25), rel=1e-15
    )


@pytest.mark.parametrize("activation", ALL)
@pytest.mark.parametrize("q", [0.3, 3.0])
def test_price_theorem(activation, q):
    c, step = np.linspace(-0.9, 0.9, 7), 1e-5
    difference = (
        activation_of(activation).dual.at_correlation(q, c + step)
        - activation_of(activation).dual.at_correlation(q, c - step)
    ) / (2 * step * q)
    np.testing.assert_allclose(activation_of(activation).dual.derivative_at_correlation(q, c), difference, atol=1e-7)


@settings(max_examples=40, deadline=None)
@given(activation=st.sampled_from(ALL), q=st.floats(0.01, 20), c=st.floats(0, 1), d=st.floats(0, 1))
def test_duals_are_monotone_and_bounded_on_positive_correlations(activation, q, c, d):
    low, high, top = activation_of(activation).dual.at_correlation(q, np.array([*sorted((c, d)), 1.0]))
    assert -1e-14 <= low <= high + 1e-14
    assert high <= top * (1 + 1e-13) + 1e-14


@pytest.mark.parametrize("activation", ["relu", LEAKY, "identity"])
def test_homogeneous_fixed_points(activation):
    slope = {"relu": 0.0, LEAKY: 0.2, "identity": 1.0}[activation]
    critical = 2 / (1 + slope**2)
    half = {"weight_variance": critical / 2, "bias_variance": 0.3}
    assert meanfield.variance_fixed_point(activation, **half) == pytest.approx(0.6)
    assert meanfield.chi(activation, 7.0, weight_variance=critical / 2) == pytest.approx(0.5)
    assert meanfield.correlation_depth(activation, **half) == pytest.approx(1 / log(2))
    assert meanfield.depth_scale(activation, **half) == pytest.approx(1 / log(2))
    assert meanfield.correlation_fixed_point(activation, **half) == 1.0
    assert meanfield.variance_fixed_point(activation, weight_variance=1.5 * critical, bias_variance=0.3) == inf
    assert meanfield.variance_fixed_point(activation, weight_variance=critical / 2) == 0.0
    assert meanfield.depth_scale(activation, weight_variance=2 * critical) == pytest.approx(1 / log(2))


def test_critical_relu():
    assert meanfield.depth_scale("relu", weight_variance=2.0) == inf
    assert meanfield.correlation_depth("relu", weight_variance=2.0) == inf
    assert meanfield.correlation_depth("relu", weight_variance=1.0) == inf
    assert np.isnan(meanfield.variance_fixed_point("relu", weight_variance=2.0))
    assert np.isnan(meanfield.correlation_fixed_point("identity", weight_variance=0.5))
    assert np.isnan(meanfield.correlation_fixed_point("identity", weight_variance=2.0, bias_variance=1.0))


@settings(max_examples=30, deadline=None)
@given(
    activation=st.sampled_from(SMOOTH),
    weight_variance=st.floats(0.05, 6.0),
    bias_variance=st.sampled_from([0, 0.05, 1]),
)
def test_fixed_points_are_fixed_and_attract(activation, weight_variance, bias_variance):
    variances = {"weight_variance": weight_variance, "bias_variance": bias_variance}
    q = meanfield.variance_fixed_point(activation, **variances)
    c = meanfield.correlation_fixed_point(activation, **variances)
    assert 0.0 <= q <= weight_variance + bias_variance
    assert meanfield.variance_map(activation, q, **variances) == pytest.approx(q, abs=1e-12)
    assert 0.0 <= c <= 1.0
    if q > 0.0:
        assert meanfield.correlation_map(activation, c, q=q, **variances) == pytest.approx(c, abs=1e-9)
        assert weight_variance * activation_of(activation).dual.derivative_at_correlation(q, c) <= 1.0 + 1e-6
    assert meanfield.correlation_depth(activation, **variances) >= 0.0


@pytest.mark.parametrize("activation", SMOOTH)
def test_phases_without_bias(activation):
    # phi'(0)^2 weight_variance = 1 parts order from chaos: 1 for tanh, pi / 4 for erf.
    critical = {"erf": pi / 4, "tanh": 1.0}[activation]
    assert meanfield.variance_fixed_point(activation, weight_variance=0.9 * critical) == 0.0
    assert meanfield.depth_scale(activation, weight_variance=0.9 * critical) == pytest.approx(-1 / log(0.9))
    assert meanfield.variance_fixed_point(activation, weight_variance=1.1 * critical) > 0.01
    assert meanfield.correlation_fixed_point(activation, weight_variance=1.5 * critical) == 0.0
    assert meanfield.correlation_fixed_point(activation, weight_variance=0.5, bias_variance=0.1) == 1.0


def test_chaotic_phase_with_bias_has_an_inner_fixed_point():
    variances = {"weight_variance": 3.0, "bias_variance": 0.05}
    c = meanfield.correlation_fixed_point("tanh", **variances)
    q = meanfield.variance_fixed_point("tanh", **variances)
    assert 0.05 < c < 0.95
    iterate = 0.99
    for _ in range(300):
        iterate = meanfield.correlation_map("tanh", iterate, q=q, **variances)
    assert iterate == pytest.approx(c, abs=1e-7)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_correlation_depth_is_the_rate_of_the_iteration(activation):
    variances = {"weight_variance": 1.2, "bias_variance": 0.3}
    q = meanfield.variance_fixed_point(activation, **variances)
    c = meanfield.correlation_fixed_point(activation, **variances)
    gaps = []
    iterate = c - 1e-3 if activation == "tanh" else 1 - 1e-9
    for _ in range(3):
        gaps.append(c - iterate)
        iterate = meanfield.correlation_map(activation, iterate, q=q, **variances)
    assert gaps[2] / gaps[1] == pytest.approx(exp(-1 / meanfield.correlation_depth(activation, **variances)), rel=1e-3)


@pytest.mark.parametrize("activation", ["tanh", "erf", "relu"])
def test_a_wide_network_reaches_the_fixed_point(activation):
    variances = {"weight_variance": 1.4, "bias_variance": 0.2}
    q = meanfield.variance_fixed_point(activation, **variances)
    network = RandomNetwork(activation=activation, weights="gaussian", depth=15, width=1000, **variances)
    inputs = np.random.default_rng(0).standard_normal((1, 100))
    *_, last = forward_signals(inputs, network, rng=np.random.default_rng(1))
    measured = np.mean(last.astype(float) ** 2)
    expected = (q - 0.2) / 1.4
    # Relative fluctuations of a layer are below sqrt(5 / 1000); memory of earlier layers multiplies them by
    # 1 / sqrt(1 - .7^2) < 1.5 at most.
    assert abs(measured / expected - 1) < 4 * 1.5 * sqrt(5 / 1000)


@pytest.mark.parametrize("activation", ["gelu", "elu", "erf", "sin"])
@pytest.mark.parametrize("bias_variance", [0.05, 0.3])
def test_all_fixed_points_are_fixed_and_their_slopes_tell_stability(activation, bias_variance):
    variances = {"weight_variance": 1.7, "bias_variance": bias_variance}
    points = meanfield.variance_fixed_points(activation, **variances)
    assert points
    for point in points:
        assert meanfield.variance_map(activation, point.variance, **variances) == pytest.approx(
            point.variance, rel=1e-12
        )
        near = point.variance * 1.001
        moved = abs(meanfield.variance_map(activation, near, **variances) - point.variance)
        assert point.stable == (moved < near - point.variance)
    slopes = [point.slope for point in points]
    assert all((first - 1) * (second - 1) < 0 for first, second in itertools.pairwise(slopes))


def test_gelu_has_an_unstable_fixed_point_beyond_the_stable_one():
    stable, unstable = meanfield.variance_fixed_points("gelu", weight_variance=2.0, bias_variance=0.1)
    assert stable.stable
    assert not unstable.stable
    assert meanfield.variance_fixed_point("gelu", weight_variance=2.0, bias_variance=0.1) == stable.variance
    assert meanfield.variance_fixed_point("gelu", weight_variance=2.0, bias_variance=30.0) == inf


@pytest.mark.parametrize("activation", ["erf", "tanh", "gelu", "sin"])
def test_the_edge_of_chaos(activation):
    weight_variance = meanfield.critical_weight_variance(activation, bias_variance=0.1)
    points = meanfield.variance_fixed_points(activation, weight_variance=weight_variance, bias_variance=0.1)
    chis = [meanfield.chi(activation, point.variance, weight_variance=weight_variance) for point in points]
    assert min(abs(chi - 1.0) for chi in chis) < 1e-9


def test_critical_variances_without_bias():
    assert meanfield.critical_weight_variance("relu") == pytest.approx(2.0, rel=1e-15)
    assert meanfield.critical_weight_variance(LEAKY) == pytest.approx(2 / 1.04, rel=1e-15)
    assert meanfield.critical_weight_variance("tanh") == pytest.approx(1.0, abs=1e-7)
    assert meanfield.critical_weight_variance("erf") == pytest.approx(pi / 4, abs=1e-7)
    with pytest.raises(ValueError, match="nowhere critical"):
        meanfield.critical_weight_variance("relu", bias_variance=0.1)
    with pytest.raises(ValueError, match="step"):
        meanfield.critical_weight_variance("step")


FUNCTIONS = [
    meanfield.variance_fixed_points,
    meanfield.variance_fixed_point,
    meanfield.correlation_fixed_point,
    meanfield.correlation_depth,
    meanfield.depth_scale,
]


@pytest.mark.parametrize("label", ["relu", "identity", "tanh", "gelu", LEAKY])
@pytest.mark.parametrize("bias_variance", [0.0, 0.2])
def test_a_dual_does_as_well_as_its_label(label, bias_variance):
    dual = activation_of(label).dual
    for function in FUNCTIONS:
        by_label, by_dual = (function(one, weight_variance=1.7, bias_variance=bias_variance) for one in (label, dual))
        assert by_label == by_dual or (np.isnan(by_label) and np.isnan(by_dual))
    assert meanfield.critical_variances(label, 0.5) == meanfield.critical_variances(dual, 0.5)


def test_a_function_of_ones_own_has_an_edge_of_chaos():
    """tanh(z) with its derivative as plain functions: critical at 1 without bias, orthogonal inputs stay so beyond."""
    own = Numerical(np.tanh, lambda z: 1.0 / np.cosh(z) ** 2)
    assert meanfield.critical_weight_variance(own) == pytest.approx(1.0, abs=1e-6)
    assert meanfield.correlation_fixed_point(own, weight_variance=1.5) == 0.0
    shifted = Numerical(lambda z: np.tanh(z) + 0.1, lambda z: 1.0 / np.cosh(z) ** 2)
    assert meanfield.correlation_fixed_point(shifted, weight_variance=1.5) > 0.01
    with pytest.raises(TypeError, match=r"activation = 3: give a label"):
        meanfield.depth_scale(3, weight_variance=1.0)
