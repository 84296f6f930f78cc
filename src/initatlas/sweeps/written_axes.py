"""The axes of a sweep as they are written: lists, rules in three numbers, records, and parameters that move together."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from initatlas.errors import UserError
from initatlas.names import check_names
from initatlas.sweeps.spec import Axis
from initatlas.sweeps.value_checks import Checker
from initatlas.validation import shown
from initatlas.vocabulary import format_label

MOST_VALUES = 1_000_000
"""Values of an axis: what is beyond is a slip of the pen."""


def read_axis(name: str, written: Any, place: str, checker: Checker) -> Axis:
    """One axis from its YAML."""
    if isinstance(written, dict) and set(written) == {"zip"}:
        return _zipped_axis(name, written["zip"], f"{place}.zip", checker)
    checker.known(place, name)
    expanded = _expanded(place, written, checker)
    return Axis(name=name, values={name: checker.values(place, name, expanded)})


def _zipped_axis(name: str, columns: Any, place: str, checker: Checker) -> Axis:
    """An axis along which several parameters move together."""
    if not isinstance(columns, dict) or not columns:
        raise UserError(f"{checker.where}.{place}: give a mapping of parameters to lists of equal length")
    _check_zip_name(name, columns, place, checker)
    values = {
        parameter: checker.column(
            f"{place}.{parameter}", parameter, _expanded(f"{place}.{parameter}", written, checker)
        )
        for parameter, written in columns.items()
    }
    lengths = {parameter: len(column) for parameter, column in values.items()}
    if len(set(lengths.values())) > 1 or 0 in lengths.values():
        raise UserError(f"{checker.where}.{place}: the lists must have one length, not {lengths}")
    if "auto" in values.get("device", []):
        raise UserError(f"{checker.where}.{place}.device: auto is decided once for a whole sweep; list cpu and cuda")
    rows = [*zip(*values.values(), strict=True)]
    if len(set(rows)) < len(rows):
        raise UserError(f"{checker.where}.{place}: the same combination is there twice; remove one")
    return Axis(name=name, values=values)


def _check_zip_name(name: str, columns: Mapping[str, Any], place: str, checker: Checker) -> None:
    """The dimension of a zip has a name of its own, or that of a parameter that moves along it."""
    check_names([name], f"{checker.where}.{place}")
    for parameter in columns:
        checker.known(f"{place}.{parameter}", parameter)
    if name in checker.adapters and name not in columns:
        raise UserError(
            f"{checker.where}.{place}: the axis is named after the parameter {name!r}, which does not move along it; rename it"
        )
    if name in checker.taken | {"status", "error"}:
        raise UserError(
            f"{checker.where}.{place}: {name!r} is a variable or a dimension of the cube already; rename the axis"
        )


@dataclass(frozen=True)
class _Rule:
    """How an axis can be written in three numbers."""

    values: Callable[[float, float, int], list[float]]
    needs: str


def _sequence(place: str, written: Any, checker: Checker) -> list[Any]:
    """The values of an axis: a list as it is, or a rule such as linspace."""
    if isinstance(written, list):
        return written
    if isinstance(written, dict) and len(written) == 1 and next(iter(written)) in _RULES:
        ((name, arguments),) = written.items()
        rule = _RULES[name]
        try:
            return rule.values(*_rule_arguments(arguments))
        except (TypeError, ValueError, OverflowError):
            raise UserError(
                f"{checker.where}.{place}.{name} = {shown(arguments)}: give [start, stop, count], {rule.needs}, "
                f"and a count from 1 to {MOST_VALUES}"
            ) from None
    raise UserError(
        f"{checker.where}.{place} = {shown(written)}: give a list, or one of linspace, logspace, geomspace, zip, available"
    )


def _rule_arguments(arguments: Any) -> tuple[float, float, int]:
    """The three numbers of a rule, checked before any list is made.

    Raises
    ------
    TypeError, ValueError, OverflowError
        If they are not two finite numbers and a count.
    """
    start, stop, count = arguments
    if any(isinstance(number, bool) or not math.isfinite(number) for number in arguments):
        raise TypeError("no finite number")
    if not isinstance(count, int) or not 1 <= count <= MOST_VALUES:
        raise ValueError("no count")
    return float(start), float(stop), count


def _expanded(place: str, written: Any, checker: Checker) -> list[Any]:
    """The values of an axis, records as labels."""
    expanded: list[Any] = []
    for number, value in enumerate(_sequence(place, written, checker)):
        try:
            expanded += _records(value) if isinstance(value, dict) else (value,)
        except (TypeError, ValueError, OverflowError):
            raise UserError(
                f"{checker.where}.{place}[{number}] = {shown(value)}: give a name, and a number or a list of numbers "
                f"per parameter, for at most {MOST_VALUES} labels"
            ) from None
    return expanded


def _records(value: Any) -> Iterator[Any]:
    """Expand ``{name: multivariate_t, nu: [3, 5]}`` into one label per combination; other values pass."""
    if not isinstance(value, dict) or "name" not in value:
        yield value
        return
    parameters = {key: entry if isinstance(entry, list) else [entry] for key, entry in value.items() if key != "name"}
    if math.prod(map(len, parameters.values())) > MOST_VALUES:
        raise ValueError("too many labels")
    for combination in product(*parameters.values()):
        yield format_label(value["name"], dict(zip(parameters, combination, strict=True)))


_LARGEST_EXPONENT = 300


def linspace(start: float, stop: float, count: int) -> list[float]:
    """`count` evenly spaced numbers, both ends included."""
    steps = max(count - 1, 1)
    return [_rounded(start + (stop - start) * i / steps) for i in range(count)]


def logspace(first: float, last: float, count: int) -> list[float]:
    """`count` powers of ten with evenly spaced exponents, both ends included."""
    if max(abs(first), abs(last)) > _LARGEST_EXPONENT:
        raise OverflowError("beyond the range of numbers")
    return [_rounded(10.0**exponent) for exponent in linspace(first, last, count)]


def geomspace(start: float, stop: float, count: int) -> list[float]:
    """`count` numbers with a constant ratio, both ends included."""
    if start <= 0 or stop <= 0:
        raise ValueError("geomspace needs positive ends")
    return [_rounded(math.exp(value)) for value in linspace(math.log(start), math.log(stop), count)]


def _rounded(value: float) -> float:
    """Twelve significant digits, so that a grid value reads as written; a whole number becomes an int."""
    short = float(f"{value:.12g}")
    if not math.isfinite(short):
        raise OverflowError("beyond the range of numbers")
    return int(short) if short.is_integer() else short


_RULES = {
    "linspace": _Rule(linspace, "two finite numbers"),
    "logspace": _Rule(logspace, "two exponents of powers of ten from -300 to 300"),
    "geomspace": _Rule(geomspace, "two positive, finite numbers"),
}
