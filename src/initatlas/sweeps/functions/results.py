"""What a plain function may return for a point, and what follows from all results for the cube.

A function declares nothing. So its results say what they are: beside each array the store keeps the names of its dimensions,
their coordinates, and what the array says of itself; and the cube is declared from what is stored.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from initatlas.errors import UserError
from initatlas.sweeps.experiment import Coordinate, Output
from initatlas.sweeps.outputs import Arrays, OutputError

_DIMS, _COORDINATE, _NOTES = "dims:", "along:", "notes:"
"""What stands before a name in the store where an entry is no output."""


def described(result: Any, name: str) -> Arrays:
    """The result of one point as arrays that say what they are.

    Parameters
    ----------
    result
        A number; an `xarray.DataArray`; ``(dims, array)`` as xarray takes it; or a mapping of names to such values, an
        `xarray.Dataset` too.
    name
        What a single value is called.

    Raises
    ------
    OutputError
        If it is something else, or a dimension has no name.
    """
    if hasattr(result, "data_vars"):
        result = dict(result.data_vars)
    if not isinstance(result, Mapping):
        result = {getattr(result, "name", None) or name: result}
    arrays: Arrays = {}
    for output, value in result.items():
        if not isinstance(output, str) or not output.isidentifier():
            raise OutputError(f"an output is called {output!r}; give a name of letters, digits and _")
        _add(arrays, output, value)
    if not arrays:
        raise OutputError("the function returned an empty mapping; return a number at least")
    return arrays


def _add(arrays: Arrays, output: str, value: Any) -> None:
    """One output."""
    dims, array, coordinates, notes = _parts(output, value)
    if array.dtype.kind not in "biuf":
        raise OutputError(
            f"output {output}: got {type(value).__name__} of {array.dtype}, expected real numbers or flags"
        )
    if len(dims) != array.ndim:
        raise OutputError(
            f"output {output}: got an array of shape {array.shape} with {len(dims)} names of dimensions; return "
            "xarray.DataArray(values, dims=[...]), or ('name', values)"
        )
    arrays[output] = np.asarray(array, order="C")
    arrays[f"{_DIMS}{output}"] = np.array(list(dims), dtype=str)
    if notes:
        arrays[f"{_NOTES}{output}"] = np.array(json.dumps(notes, sort_keys=True))
    for dim, length in zip(dims, array.shape, strict=True):
        along = np.asarray(coordinates.get(dim, np.arange(length)))
        key = f"{_COORDINATE}{dim}"
        if key in arrays and not np.array_equal(arrays[key], along):
            raise OutputError(f"output {output}: its values along {dim} are not those of the other outputs")
        arrays[key] = along


def _parts(output: str, value: Any) -> tuple[Sequence[str], np.ndarray, Mapping[str, Any], dict[str, str]]:
    """Names of dimensions, values, coordinates, and what the array says of itself."""
    if hasattr(value, "coords") and hasattr(value, "dims"):
        coordinates = {str(dim): value.coords[dim].to_numpy() for dim in value.dims if dim in value.coords}
        notes = {key: str(value.attrs[key]) for key in ("long_name", "units") if key in value.attrs}
        return [str(dim) for dim in value.dims], value.to_numpy(), coordinates, notes
    if isinstance(value, tuple) and len(value) == 2 and not isinstance(value[0], int | float):
        dims, values = value
        return [dims] if isinstance(dims, str) else [*dims], _array(output, values), {}, {}
    return [], _array(output, value), {}, {}


def _array(output: str, value: Any) -> np.ndarray:
    """Numbers as an array."""
    if hasattr(value, "detach"):  # a tensor of PyTorch
        value = value.detach().cpu().numpy()
    try:
        return np.asarray(value)
    except ValueError:
        raise OutputError(f"output {output}: got nested lists of unequal lengths, expected real numbers") from None


def outputs_of(stored: Iterable[Arrays], name: str) -> tuple[tuple[Output, ...], dict[str, Coordinate]]:
    """What the results of all points are: the outputs, and the longest coordinate of every inner dimension.

    Parameters
    ----------
    stored
        Stored results, stacked over points: what `described` gave, with one more dimension in front.
    name
        The function, for messages.

    Raises
    ------
    UserError
        If points differ in the dimensions of an output, or in their values along one.
    """
    dims: dict[str, tuple[str, ...]] = {}
    types: dict[str, np.dtype[Any]] = {}
    notes: dict[str, dict[str, str]] = {}
    along: dict[str, np.ndarray] = {}
    for batch in stored:
        names = [key for key in batch if ":" not in key]
        if dims and set(names) != set(dims):
            raise UserError(
                f"{name}: it returns {', '.join(sorted(dims))} at one point and {', '.join(sorted(names))} at another; "
                "return the same outputs at all points"
            )
        for key, values in batch.items():
            if key.startswith(_NOTES):
                notes[key.removeprefix(_NOTES)] = json.loads(str(values[0]))
            elif key.startswith(_COORDINATE):
                _extend(along, key.removeprefix(_COORDINATE), values, name)
            elif not key.startswith(_DIMS):
                dims_here = tuple(batch[f"{_DIMS}{key}"][0].tolist())
                if dims.setdefault(key, dims_here) != dims_here:
                    raise UserError(
                        f"{name}: its output {key} has the dimensions {dims[key]} at one point and {dims_here} at another; "
                        "return the same ones at all points"
                    )
                types[key] = np.promote_types(types.get(key, values.dtype), values.dtype)
    outputs = tuple(_output(key, dims[key], types[key], notes.get(key, {})) for key in dims)
    return outputs, {dim: Coordinate(values.tolist(), dim) for dim, values in along.items()}


def _output(name: str, dims: tuple[str, ...], kind: "np.dtype[Any]", notes: Mapping[str, str]) -> Output:
    """One output as an experiment would declare it."""
    return Output(name, notes.get("long_name", name), units=notes.get("units", "1"), dims=dims, dtype=kind.name)


def _extend(along: dict[str, np.ndarray], dim: str, values: np.ndarray, name: str) -> None:
    """Keep the longest coordinate of a dimension; every other one has to be its beginning."""
    for row in values:
        known = along.setdefault(dim, row)
        shorter, longer = sorted((known, row), key=len)
        if not np.array_equal(longer[: len(shorter)], shorter):
            raise UserError(
                f"{name}: its points differ in the values along {dim}; return the same ones, or leave the coordinate out"
            )
        along[dim] = longer
