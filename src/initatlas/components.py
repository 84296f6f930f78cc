"""Rooms of components that are found by name: activations, weight families. One module per component.

A sweep names its components in labels, so no import leads to them, and the code version of an experiment does not hold them: a
new component, or a change in one, concerns the points that name it and no others. `initatlas.sweeps.code` adds the code of
the components that a point names. What a computation has looked up is recorded (`recorded_lookups`), so that a component which
nothing names is noticed. Standard library only: this module is read at every start of the workflow.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Generic, TypeVar

from initatlas.vocabulary import Bounded, canonical_label, parse_label

Kind = TypeVar("Kind", bound=Bounded)

_lookups: ContextVar[set[str] | None] = ContextVar("lookups", default=None)


class Room(Mapping[str, type[Kind]], Generic[Kind]):
    """The components of one kind by name, each imported when it is asked for.

    Parameters
    ----------
    package
        Dotted path of the package. Each of its modules but ``base`` holds one component, and is called as the component is.
    kind
        The class that components derive from.
    """

    def __init__(self, package: str, kind: type[Any]) -> None:
        self.package = package
        self._kind = kind
        self._classes: dict[str, type[Kind]] = {}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """All names, sorted; no component is imported for it."""
        path = import_module(self.package).__path__
        return tuple(sorted(module.name for module in iter_modules(path) if module.name != "base"))

    def __getitem__(self, name: str) -> type[Kind]:
        """The class of this name."""
        if name not in self._classes:
            if name not in self.names:
                raise KeyError(name)
            module = import_module(f"{self.package}.{name}")
            self._classes[name] = next(
                member
                for member in vars(module).values()
                if isinstance(member, type) and issubclass(member, self._kind) and member.__module__ == module.__name__
            )
        return self._classes[name]

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:  # types that carry the mark `NamedIn` are hashed
        return id(self)

    def module_of(self, label: str) -> str:
        """The module that holds the component of a label.

        Raises
        ------
        ValueError
            If the text is not a label.
        """
        return f"{self.package}.{parse_label(label)[0]}"

    def make(self, label: str) -> Kind:
        """The component of a label, with its parameters.

        Raises
        ------
        ValueError
            If the label does not exist or a parameter is out of its bounds.
        """
        name, parameters = parse_label(canonical_label(label, self))
        self.note(name)
        return self[name](**parameters)

    def note(self, name: str) -> None:
        """Record that a computation uses a component."""
        used = _lookups.get()
        if used is not None:
            used.add(f"{self.package}.{name}")


@contextmanager
def recorded_lookups() -> Iterator[set[str]]:
    """Collect the modules of the components that are looked up inside."""
    used: set[str] = set()
    token = _lookups.set(used)
    try:
        yield used
    finally:
        _lookups.reset(token)


@dataclass(frozen=True)
class NamedIn:
    """Marks the type of a parameter whose values are labels of a room: ``Annotated[str, NamedIn(ACTIVATIONS)]``."""

    room: Room[Any]
