"""The code behind a sweep."""

from initatlas.provenance import code_version
from initatlas.sweeps.registry import experiment_module
from initatlas.sweeps.spec import Sweep


def sweep_code(sweep: Sweep) -> str:
    """Version of the code that computes the points of a sweep; it names their folder in the store."""
    return code_version(experiment_module(sweep.experiment))
