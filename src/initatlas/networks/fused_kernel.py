"""The compiled loop of full-batch gradient descent for networks of one hidden ReLU layer.

Blocks of 32 units by up to 12 coordinates stay in registers while all inputs pass: first the gradient of their weights, by the
flags that say which unit is active at which input, then, with the new weights, the pre-activations, which become outputs and
flags and are forgotten. So of units by inputs there is one bit each, and a number is read from memory for every 4 and more
operations. Since the ReLU is homogeneous, the gradient of an output weight is the scalar product of the input weights with their
own gradient. Every lane of a vector is a unit: sums over inputs need no sum within a vector, and those over units get one at the
end of an epoch.

Layouts, of float32 where nothing else is said: inputs (groups, n, coordinates of a group), padded with zeros; input weights
(blocks, groups, coordinates of a group times 32); output weights (blocks, 32); parts of the outputs (n, 16), to be summed; flags
(blocks, 2 n) of 16 bits.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from initatlas.arrays import Floats
from initatlas.caches import compiled
from initatlas.vectors import SINGLE, data, written

LANES = SINGLE.lanes
"""Units in a vector."""

_VECTORS = 2
"""Of units in a block."""

UNITS = _VECTORS * LANES
"""Of a block."""

MOST_COORDINATES = 12
"""Of a group: 2 vectors each, and some for the rest, are what 32 registers hold."""

# sums may take any order, and a value is multiplied and added at once; NaN stays NaN
_FAST = {"reassoc", "contract", "nsz"}


def _number(value: int) -> Any:
    """An integer as LLVM takes it."""
    return ir.IntType(64)(value)


def _number_at(builder: Any, row: Any, columns: int, column: int) -> Any:
    """Place of an entry in a matrix."""
    return builder.add(builder.mul(row, _number(columns)), _number(column))


def _pre_activations(builder: Any, x: Any, row: Any, weights: list[Any], start: list[Any]) -> list[Any]:
    """Write the code for pre-activations of a block at one input, added to some start."""
    z = [*start]
    coordinates = len(weights) // _VECTORS
    for k in range(coordinates):
        value = SINGLE.spread(builder, x, _number_at(builder, row, coordinates, k))
        for u in range(_VECTORS):
            z[u] = SINGLE.times_plus(builder, weights[k * _VECTORS + u], value, z[u])
    return z


def _loaded(builder: Any, start: Any, vectors: int) -> list[Any]:
    """Write the code that loads vectors which lie side by side."""
    return [SINGLE.load(builder, start, _number(LANES * at)) for at in range(vectors)]


@written
def _fill_gradients(typing: Any, rx: Any, active: Any, sums: Any, count: Any, group: Any) -> Any:
    """Sum of residual times input over the inputs at which a unit is active, for a block and a group of coordinates.

    `group` is a tuple as long as the group.
    """

    def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        """Write the code."""
        inputs, flags, out = (
            data(context, builder, *pair) for pair in zip(signature.args[:3], values[:3], strict=True)
        )
        gradients = [SINGLE.variable(builder) for _ in range(_VECTORS * group.count)]
        with cgutils.for_range(builder, values[3]) as loop:
            is_active = [
                SINGLE.load_flags(builder, flags, _number_at(builder, loop.index, _VECTORS, u)) for u in range(_VECTORS)
            ]
            for k in range(group.count):
                value = SINGLE.spread(builder, inputs, _number_at(builder, loop.index, group.count, k))
                for u, place in enumerate(gradients[k * _VECTORS : (k + 1) * _VECTORS]):
                    before = builder.load(place)
                    builder.store(builder.select(is_active[u], builder.fadd(before, value), before), place)
        for at, place in enumerate(gradients):
            SINGLE.store(builder, builder.load(place), out, _number(LANES * at))
        return context.get_dummy_value()

    return types.void(rx, active, sums, count, group), write


@written
def _add_pre_activations(typing: Any, x: Any, w: Any, z: Any, count: Any, group: Any) -> Any:
    """Add what a group of coordinates gives to the pre-activations of a block, z of shape (n, 32)."""

    def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        """Write the code."""
        inputs, start, out = (
            data(context, builder, *pair) for pair in zip(signature.args[:3], values[:3], strict=True)
        )
        weights = _loaded(builder, start, _VECTORS * group.count)
        with cgutils.for_range(builder, values[3]) as loop:
            places = [_number_at(builder, loop.index, UNITS, LANES * u) for u in range(_VECTORS)]
            before = [SINGLE.load(builder, out, place) for place in places]
            for vector, place in zip(
                _pre_activations(builder, inputs, loop.index, weights, before), places, strict=True
            ):
                SINGLE.store(builder, vector, out, place)
        return context.get_dummy_value()

    return types.void(x, w, z, count, group), write


@written
def _add_outputs(
    typing: Any, x: Any, w: Any, v: Any, z: Any, stride: Any, parts: Any, active: Any, count: Any, group: Any
) -> Any:
    """Outputs of a block, added to their parts, and its flags, from the last group of coordinates.

    `z` holds what the other groups have given: every `stride` numbers a row. If there are none, that is one row of zeros.
    """

    def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        """Write the code."""
        arrays = [0, 1, 2, 3, 5, 6]
        inputs, input_weights, output_weights, others, out, flags = (
            data(context, builder, signature.args[at], values[at]) for at in arrays
        )
        weights = _loaded(builder, input_weights, _VECTORS * group.count)
        factors = _loaded(builder, output_weights, _VECTORS)
        with cgutils.for_range(builder, values[7]) as loop:
            row = builder.mul(loop.index, values[4])
            start = [SINGLE.load(builder, others, builder.add(row, _number(LANES * u))) for u in range(_VECTORS)]
            at = builder.mul(loop.index, _number(LANES))
            total = SINGLE.load(builder, out, at)
            for u, vector in enumerate(_pre_activations(builder, inputs, loop.index, weights, start)):
                positive = SINGLE.is_positive(builder, vector)
                SINGLE.store_flags(builder, positive, flags, _number_at(builder, loop.index, _VECTORS, u))
                total = SINGLE.times_plus(builder, factors[u], builder.select(positive, vector, SINGLE.zero), total)
            SINGLE.store(builder, total, out, at)
        return context.get_dummy_value()

    return types.void(x, w, v, z, stride, parts, active, count, group), write


@compiled()
def _forward(x: Floats, w: Floats, v: Floats, z: Floats, parts: Floats, active: Any, group: tuple[int, ...]) -> None:
    """Add the outputs of a block to their parts, and set its flags."""
    groups, inputs = x.shape[0], x.shape[1]
    if groups > 1:
        z[:] = 0.0
        for g in range(groups - 1):
            _add_pre_activations(x[g], w[g], z, inputs, group)
    _add_outputs(x[-1], w[-1], v, z, UNITS if groups > 1 else 0, parts, active, inputs, group)


@compiled(fastmath=_FAST, error_model="numpy")
def _step(w: Floats, v: Floats, sums: Floats, rate: float) -> None:
    """Gradient step of a block, both layers from the weights before it."""
    slopes = np.zeros(UNITS, dtype=np.float32)
    for group in range(w.shape[0]):
        for k in range(w.shape[1] // UNITS):
            weights, gradients = w[group, k * UNITS : (k + 1) * UNITS], sums[group, k * UNITS : (k + 1) * UNITS]
            for unit in range(UNITS):
                slopes[unit] += weights[unit] * gradients[unit]
                weights[unit] -= np.float32(rate) * v[unit] * gradients[unit]
    for unit in range(UNITS):
        v[unit] -= np.float32(rate) * slopes[unit]


@compiled(fastmath=_FAST, error_model="numpy")
def _weighted_inputs(x: Floats, y: Floats, parts: Floats, scale: float, rx: Floats) -> None:
    """Residuals times inputs, into rx; the parts of the outputs begin at zero again."""
    for i in range(y.size):
        total = np.float32(0.0)
        for lane in range(LANES):
            total += parts[i, lane]
            parts[i, lane] = 0.0
        residual = np.float32(scale) * total - y[i]
        for group in range(x.shape[0]):
            for k in range(x.shape[2]):
                rx[group, i, k] = residual * x[group, i, k]


@compiled()
def fill_outputs(
    x: Floats, w: Floats, v: Floats, z: Floats, parts: Floats, active: Any, group: tuple[int, ...]
) -> None:
    """Parts of the outputs of all units at all inputs, without their scale.

    Parameters
    ----------
    x, w, v
        Inputs and weights.
    z
        Room for pre-activations: of shape (n, 32), or one row of zeros if there is one group of coordinates.
    parts
        To be filled.
    active
        Flags, to be set; if there is one row alone, every block uses it.
    group
        As long as a group of coordinates is.
    """
    parts[:] = 0.0
    for block in range(w.shape[0]):
        _forward(x, w[block], v[block], z, parts, active[block % active.shape[0]], group)


@compiled()
def descend(
    x: Floats,
    y: Floats,
    w: Floats,
    v: Floats,
    z: Floats,
    parts: Floats,
    active: Any,
    scale: float,
    rate: float,
    epochs: int,
    group: tuple[int, ...],
) -> None:
    """Epochs of gradient descent of sum (scale f - y)^2 / (2 n), in place.

    Parameters
    ----------
    x, y
        Inputs and targets.
    w, v
        Weights, changed.
    z, parts, active
        As `fill_outputs` leaves them for these weights, with flags for every block; changed.
    scale
        Of the network's output.
    rate
        Learning rate times scale over n.
    epochs
        Number of steps.
    group
        As long as a group of coordinates is.
    """
    rx, sums = np.empty_like(x), np.zeros(w.shape[1:], dtype=np.float32)
    for _ in range(epochs):
        _weighted_inputs(x, y, parts, scale, rx)
        for block in range(w.shape[0]):
            for g in range(x.shape[0]):
                _fill_gradients(rx[g], active[block], sums[g], y.size, group)
            _step(w[block], v[block], sums, rate)
            _forward(x, w[block], v[block], z, parts, active[block], group)
