"""Compiled loops of segmented regression with a continuous function whose knots lie anywhere: exact.

A knot lies at a data point or in a gap, strictly between two neighbouring ones. Where an optimum has a knot in a gap, moving it
either way costs nothing to first order, so the lines beside it do not feel each other: what is left of the knot is the best fit
of its own, and so is what is right of it. Their lines need only cross in that gap. Where they would not, the knot lies at one end
of the gap. So two kinds of state are enough:

- knots at a data point j: V_k(j, phi) as in `initatlas.piecewise.continuous_kernel`, now of quadratics that hold on an interval,
  for a line that begins in a gap must cross the one before it there;
- knots in the gap behind data point j: the lines that a best fit up to j may end in, each with its sum of squares.

Both are cut where they exceed what the best known sum of squares leaves.
"""

from math import inf, sqrt
from typing import Any

import numpy as np

from initatlas.arrays import Doubles, Integers
from initatlas.caches import compiled
from initatlas.piecewise.continuous_kernel import crossings, extend, fill_line_terms, grown, is_below, owning, twice

KNOT, LINE = 0.0, 1.0
"""What a state came from: a knot at a data point, or a line that ends in a gap."""


@compiled()
def sums_up_to(place: int, places: Doubles, sums: Doubles) -> Doubles:
    """Sums over the points from each place up to a last one, by their distance to it, shape (place + 1, 6).

    Parameters
    ----------
    places, sums
        As in `continuous_kernel.lines_to`, with every distinct x a place.
    """
    totals = np.empty((place + 1, 6))
    total = np.zeros(6)
    for i in range(place, -1, -1):
        away = places[place] - places[i]
        w, d, dd = sums[i, 0], sums[i, 1], sums[i, 2]
        y, dy, yy = sums[i, 3], sums[i, 4], sums[i, 5]
        total[0] += w
        total[1] += d + away * w
        total[2] += dd + away * (2.0 * d + away * w)
        total[3] += y
        total[4] += dy + away * y
        total[5] += yy
        for column in range(6):
            totals[i, column] = total[column]
    return totals


@compiled()
def seen_from_start(total: Doubles, length: float, turned: Doubles) -> None:
    """Sums by the distance to a place that lies so far before the last one, from those by the distance to the last one."""
    turned[0], turned[3], turned[5] = total[0], total[3], total[5]
    turned[1] = length * total[0] - total[1]
    turned[2] = length * (length * total[0] - 2.0 * total[1]) + total[2]
    turned[4] = length * total[3] - total[4]


@compiled()
def anchored(total: Doubles) -> tuple[float, float, float]:
    """Sum of squares of the best line that has the value phi at distance 0, a quadratic in phi."""
    d, dd, dy = total[1], total[2], total[4]
    return total[0] - d * d / dd, 2.0 * (d * dy / dd - total[3]), total[5] - dy * dy / dd


@compiled()
def straight(total: Doubles) -> tuple[float, float, float]:
    """Value at distance 0, slope along the distance and sum of squares of the best line."""
    w, d, y = total[0], total[1], total[3]
    dd, dy = total[2] - d * d / w, total[4] - d * y / w
    slope = dy / dd
    return (y - slope * d) / w, slope, max(total[5] - y * y / w - dy * slope, 0.0)


@compiled()
def crosses(near: float, far: float, other_near: float, other_far: float) -> bool:
    """Whether two lines meet between the ends of a gap, given their values there."""
    meet: bool = (near - other_near) * (far - other_far) <= 0.0
    return meet


@compiled()
def where_it_crosses(total: Doubles, near: float, far: float, to_near: float, to_far: float) -> tuple[float, float]:
    """Between which phi the best line with the value phi at distance 0 crosses another in a gap.

    Parameters
    ----------
    near, far
        Values of the other line at the ends of the gap.
    to_near, to_far
        Distances of these ends; the farther end is the earlier one, `near`.
    """
    d, dd, dy = total[1], total[2], total[4]
    turn = 1.0 - to_near * d / dd
    first = (near - to_near * dy / dd) / turn
    turn = 1.0 - to_far * d / dd
    rest = far - to_far * dy / dd
    if turn < -1e-14:
        return min(first, rest / turn), max(first, rest / turn)
    return (-inf, first) if rest >= 0.0 else (first, inf)


@compiled()
def cut_above(square: float, linear: float, constant: float, ceiling: float, low: float, high: float) -> Any:
    """The part of an interval on which a quadratic does not exceed a ceiling; its ends are swapped where there is none."""
    middle = -0.5 * linear / square
    room = ceiling - (constant + 0.5 * linear * middle)
    if room < 0.0:
        return inf, -inf
    reach = sqrt(room / square)
    return max(low, middle - reach), min(high, middle + reach)


@compiled()
def lower(
    rows: Doubles, new: int, owners: Integers, ends: Doubles, parts: int, scratch: Integers, scratch_ends: Doubles
) -> int:
    """Lower an envelope to a further quadratic where that holds and is below it; arguments as in `continuous_kernel.insert`.

    Columns 3 and 4 of a row are the ends of the interval on which it holds. There are at most five times as many parts behind it.
    """
    count, low = 0, -inf
    cuts = np.empty(5)
    for part in range(parts):
        owner, high = owners[part], ends[part]
        cuts[0], cuts[1] = crossings(rows[new], rows[owner])
        cuts[2], cuts[3], cuts[4] = rows[new, 3], rows[new, 4], high
        cuts.sort()
        start = low
        for cut in cuts:
            end = min(cut, high)
            if end > start:
                inside = start >= rows[new, 3] and end <= rows[new, 4]
                chosen = new if inside and is_below(rows[new], rows[owner], start, end) else owner
                if count and scratch[count - 1] == chosen:
                    scratch_ends[count - 1] = end
                else:
                    scratch[count], scratch_ends[count] = chosen, end
                    count += 1
                start = end
        low = high
    for part in range(count):
        owners[part], ends[part] = scratch[part], scratch_ends[part]
    return count


@compiled()
def touching_within(candidates: Doubles, count: int, ceiling: float) -> Integers:
    """Rows of the first `count` candidates that touch their lower envelope below the ceiling, each on its interval."""
    rows = np.empty((count + 1, 5))
    for row in range(count):
        for column in range(5):
            rows[row, column] = candidates[row, column]
    rows[count, 0], rows[count, 1], rows[count, 2], rows[count, 3], rows[count, 4] = 0.0, 0.0, ceiling, -inf, inf
    owners, ends = np.full(64, count), np.full(64, inf)
    scratch, scratch_ends = np.empty(64, dtype=np.int64), np.empty(64)
    parts = 1
    for new in range(count):
        while 5 * parts > owners.size:
            owners, ends, scratch, scratch_ends = twice(owners), twice(ends), twice(scratch), twice(scratch_ends)
        parts = lower(rows, new, owners, ends, parts, scratch, scratch_ends)
    return owning(owners, parts, count)


@compiled()
def least_of(candidates: Doubles, count: int, column: int, most: int) -> Integers:
    """Rows of the first `count` candidates in the order of a column, at most so many."""
    return np.argsort(candidates[:count, column])[:most]


@compiled()
def add(candidates: Doubles, count: int, values: Any) -> Doubles:
    """Candidates with one more row."""
    longer = grown(candidates, count + 1)
    for column in range(len(values)):
        longer[count, column] = values[column]
    return longer


@compiled()
def lines_into_gap(
    at: int,
    level: int,
    places: Doubles,
    totals: Doubles,
    states: tuple[Doubles, Integers, Doubles, Integers],
    ceiling: float,
    shortest: int,
) -> tuple[Doubles, int]:
    """Lines that may end in the gap behind a place.

    Returns
    -------
    candidates
        A row per line: sum of squares up to here, value at this place, slope, row and kind of the state before, and this place.
    count
        How many rows are meant.
    """
    knots, knot_spans, lines, line_spans = states
    candidates, count = np.empty((64, 6)), 0
    turned = np.empty(6)
    for i in range(1, at - shortest + 2):
        first, last = knot_spans[level - 1, i]
        if first == last:
            continue
        length = places[at] - places[i]
        seen_from_start(totals[i + 1], length, turned)
        square, linear, constant = anchored(turned)
        for row in range(first, last):
            knot = knots[row]
            whole = max(square, 0.0) + knot[0]
            middle = -0.5 * (linear + knot[1]) / whole
            squares = constant + knot[2] + 0.5 * (linear + knot[1]) * middle
            if squares <= ceiling and knot[3] <= middle <= knot[4]:
                slope = (turned[4] - middle * turned[1]) / turned[2]
                candidates = add(
                    candidates, count, (squares, middle + slope * length, slope, float(row), KNOT, float(at))
                )
                count += 1
    for a in range(-1, at - shortest + 1):
        first, last = line_spans[level - 1, a + 1]
        if first == last:
            continue
        value, back, own = straight(totals[a + 1])
        for row in range(first, last):
            squares = lines[row, 0] + own
            if squares > ceiling:
                break
            near, far = value, value
            if a >= 0:
                near, far = value + back * (places[at] - places[a]), value + back * (places[at] - places[a + 1])
                onwards = lines[row, 1] + lines[row, 2] * (places[a + 1] - places[a])
                if not crosses(lines[row, 1], onwards, near, far):
                    continue
            candidates = add(candidates, count, (squares, value, -back, float(row), LINE, float(at)))
            count += 1
            break
    return candidates, count


@compiled()
def knots_at_point(
    at: int,
    level: int,
    places: Doubles,
    totals: Doubles,
    states: tuple[Doubles, Integers, Doubles, Integers],
    ceiling: float,
    shortest: int,
) -> tuple[Doubles, int]:
    """Quadratics of V at a place.

    Returns
    -------
    candidates
        A row per quadratic: its three coefficients, the interval on which it holds, row and kind of the state before, the
        place, and its smallest value.
    count
        How many rows are meant.
    """
    knots, knot_spans, lines, line_spans = states
    candidates, count = np.empty((64, 9)), 0
    terms = np.empty(6)
    for i in range(1, at - shortest + 2):
        first, last = knot_spans[level - 1, i]
        if first == last:
            continue
        fill_line_terms(totals[i + 1], places[at] - places[i], terms)
        for row in range(first, last):
            knot = knots[row]
            square, linear, constant = extend(knot, terms)
            low, high = cut_above(square, linear, constant, ceiling, -inf, inf)
            # the best value at the knot before is `begin - along * phi`
            begin = 0.5 * (2.0 * terms[3] - knot[1]) / (knot[0] + terms[0])
            along = terms[1] / (knot[0] + terms[0])
            if along > 0.0:
                low, high = max(low, (begin - knot[4]) / along), min(high, (begin - knot[3]) / along)
            elif not knot[3] <= begin <= knot[4]:
                continue
            if low <= high:
                least = constant - linear * linear / (4.0 * square)
                candidates = add(
                    candidates, count, (square, linear, constant, low, high, float(row), KNOT, float(at), least)
                )
                count += 1
    for a in range(-1, at - shortest + 1):
        first, last = line_spans[level - 1, a + 1]
        if first == last:
            continue
        total = totals[a + 1]
        square, linear, own = anchored(total)
        for row in range(first, last):
            constant = own + lines[row, 0]
            low, high = cut_above(square, linear, constant, ceiling, -inf, inf)
            if low > high:
                break
            if a >= 0:
                onwards = lines[row, 1] + lines[row, 2] * (places[a + 1] - places[a])
                to_near, to_far = places[at] - places[a], places[at] - places[a + 1]
                left, right = where_it_crosses(total, lines[row, 1], onwards, to_near, to_far)
                low, high = max(low, left), min(high, right)
            if low <= high:
                least = constant - linear * linear / (4.0 * square)
                candidates = add(
                    candidates, count, (square, linear, constant, low, high, float(row), LINE, float(at), least)
                )
                count += 1
    return candidates, count


@compiled()
def all_states(
    places: Doubles, sums: Doubles, ceilings: Doubles, shortest: int, most: int, room: float
) -> tuple[Doubles, Doubles, Integers]:
    """All states that an optimum may pass.

    Parameters
    ----------
    places, sums
        As in `sums_up_to`.
    ceilings
        What the points up to each place may cost in an optimum with each number of pieces, shape (pieces + 1, p).
    shortest
        Fewest places in a piece, those at its ends included, at least 2.
    most
        How many states of each kind, place and number of pieces are kept at most, the best ones; 0 for all.
    room
        How many states there may be in all; beyond that the search ends without an answer.

    Returns
    -------
    knots, lines
        Rows as of `knots_at_point` and `lines_into_gap`; the first line is the begin of all.
    spans
        First row of the lines that end behind the last place and the row behind the last, the best first, shape (pieces + 1, 2);
        empty where the room was not enough.
    """
    levels, count = ceilings.shape
    knots, lines = np.empty((1024, 9)), np.zeros((1024, 6))
    knot_count, line_count = 0, 1
    knot_spans, line_spans = (
        np.zeros((levels, count, 2), dtype=np.int64),
        np.zeros((levels, count + 1, 2), dtype=np.int64),
    )
    line_spans[0, 0, 1] = 1
    lines[0, 3] = -1.0
    for at in range(shortest - 1, count):
        totals = sums_up_to(at, places, sums)
        for level in range(1, levels):
            states = (knots, knot_spans, lines, line_spans)
            ceiling = ceilings[level, at]
            found, size = lines_into_gap(at, level, places, totals, states, ceiling, shortest)
            chosen = least_of(found, size, 0, most if most else size)
            new_knots, knot_size = np.empty((0, 9)), 0
            if at < count - 1:
                new_knots, knot_size = knots_at_point(at, level, places, totals, states, ceiling, shortest)
            kept = least_of(new_knots, knot_size, 8, most) if most else touching_within(new_knots, knot_size, ceiling)
            lines, knots = grown(lines, line_count + chosen.size), grown(knots, knot_count + kept.size)
            line_spans[level, at + 1, 0], line_spans[level, at + 1, 1] = line_count, line_count + chosen.size
            knot_spans[level, at, 0], knot_spans[level, at, 1] = knot_count, knot_count + kept.size
            for row in chosen:
                for column in range(6):
                    lines[line_count, column] = found[row, column]
                line_count += 1
            for row in kept:
                for column in range(9):
                    knots[knot_count, column] = new_knots[row, column]
                knot_count += 1
        if knot_count + line_count > room:
            return knots[:knot_count], lines[:line_count], np.zeros((levels, 2), dtype=np.int64)
    return knots[:knot_count], lines[:line_count], line_spans[:, count]


@compiled()
def knots_of(knots: Doubles, lines: Doubles, line: int) -> tuple[Integers, Integers]:
    """Places of the inner knots of a line at the end, in order, and whether each lies in the gap behind its place."""
    at, gaps = [0], [0]
    row, kind = int(lines[line, 3]), lines[line, 4]
    while kind == KNOT or row > 0:
        if kind == KNOT:
            at.append(int(knots[row, 7]))
            gaps.append(0)
            row, kind = int(knots[row, 5]), knots[row, 6]
        else:
            at.append(int(lines[row, 5]))
            gaps.append(1)
            row, kind = int(lines[row, 3]), lines[row, 4]
    return np.array(at[:0:-1]), np.array(gaps[:0:-1])
