"""Continuous segmented regression with knots anywhere, against brute force on small data."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from initatlas.piecewise import segments
from initatlas.piecewise.free_knots_kernel import crosses, touching_within, where_it_crosses
from initatlas.piecewise.segments import segment, segment_continuous, segment_many

quick = settings(deadline=None, max_examples=30)
seeds = st.integers(0, 2**32 - 1)


def random_data(seed, n, *, ties=False):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, n, n).astype(float) if ties else rng.normal(size=n)
    return 3.0 * x + 50.0, rng.normal(size=n), rng.uniform(0.2, 3.0, n)


def best_fit(columns, y, w):
    """Coefficients of weighted least squares, and what they leave."""
    root = np.sqrt(w)
    found = np.linalg.lstsq(columns * root[:, None], y * root, rcond=None)[0]
    return found, float((w * (y - columns @ found) ** 2).sum())


def hats(x, knots):
    """Columns that are 1 at one knot and 0 at the others; the first and last line go on."""
    right = np.clip(np.searchsorted(knots, x, side="right"), 1, knots.size - 1)
    share = (x - knots[right - 1]) / (knots[right] - knots[right - 1])
    columns = np.zeros((x.size, knots.size))
    columns[np.arange(x.size), right - 1] = 1.0 - share
    columns[np.arange(x.size), right] = share
    return columns


def brute(x, y, w, pieces, min_points=2):
    """The smallest sum of squares: each knot at a data point, or in a gap where the fits on its sides, made apart, cross."""
    distinct = np.unique(x)
    last = distinct.size - 1
    places = sorted([(p, 0) for p in range(1, last)] + [(p, 1) for p in range(last)])
    best = np.inf
    for knots in combinations(places, pieces - 1):
        starts, ends = [0, *(p + gap for p, gap in knots)], [*(p for p, _ in knots), last]
        if min(end - start + 1 for start, end in zip(starts, ends, strict=True)) < min_points:
            continue
        gaps = [p for p, gap in knots if gap]
        total, fits = 0.0, []
        for a, b in pairwise([-1, *gaps, last]):
            at = distinct[[a + 1, *(p for p, gap in knots if not gap and a + 1 < p < b), b]]
            inside = (x >= at[0]) & (x <= at[-1])
            values, squares = best_fit(hats(x[inside], at), y[inside], w[inside])
            fits.append((at, values))
            total += squares
        ends_of_gaps = [distinct[[p, p + 1]] for p in gaps]
        differences = [
            hats(gap, left[0]) @ left[1] - hats(gap, right[0]) @ right[1]
            for gap, (left, right) in zip(ends_of_gaps, pairwise(fits), strict=True)
        ]
        if all(near * far <= 0.0 for near, far in differences):
            best = min(best, total)
    return best


@quick
@given(seeds, st.integers(3, 8), st.integers(2, 3), st.booleans())
def test_fits_are_those_of_brute_force(seed, n, min_points, ties):
    x, y, w = random_data(seed, n, ties=ties)
    count = np.unique(x).size
    most = max(1, (count - 1) // (min_points - 1))
    found = segment_continuous(x, y, pieces=most, min_points=min_points, weights=w, between=True)
    assert found.optimal.all()
    if count > 1:
        expected = [brute(x, y, w, pieces, min(min_points, count)) for pieces in range(1, most + 1)]
        np.testing.assert_allclose(found.squares, expected, rtol=1e-8, atol=1e-11)
    for pieces, function in enumerate(found.functions, 1):
        assert function.slopes.size == pieces
        assert abs(function.gaps).max(initial=0.0) < 1e-7 * (1.0 + abs(function.slopes).max())
        residuals = y - function(x)
        assert float((w * residuals**2).sum()) == pytest.approx(found.squares[pieces - 1], rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("seed", range(3))
def test_no_knots_at_all_do_better(seed):
    """Whatever the search believes of optima: a least squares fit with random knots is never better."""
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(0.0, 1.0, 30))
    y = np.sin(7.0 * x) + 0.2 * rng.normal(size=30)
    best = segment_continuous(x, y, pieces=4, between=True).squares[-1]
    tried = []
    for _ in range(3000):
        knots = np.array([x[0], *np.sort(rng.uniform(x[0], x[-1], 3)), x[-1]])
        inside = [((x >= low) & (x <= high)).sum() for low, high in pairwise(knots)]
        if min(inside) >= 2:
            tried.append(best_fit(hats(x, knots), y, np.ones(30))[1])
    assert len(tried) > 500
    assert best <= min(tried) < 1.5 * best


def zigzag(n=80, noise=0.05):
    """Three lines that meet between data points, at 0.3034 and 0.7011."""
    rng = np.random.default_rng(4)
    x = np.linspace(0.0, 1.0, n)
    return x, np.interp(x, [0.0, 0.3034, 0.7011, 1.0], [0.0, 1.0, -1.0, 0.5]) + noise * rng.normal(size=n)


def test_exact_lines_are_found_with_their_knots():
    x, y = zigzag(noise=0.0)
    found = segment_continuous(x, y, pieces=4, between=True)
    np.testing.assert_allclose(found.functions[2].knots, [0.3034, 0.7011], rtol=1e-10)
    assert found.squares[2] < 1e-20 < segment_continuous(x, y, pieces=3).squares[2]
    assert found.chosen().slopes.size == 3


def test_knots_anywhere_are_between_those_at_data_and_lines_apart():
    x, y = zigzag()
    anywhere = segment_continuous(x, y, pieces=5, between=True).squares
    assert (anywhere <= segment_continuous(x, y, pieces=5).squares * (1 + 1e-12)).all()
    assert (anywhere >= segment(x, y, pieces=5, min_points=1).squares * (1 - 1e-12)).all()
    assert anywhere[2] < 0.9999 * segment_continuous(x, y, pieces=3).squares[2]


def test_pwlf_finds_no_better_fit():
    """Of pwlf 2.7.0, `PiecewiseLinFit(x, y, seed=0).fit(4)`: differential evolution, and its best breaks."""
    i = np.arange(60)
    x, y = i / 10.0, np.sin(i / 6.0) + np.where(i > 25, 0.7, 0.0) + 0.2 * np.cos(7.0 * i)
    found = segment_continuous(x, y, pieces=4, between=True)
    assert found.squares[3] <= 2.128684344012343
    assert found.squares[3] == pytest.approx(2.128684344012343, rel=1e-10)
    np.testing.assert_allclose(found.functions[3].knots, [0.96578967, 2.41768145, 4.75745561], rtol=2e-6)


def test_a_search_that_ends_early_says_how_much_better_a_fit_may_be():
    x, y = zigzag()
    exact = segment_continuous(x, y, pieces=3, between=True)
    ended = segment_continuous(x, y, pieces=3, between=True, effort=5)
    assert ended.optimal.tolist() == [True, False, False]
    assert (ended.squares >= exact.squares * (1 - 1e-12)).all()
    np.testing.assert_allclose(ended.lower_bounds, segment(x, y, pieces=3, min_points=1).squares)


@pytest.mark.parametrize("seed", range(4))
def test_the_search_needs_no_good_start(monkeypatch, seed):
    x, y, w = random_data(seed, 40)
    usual = segment_continuous(x, y, pieces=4, weights=w, between=True)
    monkeypatch.setattr(segments, "_ROUGH", ())
    np.testing.assert_allclose(segment_continuous(x, y, pieces=4, weights=w, between=True).squares, usual.squares)


def test_many_series_have_their_knots_anywhere():
    x, y = zigzag()
    found = segment_many(x, [y, -y], pieces=3, continuous=True, between=True, threads=2)
    one = segment_continuous(x, y, pieces=3, between=True)
    for each in found:
        np.testing.assert_array_equal(each.functions[2].knots, one.functions[2].knots)


def test_order_and_units_change_nothing():
    x, y = zigzag()
    order = np.random.default_rng(2).permutation(x.size)
    here = segment_continuous(x, y, pieces=4, between=True)
    there = segment_continuous(1e6 + 1e3 * x[order], 1e4 + 5.0 * y[order], pieces=4, between=True)
    np.testing.assert_allclose(there.squares, 25.0 * here.squares, rtol=1e-6)
    np.testing.assert_allclose((there.functions[2].knots - 1e6) / 1e3, here.functions[2].knots, rtol=1e-6)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_points(n):
    x, y = np.arange(float(n)), np.array([1.0, 3.0, 2.0])[:n]
    found = segment_continuous(x, y, pieces=max(1, n - 1), between=True)
    np.testing.assert_allclose(found.functions[-1](x), y, atol=1e-12)
    assert found.optimal.all()


@given(seeds)
@settings(deadline=None, max_examples=60)
def test_lines_cross_in_a_gap_exactly_where_the_interval_says(seed):
    """The line through (0, phi) that fits points at distances 1 to 3 best, and another one across the gap from 3 to 5."""
    rng = np.random.default_rng(seed)
    distance = np.array([0.0, *np.sort(rng.uniform(0.5, 3.0, rng.integers(1, 4)))])
    y, w = rng.normal(size=distance.size), rng.uniform(0.5, 2.0, distance.size)
    total = np.array([w.sum(), w @ distance, w @ distance**2, w @ y, w @ (distance * y), w @ y**2])
    near, far = rng.normal(size=2)
    low, high = where_it_crosses(total, near, far, 5.0, distance[-1])
    for phi in rng.normal(size=20) * 3.0:
        slope = (total[4] - phi * total[1]) / total[2]
        assert crosses(near, far, phi + 5.0 * slope, phi + distance[-1] * slope) == (low <= phi <= high)


def test_an_envelope_takes_a_quadratic_where_it_holds_alone():
    everywhere, low, empty, high = (-np.inf, np.inf), (1.0, 2.0), (7.0, 6.0), (0.0, 9.0)
    rows = np.array(
        [[1, 0, 0, *everywhere], [1, 0, -5, *low], [1, 0, -9, *empty], [1, 0, 1, *high]],
        dtype=float,
    )
    assert touching_within(rows, 4, 100.0).tolist() == [0, 1]
    assert touching_within(rows, 4, -0.5).tolist() == [1]
    rows[0, 3:] = 1.5, 3.0
    assert touching_within(rows, 4, 100.0).tolist() == [0, 1, 3]
