"""Arc-cosine kernels against 40 digits, against Monte Carlo, and their properties."""

from math import pi, sqrt

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from initatlas.kernels.arccosine import (
    derivative_dual,
    layerwise_one_minus_cosine,
    nngp_ntk,
    nngp_ntk_at_angle,
    normalised_cosine,
    one_minus_cosine,
    relu_map,
)

ANGLES = (1e-6, 1e-3, 0.3, 0.99, 1.01, 1.5, 2.5, 3.1)
SLOPES = st.floats(0.0, 0.99)
Z = st.floats(0.0, 1.0)


def exact_kernels(angle, depth, slope):
    """1 - NNGP and NTK by the textbook recursion in cosines, with 40 digits."""
    with mp.workdps(40):
        a, theta = mp.mpf(slope), mp.mpf(angle)
        strength = (1 - a) ** 2 / (1 + a**2)
        cosine = ntk = mp.cos(theta)
        for _ in range(depth):
            gradient = 1 - strength * theta / mp.pi
            arc = (mp.sin(theta) + (mp.pi - theta) * mp.cos(theta)) / mp.pi
            cosine = strength * arc + 2 * a / (1 + a**2) * mp.cos(theta)
            ntk = cosine + ntk * gradient
            theta = mp.acos(cosine)
        return 1 - cosine, ntk


@pytest.mark.parametrize("angle", ANGLES)
@pytest.mark.parametrize("depth", [1, 2, 10])
@pytest.mark.parametrize("slope", [0.0, 0.2, 0.9])
def test_relative_error_at_40_digits(angle, depth, slope):
    gap, ntk = exact_kernels(angle, depth, slope)
    assert abs(float(one_minus_cosine(np.array(angle), depth, slope) / gap - 1)) < 4e-15
    nngp, ours = nngp_ntk_at_angle(np.array(angle), depth, slope)
    assert abs(float(ours - ntk)) < 4e-16 * (depth + 1) * 2
    assert abs(float(nngp - (1 - gap))) < 1e-15


def test_small_angle_and_depth_of_the_design():
    gap, ntk = exact_kernels(1e-6, 10, 0.0)
    assert abs(float(one_minus_cosine(np.array(1e-6), 10) / gap - 1)) < 1e-14
    assert abs(float(nngp_ntk(np.sin(np.array(0.5e-6)) ** 2, 10)[1] / ntk - 1)) < 1e-15


def test_published_value_of_the_leaky_kernel():
    # Unnormalised kernel of corollary 4 at a = .2, rho = .6: the normalised one times (1 + a^2) / 2.
    assert (1 - 2 * relu_map(np.array(0.2), 0.2)) * 0.52 == pytest.approx(0.33682, abs=5e-6)


@pytest.mark.parametrize("slope", [0.0, 0.2])
def test_one_layer_against_monte_carlo(slope):
    rng = np.random.default_rng(0)
    rho, count = 0.6, 400_000
    u, v = rng.standard_normal((2, count))
    v = rho * u + sqrt(1 - rho**2) * v
    products = np.where(u > 0, u, slope * u) * np.where(v > 0, v, slope * v) * 2 / (1 + slope**2)
    gradients = np.where(u > 0, 1, slope) * np.where(v > 0, 1, slope) * 2 / (1 + slope**2)
    z = np.array((1 - rho) / 2)
    assert abs(products.mean() - (1 - 2 * relu_map(z, slope))) < 4 * products.std() / sqrt(count)
    assert abs(gradients.mean() - derivative_dual(z, slope)) < 4 * gradients.std() / sqrt(count)


def test_one_hidden_layer_is_the_ntk_of_chen2024():
    u = np.linspace(-1, 1, 41)
    k0 = (pi - np.arccos(u)) / pi
    k1 = (np.sqrt(1 - u**2) + u * (pi - np.arccos(u))) / pi
    nngp, ntk = nngp_ntk((1 - u) / 2, 1)
    np.testing.assert_allclose(nngp, k1, atol=1e-15)
    np.testing.assert_allclose(ntk, k1 + u * k0, atol=4e-15)


@given(z=Z, slope=SLOPES)
def test_the_map_contracts_to_zero_and_stays_in_range(z, slope):
    after = float(relu_map(np.array(z), slope))
    assert 0.0 <= after <= z
    assert 0.0 <= derivative_dual(np.array(z), slope) <= 1.0


@given(first=Z, second=Z, slope=SLOPES)
def test_the_map_is_monotone(first, second, slope):
    low, high = sorted((first, second))
    assert relu_map(np.array(low), slope) <= relu_map(np.array(high), slope) * (1 + 1e-15)


@given(z=st.floats(1e-3, 0.999), slope=SLOPES)
def test_the_derivative_dual_is_the_slope_of_the_map(z, slope):
    step = 1e-6
    difference = (relu_map(np.array(z + step), slope) - relu_map(np.array(z - step), slope)) / (2 * step)
    # A central difference errs by step^2 / 6 times the third derivative, at most 1e5 here, plus rounding / step.
    assert abs(difference - derivative_dual(np.array(z), slope)) < 1e-6


@given(depth=st.integers(0, 30), slope=SLOPES)
def test_values_at_coincidence(depth, slope):
    nngp, ntk = nngp_ntk(np.zeros(1), depth, slope)
    assert nngp[0] == 1.0
    assert ntk[0] == depth + 1
    assert normalised_cosine(np.zeros(1), depth, slope)[0] == 1.0


def test_slope_near_one_changes_nothing():
    angles = np.linspace(0, pi, 7)
    np.testing.assert_allclose(normalised_cosine(angles, 5, 1 - 1e-9), np.cos(angles), atol=1e-15)


def test_layers_agree_with_single_depths():
    angles = np.array([0.1, 2.0])
    rows = layerwise_one_minus_cosine(angles, 6, 0.2)
    for depth in range(7):
        np.testing.assert_array_equal(rows[depth], one_minus_cosine(angles, depth, 0.2))


def test_convergence_is_polynomial():
    # theta' = theta - theta^2 / (3 pi) + ...: theta_j ~ 3 pi / j, so (1 - cos theta_j) j^2 -> 9 pi^2 / 2.
    gap = layerwise_one_minus_cosine(np.array(2.0), 10_000)[-1]
    assert gap * 1e8 == pytest.approx(4.5 * pi**2, rel=0.01)
