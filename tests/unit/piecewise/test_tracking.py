"""Breakpoints across time, on constructed cases."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from initatlas.piecewise.deep import Breakpoints, pieces
from initatlas.piecewise.descent import Descent, train_shallow
from initatlas.piecewise.shallow import ShallowNetwork
from initatlas.piecewise.starts import layers_of
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


def test_velocity_is_to_the_right_positive_and_by_the_time():
    found = match(at((0.0, 1, 0), (1.0, 1, 1), (4.0, 2, 0)), at((0.5, 1, 0), (0.75, 1, 1), (9.0, 2, 0)), reach=1.0)
    np.testing.assert_array_equal(found.before, [0, 1])  # the third died, far from where its unit broke anew
    np.testing.assert_array_equal(found.velocities(1.0), [0.5, -0.25])
    np.testing.assert_array_equal(found.velocities(100.0), [0.005, -0.0025])
    with pytest.raises(ValueError, match=r"time: 0\.0, give a time above 0"):
        found.velocities(0.0)


def test_velocity_follows_the_matching_rule():
    """A breakpoint keeps its unit, those of a unit keep their order, and the total distance is least."""
    found = match(at((0.0, 2, 0), (0.5, 2, 0), (1.0, 2, 0)), at((0.4, 2, 0), (0.9, 2, 0)), reach=2.0)
    np.testing.assert_allclose(found.velocities(2.0), [-0.05, -0.05])  # the first one died
    found = match(at((0.0, 2, 0), (0.5, 2, 0)), at((0.4, 2, 0), (0.6, 2, 0)), reach=2.0)
    np.testing.assert_allclose(found.velocities(2.0), [0.2, 0.05])  # though 0.5 is as near to 0.4
    found = match(at((0.0, 2, 0), (0.5, 2, 1)), at((0.4, 2, 0), (0.1, 2, 1)), reach=2.0)
    np.testing.assert_allclose(found.velocities(2.0), [0.2, -0.2])  # though they are nearer crosswise


def test_velocity_in_a_step_of_descent_is_that_of_the_law():
    """Theorem 5 of Sahs et al. 2020 by hand: beta' = v / w (sum of residuals + beta times their sum with x) over active data."""
    network = ShallowNetwork([1.0, -2.0, 0.5], [0.4, 1.0, -0.3], [0.7, -0.4, 1.2])
    x, step = np.linspace(-1.0, 1.0, 9), 1e-7
    w, b, v = network.input_weights, network.biases, network.output_weights
    moments = [
        pieces(*layers_of(one))[1]
        for place in (0, 1)
        for one in [train_shallow(network, x, np.sin(3 * x), Descent(step), record=[0, 1]).networks(place)]
    ]
    found = match(*moments, reach=0.1)
    active = np.maximum(w[:, None] * x + b[:, None], 0.0) > 0
    residuals = v @ np.maximum(w[:, None] * x + b[:, None], 0.0) - np.sin(3 * x)
    law = v / w * (active @ residuals + network.breakpoints * (active @ (residuals * x)))
    np.testing.assert_allclose(found.velocities(step), law[moments[0].units[found.before]], rtol=1e-5)
    assert (law > 0).any()
    assert (law < 0).any()


def test_birth_and_death_of_a_pair_where_a_unit_of_the_second_layer_touches_zero():
    """relu(h) with h = 1 - relu(x) - relu(-x) + shift has two zeros for shift > -1, none below."""

    def breakpoints(shift):
        weights = [np.array([[1.0], [-1.0]]), np.array([[-1.0, -1.0]]), np.ones((1, 1))]
        return pieces(weights, [np.zeros(2), np.array([1.0 + shift]), np.zeros(1)])[1]

    wide, narrow, gone = breakpoints(0.0), breakpoints(-0.75), breakpoints(-1.5)
    shrinking = match(wide, narrow, reach=1.0)
    second = wide.layers[shrinking.before] == 2
    np.testing.assert_allclose(np.sort(shrinking.velocities(1.0)[second]), [-0.75, 0.75])
    assert not shrinking.died.any()
    vanishing, appearing = match(narrow, gone, reach=1.0), match(gone, narrow, reach=1.0)
    np.testing.assert_array_equal(np.sort(narrow.positions[vanishing.died]), [-0.25, 0.25])
    np.testing.assert_array_equal(np.sort(narrow.positions[appearing.born]), [-0.25, 0.25])
    assert not vanishing.born.any()
    assert not appearing.died.any()


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
    with pytest.raises(ValueError, match=r"reach: 0\.0, give a finite distance above 0"):
        match(empty, empty, reach=0.0)
