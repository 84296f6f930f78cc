"""The study of Tsuchida et al. 2018: its statistics, their power, and the formulas as printed."""

from math import pi, sqrt

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from initatlas.kernels.angles import one_minus_cosine
from initatlas.networks.forward import RandomNetwork, forward_signals, row_norms
from initatlas.studies.tsuchida2018 import printed
from initatlas.studies.tsuchida2018.deviations import scale_kurtosis
from initatlas.studies.tsuchida2018.statistics import (
    Interval,
    agreement,
    bootstrap_interval,
    mean_interval,
    slope,
    student_quantile,
)

SLOPE = 0.2


def cosine_behind(angles, depth, slope):
    """Cosines of the signals of a leaky ReLU network of infinite width."""
    return 1.0 - one_minus_cosine(angles, depth, f"leaky_relu(slope={slope})")


def squared_norm_ratios(weights, variance, networks=20):
    """Mean squared norm ratio of 61 inputs behind one ReLU layer of 1000 units, by network."""
    law = RandomNetwork("relu", weights, variance, depth=1, width=1000)
    found = []
    for seed in range(networks):
        rng = np.random.Generator(np.random.SFC64(seed))
        inputs = rng.standard_normal((61, 300), dtype=np.float32)
        (signals,) = forward_signals(inputs, law, rng=rng)
        found.append(float(np.mean((row_norms(signals) / row_norms(inputs)) ** 2)))
    return np.array(found)


@pytest.mark.parametrize("weights", ["gaussian", "laplace", "uniform", "generalized_normal(beta=0.5)"])
@pytest.mark.parametrize("error", [-0.02, 0.02])
def test_agreement_has_the_power_to_see_two_percent_of_the_variance(weights, error):
    assert agreement(squared_norm_ratios(weights, 2.0), 1.0) > 0.01
    assert agreement(squared_norm_ratios(weights, 2.0 * (1.0 + error)), 1.0) < 0.001


def test_mean_intervals_cover_as_often_as_they_say():
    rng = np.random.default_rng(0)
    hits = sum(mean_interval(rng.standard_normal(6)).holds(0.0) for _ in range(2000))
    assert abs(hits / 2000 - 0.95) < 4 * sqrt(0.95 * 0.05 / 2000)


def test_the_interval_of_a_mean_has_one_degree_of_freedom_less_than_networks():
    assert student_quantile(6) == pytest.approx(2.570582, abs=1e-6)
    assert student_quantile(2) == pytest.approx(12.706205, abs=1e-6)
    found = mean_interval([1.0, 2.0, 4.0, 7.0])
    reach = 3.182446 * sqrt(7.0) / 2.0
    assert (found.value, found.low, found.high) == pytest.approx((3.5, 3.5 - reach, 3.5 + reach), abs=1e-6)


def test_an_interval_reaches_as_far_as_its_tolerance():
    found = Interval(1.0, 0.5, 2.0)
    assert [found.holds(number) for number in (0.49, 0.5, 2.0, 2.01)] == [False, True, True, False]
    assert [found.holds(number, 0.1) for number in (0.39, 0.41, 2.09, 2.11)] == [False, True, True, False]


def test_the_percentiles_of_the_bootstrap():
    """The mean of many rows is nearly normal under the bootstrap, with the variance of the rows over their number."""
    values = np.random.default_rng(2).exponential(size=(400, 1))
    found = bootstrap_interval(values, lambda rows: float(rows.mean()))
    error = values.std() / 20.0
    assert found.low == pytest.approx(found.value - 1.96 * error, abs=0.15 * error)
    assert found.high == pytest.approx(found.value + 1.96 * error, abs=0.15 * error)


def test_bootstrap_of_a_mean_is_close_to_students():
    values = np.random.default_rng(1).standard_normal((40, 1))
    found, student = bootstrap_interval(values, lambda rows: float(rows.mean())), mean_interval(values[:, 0])
    assert found.value == pytest.approx(student.value)
    assert found.high - found.low == pytest.approx(student.high - student.low, rel=0.15)


def test_slope_of_a_power():
    x = np.array([1.0, 2.0, 5.0])
    assert slope(x, 3.0 * x**-1.7) == pytest.approx(-1.7)


def test_scale_kurtosis():
    assert scale_kurtosis("laplace") == 1.0
    assert scale_kurtosis("multivariate_t(nu=10)") == pytest.approx(8 / 6)
    assert scale_kurtosis("multivariate_t(nu=4)") == float("inf")


def test_the_right_formulas_are_those_of_the_kernel():
    cosines = np.linspace(-1.0, 1.0, 41)
    angles = np.arccos(cosines)
    expected = cosine_behind(angles, 1, SLOPE)
    np.testing.assert_allclose(printed.normalised_kernel(cosines, SLOPE), expected, atol=1e-12)
    assert printed.opposite_cosine(printed.right_strength(SLOPE)) == pytest.approx(expected[0])
    assert printed.opposite_cosine_of_supplement(SLOPE, as_printed=False) == pytest.approx(expected[0])


def test_misprints_are_wrong_where_they_should_be():
    assert printed.printed_composition(2.0, 1, SLOPE) == pytest.approx(cosine_behind(np.array(2.0), 1, SLOPE))
    assert abs(printed.printed_composition(2.0, 8, SLOPE) - cosine_behind(np.array(2.0), 8, SLOPE)) > 0.3
    assert printed.printed_composition(2.0, 8, 0.0) == pytest.approx(float(cosine_behind(np.array(2.0), 8, 0.0)))
    # z = 0.3, a = 0.2: the two derivatives of the proof of corollary 8, and a difference quotient.
    right, wrong = (1.0 - f(SLOPE) * np.arccos(0.3) / pi for f in (printed.right_strength, printed.printed_strength))
    ends = printed.normalised_kernel(np.array([0.3 - 1e-6, 0.3 + 1e-6]), SLOPE)
    assert right == pytest.approx((ends[1] - ends[0]) / 2e-6, rel=1e-6)
    assert (right, wrong) == (pytest.approx(0.75199, abs=1e-5), pytest.approx(0.82088, abs=1e-5))


def test_the_elu_kernel_at_a_right_angle():
    def elu(z):
        return z if z > 0 else np.expm1(z)

    mean = quad(lambda z: elu(z) * norm.pdf(z), -10, 10, points=[0.0])[0]
    square = quad(lambda z: elu(z) ** 2 * norm.pdf(z), -10, 10, points=[0.0])[0]
    assert printed.elu_right_angle(as_printed=False) == pytest.approx(mean**2 / square)
    assert abs(printed.elu_right_angle(as_printed=True) - mean**2 / square) > 0.5


@pytest.mark.parametrize("slope_of_activation", [0.0, SLOPE])
def test_rate_constant(slope_of_activation):
    gap = one_minus_cosine(np.array(2.0), 20000, f"leaky_relu(slope={slope_of_activation})")
    assert gap * 20000**2 == pytest.approx(printed.rate_constant(slope_of_activation), rel=0.01)


def test_the_smallest_eigenvalue_sees_an_indefinite_kernel():
    angles = np.linspace(0.0, pi, 31)
    assert printed.smallest_eigenvalue(cosine_behind(angles, 1, SLOPE)) > -1e-12
    assert printed.smallest_eigenvalue(np.cos(angles) - 0.1) < -0.05
