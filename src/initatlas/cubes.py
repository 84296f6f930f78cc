"""Read cubes: the only door between the numbers and whatever is drawn, tabulated or claimed from them."""

from collections.abc import Mapping
from pathlib import Path

import xarray as xr

from initatlas.errors import UserError

Cubes = Mapping[str, xr.Dataset]


def open_cube(path: Path) -> xr.Dataset:
    """Load a cube into memory and close its file.

    Raises
    ------
    UserError
        If the file is missing or is no netCDF4 file.
    """
    try:
        with xr.open_dataset(path, engine="netcdf4") as cube:
            return cube.load()
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: not a readable cube ({error}); remove it and run the workflow again") from None


def cube_attributes(path: Path) -> dict[str, str]:
    """The global attributes of a cube; none if it cannot be read."""
    import netCDF4

    try:
        with netCDF4.Dataset(path) as cube:
            return {name: str(cube.getncattr(name)) for name in cube.ncattrs()}
    except OSError:
        return {}
