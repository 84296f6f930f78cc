"""Functions on an interval as labels, so that a function can be the axis of a sweep.

They are those of univariate data sets (`initatlas.datasets.univariate`), with their numbers: ``sine(frequency=2)``, ``arctan``,
``triangle(peaks=4)``; a number that is left out has its default. The coefficients of a polynomial are c0, c1, ...:
``polynomial(c2=0.5)`` is x^2 / 2. Beside them: the points of an interval at which networks are trained.
"""

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, TypeAdapter, ValidationError

from initatlas.datasets.univariate import TARGETS, Target
from initatlas.names import did_you_mean
from initatlas.vocabulary import format_label, parse_label

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    Function = Callable[[np.ndarray], np.ndarray]

_LISTS = ("piecewise_linear",)
"""Functions that are made of lists, which a label cannot hold."""


@lru_cache(maxsize=256)
def _target(label: str) -> Any:
    """The function of a label, as univariate data sets have it.

    Raises
    ------
    ValueError
        If there is no such function, or it does not take these numbers.
    """
    name, parameters = parse_label(label)
    known = [name for kind in TARGETS for name in kind.model_fields["name"].annotation.__args__ if name not in _LISTS]  # type: ignore[union-attr]
    if name not in known:
        raise ValueError(f"{name!r} does not exist{did_you_mean(name, known)}; allowed: {', '.join(sorted(known))}")
    numbers = {key: int(value) if value.is_integer() else value for key, value in parameters.items()}
    keys = _coefficients(label, parameters) if name == "polynomial" else numbers
    try:
        return TypeAdapter(Target).validate_python({"name": name, **keys})
    except ValidationError as error:
        fault = error.errors()[0]
        raise ValueError(f"{label!r}: {fault['loc'][-1]}: {fault['msg']}") from None


def _coefficients(label: str, parameters: dict[str, float]) -> dict[str, tuple[float, ...]]:
    """c0, c1, ... as the coefficients of a polynomial; those that are left out are 0."""
    for key in parameters:
        if not re.fullmatch(r"c\d", key):
            raise ValueError(f"{label!r}: a polynomial takes c0, c1, ..., c9")
    if not parameters:
        raise ValueError(f"{label!r}: give its coefficients, such as polynomial(c2=0.5)")
    degree = max(int(key[1:]) for key in parameters)
    return {"coefficients": tuple(parameters.get(f"c{power}", 0.0) for power in range(degree + 1))}


def _canonical(label: str) -> str:
    """Canonical label of a function."""
    _target(label)
    return format_label(*parse_label(label))


TargetLabel = Annotated[str, AfterValidator(_canonical)]


def target_function(label: str, low: float, high: float) -> "Function":
    """The function of a label on an interval, which some functions depend on.

    Raises
    ------
    ValueError
        If the label is none.
    """
    target = _target(label)
    return lambda x: target.values(x, low, high)


def check_interval(low: float, high: float, gap: float) -> None:
    """Refuse an empty interval, and a gap that leaves nothing of it.

    Raises
    ------
    ValueError
        If it is one of these.
    """
    if not low < high:
        raise ValueError(f"low = {low:g}, high = {high:g}: give low < high")
    if gap >= 0.5 * (high - low):
        raise ValueError(f"gap = {gap:g}: leaves no training point between {low:g} and {high:g}")


def evenly_spaced(low: float, high: float, gap: float, count: int) -> "np.ndarray":
    """Of so many evenly spaced points, both ends among them, those that are no nearer to the middle than the gap."""
    import numpy as np

    grid = np.linspace(low, high, count)
    return grid[abs(grid - 0.5 * (low + high)) >= gap]
