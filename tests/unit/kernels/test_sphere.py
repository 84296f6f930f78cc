"""Spectra on the sphere: closed forms, high-precision integrals, and the two methods against each other."""

from functools import lru_cache
from math import comb, log, pi

import mpmath as mp
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from initatlas.experiments.sphere_spectrum import EXPERIMENT, SphereSpectrumParameters
from initatlas.kernels.angles import kernels_at_angle
from initatlas.kernels.architecture import Architecture
from initatlas.kernels.decay import decay
from initatlas.kernels.harmonics import log_multiplicities, multiplicity
from initatlas.kernels.power_series import PowerSeries, power_series, rectifier_on_disc
from initatlas.kernels.sphere_quadrature import sphere_spectrum
from initatlas.kernels.sphere_series import power_series_spectrum
from initatlas.kernels.sphere_spectrum import better_spectrum

DIMENSIONS = (2, 3, 10, 100, 784, 1000)
NAMES = ("nngp", "ntk")


def leaky(depth, slope=0.0, bias=0.0):
    return Architecture(f"leaky_relu(slope={slope!r})", depth, bias_variance=bias)


def at_angle(name, depth, slope=0.0):
    return lambda angles: kernels_at_angle(leaky(depth, slope), angles)[NAMES.index(name)]


def on_disc(name, depth, slope=0.0):
    return lambda cosines: rectifier_on_disc(leaky(depth, slope), cosines)[NAMES.index(name)]


@lru_cache(maxsize=32)
def series_of(name, depth, count=2**12):
    return power_series(on_disc(name, depth), count)


@lru_cache(maxsize=32)
def best(name, depth, dimension, max_degree):
    return better_spectrum(
        sphere_spectrum(at_angle(name, depth), dimension, max_degree),
        power_series_spectrum(series_of(name, depth, 2**13), dimension, max_degree),
    )


def exact_eigenvalue(name, depth, dimension, degree, digits=30):
    """Funk and Hecke with many digits, by the textbook recursion; the polynomial as a finite sum."""
    with mp.workdps(digits):
        alpha = mp.mpf(dimension - 2) / 2

        def polynomial(theta):
            if dimension == 2:
                return mp.cos(degree * theta)
            return mp.gegenbauer(degree, alpha, mp.cos(theta)) / mp.gegenbauer(degree, alpha, 1)

        def kernel(theta):
            cosine = ntk = mp.cos(theta)
            for _ in range(depth):
                gradient = 1 - theta / mp.pi
                cosine = (mp.sin(theta) + (mp.pi - theta) * mp.cos(theta)) / mp.pi
                ntk = cosine + ntk * gradient
                theta = mp.acos(cosine)
            return ntk if name == "ntk" else cosine

        def weight(theta):
            return mp.sin(theta) ** (dimension - 2)

        edges = mp.linspace(0, mp.pi, 9)
        mass = mp.quad(weight, edges)
        return mp.quad(lambda theta: kernel(theta) * polynomial(theta) * weight(theta), edges) / mass


@pytest.mark.parametrize(
    ("dimension", "degree", "count"), [(2, 0, 1), (2, 7, 2), (3, 7, 15), (4, 3, 16), (10, 0, 1), (10, 1, 10)]
)
def test_multiplicities(dimension, degree, count):
    assert multiplicity(dimension, degree) == count


@given(dimension=st.integers(3, 60), degree=st.integers(1, 60))
def test_multiplicity_against_the_other_formula(dimension, degree):
    other = (2 * degree + dimension - 2) * comb(degree + dimension - 3, degree - 1) // degree
    assert multiplicity(dimension, degree) == other
    assert log_multiplicities(dimension, degree)[-1] == log(other)


@settings(deadline=None, max_examples=40)
@given(dimension=st.integers(2, 1000), power=st.integers(0, 12))
def test_monomials(dimension, power):
    # t^m has degrees m, m - 2, ...; its eigenvalues in exact factors.
    spectrum = sphere_spectrum(lambda angles: np.cos(angles) ** power, dimension, 15)
    with mp.workdps(40):
        exact = np.zeros(16)
        for degree in range(power % 2, power + 1, 2):
            exact[degree] = (
                mp.gamma(mp.mpf(dimension) / 2)
                * mp.factorial(power)
                / (mp.mpf(2) ** power * mp.factorial((power - degree) // 2))
                / mp.gamma(mp.mpf(power + degree + dimension) / 2)
            )
    assert np.all(np.abs(spectrum.eigenvalue - exact) <= 2.0 * spectrum.error)
    unit = PowerSeries(np.eye(16)[power], 0.0, 1.0)
    np.testing.assert_allclose(power_series_spectrum(unit, dimension, 15).eigenvalue, exact, rtol=1e-11)


def test_two_dimensions_are_a_fourier_series():
    # theta (2 pi - theta) on the circle: mean 2 pi^2 / 3, and -4 cos(k theta) / k^2, so that lambda_k = -2 / k^2.
    spectrum = sphere_spectrum(lambda angles: 10.0 - angles * (2.0 * pi - angles), 2, 1000)
    k = np.arange(1.0, 1001.0)
    assert np.all(np.abs(spectrum.eigenvalue[1:] - 2.0 / k**2) <= 2.0 * spectrum.error[1:])
    np.testing.assert_allclose(spectrum.eigenvalue[1:], 2.0 / k**2, rtol=1e-7)
    assert spectrum.eigenvalue[0] == pytest.approx(10.0 - 2.0 * pi**2 / 3.0, rel=1e-14)


@settings(deadline=None, max_examples=30)
@given(dimension=st.integers(2, 40), radius=st.floats(0.05, 0.6))
def test_poisson_kernel_has_powers_of_its_radius(dimension, radius):
    def poisson(angles):
        gap = (1.0 - radius) ** 2 + 4.0 * radius * np.sin(0.5 * angles) ** 2
        return (1.0 - radius**2) / gap ** (dimension / 2)

    spectrum = sphere_spectrum(poisson, dimension, 100)
    # Ten errors: the kernel's own formula loses digits to its power d / 2.
    assert np.all(np.abs(spectrum.eigenvalue - radius ** np.arange(101.0)) <= 10.0 * spectrum.error)
    assert spectrum.error[0] < 1e-11 or radius > 0.4


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_exponential_kernel_has_bessel_functions(dimension):
    spectrum = sphere_spectrum(lambda angles: np.exp(np.cos(angles)), dimension, 40)
    with mp.workdps(30):
        nu = mp.mpf(dimension) / 2 - 1
        exact = [float(mp.gamma(nu + 1) * 2**nu * mp.besseli(k + nu, 1)) for k in range(41)]
    assert np.all(np.abs(spectrum.eigenvalue - exact) <= spectrum.error)
    # The factorials are the power series of the exponential.
    coefficients = np.array([float(1 / mp.factorial(m)) for m in range(120)])
    series = power_series_spectrum(PowerSeries(coefficients, 0.0, float(coefficients.sum())), dimension, 40)
    np.testing.assert_allclose(series.eigenvalue, exact, rtol=1e-11)


@pytest.mark.parametrize(("name", "depth"), [("nngp", 1), ("ntk", 1), ("nngp", 3), ("ntk", 3)])
@pytest.mark.parametrize(("dimension", "degree"), [(2, 6), (3, 1), (3, 8), (10, 4), (10, 5), (100, 2), (784, 3)])
def test_network_kernels_against_30_digits(name, depth, dimension, degree):
    exact = exact_eigenvalue(name, depth, dimension, degree)
    spectrum = sphere_spectrum(at_angle(name, depth), dimension, degree)
    assert abs(spectrum.eigenvalue[degree] - exact) <= 2.0 * spectrum.error[degree]
    chosen = best(name, depth, dimension, 50)
    if depth > 1 or degree < 2 or degree % 2 == 0:
        assert abs(chosen.eigenvalue[degree] / exact - 1) < 1e-9
    assert abs(chosen.eigenvalue[degree] - exact) <= 2.0 * chosen.error[degree]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_one_hidden_layer_has_no_odd_degrees(name, dimension):
    spectrum = best(name, 1, dimension, 101)
    odd = np.arange(3, 102, 2)
    assert np.all(np.abs(spectrum.eigenvalue[odd]) <= 2.0 * spectrum.error[odd])
    assert np.isnan(decay(spectrum, "odd").exponent)
    assert spectrum.eigenvalue[1] == pytest.approx(0.5 / dimension * (2 if name == "ntk" else 1), rel=1e-13)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("depth", [1, 4])
@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_the_two_methods_agree_within_their_errors(name, depth, dimension):
    quadrature = sphere_spectrum(at_angle(name, depth), dimension, 300)
    series = power_series_spectrum(series_of(name, depth), dimension, 300)
    difference = np.abs(quadrature.share - series.share)
    assert np.all(difference <= 2.0 * (quadrature.share_error + series.share_error))
    if dimension >= 100:
        assert np.mean(series.share_error < quadrature.share_error) > 0.9


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("dimension", "max_degree"), [(2, 1000), (3, 1000), (10, 250), (100, 1000), (784, 1000)])
def test_shares_sum_to_one(name, dimension, max_degree):
    spectrum = best(name, 2, dimension, max_degree)
    rest = 1.0 - spectrum.share.sum()
    # What is left out falls as the coefficients a_k ~ k^-1.5 (NTK) and k^-2.5 (NNGP), or faster.
    assert -1e-12 < rest < {"ntk": 3.0, "nngp": 1.0}[name] * max_degree ** {"ntk": -0.5, "nngp": -1.5}[name]
    assert np.all(spectrum.share >= -2.0 * spectrum.share_error)


@pytest.mark.parametrize("dimension", [2, 3, 10, 784, 1000])
def test_a_thousand_degrees_stay_finite(dimension):
    for spectrum in (
        sphere_spectrum(at_angle("ntk", 2), dimension, 1000),
        power_series_spectrum(series_of("ntk", 2), dimension, 1000),
    ):
        for values in (spectrum.eigenvalue, spectrum.error, spectrum.share, spectrum.share_error):
            assert values.shape == (1001,)
            assert np.all(np.isfinite(values))
        exact = [multiplicity(dimension, k) for k in (0, 1, 500, 1000)]
        np.testing.assert_array_equal(spectrum.log_multiplicity[[0, 1, 500, 1000]], [log(count) for count in exact])


@pytest.mark.parametrize("dimension", [2, 3, 4, 10, 30])
@pytest.mark.parametrize(("name", "more"), [("ntk", 0), ("nngp", 2)])
def test_decay_exponents_are_those_of_theory(name, more, dimension):
    # Bietti and Bach 2021: k^-d and k^-(d + 2); one layer has even degrees alone, deep nets have both.
    for depth, parity in ((1, "even"), (3, "even"), (3, "odd")):
        fit = decay(best(name, depth, dimension, 300), parity)
        assert fit.exponent == pytest.approx(dimension + more, rel=0.01)
        assert fit.last >= 80


def test_decay_window():
    spectrum = best("ntk", 1, 3, 300)
    fit = decay(spectrum, "even", first=51, last=101)
    assert (fit.first, fit.last) == (52, 100)
    assert fit.exponent == pytest.approx(3.0, abs=0.01)
    assert np.isnan(decay(spectrum, "even", first=296).exponent)
    with pytest.raises(ValueError, match="1 <= first < last, got first = 9 and last = 9"):
        decay(spectrum, "even", first=9, last=9)


def test_high_dimensions_give_the_power_series():
    # N(d, k) lambda_k tends to a_k, with an error of order k^2 / d.
    series = series_of("ntk", 2)
    shares = power_series_spectrum(series, 1000, 4).share
    np.testing.assert_allclose(shares * series.trace, series.coefficients[:5], rtol=0.02)


@pytest.mark.parametrize("name", NAMES)
def test_power_series_of_one_layer(name):
    # asin t = sum b_n t^(2n+1) / (2n + 1) and sqrt(1 - t^2) = sum b_n t^2n / (1 - 2n), with b_n = C(2n, n) / 4^n.
    n = np.arange(0, 60)
    b = np.array([comb(2 * k, k) / 4**k for k in range(60)])
    exact = np.zeros(121)
    exact[0:120:2] += b / (1.0 - 2.0 * n) / pi
    exact[2:122:2] += b / (2.0 * n + 1.0) / pi * (2.0 if name == "ntk" else 1.0)
    exact[1] = 1.0 if name == "ntk" else 0.5
    for count in (1, 2, 30, 120, 4096):
        series = power_series(on_disc(name, 1), count)
        shown = min(count, 120)
        assert np.all(np.abs(series.coefficients[:shown] - exact[:shown]) <= series.error)
        assert series.trace == pytest.approx(2.0 if name == "ntk" else 1.0, rel=1e-15)


@settings(deadline=None, max_examples=25)
@example(depth=3, slope=0.15449980424035425, cosine=1.0, bias=0.0)  # rounding lifts a cosine above 1 there
@given(
    depth=st.integers(0, 8), slope=st.floats(0.0, 0.99), cosine=st.floats(-1.0, 1.0), bias=st.sampled_from([0.0, 0.5])
)
def test_the_disc_continues_the_interval(depth, slope, cosine, bias):
    architecture = leaky(depth, slope, bias if depth else 0.0)
    here = rectifier_on_disc(architecture, np.array([cosine + 0j]))
    there = kernels_at_angle(architecture, np.array([np.arccos(cosine)]))
    for ours, expected in zip(here, there, strict=True):
        # acos loses half the digits at 1, where the NTK's slope as a function of the angle is of order depth^2.
        np.testing.assert_allclose(ours, expected, atol=1e-13 + 1e-7 * depth**2 * (abs(cosine) > 1.0 - 1e-9))


def test_of_two_spectra_every_degree_is_the_better_one():
    quadrature = sphere_spectrum(at_angle("ntk", 2), 100, 60)
    series = power_series_spectrum(series_of("ntk", 2), 100, 60)
    chosen = better_spectrum(quadrature, series)
    np.testing.assert_array_equal(chosen.error, np.minimum(quadrature.error, series.error))
    assert chosen.eigenvalue[0] == quadrature.eigenvalue[0]
    assert chosen.eigenvalue[60] == series.eigenvalue[60]
    with pytest.raises(ValueError, match="dimension 100 to degree 60 and in dimension 3 to degree 60"):
        better_spectrum(quadrature, sphere_spectrum(at_angle("ntk", 2), 3, 60))


@pytest.mark.parametrize(
    ("kernel", "dimension", "max_degree", "message"),
    [
        (np.cos, 1, 5, "dimension of at least 2, got 1"),
        (np.cos, 3, -1, "degree is 0 or more, got -1"),
        (np.cos, 5000, 5000, "beyond the range of doubles"),
        (lambda angles: np.where(angles > 1.0, np.nan, 1.0), 3, 5, "the kernel is nan at angle"),
        (lambda angles: 1.0 / angles, 3, 5, "the kernel is inf at angle 0"),
        (lambda angles: 1.0, 3, 5, r"gave shape \(\) for angles of shape"),
        (lambda angles: angles, 3, 5, "the kernel is 0 at angle 0"),
        (lambda angles: np.where(angles > 1.0, 0.0, 1.0), 3, 5, "is the kernel smooth in the angle"),
    ],
)
def test_mistakes_have_clear_errors(kernel, dimension, max_degree, message):
    with np.errstate(divide="ignore"), pytest.raises(ValueError, match=message):
        sphere_spectrum(kernel, dimension, max_degree)


def test_a_power_series_must_be_one():
    with pytest.raises(ValueError, match="at least one coefficient, got 0"):
        power_series(on_disc("ntk", 1), 0)
    with pytest.raises(ValueError, match="coefficient 2 of the power series is -1"):
        power_series(lambda t: 3.0 - t**2, 8)
    with np.errstate(invalid="ignore"), pytest.raises(ValueError, match="not finite on the unit disc"):
        power_series(lambda t: t * np.nan, 8)


def test_the_experiment():
    point = SphereSpectrumParameters(dimension=5, depth=2, degrees=80, activation="leaky_relu(slope=0.2)")
    (result,) = EXPERIMENT.run([point], [np.random.default_rng(0)], None)
    assert set(result) == {output.name for output in EXPERIMENT.outputs}
    assert result["eigenvalue"].shape == (80,) == result["share"].shape
    assert 0.85 < result["share"].sum() < 1.0
    assert result["decay_even"] == pytest.approx(5.0, rel=0.02)
    assert result["decay_odd"] == pytest.approx(5.0, rel=0.02)
    assert (result["fitted_to_even"], result["fitted_to_odd"]) == (78, 79)
    expected = exact_eigenvalue("ntk", 1, 5, 4)
    (one_layer,) = EXPERIMENT.run([SphereSpectrumParameters(dimension=5, degrees=20)], [np.random.default_rng(0)], None)
    assert one_layer["eigenvalue"][4] == pytest.approx(float(expected), rel=1e-11)
    assert np.isnan(one_layer["decay_odd"])
    assert one_layer["fitted_to_odd"] == -1


@pytest.mark.parametrize("activation", ["erf", "gelu", "tanh"])
def test_smooth_activations_decay_faster_than_any_power(activation):
    point = SphereSpectrumParameters(dimension=3, degrees=40, activation=activation, bias_variance=0.1)
    eigenvalues = EXPERIMENT.run([point], [None], None)[0]["eigenvalue"]
    assert eigenvalues[20] < 1e-4 * eigenvalues[5]


def test_a_bias_fills_the_odd_degrees():
    plain, biased = (
        EXPERIMENT.run([SphereSpectrumParameters(dimension=3, degrees=300, bias_variance=bias)], [None], None)[0]
        for bias in (0.0, 0.3)
    )
    assert np.isnan(plain["decay_odd"])
    assert biased["decay_odd"] == pytest.approx(3.0, abs=0.1)
    assert biased["decay_even"] == pytest.approx(3.0, abs=0.1)


def test_the_step_has_no_ntk_on_the_sphere():
    with pytest.raises(ValueError, match="kernel = 'ntk' with activation = 'step'"):
        EXPERIMENT.run([SphereSpectrumParameters(activation="step")], [None], None)
