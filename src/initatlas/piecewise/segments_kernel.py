"""Compiled loops of segmented regression with a line per piece, independent of its neighbours.

A segmentation is its breaks: the places of the first points of the second and later pieces. The cost of a piece is the smallest
weighted sum of squared residuals of a line. A piece that holds another costs at least as much: all bounds here rest on that.
"""

from math import inf

import numpy as np

from initatlas.arrays import Doubles, Integers
from initatlas.caches import compiled

_SHORT = 16
"""Pieces of at most so many points are fitted point by point: differences of long sums would have lost their digits."""


@compiled()
def add_point(moments: Doubles, weight: float, x: float, y: float) -> None:
    """Update weight, mean x, mean y and the centred sums of x^2, x y and y^2 (Welford 1962, with weights)."""
    moments[0] += weight
    share = weight / moments[0]
    by_x, by_y = x - moments[1], y - moments[2]
    moments[1] += share * by_x
    moments[2] += share * by_y
    moments[3] += weight * by_x * (x - moments[1])
    moments[4] += weight * by_x * (y - moments[2])
    moments[5] += weight * by_y * (y - moments[2])


@compiled()
def residual_squares(xx: float, xy: float, yy: float) -> float:
    """What a line leaves of the centred sum of y^2."""
    if xx <= 0.0:
        return yy
    return max(yy - xy * xy / xx, 0.0)


@compiled()
def prefix_sums(data: Doubles) -> Doubles:
    """Sums of w, w x, w y, w x^2, w x y and w y^2 over the first n points, each in two parts, shape (points + 1, 12).

    Parameters
    ----------
    data
        w, x and y, shape (3, points).

    The second part holds what rounding took from the first (Knuth's two-sum), so that differences are as good as sums of their
    own.
    """
    points = data.shape[1]
    sums = np.zeros((points + 1, 12))
    for n in range(points):
        w, x, y = data[0, n], data[1, n], data[2, n]
        terms = (w, w * x, w * y, w * x * x, w * x * y, w * y * y)
        for i in range(6):
            before = sums[n, i]
            total = before + terms[i]
            shifted = total - before
            lost = (before - (total - shifted)) + (terms[i] - shifted)
            sums[n + 1, i] = total
            sums[n + 1, 6 + i] = sums[n, 6 + i] + lost
    return sums


@compiled()
def cost(data: Doubles, sums: Doubles, start: int, end: int) -> float:
    """Sum of squares that a line leaves on the points from `start` to before `end`."""
    if end - start <= 2:
        return 0.0
    if end - start <= _SHORT:
        moments = np.zeros(6)
        for n in range(start, end):
            add_point(moments, data[0, n], data[1, n], data[2, n])
        return residual_squares(moments[3], moments[4], moments[5])
    low, high = sums[start], sums[end]
    w = (high[0] - low[0]) + (high[6] - low[6])
    x = (high[1] - low[1]) + (high[7] - low[7])
    y = (high[2] - low[2]) + (high[8] - low[8])
    xx = (high[3] - low[3]) + (high[9] - low[9]) - x * x / w
    xy = (high[4] - low[4]) + (high[10] - low[10]) - x * y / w
    yy = (high[5] - low[5]) + (high[11] - low[11]) - y * y / w
    return residual_squares(xx, xy, yy)


@compiled()
def join(moments: Doubles, block: Doubles) -> None:
    """Add the points of a block to moments, both as in `add_point` (Chan, Golub and LeVeque 1979)."""
    before = moments[0]
    moments[0] += block[0]
    share = block[0] / moments[0]
    by_x, by_y = block[1] - moments[1], block[2] - moments[2]
    moments[1] += share * by_x
    moments[2] += share * by_y
    moments[3] += block[3] + before * share * by_x * by_x
    moments[4] += block[4] + before * share * by_x * by_y
    moments[5] += block[5] + before * share * by_y * by_y


@compiled()
def joined(moments: Doubles, ends: Integers) -> Doubles:
    """Moments of the points behind each end up to the next, the first up to the first end, shape (ends, 6)."""
    blocks = np.zeros((ends.size, 6))
    start = 0
    for block in range(ends.size):
        for point in range(start, ends[block] + 1):
            join(blocks[block], moments[point])
        start = ends[block] + 1
    return blocks


@compiled()
def optimal_breaks(blocks: Doubles, most: int, shortest: int) -> tuple[Doubles, Integers]:
    """Dynamic programming over all breaks between blocks of points (Bellman and Roth 1969; Bai and Perron 2003).

    Parameters
    ----------
    blocks
        Moments of each block as in `add_point`, in the order of x, shape (blocks, 6). A block may be a single point.
    most
        Largest number of pieces.
    shortest
        Fewest blocks of a piece.

    Returns
    -------
    totals
        Smallest sum of squares of the first n blocks with k + 1 pieces, inf where there is none, shape (most, blocks + 1).
    lasts
        The first block of the last of them, same shape.
    """
    count = blocks.shape[0]
    totals = np.full((most, count + 1), inf)
    lasts = np.zeros((most, count + 1), dtype=np.int64)
    moments = np.zeros(6)
    for end in range(shortest, count + 1):
        moments[:] = 0.0
        for start in range(end - 1, -1, -1):
            join(moments, blocks[start])
            if end - start < shortest:
                continue
            squares = residual_squares(moments[3], moments[4], moments[5])
            if start == 0:
                totals[0, end] = squares
            for k in range(1, most):
                total = totals[k - 1, start] + squares
                if total < totals[k, end]:
                    totals[k, end] = total
                    lasts[k, end] = start
    return totals, lasts


@compiled()
def total_cost(data: Doubles, sums: Doubles, breaks: Integers) -> float:
    """Sum of squares of a segmentation."""
    total, start = 0.0, 0
    for i in range(breaks.size):
        total += cost(data, sums, start, breaks[i])
        start = breaks[i]
    return total + cost(data, sums, start, data.shape[1])


@compiled()
def improve(data: Doubles, sums: Doubles, breaks: Integers, reach: int, shortest: int) -> None:
    """Move single breaks while that lowers the sum of squares, by steps of `reach`, then of half of it, down to 1."""
    points = data.shape[1]
    step = reach
    while step > 0:
        moved = True
        while moved:
            moved = False
            for i in range(breaks.size):
                before = breaks[i - 1] if i > 0 else 0
                behind = breaks[i + 1] if i + 1 < breaks.size else points
                now = cost(data, sums, before, breaks[i]) + cost(data, sums, breaks[i], behind)
                for place in (breaks[i] - step, breaks[i] + step):
                    if place - before < shortest or behind - place < shortest:
                        continue
                    then = cost(data, sums, before, place) + cost(data, sums, place, behind)
                    if then < now - 1e-13 * now:
                        now, breaks[i], moved = then, place, True
        step //= 2


@compiled()
def least_inside(data: Doubles, sums: Doubles, low: int, high: int) -> float:
    """Least sum of squares of the points from `low` to before `high` with at most one break between them."""
    if high - low <= 4:
        return 0.0
    best = inf
    for place in range(low, high + 1):
        left = cost(data, sums, low, place)
        if left >= best:
            break
        best = min(best, left + cost(data, sums, place, high))
    return best


@compiled()
def inner_costs(
    data: Doubles, sums: Doubles, lows: Integers, highs: Integers, counts: Integers
) -> tuple[Doubles, Integers]:
    """What the points of each block cost at least if one break lies there; and the same block in the next row, or -1.

    Both have the shape (breaks, blocks).
    """
    inner = np.zeros(lows.shape)
    same = np.full(lows.shape, -1)
    for k in range(lows.shape[0] - 1, -1, -1):
        a = 0
        for b in range(counts[k]):
            if k + 1 < lows.shape[0]:
                while a < counts[k + 1] and lows[k + 1, a] < lows[k, b]:
                    a += 1
                if a < counts[k + 1] and lows[k + 1, a] == lows[k, b]:
                    same[k, b] = a
                    inner[k, b] = inner[k + 1, a]
                    continue
            inner[k, b] = least_inside(data, sums, lows[k, b], highs[k, b])
    return inner, same


@compiled()
def forward_bounds(
    data: Doubles,
    sums: Doubles,
    lows: Integers,
    highs: Integers,
    counts: Integers,
    inner: Doubles,
    same: Integers,
    shortest: int,
) -> tuple[Doubles, Doubles]:
    """Lower bounds of the sum of squares left of a block, if break k lies in it.

    Parameters
    ----------
    lows, highs
        First and last place of each block, increasing, shape (breaks, blocks); of the row k the first counts[k] are meant. Two
        blocks are the same or share no point.
    inner, same
        As of `inner_costs`.

    Returns
    -------
    alone, shared
        Where the break before lies in an earlier block, and where it lies in the same, shape (breaks, blocks). Nothing is known
        of the points of a block that holds several breaks.
    """
    alone, shared = np.full(lows.shape, inf), np.full(lows.shape, inf)
    for b in range(counts[0]):
        if highs[0, b] >= shortest:
            alone[0, b] = cost(data, sums, 0, lows[0, b])
    for k in range(1, lows.shape[0]):
        last = 0
        through = np.minimum(alone[k - 1] + inner[k - 1], shared[k - 1])
        for a in range(counts[k - 1]):
            if same[k - 1, a] >= 0 and highs[k - 1, a] - lows[k - 1, a] >= shortest:
                shared[k, same[k - 1, a]] = min(alone[k - 1, a], shared[k - 1, a])
        for b in range(counts[k]):
            while last < counts[k - 1] and highs[k - 1, last] < lows[k, b]:
                last += 1
            best = inf
            for a in range(last - 1, -1, -1):
                if through[a] >= best or lows[k - 1, a] + shortest > highs[k, b]:
                    continue
                squares = cost(data, sums, highs[k - 1, a], lows[k, b])
                if squares >= best:
                    break
                best = min(best, through[a] + squares)
            alone[k, b] = best
    return alone, shared


@compiled()
def backward_bounds(
    data: Doubles,
    sums: Doubles,
    lows: Integers,
    highs: Integers,
    counts: Integers,
    inner: Doubles,
    same: Integers,
    shortest: int,
) -> tuple[Doubles, Doubles, Integers]:
    """Lower bounds of the sum of squares right of a block with m + 1 pieces, if break k lies in it; parameters as above.

    Returns
    -------
    alone, shared
        Where the next break lies in a later block, and where it lies in the same, shape (breaks, breaks, blocks): k, m, b.
    following
        The later block, same shape.
    """
    breaks, points = lows.shape[0], data.shape[1]
    shape = (breaks, breaks, lows.shape[1])
    alone, shared = np.full(shape, inf), np.full(shape, inf)
    following = np.zeros(shape, dtype=np.int64)
    for k in range(breaks - 1, -1, -1):
        first = 0
        for b in range(counts[k]):
            if lows[k, b] + shortest <= points:
                alone[k, 0, b] = cost(data, sums, highs[k, b], points)
            if k == breaks - 1:
                continue
            if same[k, b] >= 0 and highs[k, b] - lows[k, b] >= shortest:
                for m in range(1, breaks - k):
                    a = same[k, b]
                    shared[k, m, b] = min(alone[k + 1, m - 1, a], shared[k + 1, m - 1, a])
            while first < counts[k + 1] and lows[k + 1, first] <= highs[k, b]:
                first += 1
            for a in range(first, counts[k + 1]):
                if highs[k + 1, a] - shortest < lows[k, b]:
                    continue
                squares = cost(data, sums, highs[k, b], lows[k + 1, a])
                useful = False
                for m in range(1, breaks - k):
                    through = min(alone[k + 1, m - 1, a] + inner[k + 1, a], shared[k + 1, m - 1, a])
                    if squares + through < alone[k, m, b]:
                        alone[k, m, b] = squares + through
                        following[k, m, b] = a
                    useful |= squares < alone[k, m, b]
                if not useful:
                    break
    return alone, shared, following


@compiled()
def chain(
    totals: Doubles, alone: Doubles, shared: Doubles, following: Integers, inner: Doubles, same: Integers, breaks: int
) -> Integers:
    """Blocks of the breaks in the case that the lower bound describes.

    Parameters
    ----------
    totals
        Lower bounds with so many breaks, if the first lies in each block, shape (blocks,).
    alone, shared, following, inner, same
        As of the functions above.
    """
    blocks = np.zeros(breaks, dtype=np.int64)
    blocks[0] = np.argmin(totals)
    known = True  # whether this block holds no break before
    for k in range(1, breaks):
        b, m = blocks[k - 1], breaks - k
        separate = alone[k - 1, m, b] + (inner[k - 1, b] if known else 0.0)
        known = separate <= shared[k - 1, m, b]
        blocks[k] = following[k - 1, m, b] if known else same[k - 1, b]
    return blocks


@compiled()
def pair_costs(data: Doubles, sums: Doubles, edges: Integers) -> Doubles:
    """Costs of the pieces that neighbouring pairs would make, shape (pieces // 2,).

    Parameters
    ----------
    edges
        First point of each piece, and the number of points.
    """
    costs = np.empty((edges.size - 1) // 2)
    for pair in range(costs.size):
        costs[pair] = cost(data, sums, edges[2 * pair], edges[2 * pair + 2])
    return costs
