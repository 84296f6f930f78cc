"""Variables of netCDF4 files as plain arrays, for stages that need no more: xarray would take half the time of a short sweep."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import netCDF4


class Variable(NamedTuple):
    """A variable of a file.

    Attributes
    ----------
    dims
        Its dimensions.
    values
        Numbers; truth values; or texts, as objects.
    attributes
        What is said of it.
    """

    dims: tuple[str, ...]
    values: np.ndarray
    attributes: Mapping[str, Any]


class Content(NamedTuple):
    """Variables and global attributes of a file."""

    variables: Mapping[str, Variable]
    attributes: Mapping[str, Any]


def add_variables(
    file: "netCDF4.Dataset", variables: Mapping[str, Variable], storage: Mapping[str, Mapping[str, Any]] | None = None
) -> None:
    """Write variables, and the dimensions that they need, to an open file.

    Truth values are kept as bytes and marked as xarray marks them, which then reads them as such.

    Parameters
    ----------
    file
        The file.
    variables
        By name.
    storage
        Words for ``createVariable`` by name of a variable: compression, chunks.
    """
    for name, (dims, values, attributes) in variables.items():
        for dim, size in zip(dims, values.shape, strict=True):
            if dim not in file.dimensions:
                file.createDimension(dim, size)
        flag = values.dtype.kind == "b"
        kind: Any = str if values.dtype.kind == "O" else np.int8 if flag else values.dtype
        variable = file.createVariable(name, kind, dims, **(storage or {}).get(name, {}))
        variable.setncatts({**attributes, **({"dtype": "bool"} if flag else {})})
        variable[...] = values.astype(np.int8) if flag else values


def write_content(content: Content, path: Path, storage: Mapping[str, Mapping[str, Any]] | None = None) -> None:
    """Write a netCDF4 file; `storage` is that of `add_variables`.

    Raises
    ------
    OSError, RuntimeError
        If it cannot be written.
    """
    import netCDF4

    with netCDF4.Dataset(path, "w", format="NETCDF4") as file:
        file.setncatts(dict(content.attributes))
        add_variables(file, content.variables, storage)


def read_content(path: Path) -> Content:
    """Read a whole netCDF4 file but for its groups, as it was written: no value is scaled or masked.

    Raises
    ------
    OSError, RuntimeError
        If it is no such file, or a torn one.
    """
    import netCDF4

    with netCDF4.Dataset(path) as file:
        file.set_auto_maskandscale(False)
        variables = {
            name: Variable(variable.dimensions, np.asarray(variable[...]), variable.__dict__)
            for name, variable in file.variables.items()
        }
        return Content(variables, file.__dict__)
