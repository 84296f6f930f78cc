"""Read cubes: the only door between the numbers and whatever is drawn, tabulated or claimed from them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xarray as xr

from initatlas.errors import UserError
from initatlas.sweeps.environment import Share, mixture

Cubes = Mapping[str, xr.Dataset]

_TORN = (OSError, ValueError, RuntimeError, AttributeError)
"""As a torn file betrays itself to the libraries."""


def open_placed_cube(path: Path, title: str) -> xr.Dataset:
    """Load the cube of a sweep from where the workflow keeps it.

    Parameters
    ----------
    path
        The file.
    title
        ``study/sweep``: what must be in it.

    Raises
    ------
    UserError
        If the file is missing, is no cube, or holds another sweep.
    """
    cube = open_cube(path)
    title_inside = cube.attrs.get("title")
    if title_inside != title:
        holds = f"the cube of {title_inside}" if title_inside else "no cube of a sweep"
        raise UserError(f"{path}: {holds}, not that of {title}; remove it and run the workflow again")
    return cube


def open_cube(path: Path | str) -> xr.Dataset:
    """Load a cube into memory and close its file.

    Raises
    ------
    UserError
        If the file is missing or is no netCDF4 file.
    """
    path = Path(path)
    if path.is_dir():
        raise UserError(f"{path}: a folder where a cube should be; move it away and run the workflow again")
    if not path.exists():
        raise UserError(
            f"{path}: there is no such file; initatlas run STUDY/SWEEP makes data/cubes/SCALE/STUDY/SWEEP.nc"
        )
    try:
        with xr.open_dataset(path, engine="netcdf4") as cube:
            return cube.load()
    except _TORN as error:
        raise UserError(
            f"{path}: not a readable cube ({_reason(error)}); remove it and run the workflow again"
        ) from None


def read_cube(content: bytes, where: str) -> xr.Dataset:
    """Load a cube that is in memory.

    Parameters
    ----------
    content
        Of a netCDF4 file.
    where
        Where it comes from, for the error line.

    Raises
    ------
    UserError
        If it is no netCDF4 file.
    """
    import netCDF4

    try:
        with netCDF4.Dataset("cube", memory=content) as file:
            return xr.open_dataset(xr.backends.NetCDF4DataStore(file)).load()  # type: ignore[no-untyped-call]
    except _TORN as error:
        raise UserError(f"{where}: not a readable cube ({_reason(error)})") from None


def _reason(error: Exception) -> str:
    """What the libraries say of a torn file, in one line."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error).partition("\n")[0]


def fixed_parameters(cube: xr.Dataset) -> dict[str, float | str]:
    """The fixed parameters of the sweep behind a cube."""
    fixed: dict[str, float | str] = json.loads(cube.attrs["spec"])["fixed"]
    return fixed


def environments(cube: xr.Dataset) -> list[Share]:
    """What computed the points of a cube; an older cube says nothing."""
    shares: list[dict[str, Any]] = json.loads(cube.attrs.get("environments", "[]"))
    return [Share(**share) for share in shares]


def mixtures(cubes: Cubes) -> dict[str, str]:
    """The cubes whose points were computed in different environments, each with a sentence that names what differs."""
    mixed = {name: mixture(environments(cube)) for name, cube in cubes.items()}
    return {name: sentence for name, sentence in mixed.items() if sentence}


def cube_attributes(path: Path) -> dict[str, str]:
    """The global attributes of a cube; none if it cannot be read."""
    import netCDF4

    try:
        with netCDF4.Dataset(path) as cube:
            return {name: str(cube.getncattr(name)) for name in cube.ncattrs()}
    except OSError:
        return {}
