"""Whether a data set has what the points of a sweep need: asked when the config is read, and again when the file is."""

from initatlas.datasets.traits import DataTraits
from initatlas.sweeps.experiment import Experiment
from initatlas.sweeps.grid import has_point
from initatlas.sweeps.spec import Sweep


def unfit(sweep: Sweep, experiment: Experiment, dataset: str, traits: DataTraits) -> str:
    """Why a data set cannot be used by a sweep that names it, and the mend; empty if it can.

    Parameters
    ----------
    sweep, experiment
        The sweep, and the declaration of its experiment.
    dataset
        Name of the data set.
    traits
        What it has, as far as that is known.
    """
    if lacking := experiment.data_needs.lacking(traits):
        return f"{sweep.experiment} cannot use it: {lacking}; name another one"
    for parameter, by_value in experiment.point_needs.items():
        for value, needs in by_value.items():
            lacking = needs.lacking(traits)
            if lacking and has_point(sweep, experiment, {"dataset": dataset, parameter: value}):
                return (
                    f"{sweep.experiment} with {parameter} = {value!r} cannot use it: {lacking}; name another one, or another "
                    f"{parameter}"
                )
    return ""
