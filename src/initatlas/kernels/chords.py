"""Angles between inputs, as half-chords: the variable in which the kernels of this project are polynomials.

The half-chord q of two unit vectors u and v at the angle theta is

    q =  |u - v| / 2 =  sin(theta / 2)    where theta <= pi / 2,
    q = -|u + v| / 2 = -cos(theta / 2)    where theta  > pi / 2,

with -0.0 for opposite vectors. It has all digits of small angles and of small distances from pi, which a cosine has not. One
square root per pair gives it, and every kernel, depth and activation starts from it.
"""

import numpy as np
from scipy.linalg import get_blas_funcs

from initatlas.arrays import Doubles, Floats
from initatlas.caches import compiled
from initatlas.kernels.tiles import BAND, EVERYTHING, in_bands

# Below this square of the half-chord, the scalar product of two unit vectors has lost digits that their difference or sum
# still has.
CLOSE = 2.0**-10


def upper_chords(unit: Floats, threads: int = 1) -> Floats:
    """Half-chords of all pairs of rows, on and right of the diagonal; what is left of it has no meaning.

    Parameters
    ----------
    unit
        Unit rows, C-contiguous, shape (n, d).
    threads
        Threads of the elementwise pass; they do not change a bit.

    Returns
    -------
    ndarray, shape (n, n)
        On the diagonal exactly 0.
    """
    return _in_place(_upper_products(unit), unit, unit, symmetric=True, threads=threads)


def chords_between(rows: Floats, columns: Floats, threads: int = 1) -> Floats:
    """Half-chords between the rows of two matrices.

    Parameters
    ----------
    rows, columns
        Unit rows, shapes (n, d) and (m, d).
    threads
        As in `upper_chords`.

    Returns
    -------
    ndarray, shape (n, m)
    """
    return _in_place(rows @ columns.T, rows, columns, symmetric=False, threads=threads)


def angles_of_chords(chords: Doubles) -> Doubles:
    """Angles in [0, pi], in radians, of half-chords; any shape."""
    half: Doubles = 2.0 * np.arcsin(np.minimum(np.abs(chords), 1.0))
    angles: Doubles = np.where(np.signbit(chords), np.pi - half, half)
    return angles


def _upper_products(unit: Floats) -> Floats:
    """Scalar products of all rows on and right of the diagonal. Half the work of `unit @ unit.T`."""
    if unit.size == 0:  # which SciPy refuses
        return np.zeros((len(unit), len(unit)), unit.dtype)
    syrk = get_blas_funcs("syrk", dtype=unit.dtype)
    # BLAS counts by columns: the lower triangle of its result is the upper one of ours. With a matrix of our own, SciPy
    # does not fill one with zeros first.
    result: Floats = np.empty((len(unit), len(unit)), unit.dtype, order="F")
    products: Floats = syrk(1.0, unit.T, trans=1, lower=1, c=result, overwrite_c=1).T
    return products


def _in_place(products: Floats, rows: Floats, columns: Floats, *, symmetric: bool, threads: int) -> Floats:
    """Turn scalar products into half-chords."""

    def turn(start: int, stop: int) -> None:
        """One band of rows."""
        _chord_band(products[start:stop], rows[start:stop], columns, start if symmetric else EVERYTHING)

    in_bands(turn, len(products), threads)
    return products


@compiled()
def _chord_band(band: Floats, rows: Floats, columns: Floats, lead: int) -> None:
    """Half-chords in place of scalar products, in the columns from lead + i on of row i."""
    kind = band.dtype.type
    half, zero = kind(0.5), kind(0.0)
    for left in range(0, band.shape[1], BAND):
        right = min(left + BAND, band.shape[1])
        for i in range(band.shape[0]):
            first = max(left, lead + i)
            if first >= right:
                continue
            entries = band[i, first:right]
            close = 0
            for j in range(entries.size):
                square = half - half * abs(entries[j])
                square = zero if square < zero else square  # keeps a nan
                close += square < CLOSE
                entries[j] = np.copysign(np.sqrt(square), entries[j])
            if close > 0:
                for j in range(entries.size):
                    if entries[j] * entries[j] < CLOSE:
                        sign = np.copysign(1.0, np.float64(entries[j]))
                        distance = np.sqrt(_squared_distance(rows[i], columns[first + j], sign))
                        entries[j] = kind(np.copysign(0.5 * distance, sign))


@compiled()
def _squared_distance(x: Floats, y: Floats, sign: float) -> float:
    """|x - sign y|^2, in a fixed order of summation."""
    total = 0.0
    for k in range(x.size):
        difference = np.float64(x[k]) - sign * np.float64(y[k])
        total += difference * difference
    return total
