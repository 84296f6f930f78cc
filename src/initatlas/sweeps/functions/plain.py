"""A plain function as an experiment: found by name in this process, and sent to others with all of the user's code behind it."""

import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from initatlas.activations.base import ACTIVATIONS
from initatlas.components import Room
from initatlas.errors import UserError
from initatlas.provenance import code_version, digest, import_closure
from initatlas.sweeps.experiment import Experiment
from initatlas.sweeps.functions.closure import Closure, closure_of
from initatlas.sweeps.functions.point import GENERATOR, FunctionPoint, point_model
from initatlas.sweeps.functions.results import described
from initatlas.sweeps.outputs import Arrays
from initatlas.weights.base import WEIGHTS

if TYPE_CHECKING:
    import numpy as np

PREFIX = "function-"
"""Before the name of a function where an experiment is named: no module can be called so."""

SECONDS = 1.0
"""Cost of a point that nobody has computed yet: batches of a few points, which spread."""


@dataclass(frozen=True)
class PlainFunction:
    """A plain function that is swept.

    Attributes
    ----------
    label
        The function's name, a word of letters, digits and _.
    function
        The function.
    closure
        What its results depend on.
    seconds
        Cost of a point.
    cpus
        Threads of the numerical libraries that a point occupies.
    """

    label: str
    function: Callable[..., Any]
    closure: Closure
    seconds: float = SECONDS
    cpus: int = 1

    @property
    def name(self) -> str:
        """What the sweep calls its experiment; names the folder of the point store."""
        return f"{PREFIX}{self.label}"

    @cached_property
    def modules(self) -> tuple[str, ...]:
        """Modules of this package that the function can reach.

        A component is found by a label, to which no argument of the function leads: where one can be looked up, all of its
        room count.
        """
        reached = {module for entry in self.closure.ours for module in import_closure(entry)}
        rooms: tuple[Room[Any], ...] = (ACTIVATIONS, WEIGHTS)
        return tuple(sorted(reached.union(*(_components(room) for room in rooms if f"{room.package}.base" in reached))))

    def code(self) -> str:
        """Version of all code behind the function, that of this package as it is in this process."""
        return digest([self.closure.sha256, *map(code_version, self.modules)])

    @cached_property
    def experiment(self) -> Experiment:
        """The function's declaration; its outputs are known by its results alone."""
        summary = (inspect.getdoc(self.function) or self.label).partition("\n")[0]
        return Experiment(
            summary=summary,
            parameters=point_model(self.function, self.label),
            outputs=(),
            run=self._run,
            seconds=lambda point: self.seconds,
            cpus=self.cpus,
            undeclared=True,
        )

    def _run(self, points: Sequence[FunctionPoint], rngs: Sequence["np.random.Generator"], data: Any) -> list[Arrays]:
        """Call the function once for each point."""
        return [described(self._call(point, rng), self.label) for point, rng in zip(points, rngs, strict=True)]

    def _call(self, point: FunctionPoint, rng: "np.random.Generator") -> Any:
        """The function at one point."""
        given = {**point.model_dump(), GENERATOR: rng}
        return self.function(**{name: given[name] for name in inspect.signature(self.function).parameters})

    def __reduce__(self) -> tuple[Callable[..., "PlainFunction"], tuple[Any, ...]]:
        """Travel with the code of the function, not with the names of its modules, which other processes may not find."""
        return _arrived, (_packed(self), self.label, self.closure, self.seconds, self.cpus)


def plain_function(
    function: Callable[..., Any], label: str, *, seconds: float = SECONDS, cpus: int = 1
) -> PlainFunction:
    """A function, with what its results depend on; errors as in `closure_of`."""
    return PlainFunction(label, function, closure_of(function), seconds, cpus)


@lru_cache(maxsize=8)
def _arrived(packed: bytes, label: str, closure: Closure, seconds: float, cpus: int) -> PlainFunction:
    """A function in another process."""
    import cloudpickle

    return PlainFunction(label, cloudpickle.loads(packed), closure, seconds, cpus)


def _packed(plain: PlainFunction) -> bytes:
    """The function as bytes, with all of the user's code that it reaches."""
    import cloudpickle

    try:
        with _by_value(plain.closure.local):
            packed: bytes = cloudpickle.dumps(plain.function)
    except Exception as error:
        raise UserError(
            f"{plain.label} cannot be sent to other processes ({' '.join(str(error).split())}); make what cannot inside of the "
            "function, or take backend='serial'"
        ) from None
    return packed


@contextmanager
def _by_value(modules: Sequence[str]) -> Iterator[None]:
    """Inside the block functions and classes of these modules are pickled with their code."""
    import cloudpickle

    known = cloudpickle.list_registry_pickle_by_value()
    chosen = [sys.modules[name] for name in modules if name in sys.modules and name not in known]
    for module in chosen:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in chosen:
            cloudpickle.unregister_pickle_by_value(module)


def _components(room: Room[Any]) -> list[str]:
    """The modules of all components of a room."""
    return [f"{room.package}.{name}" for name in room.names]
