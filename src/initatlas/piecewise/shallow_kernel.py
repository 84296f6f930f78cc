"""The compiled loop of exact gradient descent for shallow univariate networks.

On sorted inputs the active set of a unit is a half-line: it begins, or ends, at one place of the data. Between two such places
the network is a line, so every sum of residuals over a half-line follows from prefix sums of 1, x, x^2, y and x y, taken once. An
epoch costs O(H log N) at most, and in practice O(H): places move little, so they are looked for beside the last ones and stay
nearly sorted. Whether a unit is active at a data point is asked of the point itself, as a dense loop does, so that ties come out
the same.
"""

from math import inf, isfinite, sqrt

import numpy as np

from initatlas.arrays import Doubles, Integers
from initatlas.caches import compiled

_NEAR = 8
"""Steps that a place is looked for beside the last one before it is looked for everywhere."""


@compiled(forceinline=True)
def find_place(weight: float, bias: float, x: Doubles, last: int) -> int:
    """First data point at which a unit is active (weight above 0) or no longer active (below), looking beside the last place.

    A unit without an input weight is active from 0 on, or from the end on.
    """
    points = x.size
    if weight == 0.0:
        return 0 if bias > 0.0 else points
    right = weight > 0.0
    place = last
    for _ in range(_NEAR):
        if place > 0 and (weight * x[place - 1] + bias > 0.0) == right:
            place -= 1
        elif place < points and (weight * x[place] + bias > 0.0) != right:
            place += 1
        else:
            return place
    low, high = 0, points
    while low < high:
        middle = (low + high) // 2
        if (weight * x[middle] + bias > 0.0) == right:
            high = middle
        else:
            low = middle + 1
    return low


# rows of the state of a network, a column per unit, ordered by place
W, B, V, BEFORE, BEHIND, COUNT, SUM_X, SUM_XX, SUM_Y, SUM_XY, RESIDUAL, RESIDUAL_X, MOMENTS = range(13)
ROWS = MOMENTS + 6


def prefix_sums(x: Doubles, y: Doubles, centre: float) -> Doubles:
    """Sums of 1, x, x^2, y and x y over the first n points, shape (points + 1, 5), with x measured from a centre."""
    moved = x - centre
    columns = np.stack([np.ones_like(x), moved, moved * moved, y, moved * y], axis=1)
    return np.concatenate([np.zeros((1, 5)), np.cumsum(columns, axis=0)])


@compiled(forceinline=True)
def is_settled(weight: float, bias: float, before: float, behind: float) -> bool:
    """Whether a unit still begins or ends between the two data points where it did."""
    right = weight > 0.0
    return (weight != 0.0) & ((weight * before + bias > 0.0) != right) & ((weight * behind + bias > 0.0) == right)


@compiled(forceinline=True)
def count_moved(state: Doubles) -> int:
    """Number of units that no longer begin or end where they did."""
    w, b, before, behind = state[W], state[B], state[BEFORE], state[BEHIND]
    moved = 0
    for i in range(w.size):
        moved += not is_settled(w[i], b[i], before[i], behind[i])
    return moved


@compiled()
def settle(state: Doubles, units: Integers, places: Integers, x: Doubles, sums: Doubles) -> None:
    """Find the new places of the units that moved, look up the sums there, and order the units by place again."""
    for i in range(units.size):
        if is_settled(state[W, i], state[B, i], state[BEFORE, i], state[BEHIND, i]):
            continue
        place = find_place(state[W, i], state[B, i], x, places[i])
        places[i] = place
        state[BEFORE, i] = x[place - 1] if place > 0 else -inf
        state[BEHIND, i] = x[place] if place < x.size else inf
        for column in range(sums.shape[1]):
            state[COUNT + column, i] = sums[place, column]
    for i in range(1, units.size):  # by insertion: they are nearly ordered
        j = i
        while j > 0 and places[j - 1] > places[j]:
            places[j - 1], places[j] = places[j], places[j - 1]
            units[j - 1], units[j] = units[j], units[j - 1]
            for row in range(state.shape[0]):
                state[row, j - 1], state[row, j] = state[row, j], state[row, j - 1]
            j -= 1


@compiled(forceinline=True)
def first_line(state: Doubles, constant: float, centre: float) -> tuple[float, float]:
    """Slope and value at the centre of the network left of all places, where the units that face left are active."""
    slope, level = 0.0, constant
    for i in range(state.shape[1]):
        if state[W, i] < 0.0:
            slope += state[W, i] * state[V, i]
            level += state[V, i] * (state[W, i] * centre + state[B, i])
    return slope, level


@compiled(forceinline=True)
def residual_sums(state: Doubles, constant: float, whole: Doubles, centre: float) -> tuple[float, float]:
    """Sums of the residuals, alone and times x from the centre, left of each place, written to the state.

    Parameters
    ----------
    whole
        The prefix sums over all data.

    Returns
    -------
    total, total_x
        The same sums over all points.
    """
    w, b, v = state[W], state[B], state[V]
    count, sum_x, sum_xx, sum_y, sum_xy = state[COUNT], state[SUM_X], state[SUM_XX], state[SUM_Y], state[SUM_XY]
    slope, level = first_line(state, constant, centre)
    total, total_x = 0.0, 0.0
    n, s, ss, sy, ssy = 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(w.size):
        step_n, step = count[i] - n, sum_x[i] - s
        total += slope * step + level * step_n - (sum_y[i] - sy)
        total_x += slope * (sum_xx[i] - ss) + level * step - (sum_xy[i] - ssy)
        n, s, ss, sy, ssy = count[i], sum_x[i], sum_xx[i], sum_y[i], sum_xy[i]
        state[RESIDUAL, i], state[RESIDUAL_X, i] = total, total_x
        signed = -v[i] if w[i] < 0.0 else v[i]
        slope += signed * w[i]
        level += signed * (w[i] * centre + b[i])
    step_n, step = whole[0] - n, whole[1] - s
    total += slope * step + level * step_n - (whole[3] - sy)
    total_x += slope * (whole[2] - ss) + level * step - (whole[4] - ssy)
    return total, total_x


@compiled()
def squared_error(state: Doubles, constant: float, places: Integers, x: Doubles, y: Doubles) -> float:
    """Sum of the squared residuals, point by point along the lines."""
    slope, level = first_line(state, constant, 0.0)
    total, done = 0.0, 0
    for i in range(places.size):
        for n in range(done, places[i]):
            total += (slope * x[n] + level - y[n]) ** 2
        done = places[i]
        signed = -state[V, i] if state[W, i] < 0.0 else state[V, i]
        slope += signed * state[W, i]
        level += signed * state[B, i]
    for n in range(done, x.size):
        total += (slope * x[n] + level - y[n]) ** 2
    return total


@compiled(forceinline=True)
def bias_corrections(betas: Doubles, step: int) -> tuple[float, float]:
    """What Adam's two moments are divided by in a step, because they started at 0."""
    return 1.0 - betas[0] ** step, 1.0 - betas[1] ** step


@compiled(forceinline=True)
def adam_step(
    value: float, gradient: float, moments: Doubles, rate: float, betas: Doubles, corrections: tuple[float, float]
) -> float:
    """One parameter after a step of Adam (Kingma and Ba 2015, algorithm 1); its two moments are updated."""
    moments[0] = betas[0] * moments[0] + (1.0 - betas[0]) * gradient
    moments[1] = betas[1] * moments[1] + (1.0 - betas[1]) * gradient * gradient
    corrected: float = moments[0] / corrections[0]
    spread: float = sqrt(moments[1] / corrections[1])
    moved: float = value - rate * corrected / (spread + betas[2])
    return moved


@compiled(forceinline=True)
def unit_gradient(
    w: float, b: float, v: float, left: tuple[float, float], whole: tuple[float, float], centre: float
) -> tuple[float, float, float]:
    """Derivatives of half the sum of squares by a unit's w, b and v.

    Parameters
    ----------
    left
        Sums of the residuals, alone and times x from the centre, left of the unit's place.
    whole
        The same sums over all points.
    """
    seen = left[0] if w < 0.0 else whole[0] - left[0]
    seen_x = (left[1] if w < 0.0 else whole[1] - left[1]) + centre * seen
    return v * seen_x, v * seen, w * seen_x + b * seen


@compiled(forceinline=True)
def gradient_step(state: Doubles, whole: tuple[float, float], centre: float, step: float) -> None:
    """Move all units against the gradient, `step` being the learning rate times the loss's scale."""
    w, b, v = state[W], state[B], state[V]
    for i in range(w.size):
        left = (state[RESIDUAL, i], state[RESIDUAL_X, i])
        by_w, by_b, by_v = unit_gradient(w[i], b[i], v[i], left, whole, centre)
        w[i] -= step * by_w
        b[i] -= step * by_b
        v[i] -= step * by_v


@compiled()
def adaptive_step(
    state: Doubles,
    whole: tuple[float, float],
    centre: float,
    scale: float,
    rate: float,
    betas: Doubles,
    corrections: tuple[float, float],
) -> None:
    """Move all units by Adam."""
    for i in range(state.shape[1]):
        left = (state[RESIDUAL, i], state[RESIDUAL_X, i])
        gradient = unit_gradient(state[W, i], state[B, i], state[V, i], left, whole, centre)
        for row in range(V + 1):
            moments = state[MOMENTS + 2 * row : MOMENTS + 2 * row + 2, i]
            state[row, i] = adam_step(state[row, i], scale * gradient[row], moments, rate, betas, corrections)


@compiled()
def descend(
    network: Doubles,
    constant: float,
    x: Doubles,
    y: Doubles,
    centre: float,
    sums: Doubles,
    scale: float,
    rate: float,
    betas: Doubles,
    train_constant: bool,
    record: Integers,
    losses: Doubles,
    parameters: Doubles,
    constants: Doubles,
) -> int:
    """Full-batch descent of one network.

    Parameters
    ----------
    network
        w, b and v at the start, shape (3, units).
    constant
        The output bias at the start.
    x, y
        Data, `x` increasing.
    centre, sums
        A place near the data, and their sums from there: `prefix_sums`.
    scale
        The loss is scale / 2 times the sum of squared residuals.
    rate
        Learning rate.
    betas
        For Adam its two decay rates and epsilon; empty for gradient descent.
    train_constant
        Whether the output bias is trained.
    record
        Increasing numbers of updates after which losses (shape (r,)), parameters (shape (r, 3, units)) and constants (shape (r,))
        are written.

    Returns
    -------
    int
        The update before which the network was no longer finite, or -1.
    """
    count = network.shape[1]
    whole = sums[x.size]
    state = np.zeros((ROWS, count))
    for i in range(count):
        for row in range(V + 1):
            state[row, i] = network[row, i]
        state[BEFORE, i], state[BEHIND, i] = inf, -inf  # settled nowhere
    units = np.arange(count)
    places = np.zeros(count, dtype=np.int64)
    moments = np.zeros(2)
    recorded = 0
    for epoch in range(record[record.size - 1] + 1):
        if count_moved(state):
            settle(state, units, places, x, sums)
        if epoch == record[recorded]:
            losses[recorded] = 0.5 * scale * squared_error(state, constant, places, x, y)
            for i in range(count):
                for row in range(V + 1):
                    parameters[recorded, row, units[i]] = state[row, i]
            constants[recorded] = constant
            recorded += 1
        if epoch == record[record.size - 1]:
            break
        residuals = residual_sums(state, constant, whole, centre)
        if not isfinite(residuals[0]):
            return epoch
        if betas.size:
            corrections = bias_corrections(betas, epoch + 1)
            adaptive_step(state, residuals, centre, scale, rate, betas, corrections)
            if train_constant:
                constant = adam_step(constant, scale * residuals[0], moments, rate, betas, corrections)
        else:
            gradient_step(state, residuals, centre, rate * scale)
            if train_constant:
                constant -= rate * scale * residuals[0]
    return -1
