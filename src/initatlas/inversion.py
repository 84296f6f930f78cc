"""Random numbers of a symmetric law by inversion: its quantiles are kept in a table, and random bits look them up.

A number takes 32 random bits in single precision, 64 in double: a sign, a half of the law, and how far from its outer end, a
share v of it. The upper half of the sizes |w| is measured from the tail and the lower one from zero, and the tables have as many
cells in every octave of v, so that both ends keep their relative precision; few bits far out are filled up with fresh ones. A
cell holds a cubic. Its error is below 1e-8 of the quantile for the laws of this package: far less than any sample can tell.
"""

from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from initatlas.arrays import Doubles
from initatlas.caches import compiled

_LOG_CELLS = 5
_CELLS = 1 << _LOG_CELLS
"""Cells of an octave."""

BITS = 30
"""Of v in single precision; what is below 2^COARSE of its steps is filled up."""

COARSE = 10
_LOWEST = -33
"""Octave of the smallest v, in steps of single precision."""

_ROWS = (BITS - _LOWEST) * _CELLS + 1
"""Cells of a half; the last one is its end."""

_NODES = 0.5 - 0.5 * np.cos((np.arange(4) + 0.5) * np.pi / 4)
"""Of the cubic of a cell, in [0, 1]."""

WARM_UP = 12


class SymmetricLaw(Protocol):
    """A symmetric law: its quantiles from both ends."""

    def __hash__(self) -> int:
        """Equal laws have one table."""

    def exceeded(self, share: Doubles) -> Doubles:
        """The size |w| that is exceeded with a probability."""

    def not_reached(self, share: Doubles) -> Doubles:
        """The size |w| that is not reached with a probability."""


def inverted(law: SymmetricLaw, shape: tuple[int, ...], *, rng: np.random.Generator, dtype: Any) -> NDArray[Any]:
    """Draw independent numbers of a law.

    Parameters
    ----------
    law
        Its quantiles.
    shape
        Of the result.
    rng
        Gives the state of a generator SFC64 (Doty-Humphrey's small fast chaotic one), which gives the bits.
    dtype
        float32 or float64.

    Returns
    -------
    ndarray
    """
    numbers = np.empty(shape, dtype=dtype)
    state = np.ones(4, dtype=np.uint64)
    state[:3] = rng.integers(2**64, size=3, dtype=np.uint64)
    fill = _fill_single if numbers.dtype == np.float32 else _fill_double
    fill(numbers.reshape(-1), _table(law, numbers.dtype.name), state)
    return numbers


@lru_cache(maxsize=64)
def _table(law: SymmetricLaw, dtype: str) -> NDArray[Any]:
    """Coefficients of the cubics, constant first, shape (2 _ROWS, 4): the upper half of the sizes, then the lower one."""
    octave, cell = np.divmod(np.arange(_ROWS), _CELLS)
    widths = np.ldexp(1.0 / _CELLS, octave + _LOWEST)
    steps = np.ldexp(1.0 + cell / _CELLS, octave + _LOWEST)[:, None] + widths[:, None] * _NODES
    steps[-1] = np.ldexp(1.0, BITS)
    shares = np.ldexp(steps, -BITS - 1)
    sizes = np.concatenate([law.exceeded(shares), law.not_reached(shares)])
    return np.asarray(np.linalg.solve(np.vander(_NODES, increasing=True), sizes.T).T.astype(dtype), order="C")


@compiled(inline="always")
def next_bits(a: Any, b: Any, c: Any, d: Any) -> Any:
    """64 random bits, and the next state."""
    bits = a + b + d
    turned = (c << np.uint64(24)) | (c >> np.uint64(40))
    return bits, b ^ (b >> np.uint64(11)), c + (c << np.uint64(3)), turned + bits, d + np.uint64(1)


@compiled()
def _single(v: Any, half: Any, table: Any) -> Any:
    """The size at v steps into a half."""
    pattern = np.int64(np.float32(v).view(np.uint32))
    row = (pattern >> (23 - _LOG_CELLS)) - ((127 + _LOWEST) << _LOG_CELLS) + np.int64(half) * _ROWS
    t = np.float32(pattern & ((1 << (23 - _LOG_CELLS)) - 1)) * np.float32(2.0 ** (_LOG_CELLS - 23))
    return ((table[row, 3] * t + table[row, 2]) * t + table[row, 1]) * t + table[row, 0]


@compiled()
def _double(v: Any, half: Any, table: Any) -> Any:
    """The same in double precision."""
    pattern = np.int64(np.float64(v).view(np.uint64))
    row = (pattern >> (52 - _LOG_CELLS)) - ((1023 + _LOWEST) << _LOG_CELLS) + np.int64(half) * _ROWS
    t = np.float64(pattern & ((1 << (52 - _LOG_CELLS)) - 1)) * 2.0 ** (_LOG_CELLS - 52)
    return ((table[row, 3] * t + table[row, 2]) * t + table[row, 1]) * t + table[row, 0]


@compiled()
def _fill_single(numbers: Any, table: Any, state: Any) -> None:
    """Fill an array of single precision, two numbers from 64 bits."""
    a, b, c, d = state
    for _ in range(WARM_UP):
        bits, a, b, c, d = next_bits(a, b, c, d)
    bits = np.uint64(0)
    for i in range(len(numbers)):
        if i & 1:
            bits >>= np.uint64(32)
        else:
            bits, a, b, c, d = next_bits(a, b, c, d)
        step = np.int64(bits & np.uint64((1 << BITS) - 1))
        half = (bits >> np.uint64(BITS)) & np.uint64(1)
        if step >= 1 << COARSE:
            size = _single(np.float32(step) + np.float32(0.5), half, table)
        else:
            more, a, b, c, d = next_bits(a, b, c, d)
            size = _single(np.float32(step + (np.float64(more >> np.uint64(32)) + 0.5) * 2.0**-32), half, table)
        numbers[i] = -size if bits & np.uint64(1 << (BITS + 1)) else size


@compiled()
def _fill_double(numbers: Any, table: Any, state: Any) -> None:
    """Fill an array of double precision."""
    a, b, c, d = state
    for _ in range(WARM_UP):
        bits, a, b, c, d = next_bits(a, b, c, d)
    for i in range(len(numbers)):
        bits, a, b, c, d = next_bits(a, b, c, d)
        v = (np.float64(bits & np.uint64((1 << 62) - 1)) + 0.5) * 2.0**-32
        size = _double(v, (bits >> np.uint64(62)) & np.uint64(1), table)
        numbers[i] = -size if bits & np.uint64(1 << 63) else size
