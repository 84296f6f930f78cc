"""Laws of breakpoints and delta-slopes at initialisation, against sampled networks and against quadrature with 30 digits."""

import re

import mpmath as mp
import numpy as np
import pytest
from scipy.stats import kstest

from initatlas.piecewise.densities import GaussianInitialisation, Roughness, UniformInitialisation
from initatlas.piecewise.laws import BesselBreakpoint, LogarithmicBreakpoint

GAUSSIAN = GaussianInitialisation(1.3, 0.7, 0.4)
UNIFORM = UniformInitialisation(1.3, 0.7, 0.4)
BOTH = pytest.mark.parametrize("initialisation", [GAUSSIAN, UNIFORM], ids=["gaussian", "uniform"])

LAWS = {
    f"{kind}-{name}": law
    for kind, start in (("gaussian", GAUSSIAN), ("uniform", UNIFORM))
    for name, law in {
        "breakpoint": start.breakpoint,
        "delta_slope": start.delta_slope,
        "delta_slope_given_0.2": start.delta_slope_given(0.2),
        "delta_slope_given_-1.7": start.delta_slope_given(-1.7),
        "breakpoint_given_-0.05": start.breakpoint_given(-0.05),
        "breakpoint_given_0.45": start.breakpoint_given(0.45),
    }.items()
}
EACH = pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
WITH_MOMENTS = pytest.mark.parametrize(
    "law", [law for name, law in LAWS.items() if not name.endswith("-breakpoint")], ids=lambda law: type(law).__name__
)
SPREAD, SUPPORT = 0.7 / 1.3, 0.52
BENDS = [SUPPORT * SPREAD / 1.7, 0.3, SUPPORT, SPREAD, SPREAD * SUPPORT / 0.45, 1.0, 2.0, SPREAD * SUPPORT / 0.05, 20.0]


def integral(function, low, high):
    cuts = [low, *(x for x in (s * b for b in BENDS for s in (1, -1)) if low < x < high), high]
    return float(mp.quad(lambda x: mp.mpf(float(function(float(x)))), sorted(cuts), maxdegree=5))


@EACH
@pytest.mark.parametrize("x", [0.01, 0.53, 3.0])
def test_cumulative_probability_is_the_integral_of_the_density(law, x):
    assert float(law.cdf(x)) - 0.5 == pytest.approx(integral(law.pdf, 0.0, x), rel=1e-6)
    assert float(law.cdf(-x)) == pytest.approx(1.0 - float(law.cdf(x)), abs=1e-15)


@EACH
def test_all_probability_is_there(law):
    assert float(law.cdf(1e12)) == pytest.approx(1.0, abs=1e-12)
    assert float(law.cdf(-1e12)) == pytest.approx(0.0, abs=1e-12)
    assert float(law.cdf(0.0)) == 0.5


@EACH
def test_draws_follow_the_law(law):
    drawn = law.sample(20_000, rng=np.random.default_rng(5))
    assert kstest(drawn, law.cdf).pvalue > 1e-3


@WITH_MOMENTS
def test_moments_are_those_of_the_density(law):
    second = 2 * integral(lambda x: x**2 * law.pdf(x), 0.0, 200.0)
    fourth = 2 * integral(lambda x: x**4 * law.pdf(x), 0.0, 200.0)
    assert float(law.mean) == 0.0
    assert float(law.variance) == pytest.approx(second, rel=1e-6)
    assert float(law.excess_kurtosis) == pytest.approx(fourth / second**2 - 3.0, rel=1e-5, abs=1e-5)


@BOTH
def test_breakpoints_have_no_moments(initialisation):
    law = initialisation.breakpoint
    assert np.isnan([law.mean, law.variance, law.excess_kurtosis]).all()


@BOTH
def test_sampled_networks_follow_the_marginal_laws(initialisation):
    beta, mu = initialisation.sample(20_000, rng=np.random.default_rng(1))
    assert kstest(beta, initialisation.breakpoint.cdf).pvalue > 1e-3
    assert kstest(mu, initialisation.delta_slope.cdf).pvalue > 1e-3


@BOTH
def test_sampled_networks_follow_the_conditional_laws(initialisation):
    beta, mu = initialisation.sample(20_000, rng=np.random.default_rng(2))
    assert kstest(initialisation.delta_slope_given(beta).cdf(mu), "uniform").pvalue > 1e-3
    assert kstest(initialisation.breakpoint_given(mu).cdf(beta), "uniform").pvalue > 1e-3


@BOTH
def test_draws_of_conditional_laws_complete_the_joint_law(initialisation):
    rng = np.random.default_rng(3)
    _, mu = initialisation.sample(4_000, rng=rng)
    beta = initialisation.breakpoint_given(mu).sample(4_000, rng=rng)
    assert kstest(beta, initialisation.breakpoint.cdf).pvalue > 1e-3
    assert kstest(initialisation.delta_slope_given(beta).cdf(mu), "uniform").pvalue > 1e-3


@BOTH
@pytest.mark.parametrize("point", [(0.2, 0.1), (-0.9, 0.3), (4.0, -0.05), (0.4, -0.51)])
def test_joint_density_is_the_same_from_both_sides(initialisation, point):
    beta, mu = point
    by_mu = initialisation.delta_slope.pdf(mu) * initialisation.breakpoint_given(mu).pdf(beta)
    assert initialisation.joint_pdf(beta, mu) == pytest.approx(float(by_mu), rel=1e-13)


def test_joint_densities_of_theorem_1():
    beta, mu = 0.8, 0.11
    w, b, v = 1.3, 0.7, 0.4
    q = np.hypot(b, w * beta)
    assert GAUSSIAN.joint_pdf(beta, mu) == pytest.approx(np.exp(-mu * q / (b * v * w)) / (2 * np.pi * v * q), rel=1e-14)
    m = min(b / beta, w)
    assert UNIFORM.joint_pdf(beta, mu) == pytest.approx((m - mu / v) / (4 * b * w * v), rel=1e-14)
    assert UNIFORM.joint_pdf(beta, 0.36) == 0.0


@BOTH
@pytest.mark.parametrize("beta", [-3.0, 0.3, 0.7, 30.0])
@pytest.mark.parametrize("mu", [-0.3, 0.02, 0.3, 0.7])
def test_joint_cumulative_probability_is_the_integral_over_the_conditional(initialisation, beta, mu):
    def part(x):
        return initialisation.breakpoint.pdf(x) * (initialisation.delta_slope_given(x).cdf(mu) - 0.5)

    expected = initialisation.breakpoint.cdf(beta) / 2 + initialisation.delta_slope.cdf(mu) / 2 - 0.25
    expected += np.sign(beta) * integral(part, 0.0, abs(beta))
    assert initialisation.joint_cdf(beta, mu) == pytest.approx(float(expected), rel=1e-6, abs=1e-9)


@BOTH
def test_joint_cumulative_probability_of_samples(initialisation):
    beta, mu = initialisation.sample(200_000, rng=np.random.default_rng(4))
    for x, y in ((0.0, 0.1), (-0.5, 0.2), (1.0, -0.1), (1.0, 0.0), (1e9, 1e9)):
        assert np.mean((beta <= x) & (mu <= y)) == pytest.approx(float(initialisation.joint_cdf(x, y)), abs=0.004)


def test_known_moments_of_theorem_1():
    s = 1.3 * 0.4
    assert float(GAUSSIAN.delta_slope.variance) == pytest.approx(s**2, rel=1e-14)
    assert float(GAUSSIAN.delta_slope.excess_kurtosis) == 6.0
    assert float(UNIFORM.delta_slope.variance) == pytest.approx(s**2 / 9, rel=1e-14)
    assert float(UNIFORM.delta_slope.excess_kurtosis) == pytest.approx(0.24, rel=1e-14)
    assert float(UNIFORM.delta_slope_given(3.0).excess_kurtosis) == pytest.approx(-0.6, rel=1e-14)
    assert float(GAUSSIAN.breakpoint.cdf(0.7 / 1.3)) == pytest.approx(0.75, rel=1e-14)
    assert float(UNIFORM.breakpoint.cdf(0.7 / 1.3)) == pytest.approx(0.75, rel=1e-14)


@pytest.mark.parametrize("z", [1e-9, 1e-4, 0.3, 8.0, 300.0])
def test_bessel_breakpoints_over_many_sizes(z):
    law = BesselBreakpoint(np.asarray(1.0), np.asarray(z))
    for x in (0.01, 1.0, 1e4):
        end = mp.asinh(x)
        inner = mp.quad(lambda t: mp.exp(-2 * z * mp.sinh(t / 2) ** 2), [end * i**3 / 1000 for i in range(11)])
        assert float(law.cdf(x)) - 0.5 == pytest.approx(float(inner / (2 * mp.besselk(0, z) * mp.exp(z))), rel=1e-9)


def test_a_delta_slope_at_the_end_of_its_support_leaves_a_uniform_breakpoint():
    law = LogarithmicBreakpoint(np.asarray(2.0), np.asarray(1e-6))
    assert float(law.variance) == pytest.approx(4.0 / 3.0, rel=1e-5)
    assert float(law.excess_kurtosis) == pytest.approx(-1.2, rel=1e-5)


@pytest.mark.parametrize(
    ("name", "mean", "variance"),
    [("he", 4.0, 128 / 21), ("glorot", 4 * 21 / 22**2, 128 * 21 / 22**4)],
)
def test_roughness_of_theorem_2(name, mean, variance):
    found = GaussianInitialisation.preset(name, 21).roughness(21)
    assert (found.mean, found.variance) == (pytest.approx(mean, rel=1e-13), pytest.approx(variance, rel=1e-13))


@BOTH
@pytest.mark.parametrize("name", ["he", "glorot"])
@pytest.mark.parametrize("whole", [True, False], ids=["networks", "roughness alone"])
def test_roughness_of_sampled_networks(initialisation, name, whole):
    start, rng = type(initialisation).preset(name, 21, bias_scale=0.3), np.random.default_rng(7)
    rough = start.network((40_000, 21), rng=rng).roughness() if whole else start.sample_roughness(40_000, 21, rng=rng)
    assert rough.shape == (40_000,)
    assert np.unique(rough).size == 40_000
    found = start.roughness(21)
    assert rough.mean() == pytest.approx(found.mean, rel=0.02)
    assert rough.var() == pytest.approx(found.variance, rel=0.1)
    for excess in (0.5, 1.0, 2.0):
        away = excess * found.variance**0.5
        assert (rough - found.mean >= away).mean() <= found.tail_bound(away) == pytest.approx(1 / (1 + excess**2))


def test_presets_have_the_variances_of_their_authors():
    rng = np.random.default_rng(8)
    for start in (GaussianInitialisation, UniformInitialisation):
        he, glorot = (start.preset(name, 9, bias_scale=0.5).network(400_000, rng=rng) for name in ("he", "glorot"))
        assert he.input_weights.var() == pytest.approx(2.0, rel=0.02)
        assert he.output_weights.var() == pytest.approx(2 / 9, rel=0.02)
        assert glorot.input_weights.var() == pytest.approx(0.2, rel=0.02)
        assert glorot.output_weights.var() == pytest.approx(0.2, rel=0.02)
    assert GaussianInitialisation.preset("he", 9).bias_scale == 1.0
    assert abs(UniformInitialisation(1.0, 0.5, 1.0).network(1000, rng=rng).biases).max() == pytest.approx(0.5, abs=0.01)


def test_a_generator_makes_the_same_draws_again():
    for law in LAWS.values():
        first, again = (law.sample((2, 3), rng=np.random.default_rng(9)) for _ in range(2))
        assert (first == again).all()
        assert first.shape == (2, 3)


def test_parameters_and_points_broadcast():
    beta = np.array([[0.1], [2.0]])
    assert GAUSSIAN.delta_slope_given(beta).cdf([0.1, 0.2, 0.3]).shape == (2, 3)
    assert UNIFORM.breakpoint_given([0.1, -0.2]).variance.shape == (2,)
    assert GAUSSIAN.breakpoint_given([0.1, -0.2]).mean.tolist() == [0.0, 0.0]


def test_no_units_have_no_roughness():
    assert GAUSSIAN.roughness(0) == Roughness(0.0, 0.0)


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda: GaussianInitialisation(0.0, 1.0, 1.0), "input_scale: 0.0, give a number above 0"),
        (lambda: UniformInitialisation(1.0, np.inf, 1.0), "bias_scale: inf, give a number above 0"),
        (lambda: UniformInitialisation(1.0, 1.0, np.nan), "output_scale: nan, give a number above 0"),
        (lambda: GaussianInitialisation.preset("he", 0), "units: 0, give at least 1"),
        (lambda: GaussianInitialisation.preset("lecun", 3), "name: 'lecun', allowed: he, glorot"),
        (lambda: GAUSSIAN.delta_slope_given(np.nan), "beta: nan or infinite at place ()"),
        (lambda: UNIFORM.joint_cdf([0.0, np.inf], 1.0), "beta: nan or infinite at place (1,)"),
        (lambda: UNIFORM.joint_pdf(0.0, np.nan), "mu: nan or infinite at place ()"),
        (lambda: GAUSSIAN.breakpoint_given(0.0), "mu: the breakpoint has no law where the delta-slope is 0"),
        (lambda: UNIFORM.breakpoint_given(0.0), "mu: give numbers other than 0, inside of +-0.52"),
        (lambda: UNIFORM.breakpoint_given([0.1, -0.52]), "mu: give numbers other than 0, inside of +-0.52"),
        (lambda: GAUSSIAN.roughness(-1), "units: -1, give at least 0"),
        (lambda: Roughness(1.0, 1.0).tail_bound(-0.1), "excess: must not be below 0"),
    ],
)
def test_bad_input_is_one_line(call, line):
    with pytest.raises(ValueError, match=f"^{re.escape(line)}$"):
        call()
