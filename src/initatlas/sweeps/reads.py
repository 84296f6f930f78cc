"""What a function of a point reads of it, so that it need not be asked at points that agree in that.

Validators, cost estimates and the like are pure functions of a point, and look at few of its parameters. A point of a traced
class notes what is read. Whoever takes the whole (``model_dump``, a comparison, a hash) reads all.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache
from typing import Any, TypeVar, cast

from pydantic import BaseModel

from initatlas.sweeps.experiment import Parameters
from initatlas.sweeps.spec import Sweep

Value = TypeVar("Value")

_WHOLE = frozenset(dir(BaseModel)) | {"__pydantic_extra__", "__pydantic_fields_set__", "__pydantic_private__"}
"""Attributes by which one gets at the point as a whole."""

_HARMLESS = frozenset({"__doc__", "__module__", "model_fields", "model_config"})


class Traced:
    """Points of one model that note which of their parameters are read.

    Parameters
    ----------
    model
        The experiment's model of a point.
    """

    def __init__(self, model: type[Parameters]) -> None:
        self._reads: set[str] = set()
        self._model = _traced_class(model, self._reads)

    def checked(self, values: Mapping[str, Any]) -> tuple[Parameters, set[str]]:
        """A valid point, and what the validators of the model as a whole have read of it.

        Raises
        ------
        pydantic.ValidationError
            If there is no such point.
        """
        self._reads.clear()
        point: Parameters = self._model.__pydantic_validator__.validate_python(dict(values))
        return point, set(self._reads)

    def read(self, function: Callable[[Any], Value], point: Parameters) -> tuple[Value, set[str]]:
        """What a function gives for a point of `checked`, and what it has read of it."""
        self._reads.clear()
        return function(point), set(self._reads)


def _traced_class(model: type[Parameters], reads: set[str]) -> type[Parameters]:
    """A class of the same points that notes what is read of them."""
    fields = frozenset(model.model_fields)

    def note(self: Any, name: str) -> Any:
        if name == "__class__":  # it equals points of the model, and says that it is one
            return model
        if name in fields:
            reads.add(name)
        elif name in _WHOLE and name not in _HARMLESS:
            reads.update(fields)
        return super(made, self).__getattribute__(name)

    made: type[Parameters] = cast(Any, type(model))(
        model.__name__, (model,), {"__module__": model.__module__, "__getattribute__": note}
    )
    return made


@cache
def traced(model: type[Parameters]) -> Traced:
    """The traced class of a model, made once: pydantic takes some milliseconds for it."""
    return Traced(model)


def axes_of(sweep: Sweep, parameters: Collection[str]) -> set[int]:
    """Numbers of the axes of a sweep along which some parameters move."""
    return {number for number, axis in enumerate(sweep.axes) if not axis.values.keys().isdisjoint(parameters)}


@cache
def is_plain(model: type[Parameters]) -> bool:
    """Whether a parameter's value depends on what is given for it alone, and only validators of the whole point relate several.

    That holds for all that pydantic's plain fields and validators ``mode="after"`` can do; whatever else there is may relate any
    parameters, and has to be asked at every point.
    """
    return all(
        _is_plain_node(node) for node in _nodes(model.__pydantic_core_schema__)
    ) and model.model_post_init.__module__.startswith("pydantic.")


def _nodes(schema: Any) -> Iterator[Mapping[str, Any]]:
    """All parts of a core schema."""
    if isinstance(schema, Mapping):
        yield schema
        for part in schema.values():
            yield from _nodes(part)
    elif isinstance(schema, list | tuple):
        for part in schema:
            yield from _nodes(part)


def _is_plain_node(node: Mapping[str, Any]) -> bool:
    """Whether a part of a core schema can relate no parameter to another, but by a validator of the whole point."""
    inner = node.get("schema")
    return not (
        node.get("type") == "with-info"
        or "default_factory" in node
        or node.get("validate_default")
        or node.get("custom_init")
        or node.get("computed_fields")
        or "serialization" in node
        or "definitions" in node
        or (
            node.get("type") in ("function-before", "function-wrap", "function-plain")
            and isinstance(inner, Mapping)
            and _holds_model(inner)
        )
    )


def _holds_model(schema: Mapping[str, Any]) -> bool:
    """Whether a core schema is that of a whole point, or of all its fields."""
    return any(node.get("type") in ("model", "model-fields") for node in _nodes(schema))
