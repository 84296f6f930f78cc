"""Intervals of the claims: closed cases, and how often each kind covers the truth."""

import numpy as np
import pytest
from scipy.stats import kstest, ttest_ind

from initatlas.studies.claim import Estimate
from initatlas.studies.statistics import (
    agreement,
    by_part,
    confidence,
    correlation_interval,
    difference_interval,
    distribution_distance_interval,
    exact,
    exponent_interval,
    jackknife_interval,
    log_ratio_interval,
    log_slope,
    mean_interval,
    median_interval,
    positive_mean_interval,
    root_mean_square_interval,
    scaled,
    share_interval,
    shifted,
    subsample_interval,
    transformed,
    widened,
)

TRIALS = 1000
LEAST, MOST = 0.93, 0.985
"""Coverage that is asked for, and above which an interval promises too little; 1000 trials of .95 scatter by .007."""


def coverage(interval, draw, truth, seed=1):
    """Share of the trials whose interval holds the truth."""
    rng = np.random.default_rng(seed)
    found = [interval(draw(rng)) for _ in range(TRIALS)]
    return np.mean([estimate.low <= truth <= estimate.high for estimate in found])


def chi_squares(freedom, networks):
    return lambda rng: rng.chisquare(freedom, networks) / freedom


@pytest.mark.parametrize("networks", [3, 4, 12])
def test_students_interval_covers_means_of_normal_numbers(networks):
    assert LEAST <= coverage(mean_interval, lambda rng: rng.normal(2.0, 3.0, networks), 2.0) <= MOST


@pytest.mark.parametrize(("freedom", "networks"), [(1, 20), (2, 12), (10, 8), (100, 8)])
def test_the_interval_of_a_positive_mean_covers_squared_norms(freedom, networks):
    assert LEAST <= coverage(positive_mean_interval, chi_squares(freedom, networks), 1.0) <= MOST


@pytest.mark.parametrize(("counts", "sigmas"), [((40, 40), (0.8, 0.8)), ((20, 40), (0.3, 1.0)), ((8, 8), (0.4, 0.2))])
def test_the_interval_of_a_ratio_of_means_covers(counts, sigmas):
    def draw(rng):
        return [
            factor * rng.lognormal(-(sigma**2) / 2, sigma, count)
            for factor, sigma, count in zip((3.0, 1.0), sigmas, counts, strict=True)
        ]

    assert LEAST <= coverage(lambda pair: log_ratio_interval(*pair), draw, np.log(3.0)) <= MOST


@pytest.mark.parametrize(("spreads", "counts"), [((1.0, 1.0), (4, 6)), ((3.0, 0.5), (6, 6)), ((0.5, 2.0), (30, 5))])
def test_the_interval_of_a_difference_of_means_covers(spreads, counts):
    def draw(rng):
        return [
            rng.normal(mean, spread, count) for mean, spread, count in zip((2.0, 5.0), spreads, counts, strict=True)
        ]

    assert LEAST <= coverage(lambda pair: difference_interval(*pair), draw, -3.0) <= MOST


def test_the_interval_of_a_difference_is_that_of_welch():
    first, second = [1.0, 2.0, 4.0], [5.0, 5.5, 7.0, 6.0]
    expected = ttest_ind(first, second, equal_var=False).confidence_interval(0.9)
    estimate = difference_interval(first, second, 0.9)
    assert (estimate.low, estimate.high) == pytest.approx(tuple(expected))
    assert difference_interval([1.0, 1.0], [3.0, 3.0]).numbers == (-2.0, -2.0, -2.0)


@pytest.mark.parametrize(("power", "samples"), [(1.0, 50), (1.3, 200)])
def test_the_interval_of_a_distance_of_distributions_covers(power, samples):
    grid = np.linspace(0.0, 1.0, 100_001)
    truth = abs(grid**power - grid).max()

    def interval(numbers):
        distance = kstest(numbers, lambda x: np.clip(x, 0.0, 1.0) ** power).statistic
        return distribution_distance_interval(distance, samples)

    assert coverage(interval, lambda rng: rng.random(samples), truth) >= LEAST
    reach = interval(np.array([0.5] * samples)).high - 0.5
    assert reach == pytest.approx(1.358 / samples**0.5, rel=1e-3) or power != 1.0


def test_the_interval_of_a_root_mean_square_covers():
    assert LEAST <= coverage(root_mean_square_interval, lambda rng: rng.normal(size=(12, 5)), 1.0) <= MOST


@pytest.mark.parametrize("networks", [8, 15, 40])
def test_the_interval_of_a_median_covers_whatever_the_law(networks):
    assert coverage(median_interval, lambda rng: rng.standard_t(1.0, networks), 0.0) >= LEAST


@pytest.mark.parametrize(("probability", "total"), [(0.05, 40), (0.5, 30), (0.9, 100)])
def test_the_interval_of_a_share_covers(probability, total):
    assert (
        coverage(lambda count: share_interval(count, total), lambda rng: rng.binomial(total, probability), probability)
        >= LEAST
    )


@pytest.mark.parametrize(("share", "subsamples"), [(0.1, 3), (0.3, 5), (0.3, 10), (0.5, 5)])
def test_the_interval_over_subsamples_covers_the_draw_of_the_data_set(share, subsamples):
    def draw(rng):
        data = rng.exponential(size=400)
        size = round(share * len(data))
        return [np.log(rng.choice(data, size, replace=False).mean()) for _ in range(subsamples)]

    truth = -0.5 / round(share * 400)  # E log of a mean of exponential numbers, to second order
    assert LEAST <= coverage(lambda values: subsample_interval(values, share), draw, truth) <= MOST


def test_subsamples_that_are_the_whole_data_set_bound_nothing():
    assert subsample_interval([1.0, 3.0], 1.0).numbers == (2.0, -np.inf, np.inf)


def test_the_jackknife_covers_an_exponent():
    widths = np.array([64.0, 128.0, 256.0, 512.0])

    def draw(rng):
        return rng.chisquare(4, (12, 4)) / widths

    def exponent(rows):
        return log_slope(widths, rows.mean(axis=0))

    assert LEAST <= coverage(lambda rows: jackknife_interval(exponent, rows), draw, -1.0) <= MOST


@pytest.mark.parametrize(("truth", "networks"), [(0.0, 10), (-0.4, 24), (0.9, 40)])
def test_the_interval_of_a_correlation_covers(truth, networks):
    def draw(rng):
        return rng.multivariate_normal([0.0, 1.0], [[1.0, 2.0 * truth], [2.0 * truth, 4.0]], networks).T

    assert LEAST <= coverage(lambda rows: correlation_interval(*rows), draw, truth) <= MOST


@pytest.mark.parametrize(("freedom", "networks", "shared"), [(2, 20, False), (1, 40, True)])
def test_the_interval_of_an_exponent_covers(freedom, networks, shared):
    """Of squared deviations: networks of their own stand in a row, or one network layer by layer."""
    layers = np.arange(1.0, 6.0)

    def draw(rng):
        own = rng.chisquare(freedom, (networks, 5))
        return (0.5 * own + 0.5 * own[:, :1] if shared else own) * layers**1.2

    assert LEAST <= coverage(lambda rows: exponent_interval(layers, rows), draw, 1.2, seed=2) <= MOST


def test_an_exponent_without_scatter_is_exact():
    rows = 3.0 * np.array([1.0, 2.0, 4.0, 8.0]) ** -1.5 * np.ones((9, 1))
    assert exponent_interval([1.0, 2.0, 4.0, 8.0], rows).numbers == pytest.approx((-1.5, -1.5, -1.5))


def test_parts_share_the_confidence():
    assert confidence() == 0.95
    assert confidence(10) == pytest.approx(0.995)
    values = {"a": [1.0, 2.0, 3.0, 4.0], "b": [5.0, 5.5, 6.0, 7.0]}
    found = by_part(values, mean_interval)
    assert found["a"] == mean_interval(values["a"], 0.975)
    rng = np.random.default_rng(3)
    covered = []
    for _ in range(TRIALS):
        parts = by_part(dict(enumerate(rng.normal(size=(20, 6)))), mean_interval)
        covered.append(all(estimate.low <= 0.0 <= estimate.high for estimate in parts.values()))
    assert LEAST <= np.mean(covered) <= MOST


def test_closed_cases():
    assert exact(2.0, 0.5) == Estimate(2.0, 1.5, 2.5)
    assert exact(2.0) == Estimate(2.0, 2.0, 2.0)
    found = mean_interval([1.0, 2.0, 3.0])
    assert (found.value, found.samples) == (2.0, 3)
    assert found.high - 2.0 == pytest.approx(4.302653 / np.sqrt(3.0))
    assert share_interval(0, 10).numbers == pytest.approx((0.0, 0.0, 0.3084971))
    assert share_interval(10, 10).numbers == pytest.approx((1.0, 0.6915029, 1.0))
    assert share_interval(3, 10).numbers == pytest.approx((0.3, 0.0667395, 0.6524529))
    # with 8 numbers P(Binomial(8, 1/2) < 1) = 1/256: the smallest and the largest; with 5 numbers there is none
    assert median_interval(np.arange(8.0)) == Estimate(3.5, 0.0, 7.0, 8)
    assert median_interval(np.arange(5.0)) == Estimate(2.0, -np.inf, np.inf, 5)
    assert median_interval(np.arange(40.0)).numbers == (19.5, 13.0, 26.0)
    assert positive_mean_interval([2.0] * 8) == Estimate(2.0, 2.0, 2.0, 8)
    assert positive_mean_interval(np.arange(1.0, 9.0)) == positive_mean_interval(np.arange(1.0, 9.0))
    assert shifted(Estimate(1.0, 0.5, 2.0, 3), 1.0) == Estimate(2.0, 1.5, 3.0, 3)
    assert widened(Estimate(1.0, 0.5, 2.0, 3), 0.25) == Estimate(1.0, 0.25, 2.25, 3)
    assert transformed(Estimate(4.0, 1.0, 9.0, 3), np.sqrt) == Estimate(2.0, 1.0, 3.0, 3)
    assert scaled(Estimate(1.0, 0.5, 2.0, 3), -2.0) == Estimate(-2.0, -4.0, -1.0, 3)
    assert log_slope([1, 10, 100], [3.0, 0.3, 0.03]) == pytest.approx(-1.0)
    assert correlation_interval([0.0, 1.0, 2.0, 3.0], [0.0, 2.0, 4.0, 6.0]).value == pytest.approx(1.0)
    # Fisher's transform of 1/2 is 0.5493, with 7 numbers of error 1/2
    found = correlation_interval([-1, -1, 1, 1, 0, 0, 0], [-1, 0, 0, 1, 1, -1, 0]).numbers
    assert found == pytest.approx((0.5, np.tanh(0.549306 - 0.979982), np.tanh(0.549306 + 0.979982)), abs=1e-6)
    assert agreement([1.0, 2.0, 3.0], 2.0) == 1.0
    assert agreement([1.0, 2.0, 3.0], 9.0) < 0.01
