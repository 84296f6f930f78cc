"""Dual activations: closed forms against quadrature with many digits, against Hermite series and against Monte Carlo."""

import itertools
from math import pi, sqrt

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from initatlas.activations.base import ACTIVATIONS, activation_of
from initatlas.duals.base import Dual
from initatlas.duals.numerical import Numerical
from initatlas.duals.quadrature import gaussian_mean, hermite_coefficients, pair_mean

LABELS = (
    *("identity", "relu", "leaky_relu(slope=0.2)", "abs", "step", "exp", "sin", "cos", "erf", "tanh", "elu", "gelu"),
    *("hermite(degree=0)", "hermite(degree=2)", "hermite(degree=3)", "softplus", "symlog", "swish(beta=1)"),
)
DIFFERENTIABLE = tuple(label for label in LABELS if label != "step")
CLOSED = tuple(label for label in DIFFERENTIABLE if label not in ("tanh", "softplus", "symlog", "swish(beta=1)"))
EXACT = {
    "relu": (lambda z: max(z, 0), lambda z: int(z > 0)),
    "step": (lambda z: int(z > 0), None),
    "cos": (mp.cos, lambda z: -mp.sin(z)),
    "erf": (mp.erf, lambda z: 2 / mp.sqrt(mp.pi) * mp.exp(-(z**2))),
    "tanh": (mp.tanh, lambda z: 1 / mp.cosh(z) ** 2),
    "elu": (lambda z: z if z > 0 else mp.expm1(z), lambda z: 1 if z > 0 else mp.exp(z)),
    "gelu": (lambda z: z * mp.ncdf(z), lambda z: mp.ncdf(z) + z * mp.npdf(z)),
    "softplus": (lambda z: mp.log1p(mp.exp(z)), lambda z: 1 / (1 + mp.exp(-z))),
    "symlog": (lambda z: mp.sign(z) * mp.log1p(abs(z)), lambda z: 1 / (1 + abs(z))),
    "swish(beta=1)": (
        lambda z: z / (1 + mp.exp(-z)),
        lambda z: 1 / (1 + mp.exp(-z)) + z * mp.exp(-z) / (1 + mp.exp(-z)) ** 2,
    ),
    "hermite(degree=3)": (lambda z: (z**3 - 3 * z) / mp.sqrt(6), lambda z: (3 * z**2 - 3) / mp.sqrt(6)),
}
"""The activations and their derivatives, written again for mpmath."""


def test_every_activation_has_its_case():
    assert {label.partition("(")[0] for label in LABELS} == set(ACTIVATIONS)


def exact_mean(function, p, q, theta):
    """E[f(u) f(v)] by mpmath in polar coordinates, split where an argument changes its sign."""
    with mp.workdps(15):
        rays = [-mp.pi / 2, theta - mp.pi / 2, mp.pi / 2, theta + mp.pi / 2, 3 * mp.pi / 2]

        def along(angle):
            """Mean over the radius in one direction."""
            a, b = mp.sqrt(p) * mp.cos(angle), mp.sqrt(q) * mp.cos(angle - theta)
            return gauss(lambda r: function(a * r) * function(b * r) * r * mp.exp(-r * r / 2), [0, 3, 6, 10])

        return float(gauss(along, rays) / (2 * mp.pi))


def gauss(function, edges):
    """Integral over some panels by 24 Gauss-Legendre nodes each."""
    nodes, weights = np.polynomial.legendre.leggauss(24)
    return sum(
        (high - low) / 2 * w * function(low + (high - low) * (x + 1) / 2)
        for low, high in itertools.pairwise(edges)
        for x, w in zip(nodes, weights, strict=True)
    )


@pytest.mark.parametrize("label", EXACT)
def test_products_and_derivatives_against_mpmath(label):
    p, q, theta = 0.8, 1.3, 0.9
    ours, exact = activation_of(label).dual, EXACT[label]
    product = float(ours.product(np.array(p), np.array(q), np.array(theta)))
    assert product == pytest.approx(exact_mean(exact[0], p, q, theta), abs=1e-11)
    if exact[1] is not None:
        derivative = float(ours.derivative(np.array(p), np.array(q), np.array(theta)))
        assert derivative == pytest.approx(exact_mean(exact[1], p, q, theta), abs=1e-11)


@pytest.mark.parametrize("label", CLOSED)
@pytest.mark.parametrize(("p", "q"), [(1.0, 1.0), (0.3, 2.0), (3.9, 0.01), (2.5, 2.5)])
def test_closed_forms_against_quadrature(label, p, q):
    ours = activation_of(label).dual
    numerical = Numerical(lambda z: activation_of(label).phi(z), lambda z: activation_of(label).derivative(z))
    theta = np.array([0.0, 1e-8, 1e-3, 0.5, 1.7, 3.0, pi - 1e-9, pi])
    p, q = np.array(p), np.array(q)
    tolerance = {"rtol": 1e-11, "atol": 1e-11 * float(np.sqrt(ours.moment(p) * ours.moment(q)))}
    np.testing.assert_allclose(ours.product(p, q, theta), numerical.product(p, q, theta), **tolerance)
    np.testing.assert_allclose(ours.derivative(p, q, theta), numerical.derivative(p, q, theta), **tolerance)


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize(("q", "c"), [(0.5, 0.3), (1.5, -0.8), (1.0, 0.95)])
def test_duals_against_monte_carlo(label, q, c):
    count = 200_000
    u, v = sqrt(q) * np.random.default_rng(0).standard_normal((2, count))
    v = c * u + sqrt(1 - c**2) * v
    phi = activation_of(label)
    cases = [(phi.phi, phi.dual.at_correlation)]
    if not phi.undefined_derivative:
        cases.append((phi.derivative, phi.dual.derivative_at_correlation))
    for function, ours in cases:
        products = function(u) * function(v)
        assert abs(products.mean() - ours(q, c)) <= 4.5 * products.std() / sqrt(count) + 1e-14


@pytest.mark.parametrize("label", DIFFERENTIABLE)
@pytest.mark.parametrize(("p", "q"), [(1.0, 1.0), (0.2, 3.0)])
def test_the_gap_keeps_its_digits(label, p, q):
    # To leading order E[phi phi] falls by sqrt(p q) E[phi'(u) phi'(v)] theta^2 / 2, with phi' at equal directions.
    ours, p, q = activation_of(label).dual, np.array(p), np.array(q)
    theta = np.array([1e-9, 1e-6])
    expected = 2 * np.sqrt(p * q) * ours.derivative(p, q, np.zeros(1)) * np.sin(theta / 2) ** 2
    np.testing.assert_allclose(ours.gap(p, q, theta), expected, rtol=3e-6)
    wide = np.array([0.4, 0.99, 1.01, 2.0, 3.0])
    top = ours.product(p, q, np.zeros(1))
    np.testing.assert_allclose(
        ours.gap(p, q, wide),
        top - ours.product(p, q, wide),
        atol=2e-13 * float(np.sqrt(ours.moment(p) * ours.moment(q))),
    )


@pytest.mark.parametrize("label", [label for label in CLOSED if activation_of(label).dual.closed_gap])
@given(p=st.floats(0.01, 4.0), q=st.floats(0.01, 4.0), theta=st.floats(1e-8, 1.0))
@settings(max_examples=20, deadline=None)
def test_special_gaps_are_the_integral_of_the_derivative(label, p, q, theta):
    ours, arguments = activation_of(label).dual, (np.array(p), np.array(q), np.array(theta))
    np.testing.assert_allclose(ours.gap(*arguments), Dual.gap(ours, *arguments), rtol=1e-13)


@pytest.mark.parametrize("label", [label for label in LABELS if label != "hermite(degree=0)"])
def test_hermite_series(label):
    # phi = sum a_k h_k, so the dual is sum a_k^2 c^k (slowly, where phi has a kink or a jump)
    c = np.array([-0.5, 0.0, 0.3, 0.6])
    coefficients = hermite_coefficients(lambda z: activation_of(label).phi(z), 60, variance=0.9)
    series = np.polynomial.polynomial.polyval(c, coefficients**2)
    np.testing.assert_allclose(
        series,
        activation_of(label).dual.at_correlation(0.9, c),
        atol=1e-12 if label not in ("step", "relu", "abs") else 1e-11,
    )


def test_printed_duals_of_daniely2016():
    rho = np.linspace(-1, 1, 21)
    angle = pi - np.arccos(rho)
    np.testing.assert_allclose(
        2 * activation_of("relu").dual.at_correlation(1, rho), (np.sqrt(1 - rho**2) + angle * rho) / pi, atol=3e-16
    )
    np.testing.assert_allclose(2 * activation_of("step").dual.at_correlation(1, rho), angle / pi, atol=1e-15)
    np.testing.assert_allclose(activation_of("exp").dual.at_correlation(1, rho) / np.e**2, np.exp(rho - 1), rtol=1e-14)
    np.testing.assert_allclose(activation_of("sin").dual.at_correlation(1, rho), np.exp(-1) * np.sinh(rho), atol=1e-15)
    np.testing.assert_allclose(activation_of("hermite(degree=2)").dual.at_correlation(1, rho), rho**2, atol=1e-15)
    np.testing.assert_allclose(
        activation_of("erf").dual.at_correlation(1, rho), 2 / pi * np.arcsin(2 * rho / 3), atol=1e-15
    )


def test_value_of_the_erf_dual():
    # erf(x) at S = .3, S11 = S22 = .7: (2 / pi) asin(.6 / 2.4).
    assert activation_of("erf").dual.at_correlation(0.7, 0.3 / 0.7) == pytest.approx(
        2 / pi * np.arcsin(0.25), rel=1e-15
    )


def test_published_value_of_the_leaky_kernel():
    assert activation_of("leaky_relu(slope=0.2)").dual.at_correlation(1.0, 0.6) == pytest.approx(0.33682, abs=5e-6)


@pytest.mark.parametrize("label", LABELS)
@settings(max_examples=20, deadline=None)
@given(q=st.floats(0.01, 3.9), c=st.floats(0, 1), d=st.floats(0, 1))
def test_duals_are_monotone_and_bounded_on_positive_correlations(label, q, c, d):
    if label == "tanh":
        q = round(q)  # few variances: each one is compiled
    low, high, top = activation_of(label).dual.at_correlation(q, np.array([*sorted((c, d)), 1.0]))
    assert -1e-14 * top <= low <= high + 1e-13 * top
    assert high <= top * (1 + 1e-13)


@pytest.mark.parametrize("label", ["relu", "erf", "gelu", "sin", "abs"])
@pytest.mark.parametrize("size", [1e-300, 1e-8, 1e8, 1e300])
def test_variances_of_any_size_give_finite_numbers(label, size):
    ours, theta = activation_of(label).dual, np.array([0.0, 1e-8, 1.0, pi])
    for p, q in ((size, size), (size, 1.0)):
        arguments = (np.array(p), np.array(q), theta)
        for values in (ours.product(*arguments), ours.derivative(*arguments), ours.gap(*arguments)):
            assert np.isfinite(values).all()


@pytest.mark.parametrize(
    "label",
    [label for label in LABELS if label not in ("exp", "cos", "softplus", "hermite(degree=0)", "hermite(degree=2)")],
)
def test_a_zero_vector_gives_zero(label):
    ours = activation_of(label).dual
    for p, q in ((0.0, 0.0), (0.0, 2.0)):
        assert float(ours.product(np.array(p), np.array(q), np.array(1.0))) == pytest.approx(0.0, abs=1e-15)


def test_wide_elu_goes_on_where_the_closed_form_ends():
    below, above = (activation_of("elu").dual.at_correlation(q, [0.3, 0.9, 1.0]) for q in (4.0, 4.0 + 1e-9))
    np.testing.assert_allclose(below, above, rtol=1e-8)
    assert activation_of("elu").dual.at_correlation(100.0, 1.0) == pytest.approx(
        gaussian_mean(lambda z: activation_of("elu").phi(z) ** 2, 100.0), rel=1e-12
    )


@pytest.mark.parametrize("q", [0.1, 1.0, 10.0, 100.0, 1000.0])
def test_quadrature_resolves_steep_functions(q):
    # erf has a closed form to compare with
    for theta in (1e-6, 0.1, 1.0, 3.0):
        mean = pair_mean(lambda u, v: activation_of("erf").phi(u) * activation_of("erf").phi(v), q, 2 * q, theta)
        exact = float(activation_of("erf").dual.product(np.array(q), np.array(2 * q), np.array(theta)))
        assert mean == pytest.approx(exact, abs=1e-13)


def test_a_jump_away_from_zero_is_refused():
    with pytest.raises(ValueError, match="kink at 0"):
        pair_mean(lambda u, v: np.sign(u - 0.3) * v, 1.0, 1.0, 0.5)
    with pytest.raises(ValueError, match="kink at 0"):
        gaussian_mean(lambda u: np.sign(u - 0.3) * u, 1.0)


def test_hermite_takes_whole_degrees():
    with pytest.raises(ValueError, match="a whole number"):
        activation_of("hermite(degree=2.5)").dual.at_correlation(1.0, 0.5)


@pytest.mark.parametrize("degree", [0, 1, 4])
def test_the_last_hermite_coefficient_is_there(degree):
    """Of (x^4 - 6 x^2 + 3) / sqrt(24), (x^3 - 3 x) / sqrt(6), ...: one of them at a time."""
    polynomial = activation_of(f"hermite(degree={degree})").phi
    np.testing.assert_allclose(hermite_coefficients(polynomial, degree), [0.0] * degree + [1.0], atol=1e-12)
