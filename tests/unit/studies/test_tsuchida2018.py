"""The study of Tsuchida et al. 2018: what it measures of samples and tables, and the formulas as printed."""

from math import pi

import numpy as np
import pytest
import spoilt_tsuchida2018_kernels as kernels
import xarray as xr
from claim_cubes import sound_evidence
from scipy.integrate import quad
from scipy.stats import norm

from initatlas.kernels.angles import one_minus_cosine
from initatlas.networks.forward import RandomNetwork, forward_signals, row_norms
from initatlas.studies.evidence import Evidence
from initatlas.studies.statistics import agreement, mean_interval
from initatlas.studies.tsuchida2018 import deviations, printed, tables
from initatlas.studies.tsuchida2018.deviations import scale_kurtosis
from initatlas.studies.tsuchida2018.drawing import half_width

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
    assert printed.opposite_cosine_of_supplement(SLOPE, last=0.0) == pytest.approx(expected[0])
    assert printed.composed_cosine(2.0, 8, SLOPE, as_printed=False) == pytest.approx(
        float(cosine_behind(np.array(2.0), 8, SLOPE))
    )


def test_misprints_are_wrong_where_they_should_be():
    one, other = (printed.composed_cosine(2.0, layers, SLOPE, as_printed=True) for layers in (1, 8))
    assert one == pytest.approx(float(cosine_behind(np.array(2.0), 1, SLOPE)))
    assert abs(other - cosine_behind(np.array(2.0), 8, SLOPE)) > 0.3
    without_slope = printed.composed_cosine(2.0, 8, 0.0, as_printed=True)
    assert without_slope == pytest.approx(float(cosine_behind(np.array(2.0), 8, 0.0)))
    assert printed.opposite_cosine_of_supplement(SLOPE, last=-0.5) == pytest.approx(-1.0)
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
    assert printed.elu_right_angle("product") == pytest.approx(mean**2 / square)
    lower = quad(lambda z: elu(z) * norm.pdf(z), -10, 0)[0]
    assert printed.elu_right_angle("none") == pytest.approx((mean**2 - lower**2) / square)
    assert abs(printed.elu_right_angle("sum") - mean**2 / square) > 0.5


@pytest.mark.parametrize("slope_of_activation", [0.0, SLOPE])
def test_rate_constant(slope_of_activation):
    gap = one_minus_cosine(np.array(2.0), 20000, f"leaky_relu(slope={slope_of_activation})")
    assert gap * 20000**2 == pytest.approx(printed.rate_constant(slope_of_activation), rel=0.01)


def test_the_smallest_eigenvalue_sees_an_indefinite_kernel():
    angles = np.linspace(0.0, pi, 31)
    assert printed.smallest_eigenvalue(cosine_behind(angles, 1, SLOPE)) > -1e-12
    assert printed.smallest_eigenvalue(np.cos(angles) - 0.1) < -0.05


def test_the_table_of_deviations():
    evidence = sound_evidence(kernels)
    cube = evidence.cubes["fig4"]
    weights = "multivariate_t(nu=2.5)"
    limit = deviations.limit(cube.sel(activation=kernels.LEAKY, weights=weights), evidence.cubes["theory"])
    exact = cube["cosine"].where(cube.weights != weights, limit)
    off = 0.01 * cube.layer * ((cube.weights == weights) & (cube.activation == kernels.LEAKY))
    changed = cube.assign(cosine=(exact + off).transpose(*cube["cosine"].dims))
    changed.attrs = cube.attrs
    table = tables.deviations(Evidence({**evidence.cubes, "fig4": changed}, evidence.published))
    rows = {(row[0], row[1]): row[2:] for row in table.rows}
    assert len(rows) == 2 * cube.sizes["weights"]
    assert [column.header for column in table.columns[2:5]] == ["width", "layer 1", "layer 2"]
    assert rows["fig4d", weights] == pytest.approx([400, *(0.01 * layer for layer in kernels.LAYERS)], abs=1e-12)


def test_squared_deviations_are_compared_where_both_inputs_are_seen():
    """From 15 to 165 degrees; one network per number."""
    evidence = sound_evidence(kernels)
    cube, theory = evidence.cubes["fig2"], evidence.cubes["theory"]
    inside = (cube.angle >= 15.0) & (cube.angle <= 165.0)
    off = xr.where(inside, (cube.seed + 1.0) * (kernels.VARIANCE / 1000) ** 0.5, 9.0)
    changed = cube.assign(cosine=deviations.limit(cube, theory) + off)
    changed.attrs = cube.attrs
    expected = np.arange(1.0, cube.sizes["seed"] + 1.0) ** 2
    np.testing.assert_allclose(deviations.exact_ratio(changed, theory), expected)
    rows = xr.DataArray([[3.0, 4.0], [0.0, 0.0]], dims=("a", "b"))
    np.testing.assert_allclose(deviations.rms(rows, "a"), [12.5**0.5, 0.0])


def test_the_intervals_of_the_figures_are_those_of_the_claims():
    samples = xr.DataArray(np.random.default_rng(4).standard_normal((6, 3)), dims=("seed", "angle"))
    for place, reach in enumerate(half_width(samples).values):
        found = mean_interval(samples.isel(angle=place).values)
        assert reach == pytest.approx(found.high - found.value)
