"""Write a cube: one netCDF4 file, a dimension per axis, from the point store."""

import errno
import json
import math
import os
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from initatlas.errors import UserError
from initatlas.files import atomic_path
from initatlas.netcdf import Variable, add_variables
from initatlas.sweeps.environment import Share, mixture
from initatlas.sweeps.experiment import Coordinate, Experiment
from initatlas.sweeps.located import Located
from initatlas.sweeps.points import canonical_json
from initatlas.sweeps.slabs import CHUNK_BYTES, Contents, fill_cube
from initatlas.sweeps.spec import Axis, Sweep
from initatlas.vocabulary import parse_label


def write_cube(contents: Contents, attributes: Mapping[str, str], path: Path) -> None:
    """Write a cube and its bookkeeping (group ``execution``) to one netCDF4 file, atomically, a slab of the grid at a time.

    Outputs, ``status`` and ``error`` have the axes of the sweep and the inner dimensions; the bookkeeping has seconds, peak
    memory, host, attempt and environment of the batch behind each point.

    Parameters
    ----------
    contents
        What goes into it.
    attributes
        Provenance for its global attributes.
    path
        The file.

    Raises
    ------
    UserError
        If there is no room or no access. The points are stored already.
    """
    import netCDF4  # the plan of a sweep does not need it

    coordinates = {**_axis_coordinates(contents.sweep, contents.experiment), **_inner_variables(contents.inner)}
    environments, told = _environments(contents.located)
    told["core_seconds"] = f"{_core_seconds(contents):.2f}"
    named = {name: coordinate.dims for name, coordinate in coordinates.items() if coordinate.dims != (name,)}
    try:
        with atomic_path(path) as draft, netCDF4.Dataset(draft, "w", format="NETCDF4") as file:
            file.setncatts({**attributes, **told})
            add_variables(file, coordinates)
            fill_cube(file, contents, environments, named)
    except (OSError, RuntimeError) as error:  # HDF5 reports a full disk as a RuntimeError
        reason = (error.strerror if isinstance(error, OSError) else None) or _no_room(path) or str(error)
        raise UserError(
            f"{path}: the cube cannot be written ({reason}); mend that and run again: all points are stored"
        ) from None


def _no_room(path: Path) -> str:
    """What the system says of a full disk, if the disk is full; HDF5 does not pass it on."""
    free = shutil.disk_usage(path.parent).free
    return os.strerror(errno.ENOSPC) if free < CHUNK_BYTES else ""


def _environments(located: Located) -> tuple[dict[str, int], dict[str, str]]:
    """The number of each environment, and attributes: which of them computed how many points, and whether they differ."""
    points: Counter[str] = Counter()
    for file, count in located.used():
        points[canonical_json(file.execution.environment)] += count
    shares = [Share(json.loads(text), count) for text, count in points.items()]
    told = {"environments": json.dumps([share._asdict() for share in shares]), "mixture": mixture(shares)}
    return {text: number for number, text in enumerate(points)}, told


def _core_seconds(contents: Contents) -> float:
    """What the points took, on one core."""
    shares = (file.execution.seconds * count / file.size for file, count in contents.located.used())
    return contents.experiment.cpus * math.fsum(shares)


def _axis_coordinates(sweep: Sweep, experiment: Experiment) -> dict[str, Variable]:
    """Coordinates of the axes: numbers stay numbers; labels carry their parameters as further coordinates."""
    coordinates: dict[str, Variable] = {}
    for axis in sweep.axes:
        if list(axis.values) != [axis.name]:
            notes = {"long_name": f"position along {axis.name}"}
            coordinates[axis.name] = Variable((axis.name,), np.arange(axis.size), notes)
        for parameter, values in axis.values.items():
            field = experiment.parameters.model_fields[parameter]
            notes = {"long_name": field.description or parameter, **_units(field.json_schema_extra)}
            coordinates[parameter] = Variable((axis.name,), _typed(values), notes)
            coordinates |= _label_parameters(axis, parameter, values)
    return coordinates


def _units(extra: Any) -> dict[str, str]:
    """Units that a parameter declares."""
    return {"units": extra["units"]} if isinstance(extra, dict) and "units" in extra else {}


def _typed(values: Sequence[Any]) -> np.ndarray:
    """An array of numbers, or of strings where a value is none; None becomes NaN."""
    if all(value is None or isinstance(value, int | float) for value in values):
        return np.array([np.nan if value is None else value for value in values])
    return np.array([str(value) for value in values], dtype=object)


def _label_parameters(axis: Axis, parameter: str, values: Sequence[Any]) -> dict[str, Variable]:
    """For labels with parameters: their family, and each parameter with NaN where a label has none."""
    if not any(isinstance(value, str) and "(" in value for value in values):
        return {}
    parsed = [parse_label(value) for value in values]
    names = sorted({name for _, inside in parsed for name in inside})
    family = np.array([name for name, _ in parsed], dtype=object)
    coordinates = {f"{parameter}_family": Variable((axis.name,), family, {"long_name": f"family of {parameter}"})}
    for name in names:
        numbers = np.array([inside.get(name, np.nan) for _, inside in parsed])
        coordinates[f"{parameter}_{name}"] = Variable((axis.name,), numbers, {"long_name": f"{name} of {parameter}"})
    return coordinates


def _inner_variables(inner: Mapping[str, Coordinate]) -> dict[str, Variable]:
    """The inner coordinates."""
    return {name: Variable((name,), *_inner_values(coordinate)) for name, coordinate in inner.items()}


def _inner_values(coordinate: Coordinate) -> tuple[np.ndarray, dict[str, str]]:
    """Values of an inner coordinate and their attributes."""
    values = np.asarray(coordinate.values)
    if values.dtype.kind == "U":
        return values.astype(object), {"long_name": coordinate.long_name}
    return values, {"long_name": coordinate.long_name, "units": coordinate.units}
