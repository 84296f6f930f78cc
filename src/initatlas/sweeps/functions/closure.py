"""What the results of a plain function depend on: its code, and all that it refers to, down to the end.

A function in a notebook has no module whose imports could be followed. So its byte code is read: instructions, constants,
defaults, the cells that it closes over, and the globals that it names. Functions and classes of the user are followed in the same
way, wherever they are defined; of this package the modules count, as for experiments (`initatlas.provenance`); other packages do
not count, their versions are recorded with every batch. Comments, docstrings and line numbers do not count either.
"""

import dis
import hashlib
import pickle
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from initatlas.errors import UserError

OURS = __name__.partition(".")[0]


@dataclass(frozen=True)
class Closure:
    """What a function depends on.

    Attributes
    ----------
    sha256
        Hash of its code, and of all code and values of the user's that it can reach.
    ours
        Modules of this package that it can reach, sorted.
    local
        The user's modules that it can reach, sorted; without ``__main__``.
    """

    sha256: str
    ours: tuple[str, ...]
    local: tuple[str, ...]


def closure_of(function: Callable[..., Any]) -> Closure:
    """Follow all that a function refers to.

    Parameters
    ----------
    function
        A function, a method, a `functools.partial`, or an object that can be called.

    Raises
    ------
    UserError
        If it refers to a value that cannot be written down as bytes, or to a random generator.
    """
    walk = _Walk(getattr(function, "__name__", type(function).__name__))
    walk.value(function, "")
    return Closure(walk.digest.hexdigest(), tuple(sorted(walk.ours)), tuple(sorted(walk.local)))


def is_local(module: str) -> bool:
    """Whether a module is the user's: neither of this package, nor of Python, nor installed among other packages."""
    if module.partition(".")[0] == OURS or module in sys.builtin_module_names:
        return False
    if module == "__main__":
        return True
    loaded = sys.modules.get(module)
    path = getattr(loaded, "__file__", None)
    return path is not None and not any(Path(path).is_relative_to(folder) for folder in _installed())


def _installed() -> Iterator[Path]:
    """Folders of Python and of the packages that are installed."""
    for name in ("stdlib", "platstdlib", "purelib", "platlib"):
        yield Path(sysconfig.get_paths()[name])


class _Walk:
    """Feeds all that is met to a hash; what was met before is named by its number."""

    def __init__(self, name: str) -> None:
        self.digest = hashlib.sha256()
        self.ours: set[str] = set()
        self.local: set[str] = set()
        self._name = name
        self._met: dict[int, int] = {}
        self._kept: list[Any] = []  # so that no number of an object is given again

    def note(self, *words: object) -> None:
        """Feed words to the hash."""
        self.digest.update(repr(words).encode())

    def value(self, value: Any, place: str) -> None:
        """Whatever a name can stand for; `place` is that name."""
        if _is_plain(value):
            self.note(type(value).__name__, value)
        elif id(value) in self._met:
            self.note("met", self._met[id(value)])
        else:
            self._met[id(value)] = len(self._met)
            self._kept.append(value)
            self._new(value, place)

    def _new(self, value: Any, place: str) -> None:
        """A value that was not met before."""
        wrapped = getattr(value, "py_func", None) or getattr(value, "__wrapped__", None)
        match value:
            case FunctionType() | BuiltinFunctionType() | type() | np.ufunc():
                self._named(value, place)
            case ModuleType():
                self._module(value, ())
            case MethodType():
                self.value(value.__func__, place)
                self.value(value.__self__, place)
            case partial():
                for part in (value.func, value.args, value.keywords):
                    self.value(part, place)
            case list() | tuple():
                self.note(type(value).__name__, len(value))
                for entry in value:
                    self.value(entry, place)
            case Mapping() if isinstance(value, dict):
                self.note("dict", len(value))
                for key, entry in value.items():
                    self.value(key, place)
                    self.value(entry, place)
            case set() | frozenset():
                self.note("set", sorted(map(repr, value)))
            case np.ndarray() if value.dtype.kind in "biufcSU":
                self.note("array", value.dtype.str, value.shape)
                self.digest.update(np.ascontiguousarray(value).tobytes())
            case np.random.Generator() | np.random.RandomState():
                raise UserError(
                    f"{self._name} uses the random generator {place!r} from outside, so its results would depend on the order of "
                    "the points; give it an argument rng"
                )
            case _ if isinstance(wrapped, FunctionType):  # compiled by numba, or behind a cache
                self.value(wrapped, place)
            case _:
                self._object(value, place)

    def _named(self, value: Any, place: str) -> None:
        """A function or a class: one of ours counts by its module, one of the user's by its code, others by their names."""
        module = getattr(value, "__module__", None) or ""
        if module.partition(".")[0] == OURS:
            self.ours.add(module)
        elif isinstance(value, FunctionType) and (is_local(module) or module not in sys.modules):
            self._follow(module, value)
        elif isinstance(value, type) and is_local(module):
            self._class(value)
        else:
            self.note("name", module, getattr(value, "__qualname__", getattr(value, "__name__", place)))

    def _follow(self, module: str, function: FunctionType) -> None:
        """A function of the user's."""
        if module != "__main__" and module in sys.modules:
            self.local.add(module)
        self.value(function.__defaults__, "a default")
        self.value(function.__kwdefaults__, "a default")
        self._code(function.__code__, function.__globals__)
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            with suppress(ValueError):  # a cell that nothing was put into yet
                self._reached(cell.cell_contents, name, _names(function.__code__))

    def _class(self, kind: type) -> None:
        """A class of the user's: its bases, methods and plain values."""
        if kind.__module__ != "__main__":
            self.local.add(kind.__module__)
        self.note("class", kind.__qualname__)
        for base in kind.__bases__:
            self.value(base, base.__name__)
        for name, value in kind.__dict__.items():
            inner = value.__func__ if isinstance(value, staticmethod | classmethod) else value
            methods = (inner.fget, inner.fset) if isinstance(inner, property) else (inner,)
            for method in methods:
                if isinstance(method, FunctionType) or (_is_plain(method) and not name.startswith("__")):
                    self.note("member", name)
                    self.value(method, name)

    def _code(self, code: CodeType, names: Mapping[str, Any]) -> None:
        """Instructions with their constants; the globals and modules that they name. No instruction loads a docstring."""
        self.note("code", code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags & 0xFF)
        for step in dis.get_instructions(code):
            if step.opcode in dis.hasconst:
                self._constant(step.argval, names)
            else:
                names_something = step.opcode in (*dis.hasname, *dis.haslocal, *dis.hasfree)
                self.note(step.opname, step.argval if names_something else step.arg)
            if step.opname in ("LOAD_GLOBAL", "LOAD_NAME") and step.argval in names:
                self._reached(names[step.argval], step.argval, code.co_names)
            elif step.opname == "IMPORT_NAME":
                self._imported(step.argval, code, names)

    def _constant(self, value: Any, names: Mapping[str, Any]) -> None:
        """A constant of some code, which may be code again."""
        if isinstance(value, CodeType):
            self._code(value, names)
        else:
            self.value(value, "a constant")

    def _reached(self, value: Any, name: str, used: tuple[str, ...]) -> None:
        """What a global or a cell stands for; of a module, what code with these names may take from it."""
        self.note("reached", name)
        if isinstance(value, ModuleType):
            self._module(value, used)
        else:
            self.value(value, name)

    def _imported(self, name: str, code: CodeType, names: Mapping[str, Any]) -> None:
        """A module that is imported on the way."""
        package = names.get("__package__") or ""
        for module in (name, f"{package}.{name}"):
            with suppress(ImportError):
                self._module(import_module(module), code.co_names)
                return

    def _module(self, module: ModuleType, used: tuple[str, ...]) -> None:
        """What code takes from a module, as far as the names in it say so."""
        name = module.__name__
        self.note("module", name)
        if name.partition(".")[0] == OURS:
            self.ours.add(name)
        elif not is_local(name):
            return
        for attribute in used:
            if attribute in vars(module) or (name == OURS and attribute in dir(module)):
                value = getattr(module, attribute)
                if isinstance(value, ModuleType):
                    if value is not module and value.__name__.startswith(f"{name}."):
                        self._module(value, used)
                elif name.partition(".")[0] != OURS or isinstance(value, FunctionType | type):
                    self.value(value, f"{name}.{attribute}")

    def _object(self, value: Any, place: str) -> None:
        """An object: its class, and its content as bytes."""
        self.value(type(value), place)
        if is_local(type(value).__module__) and hasattr(value, "__dict__"):
            self.value(vars(value), place)
            return
        try:
            self.digest.update(pickle.dumps(value, protocol=5))
        except Exception as error:
            raise UserError(
                f"{self._name} uses {place!r}, of type {type(value).__name__}, which cannot be written down "
                f"({' '.join(str(error).split())}), so a change of it would go unnoticed; make it inside of the function"
            ) from None


def _names(code: CodeType) -> tuple[str, ...]:
    """All names in some code, and in the code inside of it."""
    inside = (_names(constant) for constant in code.co_consts if isinstance(constant, CodeType))
    return (*code.co_names, *(name for names in inside for name in names))


def _is_plain(value: Any) -> bool:
    """Whether the representation of a value says all."""
    return (
        value is None or value is Ellipsis or isinstance(value, bool | int | float | complex | str | bytes | np.generic)
    )
