"""Matrix products of small sizes inside compiled loops, a tile at a time.

A tile of the result, of some rows by some vectors, stays in registers while the sum runs; whatever is to be done with it is done
there, before it is stored. Every entry is summed in the same order wherever it lies and however large the tiles are.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import llvmlite.binding
from llvmlite import ir
from numba.core import cgutils

from initatlas.vectors import SINGLE

LANES = SINGLE.lanes

IS_WIDE = bool(llvmlite.binding.get_host_cpu_features().get("avx512f"))
"""Whether a vector is a register, of which there are 32; else it is two of 16."""

_ROWS = (8, 4, 2, 1) if IS_WIDE else (4, 2, 1)
"""Of a tile; each a half of the one before it."""

_VECTORS = 2 if IS_WIDE else 1
"""Of a tile, but for the last of an odd number; of a turned left factor 1, which is as fast as can be."""

_INDEX = ir.IntType(64)


def number(value: int) -> Any:
    """An integer as LLVM takes it."""
    return _INDEX(value)


@dataclass(frozen=True)
class Left:
    """The left factor: entry (i, k) stands at ``offsets[i] + k``, or, if it is turned, at ``offsets[k] + i``."""

    data: Any
    offsets: Any
    turned: bool

    def prepared(self, builder: Any, row: Any, rows: int) -> list[Any]:
        """What a tile needs of it before its sum runs."""
        if self.turned:
            return [builder.add(row, number(r)) for r in range(rows)]
        return [builder.load(builder.gep(self.offsets, [builder.add(row, number(r))])) for r in range(rows)]

    def entries(self, builder: Any, starts: Sequence[Any], k: Any) -> list[Any]:
        """One entry of each row, in all lanes."""
        moved = builder.load(builder.gep(self.offsets, [k])) if self.turned else k
        return [SINGLE.spread(builder, self.data, builder.add(start, moved)) for start in starts]


@dataclass(frozen=True)
class Tile:
    """A tile whose sum is done.

    Attributes
    ----------
    row, column
        Where it begins.
    sums
        By row, then by vector.
    """

    row: Any
    column: Any
    sums: list[list[Any]]

    def places(self, builder: Any, columns: Any) -> Iterator[tuple[int, int, Any]]:
        """Row, vector and place in a matrix of so many columns, of each vector."""
        for r in range(len(self.sums)):
            start = builder.add(builder.mul(builder.add(self.row, number(r)), columns), self.column)
            for v in range(len(self.sums[r])):
                yield r, v, builder.add(start, number(LANES * v))


def multiply(
    builder: Any, left: Left, right: Any, rows: Any, columns: Any, terms: Any, finish: Callable[[Any, Tile], None]
) -> None:
    """Write the code of a product.

    Parameters
    ----------
    left, right
        The factors; the right one, of shape (terms, columns), in one piece.
    rows, columns, terms
        Sizes; columns a multiple of 16.
    finish
        Writes what is to be done with a tile.
    """

    def column_of_tiles(column: Any, vectors: int) -> None:
        """All tiles below one another."""
        with counted(builder, number(0), rows, _ROWS[0]) as (row, rest):
            _tile(builder, left, right, row, column, _ROWS[0], vectors, columns, terms, finish)
        for height in _ROWS[1:]:
            present = builder.icmp_signed("!=", builder.and_(rows, number(height)), number(0))
            with builder.if_then(present):
                _tile(builder, left, right, rest, column, height, vectors, columns, terms, finish)
            rest = builder.add(rest, builder.and_(rows, number(height)))

    vectors = 1 if left.turned else _VECTORS
    with counted(builder, number(0), columns, LANES * vectors) as (column, rest):
        column_of_tiles(column, vectors)
    if vectors > 1:
        with builder.if_then(builder.icmp_signed("<", rest, columns)):
            column_of_tiles(rest, 1)


@contextmanager
def counted(builder: Any, start: Any, stop: Any, step: int) -> Iterator[tuple[Any, Any]]:
    """A loop in whole steps: its index, and where it has left off."""
    steps = builder.sdiv(builder.sub(stop, start), number(step))
    rest = builder.add(start, builder.mul(steps, number(step)))
    with cgutils.for_range(builder, steps) as loop:
        yield builder.add(start, builder.mul(loop.index, number(step))), rest


def _tile(
    builder: Any,
    left: Left,
    right: Any,
    row: Any,
    column: Any,
    rows: int,
    vectors: int,
    columns: Any,
    terms: Any,
    finish: Callable[[Any, Tile], None],
) -> None:
    """One tile."""
    sums = [[SINGLE.variable(builder) for _ in range(vectors)] for _ in range(rows)]
    for line in sums:
        for place in line:
            builder.store(SINGLE.zero, place)
    starts = left.prepared(builder, row, rows)
    with cgutils.for_range(builder, terms) as loop:
        at = builder.add(builder.mul(loop.index, columns), column)
        factors = [SINGLE.load(builder, right, builder.add(at, number(LANES * v))) for v in range(vectors)]
        for line, entry in zip(sums, left.entries(builder, starts, loop.index), strict=True):
            for place, factor in zip(line, factors, strict=True):
                builder.store(SINGLE.times_plus(builder, entry, factor, builder.load(place)), place)
    finish(builder, Tile(row, column, [[builder.load(place) for place in line] for line in sums]))
