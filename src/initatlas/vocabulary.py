"""Labels: how a config names a component, such as an activation, together with its parameters.

A weight distribution or an activation is written as a *label*: ``gaussian``, ``generalized_normal(beta=0.5)``,
``leaky_relu(slope=0.2)``. A label is one readable string, so it serves as an axis value, as part of a point's key,
as a coordinate in a cube and as a legend entry. Which names there are is the business of the rooms
(`initatlas.components`). This module is read at every start of the workflow: standard library only.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import inf, isfinite
from typing import ClassVar, Protocol

from initatlas.names import did_you_mean


@dataclass(frozen=True)
class Bounds:
    """An interval of admissible parameter values; open at both ends unless `closed_below`, and perhaps whole numbers only.

    `reason` says why the interval ends where it does; whoever gives a value outside reads it.
    """

    low: float
    high: float = inf
    closed_below: bool = False
    whole: bool = False
    reason: str = ""

    def admit(self, value: float) -> bool:
        """Whether `value` lies inside."""
        above = value >= self.low if self.closed_below else value > self.low
        return isfinite(value) and above and value < self.high and (value.is_integer() or not self.whole)

    def __str__(self) -> str:
        interval = f"{'[' if self.closed_below else '('}{self.low:g}, {self.high:g})"
        return f"{interval}, a whole number" if self.whole else interval


class Bounded(Protocol):
    """A class whose parameters have bounds."""

    bounds: ClassVar[Mapping[str, Bounds]]


Vocabulary = Mapping[str, type[Bounded]]

_LABEL = re.compile(r"\s*([A-Za-z][A-Za-z0-9_]*)\s*(?:\(\s*(.*?)\s*\))?\s*")


def format_number(value: float) -> str:
    """Shortest text that reads back as `value`; whole numbers carry no point."""
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))


def format_label(name: str, parameters: Mapping[str, float]) -> str:
    """Write a label: ``format_label("multivariate_t", {"nu": 5})`` is ``"multivariate_t(nu=5)"``."""
    inner = ", ".join(f"{key}={format_number(parameters[key])}" for key in sorted(parameters))
    return f"{name}({inner})" if inner else name


def parse_label(label: str) -> tuple[str, dict[str, float]]:
    """Read a label into its name and its parameters.

    Raises
    ------
    ValueError
        If the text is not of the form ``name`` or ``name(key=number, ...)``.
    """
    name, parameters = _parsed(label)
    return name, dict(parameters)


@lru_cache(maxsize=4096)
def _parsed(label: str) -> tuple[str, tuple[tuple[str, float], ...]]:
    """The same, remembered: every point of a sweep has its labels read."""
    match = _LABEL.fullmatch(label)
    if match is None:
        raise ValueError(f"{label!r} is not of the form name or name(key=number, ...)")
    name, inner = match.groups()
    parameters: dict[str, float] = {}
    for item in inner.split(",") if inner else []:
        key, equals, text = item.partition("=")
        if key.strip() in parameters:
            raise ValueError(f"{label!r} gives {key.strip()} twice")
        try:
            parameters[key.strip()] = float(text)
        except ValueError:
            equals = ""
        if not equals:
            raise ValueError(f"{item.strip()!r} in {label!r} is not key=number")
    return name, tuple(parameters.items())


def canonical_label(label: str, vocabulary: Vocabulary) -> str:
    """Check a label against a vocabulary and write it in its one canonical form.

    Raises
    ------
    ValueError
        If the text is no label, the name is unknown, a parameter is missing, unknown or out of its bounds; the message says what
        is allowed.
    """
    allowed = f"allowed: {', '.join(sorted(vocabulary))}"
    try:
        name, parameters = parse_label(label)
    except ValueError as error:
        raise ValueError(f"{error}; {allowed}") from None
    if name not in vocabulary:
        raise ValueError(f"{name!r} does not exist{did_you_mean(name, vocabulary)}; {allowed}")
    wanted = vocabulary[name].bounds
    if set(parameters) != set(wanted):
        needs = ", ".join(f"{key} in {bounds}" for key, bounds in wanted.items()) or "no parameters"
        raise ValueError(f"{label!r}: {name} takes {needs}")
    for key, value in parameters.items():
        if not wanted[key].admit(value):
            because = f": {wanted[key].reason}" if wanted[key].reason else ""
            raise ValueError(f"{label!r}: {key} must lie in {wanted[key]}{because}")
    return format_label(name, parameters)
