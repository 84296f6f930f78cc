"""What a layer of a network does on its way forward and back, as functions for compiled loops.

Matrices lie in memory by rows, in one piece; weights have a row for each input of the layer, so that going forward and changing
the weights need no transposed copy. All fans are multiples of 16 (`initatlas.networks.padding`). Inputs are given by the place of
each row, so that a minibatch need not be copied.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from initatlas.networks.tile_products import LANES, Left, Tile, counted, multiply, number
from initatlas.networks.vector_functions import exponential, hyperbolic_tangent
from initatlas.vectors import SINGLE, data, written

Rule = Callable[[Any, Any, Any, Sequence[Any], Sequence[Any]], None]
"""Writes the change of a vector of parameters: gradient, place, the pointers to parameters and state, and numbers."""

_BETA1, _BETA2, _EPSILON = 0.9, 0.999, 1e-8


def pointers(context: Any, builder: Any, signature: Any, values: Any, count: int) -> list[Any]:
    """Pointers to the first arguments, which are arrays."""
    return [data(context, builder, *pair) for pair in zip(signature.args[:count], values[:count], strict=True)]


def moved(builder: Any, pointer: Any, places: Any) -> Any:
    """Pointer to a place of an array."""
    return builder.gep(pointer, [places])


def _layer(shaped: Callable[[Any, Any], Any]) -> Any:
    """Weighted inputs plus biases, with something done to them: a function of inputs, their rows, parameters and sizes."""

    @written
    def fill(
        typing: Any, x: Any, offsets: Any, parameters: Any, out: Any, at: Any, rows: Any, columns: Any, terms: Any
    ) -> Any:
        """Fill `out`, (rows, columns), from weights that begin at a place, with the biases behind them."""

        def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            """Write the code."""
            inputs, places, numbers, outputs = pointers(context, builder, signature, values, 4)
            start, height, width, depth = values[4:]
            weights = moved(builder, numbers, start)
            biases = moved(builder, weights, builder.mul(width, depth))

            def finish(builder: Any, tile: Tile) -> None:
                """Add the biases, and store."""
                added = [
                    SINGLE.load(builder, biases, builder.add(tile.column, number(LANES * v)))
                    for v in range(len(tile.sums[0]))
                ]
                for r, v, place in tile.places(builder, width):
                    SINGLE.store(builder, shaped(builder, builder.fadd(tile.sums[r][v], added[v])), outputs, place)

            multiply(builder, Left(inputs, places, turned=False), weights, height, width, depth, finish)
            return context.get_dummy_value()

        return types.void(x, offsets, parameters, out, at, rows, columns, terms), write

    return fill


fill_linear = _layer(lambda builder, z: z)
fill_rectified = _layer(lambda builder, z: builder.select(SINGLE.is_positive(builder, z), z, SINGLE.zero))


def _pull(slope: Callable[[Any, Any, Any, Any], Any]) -> Any:
    """Gradients at the pre-activations of a layer, from those of the layer above it."""

    @written
    def pull(
        typing: Any,
        gradients: Any,
        offsets: Any,
        turned: Any,
        seen: Any,
        out: Any,
        rows: Any,
        columns: Any,
        terms: Any,
        below: Any,
    ) -> Any:
        """Fill `out`, (rows, columns), from the transposed weights above and what decides on the derivative."""

        def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            """Write the code."""
            above, places, weights, decisive, outputs = pointers(context, builder, signature, values, 5)
            height, width, depth, number_below = values[5:]
            factor = SINGLE.filled(builder, number_below)

            def finish(builder: Any, tile: Tile) -> None:
                """Multiply by the derivative, and store."""
                for r, v, place in tile.places(builder, width):
                    value = SINGLE.load(builder, decisive, place)
                    SINGLE.store(builder, slope(builder, tile.sums[r][v], value, factor), outputs, place)

            multiply(builder, Left(above, places, turned=False), weights, height, width, depth, finish)
            return context.get_dummy_value()

        return types.void(gradients, offsets, turned, seen, out, rows, columns, terms, below), write

    return pull


pull_rectified = _pull(
    lambda builder, total, seen, below: builder.select(SINGLE.is_positive(builder, seen), total, SINGLE.zero)
)
pull_bent = _pull(
    lambda builder, total, seen, below: builder.select(
        SINGLE.is_positive(builder, seen), total, builder.fmul(total, below)
    )
)
pull_tanh = _pull(
    lambda builder, total, seen, below: builder.fmul(
        total, builder.fsub(SINGLE.constant(1.0), builder.fmul(seen, seen))
    )
)


def descend(builder: Any, gradient: Any, place: Any, arrays: Sequence[Any], numbers: Sequence[Any]) -> None:
    """theta <- theta - rate g."""
    before = SINGLE.load(builder, arrays[0], place)
    change = SINGLE.times_plus(builder, builder.fneg(numbers[0]), gradient, before)
    SINGLE.store(builder, change, arrays[0], place)


def roll(builder: Any, gradient: Any, place: Any, arrays: Sequence[Any], numbers: Sequence[Any]) -> None:
    """v <- mu v + rate g, theta <- theta - v."""
    velocity = builder.fmul(SINGLE.load(builder, arrays[1], place), numbers[1])
    velocity = SINGLE.times_plus(builder, numbers[0], gradient, velocity)
    SINGLE.store(builder, velocity, arrays[1], place)
    SINGLE.store(builder, builder.fsub(SINGLE.load(builder, arrays[0], place), velocity), arrays[0], place)


def adapt(builder: Any, gradient: Any, place: Any, arrays: Sequence[Any], numbers: Sequence[Any]) -> None:
    """Kingma and Ba 2015, algorithm 1; the numbers hold the bias corrections."""
    mean = builder.fmul(SINGLE.load(builder, arrays[1], place), SINGLE.constant(_BETA1))
    mean = SINGLE.times_plus(builder, gradient, SINGLE.constant(1.0 - _BETA1), mean)
    square = builder.fmul(SINGLE.load(builder, arrays[2], place), SINGLE.constant(_BETA2))
    square = SINGLE.times_plus(builder, builder.fmul(gradient, gradient), SINGLE.constant(1.0 - _BETA2), square)
    SINGLE.store(builder, mean, arrays[1], place)
    SINGLE.store(builder, square, arrays[2], place)
    spread = SINGLE.times_plus(builder, SINGLE.root(builder, square), numbers[1], SINGLE.constant(_EPSILON))
    change = builder.fdiv(builder.fmul(mean, numbers[0]), spread)
    SINGLE.store(builder, builder.fsub(SINGLE.load(builder, arrays[0], place), change), arrays[0], place)


def _update(rule: Rule) -> Any:
    """Change the weights of a layer."""

    @written
    def update(
        typing: Any,
        x: Any,
        offsets: Any,
        gradients: Any,
        parameters: Any,
        first: Any,
        second: Any,
        at: Any,
        rows: Any,
        columns: Any,
        terms: Any,
        rate: Any,
        other: Any,
    ) -> Any:
        """Of weights (rows, columns) that begin at a place, by inputs and gradients of so many terms."""

        def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            """Write the code."""
            inputs, places, slopes, *arrays = pointers(context, builder, signature, values, 6)
            start, height, width, depth, *numbers = values[6:]
            arrays = [moved(builder, array, start) for array in arrays]
            filled = [SINGLE.filled(builder, value) for value in numbers]

            def finish(builder: Any, tile: Tile) -> None:
                """Change a tile of the weights."""
                for r, v, place in tile.places(builder, width):
                    rule(builder, tile.sums[r][v], place, arrays, filled)

            multiply(builder, Left(inputs, places, turned=True), slopes, height, width, depth, finish)
            return context.get_dummy_value()

        kinds = x, offsets, gradients, parameters, first, second, at, rows, columns, terms, rate, other
        return types.void(*kinds), write

    return update


_AT_ONCE = 4
"""Sums that run side by side, so that an addition need not wait for the one before."""


def _update_bias(rule: Rule) -> Any:
    """Change the biases of a layer."""

    @written
    def update(
        typing: Any,
        gradients: Any,
        parameters: Any,
        first: Any,
        second: Any,
        at: Any,
        columns: Any,
        terms: Any,
        rate: Any,
        other: Any,
    ) -> Any:
        """Of so many biases that begin at a place, by gradients (terms, columns)."""

        def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            """Write the code."""
            slopes, *arrays = pointers(context, builder, signature, values, 4)
            start, width, depth, *numbers = values[4:]
            arrays = [moved(builder, array, start) for array in arrays]
            filled = [SINGLE.filled(builder, value) for value in numbers]
            with counted(builder, number(0), width, LANES) as (column, _):
                sums = [SINGLE.variable(builder) for _ in range(_AT_ONCE)]
                for place in sums:
                    builder.store(SINGLE.zero, place)

                def add(place: Any, row: Any, column: Any = column) -> None:
                    """Add a row to a sum."""
                    entry = SINGLE.load(builder, slopes, builder.add(builder.mul(row, width), column))
                    builder.store(builder.fadd(builder.load(place), entry), place)

                with counted(builder, number(0), depth, _AT_ONCE) as (row, rest):
                    for r, place in enumerate(sums):
                        add(place, builder.add(row, number(r)))
                with cgutils.for_range(builder, builder.sub(depth, rest)) as loop:
                    add(sums[0], builder.add(rest, loop.index))
                one, two, three, four = (builder.load(place) for place in sums)
                total = builder.fadd(builder.fadd(one, two), builder.fadd(three, four))
                rule(builder, total, column, arrays, filled)
            return context.get_dummy_value()

        return types.void(gradients, parameters, first, second, at, columns, terms, rate, other), write

    return update


descend_weights, descend_biases = _update(descend), _update_bias(descend)
roll_weights, roll_biases = _update(roll), _update_bias(roll)
adapt_weights, adapt_biases = _update(adapt), _update_bias(adapt)


def _transposed(builder: Any, rows: list[Any]) -> list[Any]:
    """A square of vectors, turned: in each step, pairs exchange blocks of half the size."""
    lanes, index = len(rows), ir.IntType(32)
    half = lanes // 2
    while half:
        turned = [*rows]
        upper = [lane if lane & half == 0 else lane - half + lanes for lane in range(lanes)]
        lower = [lane + half if lane & half == 0 else lane + lanes for lane in range(lanes)]
        for row in range(lanes):
            if row & half == 0:
                for to, order in ((row, upper), (row + half, lower)):
                    mask = ir.Constant(ir.VectorType(index, lanes), order)
                    turned[to] = builder.shuffle_vector(rows[row], rows[row + half], mask)
        rows, half = turned, half // 2
    return rows


@written
def turn(typing: Any, parameters: Any, out: Any, at: Any, rows: Any, columns: Any) -> Any:
    """Transpose the matrix (rows, columns) that begins at a place; both sizes are multiples of 16."""

    def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        """Write the code."""
        numbers, outputs = pointers(context, builder, signature, values, 2)
        start, height, width = values[2:]
        source = moved(builder, numbers, start)
        with (
            counted(builder, number(0), height, LANES) as (row, _),
            counted(builder, number(0), width, LANES) as (column, _),
        ):
            lines = _lines(builder, row, column, width)
            loaded = [SINGLE.load(builder, source, place) for place in lines]
            for vector, place in zip(_transposed(builder, loaded), _lines(builder, column, row, height), strict=True):
                SINGLE.store(builder, vector, outputs, place)
        return context.get_dummy_value()

    return types.void(parameters, out, at, rows, columns), write


def _lines(builder: Any, row: Any, column: Any, columns: Any) -> Iterator[Any]:
    """Where the lines of a square begin, in a matrix of so many columns."""
    for lane in range(LANES):
        yield builder.add(builder.mul(builder.add(row, number(lane)), columns), column)


@written
def fill_tanh(typing: Any, z: Any, out: Any, count: Any) -> Any:
    """Hyperbolic tangents of so many numbers, a multiple of 16; `out` may be `z`."""

    def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        """Write the code."""
        source, outputs = pointers(context, builder, signature, values, 2)
        with counted(builder, number(0), values[2], LANES) as (at, _):
            SINGLE.store(builder, hyperbolic_tangent(builder, SINGLE.load(builder, source, at)), outputs, at)
        return context.get_dummy_value()

    return types.void(z, out, count), write


@written
def softmax(typing: Any, outputs: Any, rows: Any, columns: Any) -> Any:
    """Put probabilities in place of the outputs (rows, columns)."""

    def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        """Write the code."""
        (numbers,) = pointers(context, builder, signature, values, 1)
        height, width = values[1:]
        with cgutils.for_range(builder, height) as loop:
            row = moved(builder, numbers, builder.mul(loop.index, width))
            highest, total = SINGLE.variable(builder), SINGLE.variable(builder)
            builder.store(SINGLE.load(builder, row, number(0)), highest)
            builder.store(SINGLE.zero, total)
            with counted(builder, number(0), width, LANES) as (at, _):
                one, other = SINGLE.load(builder, row, at), builder.load(highest)
                builder.store(builder.select(builder.fcmp_ordered(">", one, other), one, other), highest)
            top = SINGLE.filled(builder, SINGLE.largest(builder, builder.load(highest)))
            with counted(builder, number(0), width, LANES) as (at, _):
                power = exponential(builder, builder.fsub(SINGLE.load(builder, row, at), top))
                SINGLE.store(builder, power, row, at)
                builder.store(builder.fadd(builder.load(total), power), total)
            whole = SINGLE.filled(builder, SINGLE.total(builder, builder.load(total)))
            with counted(builder, number(0), width, LANES) as (at, _):
                SINGLE.store(builder, builder.fdiv(SINGLE.load(builder, row, at), whole), row, at)
        return context.get_dummy_value()

    return types.void(outputs, rows, columns), write
