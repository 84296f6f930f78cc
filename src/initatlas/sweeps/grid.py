"""The grid of a sweep, point by point."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from pydantic import ValidationError

from initatlas.errors import UserError
from initatlas.sweeps.exclusions import Exclusions
from initatlas.sweeps.experiment import Experiment, Parameters, Scalar
from initatlas.sweeps.spec import Sweep
from initatlas.validation import first_fault


def grid(
    sweep: Sweep, experiment: Experiment, positions: Iterable[tuple[int, ...]] | None = None
) -> Iterator[tuple[tuple[int, ...], Parameters | None]]:
    """All positions of a sweep's grid, or some of them, with their parameters; None where the point is excluded.

    Raises
    ------
    UserError
        If the parameters of a point contradict each other.
    """
    exclusions = Exclusions(sweep)
    for index in product(*map(range, sweep.shape)) if positions is None else positions:
        excluded = exclusions.excludes(index)
        yield index, None if excluded else parameters_at(sweep, experiment, index, f"sweep {sweep.title}")


def parameters_at(sweep: Sweep, experiment: Experiment, index: Sequence[int], where: str) -> Parameters:
    """The parameters at a position of the grid, one number per axis, with every check that the experiment makes.

    Raises
    ------
    UserError
        If they contradict each other; it begins with `where`.
    """
    return parameters_of(experiment, values_at(sweep, index), where)


def parameters_of(experiment: Experiment, values: Mapping[str, Any], where: str) -> Parameters:
    """The parameters of a point by its values, as `parameters_at`."""
    try:
        return experiment.parameters(**values)
    except ValidationError as error:
        raise UserError(f"{where}: {first_fault(error, experiment.parameters.model_json_schema())}") from None


def values_at(sweep: Sweep, index: Sequence[int]) -> dict[str, Any]:
    """The values of the parameters that a sweep names, at a position of its grid."""
    values = dict(sweep.fixed)
    for axis, position in zip(sweep.axes, index, strict=True):
        values |= {parameter: column[position] for parameter, column in axis.values.items()}
    return values


def has_point(sweep: Sweep, experiment: Experiment, wanted: Mapping[str, Scalar]) -> bool:
    """Whether one of the points, exclusions aside, has these values; a parameter that the sweep does not name has its default."""
    along = {parameter for axis in sweep.axes for parameter in axis.values}
    defaults = {name: experiment.parameters.model_fields[name].default for name in wanted}
    if any({**defaults, **sweep.fixed}[name] != value for name, value in wanted.items() if name not in along):
        return False
    options = {
        number: [
            position
            for position in range(axis.size)
            if all(column[position] == wanted[name] for name, column in axis.values.items() if name in wanted)
        ]
        for number, axis in enumerate(sweep.axes)
    }
    return Exclusions(sweep).completed(options) is not None
