"""Find an experiment by the name that a sweep gives it."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from initatlas.errors import UserError
from initatlas.names import PLACE_FOR_MODULES, did_you_mean
from initatlas.sweeps.declaration import first_slip
from initatlas.sweeps.experiment import Experiment


def experiment_module(name: str) -> str:
    """The module of an experiment: a bare name is one of ours, a dotted one is a module of the user's."""
    return name if "." in name else f"initatlas.experiments.{name}"


def _own() -> list[str]:
    """Modules of our own experiments."""
    return [module.name for module in iter_modules(import_module("initatlas.experiments").__path__)]


@cache
def load_experiment(name: str) -> Experiment:
    """Import the module of an experiment and return its ``EXPERIMENT``.

    Raises
    ------
    UserError
        If there is no such module, it declares no ``EXPERIMENT``, or there is a slip in the declaration.
    """
    module = experiment_module(name)
    try:
        found = import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not module.startswith(error.name):
            raise
        mend = f"; {PLACE_FOR_MODULES}" if "." in name else did_you_mean(name, _own())
        raise UserError(f"experiment {name!r} does not exist: there is no module {module}{mend}") from None
    experiment = getattr(found, "EXPERIMENT", None)
    if not isinstance(experiment, Experiment):
        raise UserError(f"experiment {name!r}: the module {module} must define EXPERIMENT = Experiment(...)")
    if slip := first_slip(experiment):
        raise UserError(f"experiment {name!r}: {found.__file__}: {slip}")
    return experiment
