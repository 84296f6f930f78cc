"""Random numbers of the Laplace law in single precision: logarithms of random bits, many at a time.

A number takes 32 random bits as in `initatlas.inversion`: a sign, a half of the law, and a share v of it, measured from the tail
for the upper half of the sizes and from zero for the lower one. So a size is -log(v) or -log(1 - v). With v = 2^-e m the former
is (e - 1) log 2 - log(1 - w) with w = 1 - m / 2: one polynomial on [0, 1/2] serves both, no table is looked up, and the compiler
does 16 numbers at once. The bits are those of many generators side by side, for the same reason.
"""

from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from initatlas.caches import compiled
from initatlas.inversion import BITS, COARSE, WARM_UP, next_bits

_STREAMS = 32
"""Generators side by side: so many that their loop stays a loop, which is vectorised."""

_ROUNDS = 32
"""Of all generators, in a block that stays in the cache."""

_LOG_2 = np.float32(log(2.0))
_SERIES = (
    1.0,
    0.499999773,
    0.333351331,
    0.249448739,
    0.208572621,
    0.0898773237,
    0.564341499,
    -1.32335798,
    3.17707783,
    -3.61740174,
    2.15733125,
)
"""-log(1 - w) / w as a polynomial on [0, 1/2], by interpolation at Chebyshev points."""


def laplace_numbers(shape: tuple[int, ...], *, rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw independent numbers with the density exp(-|w|) / 2.

    Parameters
    ----------
    shape
        Of the result.
    rng
        Gives the states of the generators SFC64, which give the bits.
    """
    numbers = np.empty(shape, dtype=np.float32)
    state = np.ones((4, _STREAMS + 1), dtype=np.uint64)
    state[:3] = rng.integers(2**64, size=(3, _STREAMS + 1), dtype=np.uint64)
    _fill(numbers.reshape(-1), state[:, :_STREAMS].ravel(), state[:, _STREAMS].copy())
    return numbers


@compiled()
def _fill(numbers: Any, state: Any, spare: Any) -> None:
    """Fill an array, a block of bits at a time."""
    bits = np.empty(_ROUNDS * _STREAMS, dtype=np.uint64)
    words = bits.view(np.uint32)
    _next_block(bits[: WARM_UP * _STREAMS], state)
    a, b, c, d = spare
    for _ in range(WARM_UP):
        more, a, b, c, d = next_bits(a, b, c, d)
    for start in range(0, len(numbers), len(words)):
        _next_block(bits, state)
        block = numbers[start : start + len(words)]
        if _transform(words, block) >= 1 << COARSE:
            continue
        for i in range(len(block)):
            step = np.int64(words[i] & np.uint32((1 << BITS) - 1))
            if step < 1 << COARSE:
                more, a, b, c, d = next_bits(a, b, c, d)
                v = (step + (np.float64(more >> np.uint64(32)) + 0.5) * 2.0**-32) * 2.0 ** -(BITS + 1)
                size = -np.log1p(-v) if words[i] & np.uint32(1 << BITS) else -np.log(v)
                block[i] = np.copysign(size, block[i])


@compiled()
def _next_block(bits: Any, state: Any) -> None:
    """Random bits of all generators in turn, and their next states; SFC64 as in `initatlas.inversion`."""
    for start in range(0, len(bits), _STREAMS):
        row = bits[start : start + _STREAMS]
        for i in range(_STREAMS):
            a, b, c, d = state[i], state[_STREAMS + i], state[2 * _STREAMS + i], state[3 * _STREAMS + i]
            row[i], state[i], state[_STREAMS + i], state[2 * _STREAMS + i], state[3 * _STREAMS + i] = next_bits(
                a, b, c, d
            )


@compiled(fastmath={"contract"})
def _transform(words: Any, numbers: Any) -> Any:
    """Numbers from their bits; the smallest of their steps."""
    smallest = np.int32(1 << BITS)
    for i in range(len(numbers)):
        word = words[i]
        step = np.int32(word & np.uint32((1 << BITS) - 1))
        smallest = min(smallest, step)
        v = (np.float32(step) + np.float32(0.5)) * np.float32(2.0 ** -(BITS + 1))
        pattern = np.float32(v).view(np.int32)
        mantissa = np.int32((pattern & np.int32((1 << 23) - 1)) | np.int32(126 << 23)).view(np.float32)
        lower = word & np.uint32(1 << BITS)
        w = v if lower else np.float32(1.0) - mantissa
        octaves = np.float32(0.0) if lower else np.float32(126 - (pattern >> np.int32(23)))
        series = np.float32(_SERIES[10])
        series = series * w + np.float32(_SERIES[9])
        series = series * w + np.float32(_SERIES[8])
        series = series * w + np.float32(_SERIES[7])
        series = series * w + np.float32(_SERIES[6])
        series = series * w + np.float32(_SERIES[5])
        series = series * w + np.float32(_SERIES[4])
        series = series * w + np.float32(_SERIES[3])
        series = series * w + np.float32(_SERIES[2])
        series = series * w + np.float32(_SERIES[1])
        series = series * w + np.float32(_SERIES[0])
        size = octaves * _LOG_2 + series * w
        numbers[i] = -size if word & np.uint32(1 << (BITS + 1)) else size
    return smallest
