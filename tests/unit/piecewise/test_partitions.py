"""Partitions with continuous least-squares fits, against all partitions one by one."""

from itertools import combinations_with_replacement, pairwise, product
from math import comb

import numpy as np
import pytest
from scipy.optimize import linprog

from initatlas.piecewise.partitions import continuous_partitions


def data(count, seed=0):
    rng = np.random.default_rng(seed)
    return np.sort(rng.uniform(-1.0, 1.0, count)), rng.standard_normal(count)


def line(x, y, bounds):
    """Intercept and slope, the slope open (nan) where one point leaves it so."""
    a, b = bounds
    return np.polyfit(x[a:b], y[a:b], 1)[::-1] if b - a > 1 else None


def condition(x, y, one, other, sign, places):
    """Rows of a linear programme in the slopes of single points: the lines of two pieces cross in one of two directions."""
    rows, rights = [], []
    for at, direction in ((x[one[1] - 1], sign), (x[other[0]], -sign)):
        row, constant = np.zeros(len(places)), 0.0
        for piece, side in ((one, 1.0), (other, -1.0)):
            known = line(x, y, piece)
            if known is None:
                row[places.index(piece)] += side * (at - x[piece[0]])
                constant += side * y[piece[0]]
            else:
                constant += side * (known[0] + known[1] * at)
        rows.append(-direction * row)
        rights.append(direction * constant - 1e-9)
    return rows, rights


def joins(x, y, full, junctions):
    """Whether slopes of the single points exist with which all neighbouring lines cross."""
    places = [piece for piece in full if piece[1] - piece[0] == 1]
    for signs in product((1.0, -1.0), repeat=len(junctions)):
        parts = [condition(x, y, *pair, sign, places) for pair, sign in zip(junctions, signs, strict=True)]
        rows, rights = ([row for part in parts for row in part[side]] for side in (0, 1))
        if not places:
            if all(right > 0 for right in rights):
                return True
        elif not rows or linprog(np.zeros(len(places)), np.array(rows), rights, bounds=(None, None)).status == 0:
            return True
    return False


def one_by_one(x, y, pieces):
    """All partitions, each tried."""
    count = 0
    for cuts in combinations_with_replacement(range(x.size + 1), pieces - 1):
        bounds = [*pairwise((0, *cuts, x.size))]
        full = [(a, b) for a, b in bounds if b > a]
        junctions = [(one, other) for one, other in pairwise(bounds) if one[1] > one[0] and other[1] > other[0]]
        count += joins(x, y, full, junctions)
    return count


@pytest.mark.parametrize("count", [1, 2, 3, 5, 6])
def test_counts_are_those_of_all_partitions_one_by_one(count):
    for seed in range(3):
        x, y = data(count, seed)
        counts = continuous_partitions(x, y, pieces=4)
        assert counts.tolist() == [one_by_one(x, y, pieces) for pieces in range(1, 5)]


def test_few_points_with_many_pieces_are_counted_by_hand():
    assert continuous_partitions([0.3], [1.0], pieces=5).tolist() == [1, 2, 3, 4, 5]
    assert continuous_partitions([0.0, 1.0], [0.0, 1.0], pieces=3).tolist() == [1, 3, 6]


def test_a_partition_is_counted_once_and_never_more_than_there_are():
    x, y = data(12, 1)
    counts = continuous_partitions(x, y, pieces=12)
    every = [comb(12 + pieces - 1, pieces - 1) for pieces in range(1, 13)]
    assert counts[0] == 1
    assert (counts <= every).all()
    assert (counts[2:] < every[2:]).all()
    assert (np.diff(counts) > 0).all()


def test_order_and_straight_changes_of_the_data_do_not_matter():
    x, y = data(9, 2)
    counts = continuous_partitions(x, y, pieces=6)
    order = np.random.default_rng(0).permutation(9)
    for xs, ys in ((x[order], y[order]), (-x, y), (3.0 * x + 1.0, -2.0 * y + 0.7 * x)):
        assert continuous_partitions(xs, ys, pieces=6).tolist() == counts.tolist()


@pytest.mark.parametrize(
    ("x", "y", "pieces", "message"),
    [
        ([0.0, 0.0], [1.0, 2.0], 2, "twice"),
        ([0.0], [np.nan], 2, "finite"),
        ([], [], 2, "no points"),
        ([0.0], [1.0], 0, "at least 1"),
    ],
)
def test_what_cannot_be_partitioned_is_refused(x, y, pieces, message):
    with pytest.raises(ValueError, match=message):
        continuous_partitions(x, y, pieces=pieces)
