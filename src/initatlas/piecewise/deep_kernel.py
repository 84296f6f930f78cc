"""The compiled loop of exact gradient descent for deep univariate networks.

The sorted data fall into segments on which every unit is a line. A layer's pre-activation changes its sign at most once in a
segment of the layer below, and splits it there. Forward, a layer costs as much as its segments, not as the data. Backward, all
points of a segment share their adjoints, so what a layer needs of them are two sums, of the adjoint and of the adjoint times x.
Those of a segment are the sums over its parts: the layers below have fewer and fewer. Sums of residuals are those of prefix sums.

Of each segment the active units alone are kept, for the others add nothing in either direction. All layers have the room of the
widest; units that fill it up are 0 and stay so.
"""

from typing import Any, NamedTuple

import numpy as np

from initatlas.arrays import Doubles, Integers
from initatlas.caches import compiled
from initatlas.piecewise.shallow_kernel import adam_step, bias_corrections

_NEAR = 4
"""Points that a change of sign is looked for beside the zero of the line before it is looked for everywhere."""

# sums may be reordered and contracted; nan and infinity keep their meaning, for divergence is seen by them
_NUMBERS: dict[str, Any] = {"fastmath": {"reassoc", "contract", "nsz"}, "error_model": "numpy"}


class Segments(NamedTuple):
    """The segments of all layers, the input's first.

    Attributes
    ----------
    counts
        Segments of each layer, shape (layers,).
    starts
        First point of each, and behind the last one the number of points, shape (layers, room + 1).
    parents
        The segment of the layer below of which it is a part, shape (layers, room).
    active
        Active units of each, shape (layers, room).
    units, slopes, levels
        Which they are, and their lines, in their first so many columns, shape (layers, room, units).
    plain, moved
        Sums over its points of the adjoints of the pre-activations above, and of those times x, shape (layers, room, units).
    """

    counts: Integers
    starts: Integers
    parents: Integers
    active: Integers
    units: Integers
    slopes: Doubles
    levels: Doubles
    plain: Doubles
    moved: Doubles


@compiled()
def make_room(layers: int, room: int, units: int, points: int, centre: float) -> Segments:
    """Room for so many segments; the input's one is there, with x itself as its unit."""
    counts = np.ones(layers, dtype=np.int64)
    starts = np.zeros((layers, room + 1), dtype=np.int64)
    parents = np.zeros((layers, room), dtype=np.int64)
    active = np.zeros((layers, room), dtype=np.int64)
    which = np.zeros((layers, room, units), dtype=np.int64)
    slopes, levels = np.zeros((layers, room, units)), np.zeros((layers, room, units))
    plain, moved = np.zeros((layers, room, units)), np.zeros((layers, room, units))
    starts[0, 1], active[0, 0], slopes[0, 0, 0], levels[0, 0, 0] = points, 1, 1.0, centre
    return Segments(counts, starts, parents, active, which, slopes, levels, plain, moved)


@compiled(**_NUMBERS)
def pre_activation(theta: Doubles, layer: int, segment: int, segments: Segments, z: Doubles) -> None:
    """The lines of a layer's pre-activations from those of the layer below in one of its segments, written to `z`."""
    _, _, _, active, units, slopes, levels, _, _ = segments
    room = z.shape[1]
    for u in range(room):
        z[0, u], z[1, u] = 0.0, theta[layer - 1, room, u]
    for place in range(active[layer - 1, segment]):
        unit = units[layer - 1, segment, place]
        slope, level = slopes[layer - 1, segment, place], levels[layer - 1, segment, place]
        for u in range(room):
            z[0, u] += theta[layer - 1, unit, u] * slope
            z[1, u] += theta[layer - 1, unit, u] * level


@compiled(error_model="numpy")
def change_of_sign(slope: float, level: float, x: Doubles, first: int, end: int) -> int:
    """First point of a segment at which a line is on the other side of zero than at the segment's first point.

    It is asked of the points themselves, as a dense loop does; where the line is zero only says where to ask first.
    """
    above = slope * x[first] + level > 0.0
    low, high = first + 1, end - 1
    along = (-level / slope - x[first]) / (x[high] - x[first])
    place = first + int(along * (high - first)) + 1 if 0.0 < along < 1.0 else low
    for _ in range(_NEAR):
        if place > low and (slope * x[place - 1] + level > 0.0) != above:
            place -= 1
        elif place < high and (slope * x[place] + level > 0.0) == above:
            place += 1
        else:
            return place
    while low < high:
        middle = (low + high) // 2
        if (slope * x[middle] + level > 0.0) == above:
            low = middle + 1
        else:
            high = middle
    return low


@compiled()
def split(first: int, end: int, x: Doubles, z: Doubles, cuts: Integers) -> int:
    """Where the signs of a layer's units change in a segment: increasing places, each once, written to `cuts`; their number."""
    count = 0
    left, right = x[first], x[end - 1]
    for u in range(z.shape[1]):
        if (z[0, u] * left + z[1, u] > 0.0) == (z[0, u] * right + z[1, u] > 0.0):
            continue
        cut = change_of_sign(z[0, u], z[1, u], x, first, end)
        spot = count
        while spot > 0 and cuts[spot - 1] > cut:
            spot -= 1
        if spot > 0 and cuts[spot - 1] == cut:
            continue
        for shifted in range(count, spot, -1):
            cuts[shifted] = cuts[shifted - 1]
        cuts[spot] = cut
        count += 1
    return count


@compiled()
def forward(theta: Doubles, x: Doubles, segments: Segments, z: Doubles, cuts: Integers) -> bool:
    """Segments and lines of all hidden layers, from those of the input; false if there is no room for the segments."""
    counts, starts, parents, active, units, slopes, levels, plain, moved = segments
    for layer in range(1, counts.size):
        made = 0
        for segment in range(counts[layer - 1]):
            pre_activation(theta, layer, segment, segments, z)
            first = starts[layer - 1, segment]
            parts = split(first, starts[layer - 1, segment + 1], x, z, cuts) + 1
            if made + parts > parents.shape[1]:
                return False
            for part in range(parts):
                begin = first if part == 0 else cuts[part - 1]
                starts[layer, made], parents[layer, made] = begin, segment
                kept, at = 0, x[begin]
                for u in range(z.shape[1]):
                    units[layer, made, kept] = u
                    slopes[layer, made, kept], levels[layer, made, kept] = z[0, u], z[1, u]
                    kept += z[0, u] * at + z[1, u] > 0.0
                active[layer, made] = kept
                made += 1
            for u in range(z.shape[1]):
                plain[layer - 1, segment, u], moved[layer - 1, segment, u] = 0.0, 0.0
        starts[layer, made] = x.size
        counts[layer] = made
    return True


@compiled(**_NUMBERS)
def output_line(theta: Doubles, segment: int, segments: Segments) -> tuple[float, float]:
    """Slope and level of the network on one of the last segments."""
    _, _, _, active, units, slopes, levels, _, _ = segments
    last = theta.shape[0] - 1
    slope, level = 0.0, theta[last, theta.shape[2], 0]
    for place in range(active[last, segment]):
        weight = theta[last, units[last, segment, place], 0]
        slope += weight * slopes[last, segment, place]
        level += weight * levels[last, segment, place]
    return slope, level


@compiled(**_NUMBERS)
def output_gradient(theta: Doubles, segments: Segments, sums: Doubles, gradient: Doubles) -> float:
    """Sums of the residuals over the last segments: the output layer's gradient, and what the last hidden layer needs.

    Returns
    -------
    float
        Sum of all residuals.
    """
    counts, starts, parents, active, units, slopes, levels, plain, moved = segments
    last = counts.size - 1
    total = 0.0
    for segment in range(counts[last]):
        slope, level = output_line(theta, segment, segments)
        a, b = starts[last, segment], starts[last, segment + 1]
        n, nx = sums[b, 0] - sums[a, 0], sums[b, 1] - sums[a, 1]
        residual = slope * nx + level * n - (sums[b, 3] - sums[a, 3])
        residual_x = slope * (sums[b, 2] - sums[a, 2]) + level * nx - (sums[b, 4] - sums[a, 4])
        total += residual
        parent = parents[last, segment]
        for place in range(active[last, segment]):
            unit = units[last, segment, place]
            gradient[last, unit, 0] += (
                slopes[last, segment, place] * residual_x + levels[last, segment, place] * residual
            )
            plain[last - 1, parent, unit] += theta[last, unit, 0] * residual
            moved[last - 1, parent, unit] += theta[last, unit, 0] * residual_x
    gradient[last, theta.shape[2], 0] += total
    return total


@compiled(**_NUMBERS)
def layer_gradient(layer: int, theta: Doubles, segments: Segments, gradient: Doubles) -> None:
    """Gradient of the weights above a layer, and what the layer below needs."""
    counts, _, parents, active, units, slopes, levels, plain, moved = segments
    room = theta.shape[2]
    for segment in range(counts[layer]):
        parent = parents[layer, segment]
        for u in range(room):
            gradient[layer, room, u] += plain[layer, segment, u]
        for place in range(active[layer, segment]):
            unit = units[layer, segment, place]
            slope, level = slopes[layer, segment, place], levels[layer, segment, place]
            seen, seen_x = 0.0, 0.0
            for u in range(room):
                gradient[layer, unit, u] += slope * moved[layer, segment, u] + level * plain[layer, segment, u]
                seen += theta[layer, unit, u] * plain[layer, segment, u]
                seen_x += theta[layer, unit, u] * moved[layer, segment, u]
            if layer > 0:
                plain[layer - 1, parent, unit] += seen
                moved[layer - 1, parent, unit] += seen_x


@compiled()
def squared_error(theta: Doubles, x: Doubles, y: Doubles, segments: Segments) -> float:
    """Sum of the squared residuals, point by point along the lines of the last segments."""
    last = segments.counts.size - 1
    total = 0.0
    for segment in range(segments.counts[last]):
        slope, level = output_line(theta, segment, segments)
        for n in range(segments.starts[last, segment], segments.starts[last, segment + 1]):
            total += (slope * x[n] + level - y[n]) ** 2
    return total


@compiled()
def descend_deep(
    theta: Doubles,
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
) -> int:
    """Full-batch descent of one network; its parameters are changed in place.

    Parameters
    ----------
    theta
        Weights of each layer, a row per input and a column per unit, and in the last row its biases; shape (layers, units + 1,
        units), where `units` is the largest number in a layer. What a layer does not need is 0.
    x, y
        Data, `x` increasing, from a centre.
    centre, sums
        That centre, and the sums of the data from there: `initatlas.piecewise.shallow_kernel.prefix_sums`.
    scale
        The loss is scale / 2 times the sum of squared residuals.
    rate, betas, train_constant
        As in `initatlas.piecewise.shallow_kernel.descend`.
    record
        Increasing numbers of updates after which losses (shape (r,)) and parameters (shape (r, *theta.shape)) are written.

    Returns
    -------
    int
        The update before which the network was no longer finite, or -1.
    """
    layers, units = theta.shape[0], theta.shape[2]
    room = min(x.size, 64)
    segments = make_room(layers, room, units, x.size, centre)
    z, cuts = np.zeros((2, units)), np.zeros(units + 1, dtype=np.int64)
    gradient, moments = np.zeros(theta.shape), np.zeros((theta.size, 2))
    values, slopes = theta.reshape(theta.size), gradient.reshape(theta.size)
    constant = theta.size - units
    recorded = 0
    for epoch in range(record[record.size - 1] + 1):
        while not forward(theta, x, segments, z, cuts):
            room = min(x.size, 2 * room)
            segments = make_room(layers, room, units, x.size, centre)
        if epoch == record[recorded]:
            losses[recorded] = 0.5 * scale * squared_error(theta, x, y, segments)
            written = parameters[recorded].reshape(theta.size)
            for i in range(theta.size):
                written[i] = values[i]
            recorded += 1
        if epoch == record[record.size - 1]:
            break
        for i in range(theta.size):
            slopes[i] = 0.0
        total = output_gradient(theta, segments, sums, gradient)
        if not np.isfinite(total):
            return epoch
        for layer in range(layers - 2, -1, -1):
            layer_gradient(layer, theta, segments, gradient)
        if not train_constant:
            slopes[constant] = 0.0
        if betas.size:
            corrections = bias_corrections(betas, epoch + 1)
            for i in range(theta.size):
                values[i] = adam_step(values[i], scale * slopes[i], moments[i], rate, betas, corrections)
        else:
            for i in range(theta.size):
                values[i] -= rate * scale * slopes[i]
    return -1
