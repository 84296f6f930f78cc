"""Segmented regression, against brute force over all breaks on small data."""

import re
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from initatlas.piecewise import segments, segments_search
from initatlas.piecewise.continuous_kernel import crossings, touching
from initatlas.piecewise.segments import greedy_merge, segment, segment_continuous, segment_many
from initatlas.piecewise.segments_kernel import cost, prefix_sums
from initatlas.piecewise.segments_search import search

quick = settings(deadline=None, max_examples=40)
seeds = st.integers(0, 2**32 - 1)


def random_data(seed, n, *, ties=False):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, n, n).astype(float) if ties else rng.normal(size=n)
    return 3.0 * x + 50.0, rng.normal(size=n), rng.uniform(0.2, 3.0, n)


def left_over(columns, y, w):
    root = np.sqrt(w)
    found = np.linalg.lstsq(columns * root[:, None], y * root, rcond=None)[0]
    return float((w * (y - columns @ found) ** 2).sum())


def line(x, y, w):
    return left_over(np.stack([np.ones_like(x), x - x.mean()], axis=1), y, w)


def brute(x, y, w, pieces, min_points=2):
    """The smallest sum of squares of lines that need not meet."""
    distinct = np.unique(x)
    found = [np.inf]
    for breaks in combinations(range(1, distinct.size), pieces - 1):
        edges = [0, *breaks, distinct.size]
        if min(np.diff(edges)) >= min_points:
            parts = [np.isin(x, distinct[a:b]) for a, b in pairwise(edges)]
            found.append(sum(line(x[part], y[part], w[part]) for part in parts))
    return min(found)


def brute_continuous(x, y, w, pieces, places=None, min_points=2):
    """The smallest sum of squares of a continuous function with knots at data points."""
    allowed = np.unique(x) if places is None else places
    found = [np.inf]
    for inner in combinations(range(1, allowed.size - 1), pieces - 1):
        chosen = [0, *inner, allowed.size - 1]
        if min(np.diff(chosen)) >= min_points - 1:
            knots = allowed[chosen]
            columns = np.stack([np.interp(x, knots, row) for row in np.eye(knots.size)], axis=1)
            found.append(left_over(columns, y, w))
    return min(found)


def sum_of_squares(function, x, y, w):
    return float((w * (y - function(x)) ** 2).sum())


@quick
@given(seeds, st.integers(2, 9), st.integers(1, 3), st.booleans())
def test_free_lines_are_those_of_brute_force(seed, n, min_points, ties):
    x, y, w = random_data(seed, n, ties=ties)
    most = max(1, np.unique(x).size // min_points)
    found = segment(x, y, pieces=most, min_points=min_points, weights=w)
    expected = [brute(x, y, w, pieces, min(min_points, np.unique(x).size)) for pieces in range(1, most + 1)]
    np.testing.assert_allclose(found.squares, expected, rtol=1e-9, atol=1e-11)
    assert found.optimal.all()
    for pieces, function in enumerate(found.functions, 1):
        assert function.slopes.size == pieces
        assert sum_of_squares(function, x, y, w) == pytest.approx(expected[pieces - 1], rel=1e-8, abs=1e-9)


@quick
@given(seeds, st.integers(2, 8), st.booleans())
def test_continuous_functions_are_those_of_brute_force(seed, n, ties):
    x, y, w = random_data(seed, n, ties=ties)
    most = max(1, np.unique(x).size - 1)
    found = segment_continuous(x, y, pieces=most, weights=w)
    if np.unique(x).size > 1:
        expected = [brute_continuous(x, y, w, pieces) for pieces in range(1, most + 1)]
        np.testing.assert_allclose(found.squares, expected, rtol=1e-9, atol=1e-11)
    for pieces, function in enumerate(found.functions, 1):
        assert function.slopes.size == pieces
        assert abs(function.gaps).max(initial=0.0) < 1e-8
        assert np.isin(function.knots, x).all()
        assert sum_of_squares(function, x, y, w) == pytest.approx(found.squares[pieces - 1], rel=1e-8, abs=1e-9)


@pytest.mark.parametrize("min_points", [2, 3, 4])
def test_continuous_pieces_have_their_fewest_points(min_points):
    x, y, w = random_data(3, 11)
    most = 10 // (min_points - 1)
    found = segment_continuous(x, y, pieces=most, min_points=min_points, weights=w)
    expected = [brute_continuous(x, y, w, pieces, min_points=min_points) for pieces in range(1, most + 1)]
    np.testing.assert_allclose(found.squares, expected, rtol=1e-9, atol=1e-12)


def test_continuous_knots_at_some_places_use_all_data():
    x, y, w = random_data(4, 29)
    found = segment_continuous(x, y, pieces=4, weights=w, places=8)
    places = np.sort(x)[[0, 4, 8, 12, 16, 20, 24, 28]]
    expected = [brute_continuous(x, y, w, pieces, places) for pieces in range(1, 5)]
    np.testing.assert_allclose(found.squares, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_longer_continuous_fits_are_those_of_brute_force(seed):
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(-3.0, 3.0, 24))
    y = np.sin(2.0 * x) + 0.3 * rng.normal(size=24)
    w = np.ones(24)
    found = segment_continuous(x, y, pieces=4)
    np.testing.assert_allclose(found.squares, [brute_continuous(x, y, w, k) for k in range(1, 5)], rtol=1e-9)


def test_costs_of_lines_have_no_monge_property():
    y = np.array([2.0, 1.0, 1.0, 0.0])

    def piece(start, end):
        return line(np.arange(start, end, dtype=float), y[start:end], np.ones(end - start))

    assert piece(0, 3) + piece(1, 4) == pytest.approx(1 / 3)
    assert piece(0, 4) + piece(1, 3) == pytest.approx(0.2)


def waves():
    i = np.arange(60)
    return i / 10.0, np.sin(i / 6.0) + np.where(i > 25, 0.7, 0.0) + 0.2 * np.cos(7.0 * i)


def test_ruptures_finds_the_same():
    """Of ruptures 1.1.10, `Dynp(model="linear", min_size=2, jump=1)` on (y, 1, x)."""
    x, y = waves()
    found = segment(x, y, pieces=5)
    expected = {
        (35,): 12.679477569805925,
        (20, 43): 4.574905476365784,
        (9, 22, 49): 2.1037193646259262,
        (10, 26, 32, 47): 1.2780027390903372,
    }
    for pieces, (breaks, squares) in enumerate(expected.items(), 2):
        np.testing.assert_allclose(found.functions[pieces - 1].knots, np.array(breaks) / 10.0 - 0.05, rtol=1e-12)
        assert found.squares[pieces - 1] == pytest.approx(squares, rel=1e-12)


def test_pwlf_fits_the_same_with_the_same_knots():
    """Of pwlf 2.7.0, `fit_with_breaks` at our knots."""
    found = segment_continuous(*waves(), pieces=4)
    np.testing.assert_allclose(found.functions[3].knots, [1.0, 2.4, 4.8], rtol=1e-12)
    assert found.squares[3] == pytest.approx(2.1630853128470813, rel=1e-12)
    slopes = [1.08174917, -1.43474539, 1.11427046, -1.42891628]
    np.testing.assert_allclose(found.functions[3].slopes, slopes, rtol=1e-7)


def signal(n, *, noise=0.3, seed=0, jumps=True):
    """Four lines with breaks after 0.2, 0.5 and 0.85 of the data."""
    rng = np.random.default_rng(seed)
    x = np.linspace(0.0, 1.0, n)
    y = np.interp(x, [0.0, 0.2, 0.5, 0.85, 1.0], [0.0, 2.0, -1.0, 1.5, 0.0])
    return x, y + 0.8 * jumps * (x > 0.5) + noise * rng.normal(size=n)


@pytest.mark.parametrize("jumps", [True, False])
@pytest.mark.parametrize("min_points", [1, 2, 90])
def test_branch_and_bound_finds_what_trying_all_breaks_finds(monkeypatch, jumps, min_points):
    x, y = signal(1500, jumps=jumps)
    everything = segment(x, y, pieces=5, min_points=min_points)
    monkeypatch.setattr(segments, "_EXHAUSTIVE", 100)
    searched = segment(x, y, pieces=5, min_points=min_points, effort=np.inf)
    np.testing.assert_allclose(searched.squares, everything.squares, rtol=1e-12)
    assert searched.optimal.all()
    for one, other in zip(searched.functions, everything.functions, strict=True):
        np.testing.assert_array_equal(one.knots, other.knots)


@pytest.mark.parametrize("jumps", [True, False])
def test_the_search_needs_no_good_start(monkeypatch, jumps):
    x, y = signal(1500, jumps=jumps, seed=3)
    everything = segment(x, y, pieces=5)
    monkeypatch.setattr(segments, "_EXHAUSTIVE", 100)
    monkeypatch.setattr(segments_search, "_BLOCKS", 40)
    monkeypatch.setattr(segments_search, "improve", lambda *_: None)
    searched = segment(x, y, pieces=5, effort=np.inf)
    np.testing.assert_allclose(searched.squares, everything.squares, rtol=1e-12)


@quick
@given(seeds)
def test_bounds_of_a_search_that_ends_early_hold(seed):
    rng = np.random.default_rng(seed)
    x, y, w = np.linspace(0.0, 1.0, 700), rng.normal(size=700), rng.uniform(0.5, 2.0, 700)
    data = np.stack([w, x, y])
    exact = segment(x, y, pieces=3, weights=w)
    for effort in (0.0, 300.0):
        for pieces, found in enumerate(search(data, 3, 2, effort), 2):
            assert found.bound <= exact.squares[pieces - 1] * (1 + 1e-12)
            assert found.squares >= exact.squares[pieces - 1] * (1 - 1e-12)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("shortest", [1, 2, 5])
def test_several_breaks_in_one_block_are_found(monkeypatch, seed, shortest):
    monkeypatch.setattr(segments_search, "_BLOCKS", 6)
    rng = np.random.default_rng(seed)
    data = np.stack([rng.uniform(0.5, 2.0, 150), np.linspace(-0.5, 0.5, 150), rng.normal(size=150)])
    data[2, 70:78] += [4.0, 5.0, 6.0, -5.0, -4.0, -3.0, 3.0, 3.0]
    exact = segment(data[1], data[2], pieces=5, min_points=shortest, weights=data[0])
    blocks = segments_search._Blocks.everywhere(150, 4)
    bounds = segments_search._Bounds.of_blocks(data, prefix_sums(data), blocks, shortest)
    for breaks in range(1, 5):
        places = np.searchsorted(data[1], exact.functions[breaks].knots)
        for k, place in enumerate(places):
            here = bounds.totals(k, breaks)[np.searchsorted(blocks.highs[k], place)]
            assert bounds.best(breaks)[0] * (1 - 1e-12) <= here <= exact.squares[breaks] * (1 + 1e-12)
    found = search(data, 5, shortest, np.inf)[-1]
    assert found.squares == pytest.approx(exact.squares[4], rel=1e-12)
    assert found.bound == found.squares


def test_a_search_that_ends_early_says_so():
    x, y = signal(2500, jumps=False)
    found = segment(x, y, pieces=4, effort=0.0)
    assert found.optimal.tolist() == [True, False, False, False]
    assert (found.lower_bounds[1:] > 0.5 * found.squares[1:]).all()


def test_ties_count_in_a_search():
    x, y = (np.concatenate([part, part]) for part in signal(2500))
    y[2500:] += 1.0
    found = segment(x, y, pieces=4)
    assert found.optimal.all()
    once = segment(x[:2500], (y[:2500] + y[2500:]) / 2.0, pieces=4)
    np.testing.assert_allclose(found.squares, 2 * once.squares + 2500 * 0.5, rtol=1e-10)


def test_costs_keep_their_digits_in_long_data():
    rng = np.random.default_rng(1)
    n = 200_000
    data = np.stack([np.ones(n), np.linspace(-0.5, 0.5, n), rng.normal(size=n)])
    sums = prefix_sums(data)
    for start, end in ((n - 17, n), (n - 40, n - 3), (150_000, 150_200), (3, n - 5)):
        expected = line(data[1, start:end], data[2, start:end], data[0, start:end])
        assert cost(data, sums, start, end) == pytest.approx(expected, rel=1e-7)


def test_exact_pieces_are_found_and_chosen():
    x, y = signal(101, noise=0.0)
    for criterion in ("bic", "lwz"):
        found = segment(x, y, pieces=7)
        assert found.chosen(criterion).slopes.size == 4
        np.testing.assert_allclose(found.chosen(criterion)(x), y, atol=1e-12)
    x, y = signal(101, noise=0.0, jumps=False)
    continuous = segment_continuous(x, y, pieces=7)
    np.testing.assert_allclose(continuous.chosen().knots, [0.2, 0.5, 0.85], atol=1e-12)
    np.testing.assert_allclose(continuous.chosen().slopes, [10.0, -10.0, 2.5 / 0.35, -10.0], rtol=1e-10)


def test_criteria_are_those_of_their_authors():
    x, y = signal(200)
    found = segment(x, y, pieces=3)
    n, sums, p = 200, found.squares, np.array([2.0, 5.0, 8.0])
    np.testing.assert_allclose(found.criterion("bic"), n * np.log(sums / n) + p * np.log(n), rtol=1e-13)
    np.testing.assert_allclose(
        found.criterion("lwz"), n * np.log(sums / (n - p)) + 0.299 * p * np.log(n) ** 2.1, rtol=1e-13
    )
    continuous = segment_continuous(x, y, pieces=3, places=20)
    assert continuous.parameters.tolist() == [2, 4, 6]


def test_few_points_have_no_criterion_for_many_pieces():
    x, y, _ = random_data(0, 6)
    assert np.isinf(segment(x, y, pieces=3).criterion()).tolist() == [False, False, True]


def test_noise_alone_has_one_piece_and_the_signal_has_four():
    rng = np.random.default_rng(5)
    x = np.linspace(0.0, 1.0, 300)
    assert segment(x, rng.normal(size=300), pieces=5).chosen("lwz").slopes.size == 1
    assert segment(*signal(600), pieces=7).chosen().slopes.size == 4
    assert segment_continuous(*signal(300, jumps=False), pieces=6).chosen().slopes.size == 4


def test_a_penalty_chooses_by_the_sum():
    found = segment(*signal(400), pieces=6)
    totals = [found.squares[k] + 2.5 * k for k in range(6)]
    assert found.penalised(2.5) is found.functions[int(np.argmin(totals))]
    assert found.penalised(0.0).slopes.size == 6
    assert found.penalised(1e9).slopes.size == 1


def test_many_series_are_as_one_by_one():
    x, y = signal(150)
    series = np.stack([y, -y, y[::-1]])
    for continuous in (False, True):
        one = segment_continuous if continuous else segment
        found = segment_many(x, series, pieces=3, continuous=continuous, threads=2)
        for row, result in zip(series, found, strict=True):
            np.testing.assert_array_equal(result.squares, one(x, row, pieces=3).squares)


def test_the_order_of_the_data_and_where_they_lie_change_nothing():
    x, y = signal(120)
    order = np.random.default_rng(2).permutation(120)
    for one in (segment, segment_continuous):
        here = one(x, y, pieces=4)
        there = one(1e6 + 1e3 * x[order], 1e4 + 5.0 * y[order], pieces=4)
        np.testing.assert_allclose(there.squares, 25.0 * here.squares, rtol=1e-6)
        np.testing.assert_allclose((there.functions[-1].knots - 1e6) / 1e3, here.functions[-1].knots, rtol=1e-9)


def test_whole_weights_are_repeated_points():
    x, y, _ = random_data(7, 12)
    w = np.arange(12) % 3 + 1
    for one in (segment, segment_continuous):
        weighted = one(x, y, pieces=3, weights=w)
        repeated = one(np.repeat(x, w), np.repeat(y, w), pieces=3)
        np.testing.assert_allclose(weighted.squares, repeated.squares, rtol=1e-10)


def merged_by_hand(y, kept, stop, noise):
    """Algorithm 1 of Acharya et al. on a unit grid."""
    parts = [[i] for i in range(len(y))]

    def error(part):
        if len(part) <= 2:
            return -noise * len(part)
        return line(np.array(part, dtype=float), y[part], np.ones(len(part))) - noise * len(part)

    while len(parts) > stop:
        pairs = [a + b for a, b in zip(parts[::2], parts[1::2], strict=False)]
        if len(pairs) <= kept:
            break
        errors = [error(pair) for pair in pairs]
        whole = sorted(range(len(pairs)), key=lambda p: (errors[p], p))[: len(pairs) - kept]
        rest = parts[2 * len(pairs) :]
        parts = [
            part
            for p, pair in enumerate(pairs)
            for part in ([pair] if p in whole else [parts[2 * p], parts[2 * p + 1]])
        ] + rest
    return [part[0] for part in parts[1:]]


@pytest.mark.parametrize(("tau", "gamma", "noise"), [(1.0, 1, 0.0), (2.0, 5, 0.09), (0.5, 0, 0.3)])
def test_greedy_merging_is_that_of_its_authors(tau, gamma, noise):
    x, y = np.arange(203.0), signal(203)[1]
    fit = greedy_merge(x, y, pieces=4, tau=tau, gamma=gamma, noise_variance=noise)
    breaks = merged_by_hand(y, int((1 + 1 / tau) * 4), int((2 + 2 / tau) * 4 + gamma), noise)
    np.testing.assert_array_equal(fit.function.knots, np.array(breaks) - 0.5)
    assert fit.squares == pytest.approx(sum_of_squares(fit.function, x, y, np.ones(203)), rel=1e-10)


def test_greedy_merging_is_near_the_optimum():
    x, y = signal(3000)
    fit = greedy_merge(x, y, pieces=4, noise_variance=0.09)
    best = segment(x, y, pieces=4).squares[-1]
    assert fit.function.slopes.size <= 17
    assert fit.squares < 1.02 * best


def test_an_envelope_keeps_what_touches_it():
    def quadratic(curvature, at, low):
        return [curvature, -2 * curvature * at, curvature * at**2 + low, 0.0, 0.0]

    rows = np.array(
        [quadratic(1, 0, 0), quadratic(1, 4, 1), quadratic(2, 1.8, 3.9), quadratic(9, 2, 2), quadratic(1, 0, 7)]
    )
    assert touching(rows, 5, 100.0).tolist() == [0, 1, 3]
    assert touching(rows, 5, 1.5).tolist() == [0, 1]
    assert touching(rows, 5, 0.5).tolist() == [0]
    assert touching(rows, 5, -1.0).tolist() == []


@quick
@given(st.floats(-3, 3), st.floats(0.1, 2), st.floats(2.01, 4), st.floats(-3, 3))
def test_crossings_are_in_order(at, one, other, low):
    first = np.array([one, -2 * one * at, one * at**2 + low])
    second = np.array([other, 0.0, 0.0])
    left, right = crossings(first, second)
    assert left <= right
    for place in (left, right):
        if np.isfinite(place):
            values = [(q[0] * place + q[1]) * place + q[2] for q in (first, second)]
            assert values[0] == pytest.approx(values[1], rel=1e-6, abs=1e-6)


def test_degenerate_data_have_their_right_answers():
    alone = segment([3.0], [2.0], pieces=1)
    assert (alone.functions[0](7.0), alone.squares[0]) == (2.0, 0.0)
    for one in (segment, segment_continuous):
        tied = one([1.0, 1.0], [0.0, 2.0], pieces=1)
        assert (tied.functions[0](1.0), tied.squares[0]) == (1.0, 2.0)
        two = one([1.0, 2.0], [0.0, 2.0], pieces=1)
        assert (two.functions[0].slopes[0], two.squares[0]) == (pytest.approx(2.0), pytest.approx(0.0, abs=1e-20))
        flat = one(np.arange(9.0), np.full(9, 5.0), pieces=3)
        assert flat.chosen().slopes.size == 1
    assert segment([1.0, 2.0, 3.0], [5.0, 1.0, 2.0], pieces=3, min_points=1).functions[2].slopes.tolist() == [0.0] * 3
    assert greedy_merge([1.0], [4.0], pieces=1).function(0.0) == 4.0


def test_a_break_between_neighbouring_floats_keeps_both_on_their_sides():
    x = np.array([0.0, 1.0, np.nextafter(1.0, 2.0), 2.0])
    found = segment(x, [0.0, 0.0, 9.0, 9.0], pieces=2)
    np.testing.assert_allclose(found.functions[1](x), [0.0, 0.0, 9.0, 9.0], atol=1e-12)


GOOD = ([1.0, 2.0, 3.0, 4.0], [0.0, 1.0, 0.0, 1.0])


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda: segment([], [], pieces=1), "x: no points"),
        (lambda: segment([1.0, np.nan], [0.0, 1.0], pieces=1), "x: nan or infinite at place (1,)"),
        (lambda: segment_continuous([1.0, 2.0], [np.inf, 1.0], pieces=1), "y: nan or infinite at place (0,)"),
        (lambda: segment([1.0, 2.0], [1.0], pieces=1), "y: 1 targets for 2 inputs"),
        (lambda: segment(*GOOD, pieces=0), "pieces: 0, give at least 1"),
        (
            lambda: segment(*GOOD, pieces=3),
            "pieces: 3, but 4 distinct x with min_points 2 allow at most 2",
        ),
        (
            lambda: segment([1.0, 1.0, 2.0, 2.0], GOOD[1], pieces=2),
            "pieces: 2, but 2 distinct x with min_points 2 allow at most 1",
        ),
        (
            lambda: segment_continuous(*GOOD, pieces=4),
            "pieces: 4, but 4 places with min_points 2 allow at most 3",
        ),
        (
            lambda: segment_continuous(*GOOD, pieces=3, places=3),
            "pieces: 3, but 3 places with min_points 2 allow at most 2",
        ),
        (lambda: segment(*GOOD, pieces=1, min_points=0), "min_points: 0, give at least 1"),
        (
            lambda: segment_continuous(*GOOD, pieces=1, min_points=1),
            "min_points: 1, give at least 2: a piece has both its ends",
        ),
        (lambda: segment_continuous(*GOOD, pieces=1, places=1), "places: 1, give at least 2: the ends are two"),
        (
            lambda: segment_continuous(*GOOD, pieces=1, places=2, between=True),
            "places: 2, but knots that lie between data points have none; leave out one of the two",
        ),
        (
            lambda: segment_continuous(*GOOD, pieces=4, between=True),
            "pieces: 4, but 4 places with min_points 2 allow at most 3",
        ),
        (
            lambda: segment_many(GOOD[0], [GOOD[1]], pieces=1, between=True),
            "between: is about lines that meet; give continuous=True too",
        ),
        (lambda: segment(*GOOD, pieces=1, weights=[1.0]), "weights: 1 weights for 4 points"),
        (
            lambda: segment(*GOOD, pieces=1, weights=[1.0, 0.0, 1.0, 1.0]),
            "weights: must be above 0; leave points out that have none",
        ),
        (lambda: segment(*GOOD, pieces=1).criterion("aic"), "criterion: 'aic', allowed: bic, lwz"),
        (lambda: segment(*GOOD, pieces=1).penalised(-1.0), "penalty: -1.0, give a number of at least 0"),
        (lambda: segment(*GOOD, pieces=1).penalised(np.nan), "penalty: nan, give a number of at least 0"),
        (lambda: greedy_merge(*GOOD, pieces=0), "pieces: 0, give at least 1"),
        (lambda: greedy_merge(*GOOD, pieces=1, tau=0.0), "tau: 0.0, give a number above 0"),
        (lambda: greedy_merge(*GOOD, pieces=1, gamma=-1), "gamma: -1, give a number of at least 0"),
        (
            lambda: greedy_merge(*GOOD, pieces=1, noise_variance=np.nan),
            "noise_variance: nan, give a number of at least 0",
        ),
        (lambda: segment_many(*GOOD, pieces=1), "series: 1 dimensions, give two"),
    ],
)
def test_bad_input_is_one_line(call, line):
    with pytest.raises(ValueError, match=f"^{re.escape(line)}$"):
        call()
