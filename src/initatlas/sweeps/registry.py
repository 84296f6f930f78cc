"""Find an experiment by the name that a sweep gives it: in a module, or among the plain functions that this process sweeps."""

from collections.abc import Collection
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from initatlas.errors import UserError
from initatlas.names import PLACE_FOR_MODULES, did_you_mean
from initatlas.provenance import code_version, import_closure
from initatlas.sweeps.declaration import first_slip
from initatlas.sweeps.experiment import Experiment

if TYPE_CHECKING:  # it imports numpy, and every parse of the workflow reads this module
    from initatlas.sweeps.functions.plain import PlainFunction

_FUNCTIONS: "dict[str, PlainFunction]" = {}
"""The plain functions that are swept in this process, by the name of their experiment."""


def register(function: "PlainFunction") -> str:
    """Make a plain function an experiment of this process; return the name of it."""
    _FUNCTIONS[function.name] = function
    return function.name


def carried(name: str) -> "str | PlainFunction":
    """What to send to another process so that it finds an experiment there: its name, or the function itself."""
    return _FUNCTIONS.get(name, name)


def found_here(sent: "str | PlainFunction") -> str:
    """The name of an experiment that came from another process by `carried`, or is one of this process."""
    return sent if isinstance(sent, str) else register(sent)


def experiment_code(name: str) -> str:
    """Version of the code that all points of an experiment share; it names their folder in the store."""
    function = _FUNCTIONS.get(name)
    return code_version(experiment_module(name)) if function is None else function.code()


def experiment_modules(name: str) -> Collection[str]:
    """The modules of which `experiment_code` is the version."""
    function = _FUNCTIONS.get(name)
    return import_closure(experiment_module(name)).keys() if function is None else function.modules


def experiment_module(name: str) -> str:
    """The module of an experiment: a bare name is one of ours, a dotted one is a module of the user's."""
    return name if "." in name else f"initatlas.experiments.{name}"


def _own() -> list[str]:
    """Modules of our own experiments."""
    return [module.name for module in iter_modules(import_module("initatlas.experiments").__path__)]


def load_experiment(name: str) -> Experiment:
    """The declaration of an experiment: of a plain function, or the ``EXPERIMENT`` of a module.

    Raises
    ------
    UserError
        If there is no such module, it declares no ``EXPERIMENT``, or there is a slip in the declaration.
    """
    function = _FUNCTIONS.get(name)
    return _from_module(name) if function is None else function.experiment


@cache
def _from_module(name: str) -> Experiment:
    """Import the module of an experiment."""
    module = experiment_module(name)
    try:
        loaded = import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not module.startswith(error.name):
            raise
        mend = f"; {PLACE_FOR_MODULES}" if "." in name else did_you_mean(name, _own())
        raise UserError(f"experiment {name!r} does not exist: there is no module {module}{mend}") from None
    experiment = getattr(loaded, "EXPERIMENT", None)
    if not isinstance(experiment, Experiment):
        raise UserError(f"experiment {name!r}: the module {module} must define EXPERIMENT = Experiment(...)")
    if slip := first_slip(experiment):
        raise UserError(f"experiment {name!r}: {loaded.__file__}: {slip}")
    return experiment
