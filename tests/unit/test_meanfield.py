"""Dual activations and mean-field theory: closed forms, quadrature and Monte Carlo against each other."""

from math import exp, inf, log, pi, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import erf

from initatlas.kernels import meanfield
from initatlas.kernels.dual import dual, dual_derivative, gaussian_product_mean
from initatlas.networks.forward import activate, forward_signals

LEAKY = "leaky_relu(slope=0.2)"
ALL = ("identity", "relu", LEAKY, "erf", "tanh")
SMOOTH = ("erf", "tanh")
DERIVATIVES = {
    "identity": np.ones_like,
    "relu": lambda z: (z > 0).astype(float),
    LEAKY: lambda z: np.where(z > 0, 1.0, 0.2),
    "erf": lambda z: 2 / sqrt(pi) * np.exp(-(z**2)),
    "tanh": lambda z: np.cosh(z) ** -2.0,
}
CORRELATIONS = np.array([-1.0, -0.9, -0.3, 0.0, 0.4, 0.99, 1.0])


@pytest.mark.parametrize("activation", ALL)
@pytest.mark.parametrize(("q", "c"), [(0.5, 0.3), (2.0, -0.8), (2.0, 0.95)])
def test_duals_against_monte_carlo(activation, q, c):
    count = 300_000
    u, v = sqrt(q) * np.random.default_rng(0).standard_normal((2, count))
    v = c * u + sqrt(1 - c**2) * v
    for function, ours in (
        (lambda z: activate(activation, z), dual(activation, q, c)),
        (DERIVATIVES[activation], dual_derivative(activation, q, c)),
    ):
        products = function(u) * function(v)
        assert abs(products.mean() - ours) <= 4.5 * products.std() / sqrt(count) + 1e-15


@pytest.mark.parametrize("q", [0.01, 1.0, 30.0])
def test_erf_closed_forms_against_quadrature(q):
    np.testing.assert_allclose(gaussian_product_mean(erf, q, CORRELATIONS), dual("erf", q, CORRELATIONS), atol=1e-13)
    np.testing.assert_allclose(
        gaussian_product_mean(DERIVATIVES["erf"], q, CORRELATIONS),
        dual_derivative("erf", q, CORRELATIONS),
        atol=1e-13 * (4 / pi),
    )


@pytest.mark.parametrize("q", [0.1, 1.0, 10.0, 100.0])
def test_tanh_quadrature_against_a_much_finer_one(q):
    # One-dimensional integrals, c = 1 and c = -1, with a hundred thousand nodes.
    x = np.linspace(-9, 9, 100_001)
    weights = np.exp(-(x**2) / 2) * (x[1] - x[0]) / sqrt(2 * pi)
    expected = weights @ np.tanh(sqrt(q) * x) ** 2
    np.testing.assert_allclose(dual("tanh", q, [1.0, -1.0, 0.0]), [expected, -expected, 0.0], atol=1e-13)
    slope = weights @ (1 - np.tanh(sqrt(q) * x) ** 2) ** 2
    np.testing.assert_allclose(dual_derivative("tanh", q, 1.0), slope, atol=1e-13)


def test_value_of_the_erf_dual():
    # erf(x) at S = .3, S11 = S22 = .7: (2 / pi) asin(.6 / 2.4).
    assert dual("erf", 0.7, 0.3 / 0.7) == pytest.approx(2 / pi * np.arcsin(0.25), rel=1e-15)


@pytest.mark.parametrize("activation", ALL)
@pytest.mark.parametrize("q", [0.3, 3.0])
def test_price_theorem(activation, q):
    c, step = np.linspace(-0.9, 0.9, 7), 1e-5
    difference = (dual(activation, q, c + step) - dual(activation, q, c - step)) / (2 * step * q)
    np.testing.assert_allclose(dual_derivative(activation, q, c), difference, atol=1e-7)


@settings(max_examples=40, deadline=None)
@given(activation=st.sampled_from(ALL), q=st.floats(0.01, 20), c=st.floats(0, 1), d=st.floats(0, 1))
def test_duals_are_monotone_and_bounded_on_positive_correlations(activation, q, c, d):
    low, high, top = dual(activation, q, np.array([*sorted((c, d)), 1.0]))
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
        assert weight_variance * dual_derivative(activation, q, c) <= 1.0 + 1e-6
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
    *_, last = forward_signals(
        np.random.default_rng(0).standard_normal((1, 100)),
        depth=15,
        width=1000,
        activation=activation,
        weights="gaussian",
        rng=np.random.default_rng(1),
        **variances,
    )
    measured = np.mean(last.astype(float) ** 2)
    expected = (q - 0.2) / 1.4
    # Relative fluctuations of a layer are below sqrt(5 / 1000); memory of earlier layers multiplies them by
    # 1 / sqrt(1 - .7^2) < 1.5 at most.
    assert abs(measured / expected - 1) < 4 * 1.5 * sqrt(5 / 1000)
