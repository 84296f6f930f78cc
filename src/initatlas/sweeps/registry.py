"""Find an experiment by the name that a sweep gives it."""

from functools import cache
from importlib import import_module

from initatlas.errors import UserError
from initatlas.sweeps.experiment import Experiment


def experiment_module(name: str) -> str:
    """The module of an experiment: a bare name is one of ours, a dotted one is a module of the user's."""
    return name if "." in name else f"initatlas.experiments.{name}"


@cache
def load_experiment(name: str) -> Experiment:
    """Import the module of an experiment and return its ``EXPERIMENT``.

    Raises
    ------
    UserError
        If there is no such module, or it declares no ``EXPERIMENT``.
    """
    module = experiment_module(name)
    try:
        found = import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not module.startswith(error.name):
            raise
        raise UserError(f"experiment {name!r} does not exist: there is no module {module}") from None
    experiment = getattr(found, "EXPERIMENT", None)
    if not isinstance(experiment, Experiment):
        raise UserError(f"experiment {name!r}: the module {module} must define EXPERIMENT = Experiment(...)")
    return experiment
