"""Smoothness estimators: tail sums, slopes, the bootstrap, target codings, and MNIST where it is at hand."""

import gzip
from math import log
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import digamma, polygamma

from initatlas.errors import UserError
from initatlas.experiments.smoothness import CODINGS, EXPERIMENT, WINDOWS
from initatlas.kernels import spectrum
from initatlas.kernels.architecture import Architecture
from initatlas.kernels.gram import gram_matrix
from initatlas.kernels.spectrum import EigenCoefficients, eigen_coefficients, eigenpairs, squared_coefficients
from initatlas.smoothness.bootstrap import slope_draws, slope_intervals
from initatlas.smoothness.slopes import (
    decay_exponent,
    decay_exponents,
    fit_weights,
    last_index,
    null_corrected_slope,
    null_slope,
    scaled_window,
)
from initatlas.smoothness.tail_sums import tail_sums
from initatlas.smoothness.targets import initial_functions, target_coding

MNIST = Path(__file__).resolve().parents[4] / "shared" / "data" / "raw" / "mnist"


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=30))
def test_tail_sums_are_sums_of_tails(values):
    tails = tail_sums(np.array(values))
    assert (np.diff(tails) <= 0).all()
    for i, tail in enumerate(tails):
        assert tail == pytest.approx(sum(values[i:]), rel=1e-14, abs=1e-300)


def test_tail_sums_keep_the_small_end():
    squared = 10.0 ** -np.arange(0.0, 40.0)
    np.testing.assert_allclose(tail_sums(squared)[30], 1e-30 / 0.9, rtol=1e-9)
    np.testing.assert_array_equal(tail_sums(np.stack([squared, squared]))[1], tail_sums(squared))


@given(alpha=st.floats(0, 5), scale=st.floats(1e-6, 1e6), window=st.integers(2, 300))
def test_a_power_law_gives_its_exponent(alpha, scale, window):
    tails = scale * np.arange(1.0, 301.0) ** -alpha
    assert decay_exponent(tails, window) == pytest.approx(alpha, abs=1e-9)


def test_exponent_against_numpy_least_squares():
    tails = tail_sums(np.random.default_rng(0).random(200))
    slope = np.polyfit(np.log(np.arange(1, 100)), np.log(tails[:99]), 1)[0]
    assert decay_exponent(tails, 100, inclusive=False) == pytest.approx(-slope, rel=1e-10)
    assert decay_exponent(tails, 99) == pytest.approx(-slope, rel=1e-10)


def test_fit_weights_are_blind_to_a_constant():
    weights = fit_weights(50)
    assert abs(weights.sum()) < 1e-14
    assert weights @ np.log(np.arange(1, 51)) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("n", "window", "inclusive", "expected"),
    [(3000, 2700, False, 0.449), (3000, 270, True, 0.025), (3000, 400, True, 0.037), (3000, 1000, True, 0.101)],
)
def test_null_slopes(n, window, inclusive, expected):
    assert null_slope(n, window, inclusive=inclusive) == pytest.approx(expected, abs=5e-4)


def test_random_labels_give_the_null_slope():
    squared = np.random.default_rng(1).chisquare(1, (300, 1500))
    exponents = decay_exponent(tail_sums(squared), 1350, inclusive=False)
    assert abs(exponents.mean() - null_slope(1500, 1350, inclusive=False)) < 0.02
    assert null_corrected_slope(np.ones(1500), 200) == pytest.approx(0.0, abs=1e-12)


def test_a_window_holds_its_bound_unless_it_is_said():
    squared = np.random.default_rng(5).chisquare(1, 60)
    tails = tail_sums(squared)

    def drawn(**options):
        return slope_draws(squared, [20], draws=100, rng=np.random.default_rng(1), **options)

    def interval(**options):
        return slope_intervals(squared, [20], draws=100, rng=np.random.default_rng(1), **options)

    for function in (
        lambda **options: decay_exponent(tails, 20, **options),
        lambda **options: null_slope(60, 20, **options),
        lambda **options: null_corrected_slope(squared, 20, **options),
        drawn,
        interval,
    ):
        np.testing.assert_array_equal(function(), function(inclusive=True))
        assert np.all(np.asarray(function()) != np.asarray(function(inclusive=False)))


def test_windows():
    assert scaled_window(2700, 3000) == 2700
    assert scaled_window(400, 1000) == 133
    assert scaled_window(270, 10) == 2
    assert last_index(2700, 3000, inclusive=False) == 2699
    for window in (1, 11):
        with pytest.raises(ValueError, match="window"):
            last_index(window, 10, inclusive=True)


def test_a_vanishing_tail_does_not_pass_as_a_number():
    assert not np.isfinite(decay_exponent(tail_sums(np.array([1.0, 1.0, 0.0, 0.0])), 4))


@pytest.mark.parametrize(("degrees", "tolerance"), [(1, 0.3), (9, 0.15)])
def test_bootstrap_variance_is_the_true_variance_on_average(degrees, tolerance):
    # Exact for a linear functional of the squares; the slope is linear to first order only. For one degree of freedom
    # the bootstrap gives .88 of the true variance here.
    rng = np.random.default_rng(2)
    n, window = 1000, 133
    samples = np.arange(1, n + 1) ** -1.4 * rng.chisquare(degrees, (3000, n))
    true_variance = decay_exponent(tail_sums(samples), window).var()
    conditional = [slope_draws(s, [window], degrees=degrees, draws=100, rng=rng).var() for s in samples[:150]]
    assert np.mean(conditional) == pytest.approx(true_variance, rel=tolerance)


@pytest.mark.parametrize("degrees", [1, 9, np.array([4, 1])])
def test_the_multipliers_are_gamma_variables_of_mean_one(degrees):
    """Two coefficients: 2^slope - 1 is C_1 M_1 / (C_2 M_2), and the logarithm of a Gamma variable has known moments."""
    squared = np.array([3.0, 0.5])
    exponents = slope_draws(squared, [2], degrees=degrees, draws=60_000, rng=np.random.default_rng(11))[:, 0]
    logs = np.log(2.0**exponents - 1.0) - np.log(squared[0] / squared[1])
    first, second = np.broadcast_to(0.5 * (np.asarray(degrees) + 2.0), 2)
    variance = polygamma(1, first) + polygamma(1, second)
    mean = digamma(first) - log(first) - digamma(second) + log(second)
    assert logs.mean() == pytest.approx(mean, abs=5.0 * (variance / 60_000) ** 0.5)
    assert logs.var() == pytest.approx(variance, rel=0.04)


@pytest.mark.parametrize(("degrees", "lowest"), [(1, 0.85), (9, 0.90)])
def test_coverage_of_the_interval(degrees, lowest):
    rng = np.random.default_rng(3)
    n, window, trials = 1000, 133, 200
    expected_squares = np.arange(1, n + 1) ** -1.3
    truth = decay_exponent(tail_sums(expected_squares), window)
    hits = 0
    for _ in range(trials):
        squared = expected_squares * rng.chisquare(degrees, n)
        ((low, high),) = slope_intervals(squared, [window], degrees=degrees, draws=200, rng=rng)
        hits += low <= truth <= high
    # Standard error of the coverage: .02. An interval twice too wide would always hit.
    assert lowest - 0.03 <= hits / trials <= 0.995


def test_interval_is_scale_invariant_and_reproducible():
    squared = np.random.default_rng(4).chisquare(1, 300)
    intervals = [
        slope_intervals(scale * squared, [100], draws=100, rng=np.random.default_rng(5)) for scale in (1.0, 2.0**10)
    ]
    np.testing.assert_allclose(intervals[0], intervals[1], rtol=1e-9)
    ((low, high),) = intervals[0]
    assert low < decay_exponent(tail_sums(squared), 100) < high


@pytest.mark.parametrize(("level", "tails"), [(0.95, (0.025, 0.975)), (0.5, (0.25, 0.75))])
def test_the_interval_is_that_of_the_draws_reflected_at_the_estimate(level, tails):
    squared = np.random.default_rng(6).chisquare(1, 300)
    exponents = slope_draws(squared, [30, 100], draws=400, rng=np.random.default_rng(7))
    found = slope_intervals(squared, [30, 100], level=level, draws=400, rng=np.random.default_rng(7))
    for window, drawn, interval in zip((30, 100), exponents.T, found, strict=True):
        estimate = float(decay_exponent(tail_sums(squared), window))
        low, high = np.quantile(drawn, tails)
        np.testing.assert_allclose(interval, [2.0 * estimate - high, 2.0 * estimate - low], rtol=1e-9)


def test_a_higher_level_is_wider():
    squared = np.random.default_rng(6).chisquare(1, 300)
    narrow, wide = (
        slope_intervals(squared, [100], level=level, draws=400, rng=np.random.default_rng(7))[0]
        for level in (0.5, 0.99)
    )
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_rows_share_the_multipliers():
    squared = np.random.default_rng(8).chisquare(1, (2, 3, 40))

    def drawn(rows):
        return slope_draws(rows, [7, 40], draws=50, rng=np.random.default_rng(9))

    together = drawn(squared)
    assert together.shape == (50, 2, 3, 2)
    np.testing.assert_allclose(together[:, 1, 2], drawn(squared[1, 2]), rtol=1e-12)
    # the same draw of the same coefficients, fitted by the estimator itself
    multipliers = np.random.default_rng(9).standard_gamma(1.5, (50, 40)) / 1.5
    expected = decay_exponents(tail_sums(multipliers * squared[1, 2]), [7, 40])
    np.testing.assert_allclose(together[:, 1, 2], expected, rtol=1e-10, atol=1e-12)
    intervals = slope_intervals(squared, [7, 40], draws=50, rng=np.random.default_rng(9))
    alone = slope_intervals(squared[0, 1], [7, 40], draws=50, rng=np.random.default_rng(9))
    np.testing.assert_allclose(intervals[0, 1], alone, rtol=1e-12)


def test_draws_in_chunks_are_all_there():
    squared = np.random.default_rng(8).chisquare(1, 300_000)
    assert slope_draws(squared, [10], draws=7, rng=np.random.default_rng(9)).shape == (7, 1)


def test_many_windows_at_once_are_fitted_as_each_alone():
    tails = np.cumsum(np.random.default_rng(3).exponential(size=(2, 40)), axis=-1)[:, ::-1]
    windows = [3, 7, 40]
    for inclusive in (True, False):
        expected = [decay_exponent(tails, window, inclusive=inclusive) for window in windows]
        found = decay_exponents(tails, windows, inclusive=inclusive)
        np.testing.assert_allclose(found, np.transpose(expected), rtol=1e-12)
    with pytest.raises(ValueError, match="a window needs"):
        decay_exponents(tails, [41])


def test_initial_functions_have_the_covariance_and_no_mean():
    points = np.random.default_rng(0).normal(size=(6, 3))
    covariance = points @ points.T + np.eye(6)
    values = initial_functions(covariance.copy(), 200_000, rng=np.random.default_rng(1))
    centre = np.eye(6) - 1.0 / 6.0
    np.testing.assert_allclose(values @ values.T / 200_000, centre @ covariance @ centre, atol=0.06)
    np.testing.assert_allclose(values.mean(axis=0), 0.0, atol=1e-12)


def test_inputs_that_coincide_have_the_same_initial_function():
    values = initial_functions(np.ones((3, 3)), 5, rng=np.random.default_rng(1))
    np.testing.assert_allclose(values, 0.0, atol=1e-4)


def test_target_codings():
    labels = np.array([0, 1, 2, 2], dtype=np.uint8)
    np.testing.assert_array_equal(target_coding(labels, "class_index"), [[0], [1], [2], [2]])
    np.testing.assert_array_equal(target_coding(labels, "class_index_centred"), [[-1.25], [-0.25], [0.75], [0.75]])
    np.testing.assert_array_equal(target_coding(labels, "one_hot"), [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1]])
    np.testing.assert_array_equal(target_coding(labels, "parity"), [[1], [-1], [1], [1]])
    np.testing.assert_array_equal(target_coding(labels, "first_or_rest"), [[1], [0], [0], [0]])
    with pytest.raises(UserError, match="one_hot"):
        target_coding(labels, "one-hot")


def harmonic_exponent(decay, window):
    """Exponent of a target on the circle whose k-th harmonics, k odd, have the power k^-decay, spread over a pair."""
    k = np.arange(1, 300)
    pair_power = np.where(k % 2 == 1, k**-decay, 0.0) / 2
    return decay_exponent(tail_sums(np.concatenate([[0.0], np.repeat(pair_power, 2)])), window)


def test_known_smoothness_on_the_circle():
    # There the NTK's eigenfunctions are the harmonics: a step has powers k^-2, a kink k^-4, for odd k.
    angle = 2 * np.pi * (np.arange(601) + 0.5) / 601
    features = np.column_stack([np.cos(angle), np.sin(angle)])
    gram = gram_matrix(features, kernel="ntk", architecture=Architecture("relu", 2), normalise=True, bias=True)
    targets = {2.0: np.sign(np.sin(angle - 1.0)), 4.0: np.abs(angle - np.pi) - np.pi / 2}
    for decay, target in targets.items():
        _, squared = eigen_coefficients(gram.copy(), target)
        # A pair's two eigenvalues are equal: any rotation within it is as good, so the split of its power is open.
        assert decay_exponent(tail_sums(squared), 60) == pytest.approx(harmonic_exponent(decay, 60), rel=0.12)


@pytest.mark.skipif(not MNIST.is_dir(), reason="needs MNIST under ../shared/data/raw/mnist")
def test_mnist_smoothness_at_a_third_of_the_samples():
    images = np.frombuffer(gzip.decompress((MNIST / "t10k-images-idx3-ubyte.gz").read_bytes()), np.uint8, offset=16)
    labels = np.frombuffer(gzip.decompress((MNIST / "t10k-labels-idx1-ubyte.gz").read_bytes()), np.uint8, offset=8)
    chosen = np.random.default_rng(0).choice(len(labels), 1000, replace=False)
    features = images.reshape(-1, 784)[chosen]
    gram = gram_matrix(features, kernel="ntk", architecture=Architecture("relu", 1), normalise=True, bias=False)
    _, squared = eigen_coefficients(gram, target_coding(labels[chosen], "class_index"))
    exponent = float(decay_exponent(tail_sums(squared), scaled_window(400, 1000)))
    # At n = 3000 two random subsets gave .404 and .428; the bootstrap's standard error at n = 1000 is .04.
    assert exponent == pytest.approx(0.41, abs=0.12)
    assert log(squared.sum()) == pytest.approx(log(np.mean(labels[chosen].astype(float) ** 2)), rel=1e-10)


class Points:
    """Points of the plane whose class is the quarter of the circle that they lie in."""

    def __init__(self, count, classes=4):
        rng = np.random.default_rng(5)
        angle = rng.uniform(0.0, 2.0 * np.pi, count)
        self._features = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        self._labels = (angle / (2.0 * np.pi) * classes).astype(int)

    def features(self):
        return self._features

    def targets(self):
        return self._labels


def smoothness(data, **settings):
    point = EXPERIMENT.parameters(**{"samples": 120, "draws": 100, **settings})
    (found,) = EXPERIMENT.run([point], [np.random.default_rng(0)], data)
    targets = EXPERIMENT.coordinates(point)["target"].values
    return found, targets


def test_all_targets_of_a_sample_share_its_eigenvectors():
    data = Points(200)
    found, targets = smoothness(data)
    assert (found["sample_size"], found["population"]) == (120, 200)
    chosen = np.random.default_rng(0).choice(200, 120, replace=False)
    gram = gram_matrix(data.features()[chosen], kernel="ntk", architecture=Architecture(), normalise=True)
    labels = data.targets()[chosen]
    eigenvalues, vectors = eigenpairs(gram)
    np.testing.assert_allclose(found["eigenvalue"], eigenvalues, rtol=1e-9, atol=1e-14)
    for place, coding in enumerate(CODINGS):
        assert targets[place] == coding
        tails = tail_sums(squared_coefficients(vectors, target_coding(labels, coding)))
        np.testing.assert_allclose(found["tail_sum"][place], tails, rtol=1e-6, atol=1e-12)
        windows = [scaled_window(window, 120) for window in WINDOWS]
        expected = decay_exponents(tails[None], windows, inclusive=False)[0]
        np.testing.assert_allclose(found["slope"][place], expected, rtol=1e-6)
    assert (np.array(found["slope_low"]) < np.array(found["slope"])).all()


def test_a_data_set_that_is_used_whole_is_decomposed_once(monkeypatch):
    data, sizes = Points(60), []
    monkeypatch.setattr(spectrum, "EigenCoefficients", lambda gram: sizes.append(len(gram)) or EigenCoefficients(gram))

    def drawn(seed, samples, **settings):
        point = EXPERIMENT.parameters(samples=samples, draws=100, seed=seed, **settings)
        return EXPERIMENT.run([point], [np.random.default_rng(seed)], data)[0]

    first, second, more = drawn(0, 60), drawn(1, 60), drawn(1, 90)
    assert sizes == [60]
    shuffled = [name == "shuffled" for name in EXPERIMENT.coordinates(EXPERIMENT.parameters())["target"].values]
    for other in (second, more):
        np.testing.assert_array_equal(first["eigenvalue"], other["eigenvalue"])
        same = (np.array(first["tail_sum"]) == np.array(other["tail_sum"])).all(axis=1)
        assert same[: len(CODINGS)].all()
        assert not same[shuffled].any()
    drawn(0, 50), drawn(1, 50)
    assert sizes == [60, 50, 50]
    np.testing.assert_array_equal(drawn(0, 60)["eigenvalue"], first["eigenvalue"])
    assert sizes == [60, 50, 50]
    for kernel in ({"bias": True}, {"kernel": "nngp"}, {"depth": 2}, {"normalise": False}, {"precision": "float32"}):
        drawn(0, 60, **kernel)
    assert sizes == [60, 50, 50, 60, 60, 60, 60, 60]


def test_shuffled_labels_have_the_null_slope_and_initial_functions_a_steeper_one():
    found, targets = smoothness(Points(400), samples=300)
    slopes = dict(zip(targets, np.array(found["slope"]), strict=True))
    np.testing.assert_allclose(slopes["shuffled"][1:], found["null_slope"][1:], atol=0.1)
    assert (slopes["initial_functions"] > slopes["shuffled"] + 1.0).all()
    shuffled, centred = (
        np.array(found["tail_sum"])[targets.index(name), 0] for name in ("shuffled", "class_index_centred")
    )
    assert shuffled == pytest.approx(centred)


def test_a_coding_that_tells_nothing_apart_is_missing():
    data = Points(200)
    data._labels = 2 + 2 * (data._labels % 2)
    found, targets = smoothness(data)
    missing = {name for name, row in zip(targets, np.array(found["slope"]), strict=True) if np.isnan(row).all()}
    assert missing == {"parity", "first_or_rest"}
    assert np.isfinite(np.array(found["slope"])).all(axis=1).sum() == len(targets) - 2


def test_single_precision_gives_the_same_slopes():
    double, single = (smoothness(Points(400), samples=300, precision=name)[0] for name in ("float64", "float32"))
    # eigenvectors of neighbouring eigenvalues mix, which the window that reaches the smallest ones shows
    assert (abs(np.subtract(single["slope"], double["slope"])[:6]) < [5e-4, 5e-4, 5e-4, 5e-4, 0.02]).all()
    # the kernel itself is another one to seven digits, not more
    assert not np.array_equal(single["eigenvalue"], double["eigenvalue"])
    np.testing.assert_allclose(single["eigenvalue"], double["eigenvalue"], rtol=1e-5, atol=3e-7)
