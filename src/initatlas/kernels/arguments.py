"""Arguments of kernels, checked: an error names the argument, the value and what is allowed. Standard library only."""

from collections.abc import Collection
from math import isfinite
from numbers import Integral, Real
from typing import Any

from initatlas.validation import shown

MOST_LAYERS = 20_000
"""Hidden layers of a network of infinite width: a kernel that is one function of the angle takes a second for each 1000.
Tests go to 128 for the values, to 20000 for the angles."""


def check_whole(name: str, value: Any, least: int, most: int | None = None) -> None:
    """Refuse what is no whole number in a range.

    Raises
    ------
    TypeError
        If it is not of a whole type (2.0 is not).
    ValueError
        If it lies outside.
    """
    allowed = (
        f"give a whole number of {least} or more" if most is None else f"give a whole number from {least} to {most}"
    )
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f"{name} = {shown(value)}: {allowed}")
    number = int(value)
    if number < least or (most is not None and number > most):
        raise ValueError(f"{name} = {shown(value)}: {allowed}")


def check_variance(name: str, value: Any) -> None:
    """Refuse what is no variance.

    Raises
    ------
    TypeError
        If it is no number.
    ValueError
        If it is negative or not finite.
    """
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"{name} = {shown(value)}: give a finite number of 0 or more")
    number = float(value)
    if not (isfinite(number) and number >= 0.0):
        raise ValueError(f"{name} = {shown(value)}: give a finite number of 0 or more")


def check_flag(name: str, value: object) -> None:
    """Refuse what is neither true nor false.

    Raises
    ------
    TypeError
        If it is something else, such as the text "no".
    """
    if type(value).__name__ not in ("bool", "bool_"):  # of Python and of numpy
        raise TypeError(f"{name} = {shown(value)}: give True or False")


def check_choice(name: str, value: object, allowed: Collection[str]) -> None:
    """Refuse what is not one of some words.

    Raises
    ------
    ValueError
        If it is none of them.
    """
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{name} = {shown(value)}: allowed: {', '.join(map(repr, allowed))}")
