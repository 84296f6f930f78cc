"""Assemble a cube: one netCDF4 file, a dimension per axis, from the point store."""

import errno
import json
import os
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from initatlas.errors import UserError
from initatlas.files import atomic_path
from initatlas.sweeps.environment import Share, mixture
from initatlas.sweeps.experiment import Coordinate, Experiment, Output
from initatlas.sweeps.points import canonical_json
from initatlas.sweeps.spec import Axis, Sweep
from initatlas.sweeps.store import Entry, PointStore
from initatlas.vocabulary import parse_label

if TYPE_CHECKING:
    import xarray as xr

OK, FAILED, EXCLUDED = 0, 1, 2

_CHUNK_BYTES = 1 << 20

_TEXT = {"dtype": "S1", "zlib": True, "complevel": 4}
"""Text of a fixed length: unlike strings of any length, netCDF4 can compress it."""


@dataclass(frozen=True)
class Grid:
    """The points of a sweep on their grid.

    Attributes
    ----------
    places
        Key of a point to its flat index in the grid.
    repeats
        Further flat indices of a point that stands in several places.
    excluded
        Flat indices that were left out.
    inner
        Coordinates of the inner dimensions, the longest over all points.
    """

    places: Mapping[str, int]
    repeats: Mapping[str, Sequence[int]]
    excluded: Sequence[int]
    inner: Mapping[str, Coordinate]

    def all_places(self, key: str) -> list[int]:
        """Every flat index of a point."""
        return [self.places[key], *self.repeats.get(key, ())]


def build_cube(
    sweep: Sweep,
    experiment: Experiment,
    grid: Grid,
    store: PointStore,
    entries: Mapping[str, Entry],
    errors: Mapping[str, str],
    attributes: Mapping[str, str],
) -> "tuple[xr.Dataset, xr.Dataset]":
    """Read the stored points into a cube.

    Parameters
    ----------
    sweep, experiment, grid
        What was asked for.
    store, entries
        Where the results are.
    errors
        Reason by key for the points that failed.
    attributes
        Provenance for the cube's global attributes.

    Returns
    -------
    cube : xarray.Dataset
        Outputs, ``status`` and ``error`` over the axes of the sweep and the inner dimensions.
    execution : xarray.Dataset
        Seconds, peak memory, host, attempt and environment of the batch behind each point.
    """
    arrays = {output.name: _empty(sweep, output, grid.inner) for output in experiment.outputs}
    missing = {name: np.ones(array.shape, dtype=bool) for name, array in arrays.items()}
    execution = _empty_execution(int(np.prod(sweep.shape, dtype=int)))
    points: Counter[str] = Counter()
    core_seconds = 0.0
    for batch, rows in store.batches(entries):
        core_seconds += experiment.cpus * batch.execution.seconds * len(rows) / len(batch.keys)
        behind = canonical_json(batch.execution.environment)
        points[behind] += len(rows)
        number = list(points).index(behind)
        for key, row in rows:
            for place in grid.all_places(key):
                for name, array in arrays.items():
                    _put(array, missing[name], place, batch.outputs[name][row])
                execution["seconds"][place] = batch.execution.seconds
                execution["peak_memory"][place] = batch.execution.peak_megabytes
                execution["host"][place] = batch.execution.host
                execution["attempt"][place] = batch.execution.attempt
                execution["environment"][place] = number
    coordinates = {**_axis_coordinates(sweep, experiment), **_inner_variables(grid.inner)}
    dims = tuple(axis.name for axis in sweep.axes)
    variables: dict[str, Any] = {}
    for output in experiment.outputs:
        flat, fill = _filled(arrays[output.name], missing[output.name])
        array = flat.reshape((*sweep.shape, *flat.shape[1:]))
        encoding = _encoding(array.shape, str(array.dtype), fill)
        variables[output.name] = ((*dims, *output.dims), array, _output_attributes(output), encoding)
    variables |= _status_variables(sweep, grid, errors)
    import xarray as xr  # which takes half a second that the plan of a sweep does not need

    attributes_of_cube = {**attributes, "core_seconds": f"{core_seconds:.2f}", **_environments(points)}
    cube = xr.Dataset(variables, coordinates, attrs=attributes_of_cube)
    return cube, _execution_dataset(sweep, execution)


def _environments(points: Mapping[str, int]) -> dict[str, str]:
    """Which environment computed how many points, and whether they differ, as attributes."""
    shares = [Share(json.loads(text), count) for text, count in points.items()]
    return {"environments": json.dumps([share._asdict() for share in shares]), "mixture": mixture(shares)}


def write_cube(cube: "xr.Dataset", execution: "xr.Dataset", path: Path) -> None:
    """Write a cube and its bookkeeping (group ``execution``) to one netCDF4 file, atomically.

    Raises
    ------
    UserError
        If there is no room or no access. The points are stored already.
    """
    try:
        with atomic_path(path) as draft:
            cube.to_netcdf(draft, engine="netcdf4")
            execution.to_netcdf(draft, engine="netcdf4", group="execution", mode="a")
    except (OSError, RuntimeError) as error:  # HDF5 reports a full disk as a RuntimeError
        reason = (error.strerror if isinstance(error, OSError) else None) or _no_room(path) or str(error)
        raise UserError(
            f"{path}: the cube cannot be written ({reason}); mend that and run again: all points are stored"
        ) from None


def _no_room(path: Path) -> str:
    """What the system says of a full disk, if the disk is full; HDF5 does not pass it on."""
    free = shutil.disk_usage(path.parent).free
    return os.strerror(errno.ENOSPC) if free < _CHUNK_BYTES else ""


def _empty(sweep: Sweep, output: Output, inner: Mapping[str, Coordinate]) -> np.ndarray:
    """An array for an output, grid flattened."""
    shape = (int(np.prod(sweep.shape, dtype=int)), *(len(inner[name].values) for name in output.dims))
    return np.zeros(shape, dtype=output.dtype)


def _put(array: np.ndarray, missing: np.ndarray, place: int, result: np.ndarray) -> None:
    """Lay a result into the front of its place; a shorter one leaves the rest missing."""
    front: Any = (place, *(slice(length) for length in result.shape))
    array[front] = result
    missing[front] = False


def _filled(array: np.ndarray, missing: np.ndarray) -> tuple[np.ndarray, float | int | None]:
    """An output with a mark where it is missing, and the mark.

    It is NaN among real numbers. Whole numbers and flags have one only where something is missing, since whoever reads it
    gets real numbers then; it is a value that does not occur.
    """
    if array.dtype.kind == "f":
        array[missing] = np.nan
        return array, np.nan
    if not missing.any():
        return array, None
    whole = array.astype(np.int8) if array.dtype.kind == "b" else array
    present = set(np.unique(whole[~missing]).tolist())
    least, most = np.iinfo(whole.dtype).min, np.iinfo(whole.dtype).max
    mark = next(
        (value for value in chain((-1, most), range(least, most)) if value >= least and value not in present), None
    )
    if mark is None:  # every value of a small type occurs
        return _filled(whole.astype(np.int32), missing)
    whole[missing] = mark
    return whole, mark


def _axis_coordinates(sweep: Sweep, experiment: Experiment) -> dict[str, Any]:
    """Coordinates of the axes: numbers stay numbers; labels carry their parameters as further coordinates."""
    coordinates: dict[str, Any] = {}
    for axis in sweep.axes:
        if list(axis.values) != [axis.name]:
            coordinates[axis.name] = ((axis.name,), np.arange(axis.size), {"long_name": f"position along {axis.name}"})
        for parameter, values in axis.values.items():
            field = experiment.parameters.model_fields[parameter]
            notes = {"long_name": field.description or parameter, **_units(field.json_schema_extra)}
            coordinates[parameter] = ((axis.name,), _typed(values), notes)
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


def _label_parameters(axis: Axis, parameter: str, values: Sequence[Any]) -> dict[str, Any]:
    """For labels with parameters: their family, and each parameter with NaN where a label has none."""
    if not any(isinstance(value, str) and "(" in value for value in values):
        return {}
    parsed = [parse_label(value) for value in values]
    names = sorted({name for _, inside in parsed for name in inside})
    family = np.array([name for name, _ in parsed], dtype=object)
    coordinates: dict[str, Any] = {
        f"{parameter}_family": ((axis.name,), family, {"long_name": f"family of {parameter}"})
    }
    for name in names:
        numbers = np.array([inside.get(name, np.nan) for _, inside in parsed])
        coordinates[f"{parameter}_{name}"] = ((axis.name,), numbers, {"long_name": f"{name} of {parameter}"})
    return coordinates


def _inner_variables(inner: Mapping[str, Coordinate]) -> dict[str, Any]:
    """The inner coordinates as xarray takes them."""
    return {name: ((name,), *_inner_values(coordinate)) for name, coordinate in inner.items()}


def _inner_values(coordinate: Coordinate) -> tuple[np.ndarray, dict[str, str]]:
    """Values of an inner coordinate and their attributes."""
    values = np.asarray(coordinate.values)
    if values.dtype.kind == "U":
        return values.astype(object), {"long_name": coordinate.long_name}
    return values, {"long_name": coordinate.long_name, "units": coordinate.units}


def _output_attributes(output: Output) -> dict[str, str]:
    """CF attributes of an output."""
    notes = {"long_name": output.long_name, "units": output.units}
    means = {key: getattr(output, key) for key in ("nan_means", "inf_means", "shorter_means")}
    return notes | {key: text for key, text in means.items() if text}


def _status_variables(sweep: Sweep, grid: Grid, errors: Mapping[str, str]) -> dict[str, Any]:
    """``status`` and ``error`` over the grid."""
    size = int(np.prod(sweep.shape, dtype=int))
    status = np.full(size, OK, dtype=np.int8)
    reasons = np.full(size, "", dtype=object)
    status[list(grid.excluded)] = EXCLUDED
    for key, reason in errors.items():
        places = grid.all_places(key)
        status[places] = FAILED
        reasons[places] = reason
    dims = tuple(axis.name for axis in sweep.axes)
    flags = {"flag_values": np.array([OK, FAILED, EXCLUDED], dtype=np.int8), "flag_meanings": "ok failed excluded"}
    return {
        "status": (
            dims,
            status.reshape(sweep.shape),
            {"long_name": "what became of the point", **flags},
            _encoding(sweep.shape, "int8"),
        ),
        "error": (dims, reasons.reshape(sweep.shape), {"long_name": "why the point failed"}, dict(_TEXT)),
    }


def _empty_execution(size: int) -> dict[str, np.ndarray]:
    """Bookkeeping arrays before any batch."""
    return {
        "seconds": np.full(size, np.nan),
        "peak_memory": np.full(size, np.nan),
        "host": np.full(size, "", dtype=object),
        "attempt": np.zeros(size, dtype=np.int16),
        "environment": np.full(size, -1, dtype=np.int16),
    }


def _execution_dataset(sweep: Sweep, arrays: Mapping[str, np.ndarray]) -> "xr.Dataset":
    """The bookkeeping over the grid of the sweep."""
    dims = tuple(axis.name for axis in sweep.axes)
    notes = {
        "seconds": {"long_name": "wall time of the batch that held the point", "units": "s"},
        "peak_memory": {"long_name": "largest resident memory of the worker so far", "units": "MiB"},
        "host": {"long_name": "machine that computed the point"},
        "attempt": {"long_name": "attempt that succeeded; 0 where there is no result", "units": "1"},
        "environment": {
            "long_name": "position of what computed the point in the attribute environments; -1 where there is no result",
            "units": "1",
        },
    }
    encodings = {
        name: dict(_TEXT) if array.dtype.kind == "O" else _encoding(sweep.shape, str(array.dtype))
        for name, array in arrays.items()
    }
    import xarray as xr

    return xr.Dataset(
        {name: (dims, array.reshape(sweep.shape), notes[name], encodings[name]) for name, array in arrays.items()}
    )


def _encoding(shape: Sequence[int], dtype: str, fill: float | None = None) -> dict[str, Any]:
    """Compression, and chunks of at most a mebibyte that keep the inner dimensions whole."""
    packed = {"zlib": True, "complevel": 4, "chunksizes": _chunks(shape, np.dtype(dtype).itemsize)} if shape else {}
    return {**packed, "_FillValue": fill}


def _chunks(shape: Sequence[int], itemsize: int) -> tuple[int, ...]:
    """Halve the leading dimensions until a chunk is small enough."""
    chunks = [max(length, 1) for length in shape]
    for axis in range(len(chunks)):
        while chunks[axis] > 1 and np.prod(chunks, dtype=float) * itemsize > _CHUNK_BYTES:
            chunks[axis] = -(-chunks[axis] // 2)
    return tuple(chunks)
