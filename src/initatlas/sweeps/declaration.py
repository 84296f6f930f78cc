"""Check the declaration of an experiment when it is loaded: a slip in it would come up late, and far from its cause."""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from initatlas.datasets.traits import ANY_DATA, BOTH_SPLITS, DataNeeds
from initatlas.names import did_you_mean
from initatlas.sweeps.experiment import Coordinate, Experiment, Output, Parameters

TYPES = (*(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)), "float32", "float64", "bool")
"""Types of outputs that a cube can hold."""

OF_THE_CUBE = ("status", "error")
"""Variables that every cube has."""

_FUNCTIONS = ("run", "coordinates", "seconds", "megabytes", "gpus")


def first_slip(experiment: Experiment) -> str:
    """The first slip in a declaration: the key, the value and the mend, in one line; empty if there is none."""
    return next(_slips(experiment), "")


def _slips(experiment: Experiment) -> Iterator[str]:
    """All slips; each check relies on those before it."""
    yield from _types(experiment)
    yield from _parameters(experiment.parameters)
    for number, output in enumerate(experiment.outputs):
        yield from _output(f"outputs[{number}]", output, experiment)
    yield from _names_once(experiment)
    yield from _static(experiment)
    yield from _coordinates(experiment)
    yield from _data_needs(experiment)


def _data_needs(experiment: Experiment) -> Iterator[str]:
    """What a data set must have, of an experiment that has one."""
    needs = experiment.data_needs
    if not isinstance(needs, DataNeeds):
        yield f"data_needs = {needs!r}: give DataNeeds(...) of initatlas.datasets.traits"
        return
    if isinstance(needs.splits, str) or not set(needs.splits) <= set(BOTH_SPLITS):
        yield f"data_needs.splits = {needs.splits!r}: give some of {BOTH_SPLITS}, as a tuple"
    if needs != ANY_DATA and "dataset" not in experiment.parameters.model_fields:
        yield "data_needs: there is no parameter 'dataset', so there are no data; add one, or leave data_needs out"
    for parameter, by_value in experiment.point_needs.items():
        if parameter not in experiment.parameters.model_fields:
            near = did_you_mean(parameter, experiment.parameters.model_fields)
            yield f"point_needs: there is no parameter {parameter!r}{near}"
        elif "dataset" not in experiment.parameters.model_fields:
            yield "point_needs: there is no parameter 'dataset', so there are no data; add one, or leave point_needs out"
        elif not all(isinstance(more, DataNeeds) for more in by_value.values()):
            yield f"point_needs[{parameter!r}]: give a DataNeeds(...) for each value"


def _types(experiment: Experiment) -> Iterator[str]:
    """Values of the wrong kind, which Python does not refuse."""
    if not isinstance(experiment.summary, str) or not experiment.summary.strip():
        yield f"summary = {experiment.summary!r}: say in one sentence what the experiment measures"
    for key in _FUNCTIONS:
        value = getattr(experiment, key)
        if not callable(value):
            point = "points, rngs, data" if key == "run" else "point"
            yield f"{key} = {value!r}: give a function, such as lambda {point}: ..."
    if not isinstance(experiment.cpus, int) or isinstance(experiment.cpus, bool) or experiment.cpus < 1:
        yield f"cpus = {experiment.cpus!r}: give a whole number of at least 1"
    for key, kind in (("outputs", Output), ("static", str)):
        value = getattr(experiment, key)
        if not isinstance(value, tuple) or not all(isinstance(entry, kind) for entry in value):
            example = 'Output("name", "meaning"),' if kind is Output else '"width",'
            yield f"{key} = {value!r}: give a tuple, such as ({example})"
    if not experiment.outputs:
        yield "outputs = (): declare at least one"


def _parameters(model: Any) -> Iterator[str]:
    """A model from which a point can be made without naming anything."""
    if not isinstance(model, type) or not issubclass(model, Parameters):
        yield f"parameters = {model!r}: give a class that derives from Parameters"
        return
    for name, field in model.model_fields.items():
        if field.is_required():
            yield f"parameters: {name} has no default; give it one"
        if name in OF_THE_CUBE:
            yield f"parameters: every cube has a variable {name!r} of its own; rename the parameter"
    try:
        model()
    except Exception as error:
        yield f"parameters: the defaults contradict each other ({_in_one_line(error)})"


def _output(place: str, output: Output, experiment: Experiment) -> Iterator[str]:
    """One output: its name, its type, the names of its dimensions."""
    if not isinstance(output.dims, tuple) or not all(isinstance(name, str) for name in output.dims):
        yield f"{place}.dims = {output.dims!r}: give a tuple of names, such as ('layer',)"
        return
    if output.dtype not in TYPES:
        yield f"{place}.dtype = {output.dtype!r}{did_you_mean(output.dtype, TYPES)}: allowed are {', '.join(TYPES)}"
    for key in ("long_name", "units", "nan_means", "inf_means", "shorter_means"):
        if not isinstance(getattr(output, key), str):
            yield f"{place}.{key} = {getattr(output, key)!r}: give a text"
    for what, name in (("name", output.name), *(("dims", name) for name in output.dims)):
        if not isinstance(name, str) or not name.isidentifier():
            yield f"{place}.{what}: {name!r} is no name of letters, digits and _"
        elif name in experiment.parameters.model_fields:
            kind = "an output" if what == "name" else "an inner dimension"
            yield f"{place}.{what}: {name!r} is a parameter, so {kind} cannot be called so; rename one of the two"
        elif name in OF_THE_CUBE:
            yield f"{place}.{what}: every cube has a variable {name!r} of its own; choose another name"
    if len(set(output.dims)) < len(output.dims):
        yield f"{place}.dims = {output.dims!r}: a dimension is there twice"


def _names_once(experiment: Experiment) -> Iterator[str]:
    """Names of outputs and inner dimensions stand side by side in the cube."""
    names = [output.name for output in experiment.outputs]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"outputs: {name!r} is there twice; rename one of the two"
    for name in sorted(set(names) & {name for output in experiment.outputs for name in output.dims}):
        yield f"outputs: {name!r} is an output and an inner dimension; rename one of the two"


def _static(experiment: Experiment) -> Iterator[str]:
    """Names of parameters."""
    known = experiment.parameters.model_fields
    for name in experiment.static:
        if name not in known:
            yield f"static: there is no parameter {name!r}{did_you_mean(name, known)}; there are {', '.join(known)}"


def _coordinates(experiment: Experiment) -> Iterator[str]:
    """A coordinate for every inner dimension."""
    try:
        coordinates = experiment.coordinates(experiment.parameters())
    except Exception as error:
        yield f"coordinates fails for the default parameters ({_in_one_line(error)})"
        return
    if not isinstance(coordinates, Mapping):
        yield f"coordinates returns {coordinates!r}: give a mapping of dimensions to Coordinate(values, long_name)"
        return
    for name, coordinate in coordinates.items():
        if not isinstance(coordinate, Coordinate):
            yield f"coordinates: {name!r} is {coordinate!r}; give Coordinate(values, long_name)"
        elif not hasattr(coordinate.values, "__len__"):
            yield f"coordinates: the values of {name!r} are {coordinate.values!r}; give a list or a range"
    for name in dict.fromkeys(chain.from_iterable(output.dims for output in experiment.outputs)):
        if name not in coordinates:
            near = did_you_mean(name, coordinates)
            yield f"coordinates: the inner dimension {name!r} has none{near}; return one Coordinate for each of dims"


def _in_one_line(error: Exception) -> str:
    """Kind and message of an error."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
