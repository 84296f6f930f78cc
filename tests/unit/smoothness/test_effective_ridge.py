"""The estimate of the smoothness that needs no window, and functions whose smoothness is known."""

import numpy as np
import pytest
from scipy.special import eval_gegenbauer

from initatlas.datasets.unit_sphere import sphere_points
from initatlas.kernels.architecture import Architecture
from initatlas.kernels.gram import gram_matrix
from initatlas.kernels.harmonics import multiplicity
from initatlas.kernels.network_spectrum import network_spectrum
from initatlas.kernels.spectrum import eigenpairs, squared_coefficients
from initatlas.smoothness.effective_ridge import LARGEST, EffectiveRidges, _curves, true_eigenvalues
from initatlas.smoothness.known import degree_shares, degrees_up_to, functions_of_smoothness, zonal_covariances

N, DIMENSION = 400, 3
KERNEL = Architecture("relu", 1)


@pytest.fixture(scope="module")
def spectrum():
    return network_spectrum("ntk", KERNEL, DIMENSION, 200)


@pytest.fixture(scope="module")
def sample():
    inputs = sphere_points(N, DIMENSION, rng=np.random.default_rng(0))
    return inputs, *eigenpairs(gram_matrix(inputs, kernel="ntk", architecture=KERNEL))


@pytest.fixture(scope="module")
def ridges(sample):
    return EffectiveRidges(sample[1])


def test_coefficients_without_information_have_no_smoothness(ridges):
    np.testing.assert_allclose(ridges.averages(np.full(N, 3.0 / N)), 3.0, rtol=1e-12)
    assert ridges.fit(np.full(N, 1.0)).value == 0.0
    flat = np.random.default_rng(1).chisquare(1, N)
    assert ridges.fit(flat).value < 0.03


@pytest.mark.parametrize("known", [0.4, 1.2])
def test_a_known_smoothness_is_found(sample, ridges, spectrum, known):
    inputs, _, vectors = sample
    (values,) = functions_of_smoothness(inputs, spectrum, [known], 24, rng=np.random.default_rng(2))
    fits = [ridges.fit(squared_coefficients(vectors, value)) for value in values.T]
    found, low, high = np.transpose(fits)
    # standard error of the mean: .01 and .02
    assert found.mean() == pytest.approx(known, abs=0.06)
    assert np.mean((low <= known) & (known <= high)) >= 0.8
    assert found.std() < (high - low).mean() / 3.0


def test_averages_are_those_of_the_true_function(sample, ridges, spectrum):
    """g(kappa) is the sum of variances times kappa^2 / (lambda + kappa)^2, whatever the sample."""
    inputs, _, vectors = sample
    (values,) = functions_of_smoothness(inputs, spectrum, [0.8], 400, rng=np.random.default_rng(3))
    found = ridges.averages(squared_coefficients(vectors, values) / 400)
    eigenvalues, shares = np.abs(spectrum.eigenvalue), degree_shares(spectrum, 0.8)
    expected = [np.sum(shares * (kappa / (eigenvalues + kappa)) ** 2) for kappa in ridges.ridges]
    np.testing.assert_allclose(found, expected, rtol=0.1)


def test_true_eigenvalues_are_nearer_than_those_of_the_sample(sample, spectrum):
    _, eigenvalues, _ = sample
    counts = [multiplicity(DIMENSION, k) for k in range(201)]
    true = np.sort(np.repeat(spectrum.eigenvalue, counts))[::-1][: N // 2]
    found = true_eigenvalues(eigenvalues)
    assert (np.diff(found) <= 0).all()
    off, raw = (np.abs(np.log(values[20:] / true[20:])).mean() for values in (found, eigenvalues[: N // 2]))
    assert off < 0.2 < raw


def test_the_rest_of_the_spectrum_is_an_integral():
    index = np.arange(1.0, 200_001.0)
    values, exponents, ridges = index**-1.5, np.array([0.5, 1.1]), np.array([1e-3, 1e-2, 0.1])
    found = _curves(exponents, ridges, values[:300], 1.5)
    for exponent, row in zip(exponents, found, strict=True):
        # what is beyond 200000 as well: the integral of j^-(1 + 1.5 s)
        rest = 200_000.5 ** (-1.5 * exponent) / (1.5 * exponent)
        whole = [np.sum(values**exponent / index * (ridge / (values + ridge)) ** 2) + rest for ridge in ridges]
        np.testing.assert_allclose(row, whole, rtol=3e-3)


def test_an_estimate_knows_no_scale_and_more_columns_make_it_narrower(ridges):
    squared = np.random.default_rng(4).chisquare(1, N) * np.arange(1.0, N + 1.0) ** -1.2
    one, scaled, many = ridges.fit(squared), ridges.fit(1e-6 * squared), ridges.fit(squared, degrees=9)
    np.testing.assert_allclose(one, scaled, rtol=1e-9)
    assert one.value == many.value
    # the variance of a sum of m squares is 2 / (m + 2) of its square
    assert (many.high - many.value) / (one.high - one.value) == pytest.approx((3.0 / 11.0) ** 0.5)
    assert one.low == pytest.approx(max(2.0 * one.value - one.high, 0.0))


def test_the_interval_is_that_of_the_multiplier_bootstrap_with_twice_the_variance(ridges):
    rng = np.random.default_rng(5)
    squared = rng.chisquare(4, N) * np.arange(1.0, N + 1.0) ** -1.3
    draws = [ridges.fit(squared * rng.standard_gamma(3.0, N) / 3.0, degrees=4).value for _ in range(400)]
    fitted = ridges.fit(squared, degrees=4)
    assert (fitted.high - fitted.value) / 1.96 == pytest.approx(2.0**0.5 * np.std(draws), rel=0.2)


def test_what_is_smoother_than_can_be_seen_is_at_the_end(ridges):
    assert ridges.fit(np.eye(N)[0]).value == LARGEST


@pytest.mark.parametrize("eigenvalues", [np.ones(10), np.where(np.arange(40) < 15, 1.0, 0.0)])
def test_too_little_of_a_spectrum_is_refused(eigenvalues):
    with pytest.raises(ValueError, match="an estimate needs 24"):
        EffectiveRidges(eigenvalues)


def test_shares_of_degrees(spectrum):
    shares = degree_shares(spectrum, 0.7)
    assert shares.sum() == pytest.approx(1.0)
    assert (shares[3::2] == 0.0).all()
    # one harmonic of degree 0, three of degree 1 with the indices 2 to 4, five of degree 2 with the indices 5 to 9
    expected = [
        spectrum.eigenvalue[0] ** 0.7,
        3 * spectrum.eigenvalue[1] ** 0.7 / 3,
        5 * spectrum.eigenvalue[2] ** 0.7 / 7,
    ]
    np.testing.assert_allclose(shares[1:3] / shares[0], np.array(expected[1:]) / expected[0], rtol=1e-12)


@pytest.mark.parametrize("dimension", [3, 6])
def test_covariances_are_sums_of_gegenbauer_polynomials(dimension):
    cosines, shares = np.linspace(-1.0, 1.0, 7), np.random.default_rng(6).random((2, 9))
    order = 0.5 * (dimension - 2)
    polynomials = [eval_gegenbauer(k, order, cosines) / eval_gegenbauer(k, order, 1.0) for k in range(9)]
    np.testing.assert_allclose(zonal_covariances(cosines, shares, dimension), shares @ polynomials, atol=1e-12)


def test_functions_have_their_covariance(spectrum):
    inputs = sphere_points(5, DIMENSION, rng=np.random.default_rng(7))
    (values,) = functions_of_smoothness(inputs, spectrum, [0.5], 100_000, rng=np.random.default_rng(8))
    (expected,) = zonal_covariances(inputs @ inputs.T, degree_shares(spectrum, 0.5)[None], DIMENSION)
    np.testing.assert_allclose(values @ values.T / 100_000, expected, atol=0.02)


def test_degrees_that_hold_so_many_harmonics():
    # on the sphere in R^3 the degrees up to k hold (k + 1)^2
    assert [degrees_up_to(3, indices, 50) for indices in (9.0, 10.0, 1e9)] == [2, 3, 50]
