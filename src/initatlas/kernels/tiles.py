"""Cut a symmetric matrix into square tiles; only those on and above the diagonal are computed.

Whoever knows the entries is an `initatlas.kernels.kernel.Kernel`. Tiles do not depend on each other, so they may be computed
anywhere and in any order.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from initatlas.caches import compiled
from initatlas.kernels.arguments import check_whole
from initatlas.kernels.kernel import Array, Kernel

LARGEST_SIDE = 4096
"""A float32 tile of 67 MB, which takes 0.3 s for 784 features and one layer: long for a task, small for a worker."""

BAND = 256
"""Rows, and columns, that an elementwise pass takes at a time: what it reads and writes stays in the cache."""

EVERYTHING = -(2**62)
"""As the *lead* of a pass that leaves what is before column lead + i of row i alone: it takes all columns."""


class Tile(NamedTuple):
    """One tile: its number in the plan, and the rows and columns of the matrix that it covers."""

    number: int
    rows: slice
    columns: slice

    @property
    def on_diagonal(self) -> bool:
        """Whether the tile lies on the diagonal."""
        return self.rows == self.columns

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of columns."""
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start


@dataclass(frozen=True)
class TilePlan:
    """How a symmetric matrix of n rows is cut.

    Attributes
    ----------
    n
        Rows of the matrix.
    side
        Rows of a tile; the last tile of a row may be smaller.
    """

    n: int
    side: int

    def tiles(self) -> list[Tile]:
        """The tiles on and above the diagonal, row by row."""
        strips = [slice(start, min(start + self.side, self.n)) for start in range(0, self.n, self.side)]
        pairs = [(rows, columns) for i, rows in enumerate(strips) for columns in strips[i:]]
        return [Tile(number, rows, columns) for number, (rows, columns) in enumerate(pairs)]


def plan_tiles(n: int, largest_side: int = LARGEST_SIDE) -> TilePlan:
    """Cut n rows into strips of at most `largest_side` rows, all but the last one of the same size.

    Raises
    ------
    ValueError
        If one of the numbers is not positive.
    """
    if min(n, largest_side) < 1:
        raise ValueError(f"a plan needs at least one row and a side of at least 1, got n = {n}, side {largest_side}")
    strips = -(-n // largest_side)
    return TilePlan(n, -(-n // strips))


Values = tuple[Array, ...]
"""One array for each of a kernel's names."""

TileRunner = Callable[[Kernel, Sequence[Tile], "np.dtype[Any]"], Iterator[tuple[Tile, Values]]]
"""Computes tiles, in any order: `serial_tiles`, or a runner that sends them to other processes."""


def serial_tiles(kernel: Kernel, tiles: Sequence[Tile], dtype: "np.dtype[Any]") -> Iterator[tuple[Tile, Values]]:
    """Compute tiles one after the other in this process; one tile is in memory at a time."""
    for tile in tiles:
        yield tile, compute_tile(kernel, tile, dtype)


def compute_tile(kernel: Kernel, tile: Tile, dtype: "np.dtype[Any]") -> Values:
    """One tile, on one thread: parallel work is several tiles at once, and a tile has the same bits wherever it is computed.

    On the diagonal the upper triangle is mirrored, so that the matrix is symmetric to the last bit.

    Raises
    ------
    ValueError
        If the kernel gives too few arrays or too many, or one of another shape.
    """
    with threadpool_limits(limits=1):
        blocks = block_of(kernel, tile.rows, tile.columns)
        values = tuple(np.ascontiguousarray(block, dtype=dtype) for block in blocks)
    if tile.on_diagonal:
        for block in values:
            mirror_upper(block)
    return values


def block_of(kernel: Kernel, rows: slice, columns: slice, *, threads: int = 1) -> Iterator[Array]:
    """A block of any size: all at once, or put together from blocks no larger than the kernel wants.

    In a block on the diagonal of a symmetric kernel what is left of the diagonal has no meaning.

    Raises
    ------
    ValueError
        If the kernel gives too few arrays or too many, or one of another shape.
    """
    row_pieces, column_pieces = (_pieces(span, kernel.side) for span in (rows, columns))
    if len(row_pieces) == len(column_pieces) == 1:
        return _checked(kernel, rows, columns, threads=threads)
    upper_only = kernel.symmetric and rows == columns
    pairs = [(up, across) for up in row_pieces for across in column_pieces if not upper_only or across.stop > up.start]
    return iter(_put_together(kernel, rows, columns, pairs, threads))


def _pieces(span: slice, side: int | None) -> list[slice]:
    """A span of rows or columns, cut."""
    side = max(side or span.stop - span.start, 1)
    return [slice(start, min(start + side, span.stop)) for start in range(span.start, span.stop, side)] or [span]


def _put_together(
    kernel: Kernel, rows: slice, columns: slice, pairs: Sequence[tuple[slice, slice]], threads: int
) -> list[Array]:
    """All kernels of a block, piece by piece."""
    values = [*_checked(kernel, *pairs[0], threads=1)]
    shape = (rows.stop - rows.start, columns.stop - columns.start)
    whole = [np.empty(shape, piece.dtype) for piece in values]

    def put(pair: tuple[slice, slice], values: Iterable[Array]) -> None:
        """One piece, of all kernels."""
        up, across = pair
        at = (_shifted(up, rows.start), _shifted(across, columns.start))
        for matrix, piece in zip(whole, values, strict=True):
            matrix[at] = piece
            if kernel.symmetric and up == across:
                mirror_upper(matrix[at])

    put(pairs[0], values)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda pair: put(pair, _checked(kernel, *pair, threads=1)), pairs[1:]))
    return whole


def _shifted(span: slice, start: int) -> slice:
    """A span counted from another row."""
    return slice(span.start - start, span.stop - start)


def _checked(kernel: Kernel, rows: slice, columns: slice, *, threads: int) -> Iterator[Array]:
    """What a kernel gives, held against what it promises."""
    shape = (rows.stop - rows.start, columns.stop - columns.start)
    given = 0
    for values in kernel.block(rows, columns, threads=threads):
        given += 1
        if values.shape != shape:
            raise ValueError(f"{type(kernel).__name__}.block gave the shape {values.shape}, not {shape}")
        yield values
    if given != len(kernel.names):
        raise ValueError(f"{type(kernel).__name__}.block gave {given} arrays for {len(kernel.names)} names")


def in_bands(work: Callable[[int, int], object], n: int, threads: int = 1) -> None:
    """Call `work(start, stop)` for bands of `BAND` rows that together are n rows, on some threads.

    Raises
    ------
    TypeError, ValueError
        If the number of threads is no whole number of at least 1.
    """
    check_whole("threads", threads, 1)
    bands = [(start, min(start + BAND, n)) for start in range(0, n, BAND)]
    if threads == 1:
        for band in bands:
            work(*band)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda band: work(*band), bands))


def mirror_upper(matrix: Array, threads: int = 1) -> None:
    """Copy what is right of the diagonal of a square matrix to below it, in place."""
    in_bands(lambda start, stop: _mirror_band(matrix, start, stop), len(matrix), threads)


@compiled()
def _mirror_band(matrix: Array, start: int, stop: int) -> None:
    """Mirror a band of rows, square by square: both copies of a square stay in the cache."""
    for left in range(start, matrix.shape[1], BAND):
        for i in range(start, stop):
            for j in range(max(left, i + 1), min(left + BAND, matrix.shape[1])):
                matrix[j, i] = matrix[i, j]
