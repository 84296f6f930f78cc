"""Rows of a data matrix as directions and norms."""

from dataclasses import dataclass
from math import frexp, ldexp
from typing import Any

import numpy as np

from initatlas.arrays import Doubles, Floats
from initatlas.caches import compiled
from initatlas.kernels.arguments import check_flag
from initatlas.validation import shown


@dataclass(frozen=True)
class Inputs:
    """Inputs as directions and norms.

    Attributes
    ----------
    unit
        Unit rows (zero rows stay zero), C-contiguous, shape (n, d), in the precision of the result.
    norms
        Their norms, shape (n,), float64.
    """

    unit: Floats
    norms: Doubles

    def __getitem__(self, rows: slice) -> "Inputs":
        """Some of the inputs."""
        return Inputs(self.unit[rows], self.norms[rows])


def prepare_inputs(features: Floats, *, normalise: bool, bias: bool, dtype: str = "float64") -> Inputs:
    """Split the rows of a data matrix in directions and norms.

    Parameters
    ----------
    features
        Shape (n, d), one input per row.
    normalise
        Set the norms to 1, but those of zero rows.
    bias
        Append a coordinate 1 to every row, after normalising.
    dtype
        Precision of the directions.

    Returns
    -------
    Inputs

    Raises
    ------
    TypeError
        If `normalise` or `bias` is neither true nor false.
    ValueError
        If it is not a matrix of real numbers, or there is no such precision.
    """
    check_flag("normalise", normalise)
    check_flag("bias", bias)
    rows = np.asarray(features)
    if rows.dtype not in (np.float32, np.float64):
        rows = np.array(features, dtype=np.float64)
    if rows.ndim != 2:
        raise ValueError(f"inputs must have the shape (n, d), one per row; got {rows.shape}")
    unit: Floats = np.empty((rows.shape[0], rows.shape[1] + bias), precision(dtype))
    norms: Doubles = np.empty(len(rows))
    _split(np.ascontiguousarray(rows), normalise, bias, unit, norms)
    return Inputs(unit, norms)


def precision(dtype: object) -> "np.dtype[Any]":
    """The numpy type of a result.

    Raises
    ------
    ValueError
        If it is neither float64 nor float32.
    """
    try:
        name = "" if dtype is None else np.dtype(dtype).name  # type: ignore[call-overload]
    except TypeError:
        name = ""
    if name not in ("float64", "float32"):
        raise ValueError(f"dtype = {shown(dtype)}: give 'float64' or 'float32'")
    return np.dtype(name)


@compiled()
def _split(rows: Floats, normalise: bool, bias: bool, unit: Floats, norms: Doubles) -> None:
    """Directions and norms into `unit` and `norms`. No square overflows or vanishes, whatever the size of the inputs."""
    kind = unit.dtype.type
    count = rows.shape[1]
    for i in range(rows.shape[0]):
        # division by a power of two does not round
        power = _power_of_two(rows[i])
        scaled_norm = np.sqrt(_squared_norm(rows[i], power))
        norm = scaled_norm * power
        if normalise:
            norm = np.sign(norm)
        # what multiplies the row's direction in the prepared one: less than 1 where there is another coordinate
        share = 1.0
        if bias:
            whole = np.hypot(norm, 1.0)
            share = norm / whole
            unit[i, count] = kind(1.0 / whole)
            norm = whole
        norms[i] = norm
        divisor = scaled_norm if scaled_norm != 0.0 else 1.0
        for k in range(count):
            unit[i, k] = kind(np.float64(rows[i, k]) / power / divisor * share)


@compiled()
def _power_of_two(row: Floats) -> float:
    """The largest power of two that is no larger than the largest entry of a row; 1 for zeros, infinities and nans."""
    largest = 0.0
    for k in range(row.size):
        largest = max(largest, abs(np.float64(row[k])))
    if largest == 0.0 or not np.isfinite(largest):
        return 1.0
    return ldexp(1.0, frexp(largest)[1] - 1)


@compiled(fastmath={"reassoc", "contract"})
def _squared_norm(row: Floats, power: float) -> float:
    """|row / power|^2; the order of summation is the compiler's, which lets it take vectors, and alike for every row."""
    total = 0.0
    for k in range(row.size):
        entry = np.float64(row[k]) / power
        total += entry * entry
    return total
