"""The first layer of the compiled loop on inputs that are mostly background: see `initatlas.networks.inputs`.

As in `initatlas.networks.tile_products` a tile stays in registers while its sum runs. The sum takes the features that some row of
the tile has, or the rows that have some feature of the tile: the others would add 0.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from initatlas.networks.compiled_layers import Rule, adapt, descend, moved, pointers, roll
from initatlas.networks.inputs import BLOCK
from initatlas.networks.tile_products import IS_WIDE, LANES, Tile, counted, number
from initatlas.vectors import SINGLE, written

_VECTORS = 4 if IS_WIDE else 1
"""Of a tile; what is left over of the columns is taken by one."""

_ROWS = 4
"""Of a tile of outputs; what is left over is taken by one."""


@contextmanager
def _ones(builder: Any, word: Any) -> Iterator[Any]:
    """A loop over the places of the ones of a word of 64 bits, from the lowest."""
    left = cgutils.alloca_once_value(builder, word)  # type: ignore[no-untyped-call]
    builder.store(word, left)
    with cgutils.for_range(builder, builder.ctpop(word)):
        rest = builder.load(left)
        builder.store(builder.and_(rest, builder.sub(rest, number(1))), left)
        yield builder.cttz(rest, ir.IntType(1)(0))


def _variables(builder: Any, rows: int, vectors: int) -> list[list[Any]]:
    """Registers of a tile, all 0."""
    sums = [[SINGLE.variable(builder) for _ in range(vectors)] for _ in range(rows)]
    for place in (place for line in sums for place in line):
        builder.store(SINGLE.zero, place)
    return sums


def _add(builder: Any, sums: Sequence[Sequence[Any]], entries: Sequence[Any], data: Any, at: Any) -> None:
    """Add the products of an entry for each row and the vectors that begin at a place."""
    factors = [SINGLE.load(builder, data, builder.add(at, number(LANES * v))) for v in range(len(sums[0]))]
    for line, entry in zip(sums, entries, strict=True):
        for place, factor in zip(line, factors, strict=True):
            builder.store(SINGLE.times_plus(builder, entry, factor, builder.load(place)), place)


def _columns(builder: Any, columns: Any, write: Callable[[Any, int], None]) -> None:
    """Tiles beside one another."""
    with counted(builder, number(0), columns, LANES * _VECTORS) as (column, rest):
        write(column, _VECTORS)
    if _VECTORS > 1:
        with counted(builder, rest, columns, LANES) as (column, _):
            write(column, 1)


def _layer(shaped: Callable[[Any, Any], Any]) -> Any:
    """What all inputs share plus weighted differences from it, with something done to them."""

    @written
    def fill(
        typing: Any,
        x: Any,
        offsets: Any,
        masks: Any,
        chosen: Any,
        shared: Any,
        weights: Any,
        out: Any,
        rows: Any,
        columns: Any,
        words: Any,
    ) -> Any:
        """Fill `out`, (rows, columns), for the inputs chosen, of whose masks each has so many words."""

        def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            """Write the code."""
            inputs, places, bits, order, same, matrix, outputs = pointers(context, builder, signature, values, 7)
            height, width, count = values[7:]

            def tile(row: Any, column: Any, rows: int, vectors: int) -> None:
                """Some rows by some vectors."""
                sums = _variables(builder, rows, vectors)
                lines = [builder.add(row, number(r)) for r in range(rows)]
                starts = [builder.load(moved(builder, places, line)) for line in lines]
                firsts = [builder.mul(builder.load(moved(builder, order, line)), count) for line in lines]
                with cgutils.for_range(builder, count) as loop:
                    word = builder.load(moved(builder, bits, builder.add(firsts[0], loop.index)))
                    for first in firsts[1:]:
                        word = builder.or_(word, builder.load(moved(builder, bits, builder.add(first, loop.index))))
                    base = builder.mul(loop.index, number(64))
                    with _ones(builder, word) as one:
                        feature = builder.add(base, one)
                        entries = [SINGLE.spread(builder, inputs, builder.add(start, feature)) for start in starts]
                        _add(builder, sums, entries, matrix, builder.add(builder.mul(feature, width), column))
                done = Tile(row, column, [[builder.load(place) for place in line] for line in sums])
                for r, v, place in done.places(builder, width):
                    base_value = SINGLE.load(builder, same, builder.add(column, number(LANES * v)))
                    SINGLE.store(builder, shaped(builder, builder.fadd(done.sums[r][v], base_value)), outputs, place)

            def below(column: Any, vectors: int) -> None:
                """All tiles below one another."""
                with counted(builder, number(0), height, _ROWS) as (row, rest):
                    tile(row, column, _ROWS, vectors)
                with counted(builder, rest, height, 1) as (row, _):
                    tile(row, column, 1, vectors)

            _columns(builder, width, below)
            return context.get_dummy_value()

        return types.void(x, offsets, masks, chosen, shared, weights, out, rows, columns, words), write

    return fill


fill_sparse = _layer(lambda builder, z: z)
fill_sparse_rectified = _layer(lambda builder, z: builder.select(SINGLE.is_positive(builder, z), z, SINGLE.zero))


def _update(rule: Rule) -> Any:
    """Change the weights of the first layer."""

    @written
    def update(
        typing: Any,
        x: Any,
        offsets: Any,
        background: Any,
        present: Any,
        gradients: Any,
        total: Any,
        parameters: Any,
        first: Any,
        second: Any,
        rows: Any,
        columns: Any,
        groups: Any,
        rate: Any,
        other: Any,
    ) -> Any:
        """Of weights (rows, columns); bit i of word (g, q) of `present`: input 64 g + i has a feature of block q."""

        def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            """Write the code."""
            inputs, places, base, bits, slopes, whole, *arrays = pointers(context, builder, signature, values, 9)
            height, width, count, *numbers = values[9:]
            filled = [SINGLE.filled(builder, value) for value in numbers]
            blocks = builder.sdiv(height, number(BLOCK))

            def tile(block: Any, column: Any, vectors: int) -> None:
                """The features of a block by some vectors."""
                row = builder.mul(block, number(BLOCK))
                sums = _variables(builder, BLOCK, vectors)
                with cgutils.for_range(builder, count) as loop:
                    word = builder.load(moved(builder, bits, builder.add(builder.mul(loop.index, blocks), block)))
                    with _ones(builder, word) as one:
                        term = builder.add(builder.mul(loop.index, number(64)), one)
                        start = builder.add(builder.load(moved(builder, places, term)), row)
                        entries = [SINGLE.spread(builder, inputs, builder.add(start, number(r))) for r in range(BLOCK)]
                        _add(builder, sums, entries, slopes, builder.add(builder.mul(term, width), column))
                shared = [SINGLE.spread(builder, base, builder.add(row, number(r))) for r in range(BLOCK)]
                _add(builder, sums, shared, whole, column)
                done = Tile(row, column, [[builder.load(place) for place in line] for line in sums])
                for r, v, place in done.places(builder, width):
                    rule(builder, done.sums[r][v], place, arrays, filled)

            with cgutils.for_range(builder, blocks) as loop:
                _columns(builder, width, lambda column, vectors: tile(loop.index, column, vectors))
            return context.get_dummy_value()

        kinds = x, offsets, background, present, gradients, total, parameters, first, second
        return types.void(*kinds, rows, columns, groups, rate, other), write

    return update


descend_sparse, roll_sparse, adapt_sparse = _update(descend), _update(roll), _update(adapt)
