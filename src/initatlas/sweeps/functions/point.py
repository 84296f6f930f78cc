"""The parameters of a plain function as those of a point."""

import inspect
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import ConfigDict, Field, PrivateAttr, create_model

from initatlas.errors import UserError
from initatlas.sweeps.experiment import Parameters, Scalar

GENERATOR, REPLICATE = "rng", "seed"
"""Arguments that the sweep gives: the random generator of the point, and the number of the replicate."""

_SIMPLE = (bool, int, float, str, type(None))


class FunctionPoint(Parameters):
    """One point of a plain function: its arguments by name.

    The class of a point is made from the signature of its function, and is not known to other processes: there a point arrives
    as one of this class, with the same values and the same identity.
    """

    model_config = ConfigDict(extra="allow", protected_namespaces=())

    _identity: dict[str, Scalar] = PrivateAttr(default_factory=dict)

    def identity(self) -> dict[str, Scalar]:
        """See `initatlas.sweeps.experiment.Parameters.identity`."""
        return self._identity or super().identity()

    def __reduce__(self) -> tuple[Callable[..., "FunctionPoint"], tuple[Mapping[str, Scalar], dict[str, Scalar]]]:
        """Travel as plain values."""
        return _arrived, (self.model_dump(), self.identity())


def _arrived(values: Mapping[str, Scalar], identity: dict[str, Scalar]) -> FunctionPoint:
    """A point in another process."""
    known: dict[str, Any] = {**values}
    point = FunctionPoint.model_construct(None, **known)
    point._identity = identity
    return point


def takes(function: Callable[..., Any], argument: str) -> bool:
    """Whether a function has an argument of this name."""
    return argument in inspect.signature(function).parameters


def point_model(function: Callable[..., Any], name: str) -> type[FunctionPoint]:
    """The model of a function's points: one field for each argument, but for `rng`.

    Parameters
    ----------
    function
        The function.
    name
        What it is called in messages.

    Raises
    ------
    UserError
        If it has arguments that cannot be given by name, or that no point can have.
    """
    fields: dict[str, Any] = {argument: field for argument, field in _fields(function, name) if argument != REPLICATE}
    model: type[FunctionPoint] = create_model(f"{name}Point", __base__=FunctionPoint, __module__=__name__, **fields)
    return model


def _fields(function: Callable[..., Any], name: str) -> Iterator[tuple[str, Any]]:
    """Type and default of each argument."""
    hints = _hints(function)
    for argument, parameter in inspect.signature(function).parameters.items():
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise UserError(
                f"{name}{inspect.signature(function)}: {argument} cannot be given by name; name every argument"
            )
        if argument != REPLICATE and (argument.startswith("_") or hasattr(FunctionPoint, argument)):
            raise UserError(f"{name}: no argument can be called {argument}; rename it")
        if argument == GENERATOR:
            continue
        default = None if parameter.default is parameter.empty else parameter.default
        if not isinstance(default, _SIMPLE):
            raise UserError(
                f"{name}: the default of {argument} is of type {type(default).__name__}; give a number, a text, True, False "
                "or None"
            )
        kind = hints.get(argument, Scalar)
        yield argument, (kind if default is not None else kind | None, Field(default=default, description=argument))


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    """The annotations that say what a point may have; whatever else stands there is left to the function."""
    try:
        hints = get_type_hints(function)
    except Exception:  # a name that is known to a type checker alone, or an object without annotations
        return {}
    return {argument: hint for argument, hint in hints.items() if _is_simple(hint)}


def _is_simple(hint: Any) -> bool:
    """Whether an annotation is made of numbers, flags and texts."""
    if get_origin(hint) in (Union, types.UnionType):
        return all(map(_is_simple, get_args(hint)))
    return hint in _SIMPLE or get_origin(hint) is Literal


def without_default(function: Callable[..., Any]) -> list[str]:
    """Arguments that a sweep has to give."""
    parameters = inspect.signature(function).parameters.values()
    given = (GENERATOR, REPLICATE)
    return [
        parameter.name
        for parameter in parameters
        if parameter.default is parameter.empty and parameter.name not in given
    ]
