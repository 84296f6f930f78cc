"""Kernels of compiled polynomials, entry by entry: two series of the half-chord, see `initatlas.duals.univariate`."""

from functools import lru_cache
from typing import Any

import numpy as np

from initatlas.arrays import Doubles, Floats
from initatlas.caches import compiled
from initatlas.duals.univariate import ROOT_HALF, UnivariateKernel, cheapest_form
from initatlas.kernels.tiles import BAND

Form = tuple[Floats, bool]

_STEP = 8
"""Coefficients that are taken at a time, in registers: an entry goes to and from the cache once for all of them."""


@lru_cache(maxsize=256)
def polynomial_forms(kernel: UnivariateKernel, dtype: "np.dtype[Any]") -> tuple[Form, Form, Any]:
    """The two series in a precision, ready for `fill_polynomials`, and the value at angle 0; found once per kernel."""
    return _form(kernel.near, dtype), _form(kernel.far, dtype), dtype.type(kernel.at_zero)


def _form(series: Doubles, dtype: "np.dtype[Any]") -> Form:
    """Coefficients of powers where they lose no digits, else of Chebyshev polynomials; filled up with zeros to whole steps."""
    coefficients, powers = cheapest_form(series)
    missing = (1 - len(coefficients)) % _STEP  # one coefficient stands alone: Horner's last, Clenshaw's first
    return np.concatenate([coefficients, np.zeros(missing)]).astype(dtype), powers


def fill_polynomials(
    chords: Floats,
    out: Floats,
    row_scales: Floats,
    column_scales: Floats,
    forms: tuple[Form, Form, Any],
    offset: float,
    lead: int,
) -> None:
    """Kernel values of a band of half-chords.

    Parameters
    ----------
    chords
        Half-chords (`initatlas.kernels.chords`), shape (n, m).
    out
        Where the values go, shape (n, m); may be `chords`.
    row_scales, column_scales
        Factors of rows and columns, shapes (n,) and (m,).
    forms
        From `polynomial_forms`.
    offset
        What is added to every entry.
    lead
        In row i, columns before lead + i are left alone.
    """
    (near, near_powers), (far, far_powers), at_zero = forms
    series: tuple[Any, ...] = (near, near_powers, far, far_powers, at_zero)
    arguments: tuple[Any, ...] = (chords, out, row_scales, column_scales, *series, offset, lead)
    _polynomial_band(*arguments)


# Everything but the multiply-add instruction keeps its order, so that nans stay and threads change no bit.
@compiled(fastmath={"contract"})
def _polynomial_band(
    chords: Floats,
    out: Floats,
    row_scales: Floats,
    column_scales: Floats,
    near: Floats,
    near_powers: bool,
    far: Floats,
    far_powers: bool,
    at_zero: float,
    offset: float,
    lead: int,
) -> None:
    """Tile by tile; a row of a tile stays in the cache."""
    kind = out.dtype.type
    stretch, one, zero, added = kind(2.0 / ROOT_HALF), kind(1.0), kind(0.0), kind(offset)
    x_buffer = np.empty(BAND, out.dtype)
    near_buffer = np.empty(BAND, out.dtype)
    far_buffer = np.empty(BAND, out.dtype)
    scratch_buffer = np.empty(BAND, out.dtype)
    for left in range(0, out.shape[1], BAND):
        right = min(left + BAND, out.shape[1])
        for i in range(out.shape[0]):
            first = max(left, lead + i)
            if first >= right:
                continue
            count = right - first
            row, values = chords[i, first:right], out[i, first:right]
            x, near_values, far_values = x_buffer[:count], near_buffer[:count], far_buffer[:count]
            obtuse, equal = 0, 0
            for j in range(count):
                obtuse += np.copysign(one, row[j]) < zero
                equal += row[j] == zero
                x[j] = abs(row[j]) * stretch - one
            if obtuse < count:
                _evaluate(near, near_powers, x, near_values, scratch_buffer[:count])
            if obtuse > 0:
                _evaluate(far, far_powers, x, far_values, scratch_buffer[:count])
            if equal > 0:
                for j in range(count):
                    if row[j] == zero:
                        near_values[j] = at_zero
            scale, scales = row_scales[i], column_scales[first:right]
            for j in range(count):
                value = far_values[j] if np.copysign(one, row[j]) < zero else near_values[j]
                values[j] = scale * scales[j] * value + added


@compiled(fastmath={"contract"})
def _evaluate(coefficients: Floats, powers: bool, x: Floats, values: Floats, scratch: Floats) -> None:
    """A polynomial at x into `values`; the element loops are innermost, so that they become vector code."""
    if powers:
        values[:] = coefficients[-1]
        for k in range(coefficients.size - 1 - _STEP, -1, -_STEP):
            _horner(coefficients[k : k + _STEP], x, values)
        return
    values[:] = 0.0
    scratch[:] = 0.0
    for k in range(coefficients.size - _STEP, 0, -_STEP):
        _clenshaw(coefficients[k : k + _STEP], x, values, scratch)
    for j in range(x.size):
        values[j] = coefficients[0] + x[j] * values[j] - scratch[j]


@compiled(fastmath={"contract"}, inline="always")
def _horner(c: Floats, x: Floats, values: Floats) -> None:
    """One step of Horner's rule with eight coefficients."""
    c0, c1, c2, c3, c4, c5, c6, c7 = c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]
    for j in range(x.size):
        t = x[j]
        high = (((values[j] * t + c7) * t + c6) * t + c5) * t + c4
        values[j] = (((high * t + c3) * t + c2) * t + c1) * t + c0


@compiled(fastmath={"contract"}, inline="always")
def _clenshaw(c: Floats, x: Floats, current: Floats, previous: Floats) -> None:
    """One step of Clenshaw's recurrence with eight coefficients."""
    c0, c1, c2, c3, c4, c5, c6, c7 = c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]
    for j in range(x.size):
        twice = x[j] + x[j]
        a, b = current[j], previous[j]
        b = c7 + twice * a - b
        a = c6 + twice * b - a
        b = c5 + twice * a - b
        a = c4 + twice * b - a
        b = c3 + twice * a - b
        a = c2 + twice * b - a
        b = c1 + twice * a - b
        a = c0 + twice * b - a
        current[j], previous[j] = a, b
