"""Checked arrays and numbers: an error names the argument and what is wrong with it."""

from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike

from initatlas.arrays import Doubles


def finite(name: str, values: ArrayLike) -> Doubles:
    """Numbers as float64, all of them finite.

    Raises
    ------
    ValueError
        If they are no numbers, or one is nan or infinite.
    """
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name}: not numbers") from None
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: nan or infinite at place {tuple(map(int, np.argwhere(~np.isfinite(array))[0]))}")
    return array


def vector(name: str, values: ArrayLike) -> Doubles:
    """Finite numbers in one dimension.

    Raises
    ------
    ValueError
        If they are not finite numbers in one dimension.
    """
    array = finite(name, values)
    if array.ndim != 1:
        raise ValueError(f"{name}: {array.ndim} dimensions, give one")
    return array


def whole(name: str, value: object, least: int) -> int:
    """A whole number that is not too small.

    Raises
    ------
    ValueError
        If it is none, or below `least`.
    """
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise ValueError(f"{name}: {value!r}, give a whole number")
    if value < least:
        raise ValueError(f"{name}: {value}, give at least {least}")
    return int(value)


def interval(low: float, high: float) -> tuple[float, float]:
    """Two ends in their order, infinite ones too.

    Raises
    ------
    ValueError
        If one is nan, or `high` is below `low`.
    """
    if not low <= high:
        raise ValueError(f"high: {high}, give at least low, {low}")
    return low, high


def points(x: ArrayLike, y: ArrayLike) -> tuple[Doubles, Doubles]:
    """Data of one variable: as many targets as inputs, at least one.

    Raises
    ------
    ValueError
        If there is none, or the lengths differ, or a number is not finite.
    """
    inputs, targets = vector("x", x), vector("y", y)
    if not inputs.size:
        raise ValueError("x: no points")
    if inputs.shape != targets.shape:
        raise ValueError(f"y: {targets.size} targets for {inputs.size} inputs")
    return inputs, targets
