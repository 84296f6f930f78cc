"""The compiled loop of exact gradient descent for deep univariate networks.

The sorted data fall into segments on which every unit is a line. A layer's pre-activation changes its sign at most once in a
segment of the layer below, and splits it there. Forward, a layer costs as much as its segments, not as the data. Backward, all
points of a segment share their adjoints, so what a layer needs of them are two sums, of the adjoint and of the adjoint times x.
Those of a segment are the sums over its parts: the layers below have fewer and fewer. Sums of residuals are those of prefix sums.

Of each segment the active units alone are kept, for the others add nothing in either direction. All layers have the room of the
widest, in whole vectors; units that fill it up are 0 and stay so. What concerns all units of a layer goes by vectors.
"""

from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from initatlas.arrays import Doubles, Integers
from initatlas.caches import compiled
from initatlas.piecewise.shallow_kernel import adam_step, bias_corrections
from initatlas.vectors import DOUBLE, data, written

LANES = DOUBLE.lanes
"""Units in a vector."""

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


def _starts(context: Any, builder: Any, signature: Any, values: Any, arrays: int) -> list[Any]:
    """Pointers to the first numbers of the arrays that come first among the arguments."""
    return [data(context, builder, *pair) for pair in zip(signature.args[:arrays], values[:arrays], strict=True)]


@written
def _fill_lines(
    typing: Any,
    theta: Any,
    units: Any,
    slopes: Any,
    levels: Any,
    z: Any,
    row: Any,
    bias: Any,
    place: Any,
    count: Any,
    room: Any,
    at: Any,
) -> Any:
    """Slopes and levels of a vector of units, from those that are active in a segment of the layer below.

    `row` and `bias` are places in `theta`, of the first weight and of the bias; `place` is where the list of `count` active units
    begins in its arrays, and `at` where the vector does in the rows of `z`, of length `room`.
    """

    def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        """Write the code."""
        weights, which, tilts, heights, out = _starts(context, builder, signature, values, 5)
        row, bias, place, count, room, at = values[5:]
        slope = DOUBLE.variable(builder)
        level = DOUBLE.variable(builder)
        builder.store(DOUBLE.load(builder, weights, bias), level)
        with cgutils.for_range(builder, count) as loop:
            listed = builder.add(place, loop.index)
            unit = builder.load(builder.gep(which, [listed]))
            weight = DOUBLE.load(builder, weights, builder.add(row, builder.mul(unit, room)))
            for total, factors in ((slope, tilts), (level, heights)):
                factor = DOUBLE.spread(builder, factors, listed)
                builder.store(DOUBLE.times_plus(builder, weight, factor, builder.load(total)), total)
        DOUBLE.store(builder, builder.load(slope), out, at)
        DOUBLE.store(builder, builder.load(level), out, builder.add(room, at))
        return context.get_dummy_value()

    return types.void(theta, units, slopes, levels, z, *[types.intp] * 6), write


@written
def _above(typing: Any, z: Any, room: Any, at: Any, x: Any) -> Any:
    """Which units of a vector are above 0 at a point, as bits; product and sum are rounded each, as a dense loop does it."""

    def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        """Write the code."""
        (lines,) = _starts(context, builder, signature, values, 1)
        _, room, at, x = values
        slope, level = DOUBLE.load(builder, lines, at), DOUBLE.load(builder, lines, builder.add(room, at))
        value = builder.fadd(builder.fmul(slope, DOUBLE.filled(builder, x)), level)
        return builder.zext(DOUBLE.bits(builder, builder.fcmp_ordered(">", value, DOUBLE.zero)), ir.IntType(64))

    return types.int64(z, types.intp, types.intp, types.float64), write


@written
def _lowest(typing: Any, bits: Any) -> Any:
    """Number of the lowest bit of those that are set; there has to be one."""

    def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        """Write the code."""
        return builder.cttz(values[0], ir.IntType(1)(1))

    return types.int64(types.int64), write


@written
def _add_gradients(
    typing: Any,
    theta: Any,
    gradient: Any,
    units: Any,
    slopes: Any,
    levels: Any,
    plain: Any,
    moved: Any,
    row: Any,
    bias: Any,
    place: Any,
    count: Any,
    room: Any,
    sums: Any,
    below: Any,
) -> Any:
    """What a segment adds to the gradient of the weights into a vector of units, and to the sums of its parent.

    `row`, `bias`, `place`, `count` and `room` are those of `_fill_lines`; `sums` and `below` are places in `plain` and `moved`:
    of the vector in this segment, and of the first unit in its parent.
    """

    def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        """Write the code."""
        weights, out, which, tilts, heights, *both = _starts(context, builder, signature, values, 7)
        row, bias, place, count, room, sums, below = values[7:]
        seen, seen_x = (DOUBLE.load(builder, one, sums) for one in both)
        DOUBLE.store(builder, builder.fadd(DOUBLE.load(builder, out, bias), seen), out, bias)
        with cgutils.for_range(builder, count) as loop:
            listed = builder.add(place, loop.index)
            unit = builder.load(builder.gep(which, [listed]))
            here = builder.add(row, builder.mul(unit, room))
            slope, level = (DOUBLE.spread(builder, factors, listed) for factors in (tilts, heights))
            added = DOUBLE.times_plus(builder, slope, seen_x, DOUBLE.load(builder, out, here))
            DOUBLE.store(builder, DOUBLE.times_plus(builder, level, seen, added), out, here)
            weight = DOUBLE.load(builder, weights, here)
            for one, start in zip((seen, seen_x), both, strict=True):
                spot = builder.gep(start, [builder.add(below, unit)])
                share = DOUBLE.total(builder, builder.fmul(weight, one))
                builder.store(builder.fadd(builder.load(spot), share), spot)
        return context.get_dummy_value()

    return types.void(theta, gradient, units, slopes, levels, plain, moved, *[types.intp] * 7), write


@compiled(forceinline=True)
def pre_activation(theta: Doubles, layer: int, segment: int, segments: Segments, z: Doubles) -> None:
    """The lines of a layer's pre-activations from those of the layer below in one of its segments, written to `z`."""
    _, _, _, active, units, slopes, levels, _, _ = segments
    inputs, room = theta.shape[1] - 1, z.shape[1]
    row = (layer - 1) * (inputs + 1) * room
    place = ((layer - 1) * units.shape[1] + segment) * room
    count = active[layer - 1, segment]
    for at in range(0, room, LANES):
        _fill_lines(theta, units, slopes, levels, z, row + at, row + inputs * room + at, place, count, room, at)


@compiled(forceinline=True, error_model="numpy")
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


@compiled(forceinline=True)
def split(first: int, end: int, x: Doubles, z: Doubles, cuts: Integers) -> int:
    """Where the signs of a layer's units change in a segment: increasing places, each once, written to `cuts`; their number."""
    count, room = 0, z.shape[1]
    for at in range(0, room, LANES):
        changed = _above(z, room, at, x[first]) ^ _above(z, room, at, x[end - 1])
        while changed:
            u = at + _lowest(changed)
            changed &= changed - 1
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


@compiled(forceinline=True)
def keep_active(layer: int, segment: int, at_point: float, segments: Segments, z: Doubles) -> None:
    """List the units of a segment that are active at one of its points, with their lines."""
    _, _, _, active, units, slopes, levels, _, _ = segments
    kept, room = 0, z.shape[1]
    for at in range(0, room, LANES):
        above = _above(z, room, at, at_point)
        while above:
            u = at + _lowest(above)
            above &= above - 1
            units[layer, segment, kept] = u
            slopes[layer, segment, kept], levels[layer, segment, kept] = z[0, u], z[1, u]
            kept += 1
    active[layer, segment] = kept


@compiled()
def forward(theta: Doubles, x: Doubles, segments: Segments, z: Doubles, cuts: Integers) -> bool:
    """Segments and lines of all hidden layers, from those of the input; false if there is no room for the segments."""
    counts, starts, parents, _, _, _, _, plain, moved = segments
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
                keep_active(layer, made, x[begin], segments, z)
                made += 1
            for u in range(z.shape[1]):
                plain[layer - 1, segment, u], moved[layer - 1, segment, u] = 0.0, 0.0
        starts[layer, made] = x.size
        counts[layer] = made
    return True


@compiled(forceinline=True, **_NUMBERS)
def output_line(theta: Doubles, segment: int, segments: Segments) -> tuple[float, float]:
    """Slope and level of the network on one of the last segments."""
    _, _, _, active, units, slopes, levels, _, _ = segments
    last = theta.shape[0] - 1
    slope, level = 0.0, theta[last, theta.shape[1] - 1, 0]
    for place in range(active[last, segment]):
        weight = theta[last, units[last, segment, place], 0]
        slope += weight * slopes[last, segment, place]
        level += weight * levels[last, segment, place]
    return slope, level


@compiled(forceinline=True, **_NUMBERS)
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
    gradient[last, theta.shape[1] - 1, 0] += total
    return total


@compiled(forceinline=True)
def layer_gradient(layer: int, theta: Doubles, segments: Segments, gradient: Doubles) -> None:
    """Gradient of the weights above a hidden layer, and what the layer below needs."""
    counts, _, parents, active, units, slopes, levels, plain, moved = segments
    most, inputs, room = units.shape[1], theta.shape[1] - 1, theta.shape[2]
    row = layer * (inputs + 1) * room
    for segment in range(counts[layer]):
        place = (layer * most + segment) * room
        below = ((layer - 1) * most + parents[layer, segment]) * room
        count = active[layer, segment]
        for at in range(0, room, LANES):
            _add_gradients(
                theta,
                gradient,
                units,
                slopes,
                levels,
                plain,
                moved,
                row + at,
                row + inputs * room + at,
                place,
                count,
                room,
                place + at,
                below,
            )


@compiled(forceinline=True, **_NUMBERS)
def input_gradient(centre: float, segments: Segments, gradient: Doubles) -> None:
    """Gradient of the weights and biases of the first hidden layer, whose input is one line over all points."""
    plain, moved = segments.plain[0, 0], segments.moved[0, 0]
    for u in range(plain.size):
        gradient[0, 0, u] += moved[u] + centre * plain[u]
        gradient[0, gradient.shape[1] - 1, u] += plain[u]


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
        room), where `units` is the largest number in a layer, and `room` the next multiple of `LANES`. What a layer does not
        need is 0.
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
        for layer in range(layers - 2, 0, -1):
            layer_gradient(layer, theta, segments, gradient)
        input_gradient(centre, segments, gradient)
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
