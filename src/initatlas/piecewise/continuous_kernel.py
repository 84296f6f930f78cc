"""Compiled loops of segmented regression with a continuous function: exact, by functional dynamic programming.

The knots lie at given places, all others are left to the optimum. Let V_k(j, phi) be the smallest sum of squares up to place j of
a function with k pieces, a knot at place j and the value phi there. Given the knots before it, it is a quadratic in phi; so V is
the lower envelope of quadratics, and the next knot's quadratics follow from those alone that touch it (Maidstone et al. 2017;
Fearnhead, Maidstone and Letchford 2019). A quadratic is cut where it exceeds what a bound leaves: the best known sum of squares
less the least that the points on its right cost with as many pieces that need not meet.

Numbers are copied one by one, and no array is made of a list: numba takes seconds to compile what the short forms need.
"""

from math import inf, sqrt
from typing import Any

import numpy as np

from initatlas.arrays import Doubles, Integers
from initatlas.caches import compiled


@compiled()
def fill_line_terms(total: Doubles, length: float, terms: Doubles) -> None:
    """Sum of squares of a line from a value u at the knot before to v at the place itself.

    It is P u^2 + 2 Q u v + R v^2 - 2 U u - 2 V v + Y.

    Parameters
    ----------
    total
        Sums of w, w d, w d^2, w y, w y d and w y^2 over the points of the line, d being the distance to the place.
    length
        Of the line along x.
    terms
        P, Q, R, U, V and Y, to be filled.
    """
    near = total[1] / length
    p = total[2] / (length * length)
    u = total[4] / length
    terms[0], terms[1], terms[2] = p, near - p, total[0] - 2.0 * near + p
    terms[3], terms[4], terms[5] = u, total[3] - u, total[5]


@compiled()
def extend(quadratic: Doubles, line: Doubles) -> tuple[float, float, float]:
    """The quadratic at the next knot: that at the knot before plus the line between, at the best value there."""
    whole = quadratic[0] + line[0]
    linear = quadratic[1] - 2.0 * line[3]
    share = line[1] / whole
    return (
        line[2] - line[1] * share,
        -2.0 * line[4] - linear * share,
        quadratic[2] + line[5] - linear * linear / (4.0 * whole),
    )


@compiled()
def lowest(square: float, linear: float, constant: float) -> float:
    """Smallest value of a quadratic that opens upwards."""
    return constant - linear * linear / (4.0 * square)


@compiled()
def crossings(one: Doubles, other: Doubles) -> tuple[float, float]:
    """Where two quadratics cross, in order; inf where they do not, twice or once."""
    a, b, c = one[0] - other[0], one[1] - other[1], one[2] - other[2]
    if a == 0.0:
        return (-c / b if b != 0.0 else inf), inf
    root = b * b - 4.0 * a * c
    if root <= 0.0:
        return inf, inf
    far = -0.5 * (b + sqrt(root) if b >= 0.0 else b - sqrt(root))
    first, second = far / a, (c / far if far != 0.0 else 0.0)
    return min(first, second), max(first, second)


@compiled()
def is_below(one: Doubles, other: Doubles, low: float, high: float) -> bool:
    """Whether a quadratic lies below another between two neighbouring crossings, infinite ones among them."""
    a, b, c = one[0] - other[0], one[1] - other[1], one[2] - other[2]
    if low == -inf and high == inf:
        at = 0.0
    elif low == -inf:
        at = high - 1.0 - abs(high)
    elif high == inf:
        at = low + 1.0 + abs(low)
    else:
        at = 0.5 * (low + high)
    below: bool = (a * at + b) * at + c < 0.0
    return below


@compiled()
def insert(
    quadratics: Doubles, new: int, owners: Integers, ends: Doubles, parts: int, scratch: Integers, scratch_ends: Doubles
) -> int:
    """Lower an envelope to a further quadratic where that is below it.

    Parameters
    ----------
    quadratics
        Shape (q, 3).
    new
        The row of the further one.
    owners, ends
        Row of the lowest quadratic in each part of the line, and where the part ends; the last ends at inf.
    parts
        How many parts there are.
    scratch, scratch_ends
        As long as `owners` and `ends`.

    Returns
    -------
    int
        How many parts there are now, at most three times as many.
    """
    count, low = 0, -inf
    for part in range(parts):
        owner, high = owners[part], ends[part]
        first, second = crossings(quadratics[new], quadratics[owner])
        start = low
        for cut in (first, second, high):
            end = min(cut, high)
            if end > start:
                chosen = new if is_below(quadratics[new], quadratics[owner], start, end) else owner
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
def lines_to(place: int, places: Doubles, sums: Doubles) -> Doubles:
    """Terms of the lines from every place on the left, shape (place, 6).

    Parameters
    ----------
    places
        x of the places, increasing, shape (p,).
    sums
        As in `fill_line_terms`, over the points behind the place before, up to each place, shape (p, 6).
    """
    lines = np.empty((place, 6))
    total = np.zeros(6)
    for i in range(place - 1, -1, -1):
        away = places[place] - places[i + 1]
        w, d, dd = sums[i + 1, 0], sums[i + 1, 1], sums[i + 1, 2]
        y, dy, yy = sums[i + 1, 3], sums[i + 1, 4], sums[i + 1, 5]
        total[0] += w
        total[1] += d + away * w
        total[2] += dd + away * (2.0 * d + away * w)
        total[3] += y
        total[4] += dy + away * y
        total[5] += yy
        fill_line_terms(total, places[place] - places[i], lines[i])
    return lines


@compiled()
def grown(array: Doubles, room: int) -> Doubles:
    """The array with room for so many rows, twice as long if it has to be made anew."""
    if room <= array.shape[0]:
        return array
    longer = np.empty((2 * room, array.shape[1]))
    for row in range(array.shape[0]):
        for column in range(array.shape[1]):
            longer[row, column] = array[row, column]
    return longer


@compiled()
def twice(array: Any) -> Any:
    """The array with as much room again behind its numbers."""
    longer = np.empty(2 * array.size, dtype=array.dtype)
    for place in range(array.size):
        longer[place] = array[place]
    return longer


@compiled()
def owning(owners: Integers, parts: int, count: int) -> Integers:
    """Rows below `count` that own one of the first parts of an envelope, in order."""
    touches = np.zeros(count + 1, dtype=np.bool_)
    for part in range(parts):
        touches[owners[part]] = True
    found, at = 0, np.empty(count, dtype=np.int64)
    for row in range(count):
        at[found] = row
        found += touches[row]
    return at[:found]


@compiled()
def touching(candidates: Doubles, count: int, ceiling: float) -> Integers:
    """Rows of the first `count` candidates that touch their lower envelope below the ceiling."""
    rows = np.empty((count + 1, 3))
    for row in range(count):
        rows[row, 0], rows[row, 1], rows[row, 2] = candidates[row, 0], candidates[row, 1], candidates[row, 2]
    rows[count, 0], rows[count, 1], rows[count, 2] = 0.0, 0.0, ceiling
    owners, ends = np.full(64, count), np.full(64, inf)
    scratch, scratch_ends = np.empty(64, dtype=np.int64), np.empty(64)
    parts = 1
    for new in range(count):
        if 3 * parts > owners.size:
            owners, ends, scratch, scratch_ends = twice(owners), twice(ends), twice(scratch), twice(scratch_ends)
        parts = insert(rows, new, owners, ends, parts, scratch, scratch_ends)
    return owning(owners, parts, count)


@compiled()
def least(candidates: Doubles, count: int) -> Integers:
    """Row of the candidate with the smallest minimum; none if there is no candidate."""
    best, found, at = inf, 0, np.empty(1, dtype=np.int64)
    for row in range(count):
        minimum = lowest(candidates[row, 0], candidates[row, 1], candidates[row, 2])
        if minimum < best:
            best, found, at[0] = minimum, 1, row
    return at[:found]


@compiled()
def value_functions(
    places: Doubles, sums: Doubles, ceilings: Doubles, shortest: int, exact: bool
) -> tuple[Doubles, Integers]:
    """Quadratics of all V_k(j, phi).

    Parameters
    ----------
    places, sums
        As in `lines_to`; the first place is the first point, the last is the last.
    ceilings
        What V_k(j, phi) may at most be in an optimum, shape (pieces + 1, p).
    shortest
        Fewest places of a piece, those at its ends included, at least 2.
    exact
        Whether all quadratics are kept that touch the envelope, or only the one with the smallest minimum, which gives upper
        bounds.

    Returns
    -------
    quadratics
        A row per quadratic: its three coefficients, the row of that before it, and its place.
    spans
        First row of each V_k(j) and the row behind the last, shape (pieces + 1, p, 2).
    """
    levels, count = ceilings.shape
    kept = np.empty((1024, 5))
    kept[0, 0], kept[0, 1], kept[0, 2] = sums[0, 0], -2.0 * sums[0, 3], sums[0, 5]
    kept[0, 3], kept[0, 4] = -1.0, 0.0
    used = 1
    spans = np.zeros((levels, count, 2), dtype=np.int64)
    spans[0, 0, 1] = 1
    candidates = np.empty((64, 5))
    for j in range(shortest - 1, count):
        lines = lines_to(j, places, sums)
        for k in range(1, levels):
            candidate_count = 0
            for i in range(j - shortest + 1, -1, -1):
                for row in range(spans[k - 1, i, 0], spans[k - 1, i, 1]):
                    square, linear, constant = extend(kept[row], lines[i])
                    if lowest(square, linear, constant) <= ceilings[k, j]:
                        candidates = grown(candidates, candidate_count + 1)
                        candidate = candidates[candidate_count]
                        candidate[0], candidate[1], candidate[2] = square, linear, constant
                        candidate[3], candidate[4] = row, j
                        candidate_count += 1
            chosen = (
                touching(candidates, candidate_count, ceilings[k, j]) if exact else least(candidates, candidate_count)
            )
            kept = grown(kept, used + chosen.size)
            spans[k, j, 0], spans[k, j, 1] = used, used + chosen.size
            for row in chosen:
                for column in range(5):
                    kept[used, column] = candidates[row, column]
                used += 1
    return kept[:used], spans


@compiled()
def best_knots(kept: Doubles, span: Integers) -> tuple[float, Integers]:
    """Smallest sum of squares in a span of quadratics at the last place, and the places of the knots, both ends included."""
    best, at = inf, -1
    for row in range(span[0], span[1]):
        minimum = lowest(kept[row, 0], kept[row, 1], kept[row, 2])
        if minimum < best:
            best, at = minimum, row
    knots = [0]
    while at >= 0:
        knots.append(int(kept[at, 4]))
        at = int(kept[at, 3])
    return best, np.array(knots[:0:-1])
