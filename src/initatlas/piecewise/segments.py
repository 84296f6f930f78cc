"""Segmented regression: lines through data, with the breaks where they are best.

A break is looked for between data points, where the lines need not meet; at data points, or anywhere, where they do. Points with
the same x always share a piece. All numbers of pieces up to the largest come from one run.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from math import inf

import numpy as np
from numpy.typing import ArrayLike

from initatlas.arrays import Doubles, Integers
from initatlas.piecewise import continuous_kernel as meeting
from initatlas.piecewise import free_knots_kernel as anywhere
from initatlas.piecewise import segments_kernel as free
from initatlas.piecewise.arrays import whole
from initatlas.piecewise.segment_data import SortedData
from initatlas.piecewise.segmentations import Fit, Segmentations
from initatlas.piecewise.segments_search import ROUNDING, search

_EXHAUSTIVE = 2000
"""Distinct x up to which all breaks are tried."""

_ROUGH = (3, 25)
"""States per place and number of pieces in the searches that give knots anywhere their upper bounds."""


def _checked_pieces(pieces: int, possible: int, what: str) -> int:
    """The number of pieces, if there are points enough."""
    if whole("pieces", pieces, 1) > possible:
        raise ValueError(f"pieces: {pieces}, but {what} allow at most {possible}")
    return int(pieces)


def _checked_effort(effort: float) -> float:
    """The effort, if it is one."""
    if not effort >= 0:
        raise ValueError(f"effort: {effort!r}, give a number of at least 0")
    return effort


def segment(
    x: ArrayLike,
    y: ArrayLike,
    *,
    pieces: int,
    min_points: int = 2,
    weights: ArrayLike | None = None,
    effort: float = 500.0,
) -> Segmentations:
    """Optimal lines that need not meet, for 1 up to `pieces` of them (Bai and Perron 2003).

    Up to 2000 distinct x by dynamic programming over all breaks, O(pieces n^2). Beyond that by branch and bound, which finds the
    same: fast where the data fix the breaks, slow where many are as good, as with more pieces than the data have.

    Parameters
    ----------
    x, y
        Data, shape (n,), in any order.
    pieces
        Largest number of pieces.
    min_points
        Fewest distinct x in a piece, at least 1. A piece with a single one is a constant.
    weights
        Above 0, shape (n,); by default all 1.
    effort
        Beyond 2000 distinct x: how many blocks of places per break the search looks at. Where it has to look at more, the fit is
        the best that was found, and `Segmentations.lower_bounds` says how much better another might be. `inf` is never content.

    Raises
    ------
    ValueError
        If there are no points, a number is not finite, or the pieces are more than the points allow.
    """
    data = SortedData(x, y, weights)
    whole("min_points", min_points, 1)
    _checked_effort(effort)
    count = data.distinct.size
    what = f"{count} distinct x with min_points {min_points}"
    most = _checked_pieces(pieces, max(1, count // min_points), what)
    moments = data.moments()
    if count <= _EXHAUSTIVE:
        _, lasts = free.optimal_breaks(moments, most, min(min_points, count))
        fits = [data.fit_apart(_traced(lasts, k)) for k in range(most)]
        bounds = np.array([fit.squares for fit in fits])
    else:
        fits, bounds = _searched(data, moments, most, min_points, effort)
    return _collected(fits, bounds, data, continuous=False)


def _traced(lasts: Integers, k: int) -> Integers:
    """Breaks of the best segmentation with k + 1 pieces."""
    breaks = []
    end = lasts.shape[1] - 1
    for piece in range(k, 0, -1):
        end = int(lasts[piece, end])
        breaks.append(end)
    return np.array(breaks[::-1], dtype=np.int64)


def _searched(
    data: SortedData, moments: Doubles, most: int, min_points: int, effort: float
) -> tuple[list[Fit], Doubles]:
    """Fits with 1 up to `most` pieces and lower bounds of their sums, by branch and bound."""
    none = np.empty(0, dtype=np.int64)
    results = search(np.ascontiguousarray(moments[:, :3].T), most, min_points, effort) if most > 1 else []
    fits = [data.fit_apart(breaks) for breaks in (none, *(result.breaks for result in results))]
    squares = np.array([fit.squares for fit in fits])
    proved = np.array([True, *(result.bound >= result.squares for result in results)])
    within = float(moments[:, 5].sum())
    bounds = np.array([0.0, *(result.bound for result in results)]) + within
    return fits, np.where(proved, squares, np.minimum(bounds, squares * (1.0 - ROUNDING)))


def _collected(fits: Sequence[Fit], bounds: Doubles, data: SortedData, *, continuous: bool) -> Segmentations:
    """Fits as one result."""
    return Segmentations(
        tuple(fit.function for fit in fits),
        np.array([fit.squares for fit in fits]),
        bounds,
        data.x.size,
        continuous,
        data.resolution,
    )


def segment_continuous(
    x: ArrayLike,
    y: ArrayLike,
    *,
    pieces: int,
    min_points: int = 2,
    weights: ArrayLike | None = None,
    places: int | None = None,
    between: bool = False,
    effort: float = 500_000.0,
) -> Segmentations:
    """Optimal continuous piecewise linear functions, for 1 up to `pieces` pieces.

    By functional dynamic programming, which is exact. With knots at data points (`initatlas.piecewise.continuous_kernel`) it
    takes O(pieces p^2 q) for p places, q being the mean number of quadratics that touch an envelope: some units, more where many
    knots are as good. With knots anywhere (`initatlas.piecewise.free_knots_kernel`) it takes O(p) per state that an optimum might
    pass: tenths of a second for 200 points and some pieces, longer the less the data fix the knots.

    Parameters
    ----------
    x, y
        Data, shape (n,), in any order.
    pieces
        Largest number of pieces.
    min_points
        Fewest places in a piece, those at its two ends included, at least 2.
    weights
        Above 0, shape (n,); by default all 1.
    places
        Distinct x at which knots may lie, evenly spread over their ranks; by default all. The fit is optimal among those knots,
        and uses all data.
    between
        Whether knots may lie between data points too. Each piece has its `min_points` all the same, so no piece hides in a gap.
    effort
        With knots anywhere: how many states the search keeps. Where it would need more, the fits are the best that it found, and
        `Segmentations.lower_bounds` holds what lines leave that need not meet. `inf` is never content.

    Raises
    ------
    ValueError
        If there are no points, a number is not finite, the pieces are more than the points allow, or there are `places` for knots
        that lie anywhere.
    """
    data = SortedData(x, y, weights)
    if between and places is not None:
        raise ValueError(
            f"places: {places}, but knots that lie between data points have none; leave out one of the two"
        )
    if whole("min_points", min_points, 0) < 2:
        raise ValueError(f"min_points: {min_points}, give at least 2: a piece has both its ends")
    if places is not None and whole("places", places, 0) < 2:
        raise ValueError(f"places: {places}, give at least 2: the ends are two")
    _checked_effort(effort)
    data.check_steps()
    count = data.distinct.size
    allowed = count if places is None else min(places, count)
    what = f"{allowed} places with min_points {min_points}"
    most = _checked_pieces(pieces, max(1, (allowed - 1) // (min_points - 1)), what)
    if count == 1:
        fit = data.fit_apart(np.empty(0, dtype=np.int64))
        return _collected([fit], np.array([fit.squares]), data, continuous=True)
    if between:
        return _fitted_anywhere(data, most, min(min_points, count), effort)
    ranks = np.linspace(0, count - 1, allowed).round().astype(np.int64)
    knots = _best_knots(data, ranks, most, min(min_points, allowed))
    fits = [data.fit_meeting(ranks[chosen]) for chosen in knots]
    return _collected(fits, np.array([fit.squares for fit in fits]), data, continuous=True)


def _fitted_anywhere(data: SortedData, most: int, shortest: int, effort: float) -> Segmentations:
    """Fits with knots anywhere and 1 up to `most` pieces."""
    moments = data.moments()
    blocks, sums = _blocks(moments, np.arange(data.distinct.size))
    at = moments[:, 1]
    best = [
        (squares, knots[1:-1], np.zeros(knots.size - 2, dtype=np.int64))
        for squares, knots in _rough(at, sums, most, shortest)
    ]
    proved = False
    for kept in (*_ROUGH, 0):
        squares = np.array([found[0] for found in best])
        ceilings = _ceilings(squares * (1.0 + 1e-9) + _rounding(data, sums), blocks)
        knots, lines, spans = anywhere.all_states(at, sums, ceilings, shortest, kept, inf if kept else effort)
        for k, (first, last) in enumerate(spans[1:]):
            if last > first and (not kept or lines[first, 0] < best[k][0]):
                best[k] = (lines[first, 0], *anywhere.knots_of(knots, lines, first))
        proved = bool((spans[1:, 1] > spans[1:, 0]).all())
    fits = [data.fit_crossing(places, gaps) for _, places, gaps in best]
    found = np.array([fit.squares for fit in fits])
    apart = free.optimal_breaks(moments, most, 1)[0][:, -1]
    bounds = np.where(proved | (apart >= found * (1.0 - ROUNDING)), found, apart)
    return _collected(fits, bounds, data, continuous=True)


def _rough(at: Doubles, sums: Doubles, most: int, shortest: int) -> list[tuple[float, Integers]]:
    """Good knots at places with 1 up to `most` pieces, both ends included, and the sums of squares with them."""
    nothing_known = np.full((most + 1, at.size), inf)
    kept, spans = meeting.value_functions(at, sums, nothing_known, shortest, False)
    return [meeting.best_knots(kept, spans[k, -1]) for k in range(1, most + 1)]


def _rounding(data: SortedData, sums: Doubles) -> float:
    """By how much rounding may lift a sum of squares."""
    return 1e-13 * float(sums[:, 5].sum()) + data.resolution + float(np.finfo(np.float64).tiny)


def _best_knots(data: SortedData, ranks: Integers, most: int, shortest: int) -> list[Integers]:
    """Optimal knots with 1 up to `most` pieces, as places among the allowed ones."""
    moments = data.moments()
    blocks, sums = _blocks(moments, ranks)
    at = moments[ranks, 1]
    squares = np.array([squares for squares, _ in _rough(at, sums, most, shortest)])
    ceilings = _ceilings(squares * (1.0 + 1e-9) + _rounding(data, sums), blocks)
    kept, spans = meeting.value_functions(at, sums, ceilings, shortest, True)
    return [meeting.best_knots(kept, spans[k, -1])[1] for k in range(1, most + 1)]


def _blocks(moments: Doubles, ranks: Integers) -> tuple[Doubles, Doubles]:
    """Moments of the points behind each place up to the next, and their sums of w, w d, w d^2, w y, w y d and w y^2.

    The first block is the first point; d is the distance to the place at the block's end.
    """
    blocks = free.joined(moments, ranks)
    w, x, y, xx, xy, yy = blocks.T
    away = moments[ranks, 1] - x
    return blocks, np.stack([w, w * away, xx + w * away**2, w * y, w * away * y - xy, yy + w * y**2], axis=1)


def _ceilings(squares: Doubles, blocks: Doubles) -> Doubles:
    """What V_k may at most be at each place in a fit that costs no more than `squares`, shape (pieces + 1, places)."""
    most, count = squares.size, blocks.shape[0]
    behind, _ = free.optimal_breaks(np.ascontiguousarray(blocks[:0:-1]), most, 1)
    rest = np.full((most + 1, count), inf)
    rest[0, -1] = 0.0
    rest[1:] = behind[:, ::-1]
    rest[1:, -1] = inf
    left = np.full((most + 1, count), -inf)
    for k in range(1, most + 1):
        left[k] = (squares[k - 1 :, None] - rest[: most - k + 1]).max(axis=0)
    return left


def greedy_merge(
    x: ArrayLike,
    y: ArrayLike,
    *,
    pieces: int,
    tau: float = 1.0,
    gamma: int = 1,
    noise_variance: float = 0.0,
    weights: ArrayLike | None = None,
) -> Fit:
    """Independent lines by greedy merging, in O(n log n): at most (2 + 2 / tau) pieces + gamma of them.

    Pieces are merged in pairs, in rounds, all but the (1 + 1 / tau) pieces pairs whose merging leaves most above the noise.

    Parameters
    ----------
    x, y
        Data, shape (n,), in any order.
    pieces
        Number of pieces of the function that the result is held against, at least 1.
    tau, gamma
        Above 0 and at least 0: more pieces and a smaller error, or fewer.
    noise_variance
        Of the noise at a distinct x of weight 1.
    weights
        Above 0, shape (n,); by default all 1.

    Raises
    ------
    ValueError
        If there are no points, a number is not finite, or a parameter is out of its range.

    References
    ----------
    Acharya, Diakonikolas, Li and Schmidt 2016, "Fast algorithms for segmented regression", algorithm 1 and theorem 7.
    """
    data = SortedData(x, y, weights)
    whole("pieces", pieces, 1)
    for name, value, low in (
        ("tau", tau, np.nextafter(0.0, 1.0)),
        ("gamma", gamma, 0.0),
        ("noise_variance", noise_variance, 0.0),
    ):
        if not (np.isfinite(value) and value >= low):
            raise ValueError(f"{name}: {value!r}, give a number {'above' if low else 'of at least'} 0")
    moments = np.ascontiguousarray(data.moments()[:, :3].T)
    sums = free.prefix_sums(moments)
    kept_pairs = int((1.0 + 1.0 / tau) * pieces)
    edges = np.arange(data.distinct.size + 1)
    while edges.size - 1 > (2.0 + 2.0 / tau) * pieces + gamma:
        sizes = edges[2::2] - edges[:-2:2]
        errors = free.pair_costs(moments, sums, edges) - noise_variance * sizes
        if errors.size <= kept_pairs:
            break
        merged = np.argsort(errors, kind="stable")[: errors.size - kept_pairs]
        edges = np.delete(edges, 2 * merged + 1)
    return data.fit_apart(edges[1:-1])


def segment_many(
    x: ArrayLike,
    series: ArrayLike,
    *,
    pieces: int,
    continuous: bool = False,
    between: bool = False,
    min_points: int = 2,
    weights: ArrayLike | None = None,
    threads: int = 1,
) -> list[Segmentations]:
    """The same for many series that share their x: `segment` or `segment_continuous` of each.

    Parameters
    ----------
    series
        Shape (m, n).
    continuous, between
        Whether the lines meet, and whether they may between data points.
    threads
        How many series are computed at a time; it changes no bit.

    Raises
    ------
    ValueError
        As these do, or if `series` has not two dimensions.
    """
    whole("threads", threads, 1)
    rows = np.asarray(series, dtype=np.float64)
    if rows.ndim != 2:
        raise ValueError(f"series: {rows.ndim} dimensions, give two")
    if between and not continuous:
        raise ValueError("between: is about lines that meet; give continuous=True too")
    one = partial(segment_continuous, between=between) if continuous else segment

    def run(row: Doubles) -> Segmentations:
        return one(x, row, pieces=pieces, min_points=min_points, weights=weights)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, rows))
