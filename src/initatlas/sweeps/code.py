"""The code behind a point, a batch and a sweep.

It has two parts. What the module of the experiment can reach by imports is the same for all points of an experiment; its version
names their folder in the store. The components that a point names in its labels (`initatlas.components`) are its own: their
versions are part of its key. So a new activation, or a change in one, concerns the points that name it and no others.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, get_args

from initatlas.components import NamedIn, Room
from initatlas.provenance import code_version, digest
from initatlas.sweeps.experiment import Parameters
from initatlas.sweeps.registry import experiment_code, experiment_modules, load_experiment
from initatlas.sweeps.spec import Sweep


def named_modules(point: Parameters) -> tuple[str, ...]:
    """The modules of the components that the labels of a point name, sorted."""
    return _modules((room, getattr(point, field)) for field, room in label_fields(type(point)))


def named_code(point: Parameters) -> dict[str, str]:
    """Module to code version of the components that a point names."""
    return {module: code_version(module) for module in named_modules(point)}


def sweep_code(sweep: Sweep) -> str:
    """Version of all code behind a sweep: its experiment, and every component that its values name."""
    return digest([experiment_code(sweep.experiment), *map(code_version, _named_in_sweep(sweep))])


def batch_code(experiment: str, points: Iterable[Parameters]) -> str:
    """Version of all code behind some points."""
    modules = sorted(_named_by(points))
    return digest([experiment_code(experiment), *map(code_version, modules)])


def check_named(experiment: str, points: Iterable[Parameters], used: Iterable[str]) -> None:
    """Refuse results that components have part in which neither the points nor an import of the experiment name.

    Parameters
    ----------
    experiment
        As in the sweep's spec.
    points
        The points that were computed.
    used
        Modules of the components that were looked up meanwhile.

    Raises
    ------
    ValueError
        If there is one: its code is not part of the code version, so a change of it would go unnoticed.
    """
    looked_up = set(used)
    unnamed = looked_up - _named_by(points) if looked_up else looked_up
    hidden = sorted(unnamed - set(experiment_modules(experiment))) if unnamed else []
    if hidden:
        raise ValueError(
            f"{experiment} uses {', '.join(hidden)}, which no parameter names, so its results would not follow a change there; "
            "give it a parameter of a label type, or import the class"
        )


def _named_by(points: Iterable[Parameters]) -> set[str]:
    """The modules of all components that the labels of some points name; each label is looked at once."""
    labels = {(room, getattr(point, field)): None for point in points for field, room in label_fields(type(point))}
    return {*_modules(labels)}


def _named_in_sweep(sweep: Sweep) -> tuple[str, ...]:
    """The modules of all components that the axes, the fixed values or the defaults of a sweep name, sorted."""
    model = load_experiment(sweep.experiment).parameters
    along = {parameter: values for axis in sweep.axes for parameter, values in axis.values.items()}
    return _modules(
        (room, label)
        for field, room in label_fields(model)
        for label in along.get(field, [sweep.fixed.get(field, model.model_fields[field].default)])
    )


def _modules(labels: Iterable[tuple[Room[Any], Any]]) -> tuple[str, ...]:
    """The modules of labels, each in its room, sorted; what is no text names nothing."""
    return tuple(sorted({_module(room, label) for room, label in labels if isinstance(label, str)}))


@lru_cache(maxsize=4096)
def _module(room: Room[Any], label: str) -> str:
    """The module of one label, remembered: every point of a sweep asks for it."""
    return room.module_of(label)


@lru_cache(maxsize=256)
def label_fields(model: type[Parameters]) -> tuple[tuple[str, Room[Any]], ...]:
    """The fields that hold labels, with the rooms that these name components of."""
    return tuple(
        (name, mark.room)
        for name, field in model.model_fields.items()
        for mark in (*field.metadata, *_marks(field.annotation))
        if isinstance(mark, NamedIn)
    )


def _marks(annotation: Any) -> Iterator[Any]:
    """Everything inside an annotation: ``ActivationLabel | None`` holds its mark deeper than ``ActivationLabel``."""
    for inner in get_args(annotation):
        yield inner
        yield from _marks(inner)
