"""Parameters of a point that contradict each other: looked for once for each combination of the values that the checks read."""

from collections.abc import Iterator
from itertools import islice, product

from initatlas.sweeps.exclusions import Exclusions
from initatlas.sweeps.experiment import Experiment
from initatlas.sweeps.grid import parameters_at, values_at
from initatlas.sweeps.reads import axes_of, is_plain, traced
from initatlas.sweeps.spec import Sweep


def check_points(sweep: Sweep, experiment: Experiment, where: str, *, most: int | None = None) -> None:
    """Refuse a sweep if its experiment refuses one of the points, exclusions aside; single values are valid already.

    Parameters
    ----------
    sweep, experiment
        What is to run.
    where
        Start of the error line.
    most
        Look at so many combinations at most; None looks at all.

    Raises
    ------
    UserError
        If there is such a point.
    """
    for index in islice(_unlike_points(sweep, experiment), most):
        parameters_at(sweep, experiment, index, where)


def _unlike_points(sweep: Sweep, experiment: Experiment) -> Iterator[tuple[int, ...]]:
    """Positions of the grid such that all of it is valid if they are.

    Two points that agree in all that the validators read are valid together. Which axes that concerns shows on the way: where a
    validator reads a value along a further one, all combinations with it are looked at.
    """
    model, exclusions = experiment.parameters, Exclusions(sweep)
    plain = is_plain(model)
    axes = set() if plain else {*range(len(sweep.axes))}
    if plain and not model.__pydantic_decorators__.model_validators:
        return
    further: set[int] = {-1}
    while further:
        further = set()
        for chosen in product(*(range(sweep.axes[number].size) for number in sorted(axes))):
            index = exclusions.completed({number: [at] for number, at in zip(sorted(axes), chosen, strict=True)})
            if index is None:
                continue
            yield index
            if plain:
                _, reads = traced(model).checked(values_at(sweep, index))
                further = axes_of(sweep, reads) - axes
            if further:
                axes |= further
                break
