"""Breakpoints across time, on constructed cases."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from initatlas.piecewise.deep import Breakpoints, pieces
from initatlas.piecewise.tracking import changes_by_layer, match, match_in_order


def at(*triples):
    """Breakpoints from (position, layer, unit)."""
    positions, layers, units = np.array(sorted(triples), dtype=float).reshape(-1, 3).T
    return Breakpoints(positions, layers.astype(int), units.astype(int), np.ones(positions.size))


def test_a_unit_that_moves_keeps_its_breakpoint_though_others_pass_it():
    found = match(at((0.0, 1, 0), (0.5, 1, 1)), at((0.7, 1, 0), (0.4, 1, 1)), reach=1.0)
    assert list(zip(found.before, found.after, strict=True)) == [(0, 1), (1, 0)]
    assert not found.died.any()
    assert not found.born.any()


def test_births_and_deaths():
    before = at((0.0, 1, 0), (1.0, 2, 3), (1.1, 2, 3), (5.0, 2, 4))
    after = at((0.1, 1, 0), (5.0, 2, 4), (5.2, 2, 4), (5.3, 2, 4), (2.0, 1, 7))
    found = match(before, after, reach=1.0)
    np.testing.assert_array_equal(before.positions[found.died], [1.0, 1.1])  # a pair that met and vanished
    np.testing.assert_array_equal(after.positions[found.born], [2.0, 5.2, 5.3])
    np.testing.assert_array_equal(found.before, [0, 3])


@pytest.mark.parametrize(("reach", "kept"), [(0.99, 0), (1.01, 1)])
def test_farther_than_the_reach_is_a_death_and_a_birth(reach, kept):
    found = match(at((0.0, 1, 0)), at((1.0, 1, 0)), reach=reach)
    assert (found.before.size, found.died.sum(), found.born.sum()) == (kept, 1 - kept, 1 - kept)


SORTED = st.lists(st.floats(-3, 3), max_size=5).map(lambda values: np.array(sorted(values)))


def price(before, after, pairs, reach):
    travel = sum(abs(before[i] - after[j]) for i, j in pairs)
    return travel + 0.5 * reach * (before.size + after.size - 2 * len(pairs))


@settings(max_examples=80)
@given(SORTED, SORTED, st.floats(0.1, 4))
def test_the_matching_is_the_cheapest_in_order(before, after, reach):
    found = match_in_order(before, after, reach=reach)
    assert all(i < k and j < m for (i, j), (k, m) in pairwise(found))
    best = min(
        price(before, after, list(zip(some, others, strict=True)), reach)
        for count in range(min(before.size, after.size) + 1)
        for some in combinations(range(before.size), count)
        for others in combinations(range(after.size), count)
    )
    assert price(before, after, found, reach) == pytest.approx(best, abs=1e-12)


def test_changes_by_layer_over_several_moments():
    moments = [at((0.0, 1, 0), (1.0, 2, 0)), at((0.5, 1, 0)), at((0.25, 1, 0), (1.0, 2, 0), (1.1, 2, 0))]
    found = changes_by_layer(moments, layers=3, reach=1.0)
    np.testing.assert_array_equal(found.births, [0, 2, 0])
    np.testing.assert_array_equal(found.deaths, [0, 1, 0])
    np.testing.assert_array_equal(found.stayed, [2, 0, 0])
    np.testing.assert_array_equal(found.travelled, [0.75, 0, 0])


def test_a_network_that_moves_a_little_keeps_all_its_breakpoints():
    rng = np.random.default_rng(2)
    weights = [rng.normal(size=shape) for shape in ((6, 1), (6, 6), (1, 6))]
    biases = [rng.normal(size=size) for size in (6, 6, 1)]
    moved = [one * (1 + 1e-9) for one in weights]
    before, after = pieces(weights, biases)[1], pieces(moved, biases)[1]
    found = match(before, after, reach=0.1)
    np.testing.assert_array_equal(found.before, np.arange(before.positions.size))
    assert not found.born.any()


def test_nothing_before_or_after():
    empty = at()
    assert match(empty, at((0.0, 1, 0)), reach=1.0).born.all()
    assert match(at((0.0, 1, 0)), empty, reach=1.0).died.all()
    with pytest.raises(ValueError, match=r"reach: 0\.0, give a distance above 0"):
        match(empty, empty, reach=0.0)
