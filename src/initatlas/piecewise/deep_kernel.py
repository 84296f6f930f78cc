"""The compiled loop of exact gradient descent for deep univariate networks.

The sorted data fall into segments on which every unit is a line. A layer's pre-activation changes its sign at most once in a
segment of the layer below, and splits it there. Forward, a layer costs as much as its segments, not as the data. Backward, all
points of a segment share their adjoints, so what a layer needs of them are two sums, of the adjoint and of the adjoint times x.
Those of a segment are the sums over its parts: the layers below have fewer and fewer. Sums of residuals are those of prefix sums.
"""

import numpy as np

from initatlas.arrays import Doubles, Integers
from initatlas.caches import compiled
from initatlas.piecewise.shallow_kernel import adam_step, bias_corrections, prefix_sums

# sums may be reordered and contracted; nan and infinity keep their meaning, for divergence is seen by them
_FREE = {"reassoc", "contract", "nsz"}


@compiled(fastmath=_FREE)
def offsets(widths: Integers) -> Integers:
    """Where each layer begins in the flat parameters: weights (inputs, units), then biases; the last one is their number."""
    found = np.zeros(widths.size, dtype=np.int64)
    for layer in range(1, widths.size):
        found[layer] = found[layer - 1] + (widths[layer - 1] + 1) * widths[layer]
    return found


@compiled(fastmath=_FREE)
def pre_activation(
    theta: Doubles,
    place: int,
    slopes: Doubles,
    levels: Doubles,
    inputs: int,
    z_slopes: Doubles,
    z_levels: Doubles,
    units: int,
) -> None:
    """The lines of a layer's pre-activations from those of its inputs, written to `z_slopes` and `z_levels`."""
    bias = place + inputs * units
    for u in range(units):
        z_slopes[u], z_levels[u] = 0.0, theta[bias + u]
    for j in range(inputs):
        slope, level = slopes[j], levels[j]
        row = theta[place + j * units : place + (j + 1) * units]
        for u in range(units):
            z_slopes[u] += row[u] * slope
            z_levels[u] += row[u] * level


@compiled()
def split(first: int, end: int, x: Doubles, z_slopes: Doubles, z_levels: Doubles, units: int, cuts: Integers) -> int:
    """Where the signs of a layer's units change in a segment: increasing places, each once, written to `cuts`; their number."""
    count = 0
    for u in range(units):
        at_first = z_slopes[u] * x[first] + z_levels[u] > 0.0
        if (z_slopes[u] * x[end - 1] + z_levels[u] > 0.0) == at_first:
            continue
        low, high = first + 1, end - 1
        while low < high:
            middle = (low + high) // 2
            if (z_slopes[u] * x[middle] + z_levels[u] > 0.0) == at_first:
                low = middle + 1
            else:
                high = middle
        spot = count
        while spot > 0 and cuts[spot - 1] > low:
            spot -= 1
        if spot > 0 and cuts[spot - 1] == low:
            continue
        for moved in range(count, spot, -1):
            cuts[moved] = cuts[moved - 1]
        cuts[spot] = low
        count += 1
    return count


@compiled()
def forward(
    theta: Doubles,
    widths: Integers,
    places: Integers,
    x: Doubles,
    starts: Integers,
    parents: Integers,
    counts: Integers,
    slopes: Doubles,
    levels: Doubles,
    z: Doubles,
    cuts: Integers,
) -> bool:
    """Segments and lines of all hidden layers, from those of the input; false if there is no room for the segments."""
    room = starts.shape[1] - 1
    for layer in range(1, widths.size - 1):
        inputs, units = widths[layer - 1], widths[layer]
        made = 0
        for segment in range(counts[layer - 1]):
            first, end = starts[layer - 1, segment], starts[layer - 1, segment + 1]
            below = slopes[layer - 1, segment], levels[layer - 1, segment]
            pre_activation(theta, places[layer - 1], below[0], below[1], inputs, z[0], z[1], units)
            parts = split(first, end, x, z[0], z[1], units, cuts) + 1
            if made + parts > room:
                return False
            for part in range(parts):
                begin = first if part == 0 else cuts[part - 1]
                starts[layer, made], parents[layer, made] = begin, segment
                at = x[begin]
                above_slopes, above_levels = slopes[layer, made], levels[layer, made]
                for u in range(units):
                    active = 1.0 if z[0, u] * at + z[1, u] > 0.0 else 0.0
                    above_slopes[u], above_levels[u] = active * z[0, u], active * z[1, u]
                made += 1
        starts[layer, made] = x.size
        counts[layer] = made
    return True


@compiled(fastmath=_FREE)
def output_sums(
    theta: Doubles,
    widths: Integers,
    places: Integers,
    starts: Integers,
    counts: Integers,
    slopes: Doubles,
    levels: Doubles,
    sums: Doubles,
    gradient: Doubles,
    adjoint: Doubles,
) -> float:
    """Sums of the residuals over the last segments: the output layer's gradient, and the adjoints of the last hidden layer.

    Returns
    -------
    float
        Sum of all residuals.
    """
    last = widths.size - 2
    units, place = widths[last], places[last]
    weights, by_weights = theta[place : place + units], gradient[place : place + units]
    total = 0.0
    for segment in range(counts[last]):
        slope, level = 0.0, theta[place + units]
        for u in range(units):
            slope += weights[u] * slopes[last, segment, u]
            level += weights[u] * levels[last, segment, u]
        a, b = sums[starts[last, segment]], sums[starts[last, segment + 1]]
        residual = slope * (b[1] - a[1]) + level * (b[0] - a[0]) - (b[3] - a[3])
        residual_x = slope * (b[2] - a[2]) + level * (b[1] - a[1]) - (b[4] - a[4])
        total += residual
        for u in range(units):
            by_weights[u] += slopes[last, segment, u] * residual_x + levels[last, segment, u] * residual
            adjoint[0, segment, u] = weights[u] * residual
            adjoint[1, segment, u] = weights[u] * residual_x
    gradient[place + units] += total
    return total


@compiled(fastmath=_FREE)
def gather(
    layer: int,
    units: int,
    counts: Integers,
    parents: Integers,
    slopes: Doubles,
    levels: Doubles,
    adjoint: Doubles,
    whole: Doubles,
) -> None:
    """Adjoints of a layer's pre-activations, summed over the parts of each segment of the layer below."""
    for parent in range(counts[layer - 1]):
        for u in range(units):
            whole[0, parent, u] = 0.0
            whole[1, parent, u] = 0.0
    for segment in range(counts[layer]):
        parent = parents[layer, segment]
        for u in range(units):
            # an inactive unit has the line 0, an active one is above 0 at the segment's first point
            active = 1.0 if slopes[layer, segment, u] != 0.0 or levels[layer, segment, u] != 0.0 else 0.0
            whole[0, parent, u] += active * adjoint[0, segment, u]
            whole[1, parent, u] += active * adjoint[1, segment, u]


@compiled(fastmath=_FREE)
def layer_gradient(
    layer: int,
    theta: Doubles,
    widths: Integers,
    places: Integers,
    counts: Integers,
    slopes: Doubles,
    levels: Doubles,
    whole: Doubles,
    gradient: Doubles,
    adjoint: Doubles,
) -> None:
    """A hidden layer's gradient, and the adjoints of the layer below it."""
    inputs, units, place = widths[layer - 1], widths[layer], places[layer - 1]
    by_bias = gradient[place + inputs * units : place + (inputs + 1) * units]
    for parent in range(counts[layer - 1]):
        plain, moved = whole[0, parent], whole[1, parent]
        for u in range(units):
            by_bias[u] += plain[u]
        for j in range(inputs):
            slope, level = slopes[layer - 1, parent, j], levels[layer - 1, parent, j]
            weights = theta[place + j * units : place + (j + 1) * units]
            by_weights = gradient[place + j * units : place + (j + 1) * units]
            seen, seen_x = 0.0, 0.0
            for u in range(units):
                by_weights[u] += slope * moved[u] + level * plain[u]
                seen += weights[u] * plain[u]
                seen_x += weights[u] * moved[u]
            adjoint[0, parent, j], adjoint[1, parent, j] = seen, seen_x


@compiled()
def squared_error(
    theta: Doubles,
    widths: Integers,
    places: Integers,
    x: Doubles,
    y: Doubles,
    starts: Integers,
    counts: Integers,
    slopes: Doubles,
    levels: Doubles,
) -> float:
    """Sum of the squared residuals, point by point along the lines of the last segments."""
    last = widths.size - 2
    units, place = widths[last], places[last]
    total = 0.0
    for segment in range(counts[last]):
        slope, level = 0.0, theta[place + units]
        for u in range(units):
            slope += theta[place + u] * slopes[last, segment, u]
            level += theta[place + u] * levels[last, segment, u]
        for n in range(starts[last, segment], starts[last, segment + 1]):
            total += (slope * x[n] + level - y[n]) ** 2
    return total


@compiled()
def make_room(
    layers: int, room: int, widest: int, points: int, centre: float
) -> tuple[Integers, Integers, Doubles, Doubles, Doubles, Doubles]:
    """Empty starts, parents, slopes, levels and adjoints (own and gathered) for so many segments; the input's one is there."""
    starts, parents = np.zeros((layers, room + 1), dtype=np.int64), np.zeros((layers, room), dtype=np.int64)
    slopes, levels = np.zeros((layers, room, widest)), np.zeros((layers, room, widest))
    starts[0, 1], slopes[0, 0, 0], levels[0, 0, 0] = points, 1.0, centre
    return starts, parents, slopes, levels, np.zeros((2, room, widest)), np.zeros((2, room, widest))


@compiled()
def descend_deep(
    theta: Doubles,
    widths: Integers,
    inputs: Doubles,
    y: Doubles,
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
        Flat parameters, layer by layer: weights (inputs, units), then biases.
    widths
        1, the widths of the hidden layers, 1.
    inputs, y
        Data, the inputs increasing.
    scale
        The loss is scale / 2 times the sum of squared residuals.
    rate, betas, train_constant
        As in `initatlas.piecewise.shallow_kernel.descend`.
    record
        Increasing numbers of updates after which losses (shape (r,)) and parameters (shape (r, parameters)) are written.

    Returns
    -------
    int
        The update before which the network was no longer finite, or -1.
    """
    places = offsets(widths)
    centre = inputs.mean()
    x = inputs - centre
    sums = prefix_sums(inputs, y, centre)
    layers, widest = widths.size - 1, widths.max()
    room = min(x.size, 64)
    starts, parents, slopes, levels, adjoint, whole = make_room(layers, room, widest, x.size, centre)
    counts = np.ones(layers, dtype=np.int64)
    z, cuts = np.zeros((2, widest)), np.zeros(widest + 1, dtype=np.int64)
    gradient, moments = np.zeros(theta.size), np.zeros((theta.size, 2))
    recorded = 0
    for epoch in range(record[-1] + 1):
        while not forward(theta, widths, places, x, starts, parents, counts, slopes, levels, z, cuts):
            room = min(x.size, 2 * room)
            starts, parents, slopes, levels, adjoint, whole = make_room(layers, room, widest, x.size, centre)
        if epoch == record[recorded]:
            error = squared_error(theta, widths, places, x, y, starts, counts, slopes, levels)
            losses[recorded] = 0.5 * scale * error
            parameters[recorded] = theta
            recorded += 1
        if epoch == record[-1]:
            break
        gradient[:] = 0.0
        total = output_sums(theta, widths, places, starts, counts, slopes, levels, sums, gradient, adjoint)
        if not np.isfinite(total):
            return epoch
        for layer in range(layers - 1, 0, -1):
            gather(layer, widths[layer], counts, parents, slopes, levels, adjoint, whole)
            layer_gradient(layer, theta, widths, places, counts, slopes, levels, whole, gradient, adjoint)
        if not train_constant:
            gradient[-1] = 0.0
        gradient *= scale
        if betas.size:
            corrections = bias_corrections(betas, epoch + 1)
            for i in range(theta.size):
                theta[i] = adam_step(theta[i], gradient[i], moments[i], rate, betas, corrections)
        else:
            for i in range(theta.size):
                theta[i] -= rate * gradient[i]
    return -1
