"""Read cubes: the only door between the numbers and whatever is drawn, tabulated or claimed from them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from initatlas.errors import UserError
from initatlas.sweeps.environment import Share, mixture

if TYPE_CHECKING:
    import xarray as xr

Cubes = Mapping[str, "xr.Dataset"]

_TORN = (OSError, ValueError, RuntimeError, AttributeError)
"""As a torn file betrays itself to the libraries."""


def open_placed_cube(path: Path, title: str) -> "xr.Dataset":
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
    _check_title(path, cube.attrs.get("title"), title)
    return cube


def _check_title(path: Path, title_inside: str | None, title: str) -> None:
    """Refuse a file that holds something else than the cube of a sweep."""
    if title_inside != title:
        holds = f"the cube of {title_inside}" if title_inside else "no cube of a sweep"
        raise UserError(f"{path}: {holds}, not that of {title}; remove it and run the workflow again")


class CubeSummary(NamedTuple):
    """What a cube says of itself, without its numbers.

    Attributes
    ----------
    attributes
        Of the file.
    outputs
        Names of its variables but for coordinates, status and error.
    points
        How many points have each status, by its name; None where the file has no status.
    """

    attributes: Mapping[str, Any]
    outputs: tuple[str, ...]
    points: Mapping[str, int] | None


def summarise_placed_cube(path: Path, title: str) -> CubeSummary:
    """What the cube of a sweep says of itself; arguments and errors are those of `open_placed_cube`, which reads all of it."""
    import netCDF4

    _check_file(path)
    try:
        with netCDF4.Dataset(path) as file:
            file.set_auto_maskandscale(False)
            status = file.variables.get("status")
            summary = CubeSummary(file.__dict__, _outputs(file), None if status is None else _status_counts(status))
    except _TORN as error:
        raise _unreadable(path, error) from None
    _check_title(path, summary.attributes.get("title"), title)
    return summary


def _outputs(file: Any) -> tuple[str, ...]:
    """Names of the variables of a file that are no coordinates, status and error aside."""
    told = " ".join(str(getattr(variable, "coordinates", "")) for variable in file.variables.values())
    others = {*file.dimensions, *told.split(), "status", "error"}
    return tuple(name for name in file.variables if name not in others)


def _status_counts(status: Any) -> dict[str, int]:
    """Points by what became of them, named as the cube names them."""
    values = status[...]
    meanings = zip(str(status.flag_meanings).split(), status.flag_values, strict=True)
    return {name: int((values == value).sum()) for name, value in meanings}


def open_cube(path: Path | str) -> "xr.Dataset":
    """Load a cube into memory and close its file.

    Raises
    ------
    UserError
        If the file is missing or is no netCDF4 file.
    """
    import xarray as xr

    path = Path(path)
    _check_file(path)
    try:
        with xr.open_dataset(path, engine="netcdf4") as cube:
            return cube.load()
    except _TORN as error:
        raise _unreadable(path, error) from None


def _check_file(path: Path) -> None:
    """Refuse what is no file."""
    if path.is_dir():
        raise UserError(f"{path}: a folder where a cube should be; move it away and run the workflow again")
    if not path.exists():
        raise UserError(
            f"{path}: there is no such file; initatlas run STUDY/SWEEP makes data/cubes/SCALE/STUDY/SWEEP.nc"
        )


def _unreadable(path: Path, error: Exception) -> UserError:
    """What to say of a torn file."""
    return UserError(f"{path}: not a readable cube ({_reason(error)}); remove it and run the workflow again")


def read_cube(content: bytes, where: str) -> "xr.Dataset":
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
    import xarray as xr

    try:
        with netCDF4.Dataset("cube", memory=content) as file:
            return xr.open_dataset(xr.backends.NetCDF4DataStore(file)).load()  # type: ignore[no-untyped-call]
    except _TORN as error:
        raise UserError(f"{where}: not a readable cube ({_reason(error)})") from None


def _reason(error: Exception) -> str:
    """What the libraries say of a torn file, in one line."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error).partition("\n")[0]


def fixed_parameters(cube: "xr.Dataset") -> dict[str, float | str]:
    """The fixed parameters of the sweep behind a cube."""
    fixed: dict[str, float | str] = json.loads(cube.attrs["spec"])["fixed"]
    return fixed


def environments(cube: "xr.Dataset") -> list[Share]:
    """What computed the points of a cube; an older cube says nothing."""
    return environments_of(cube.attrs)


def environments_of(attributes: Mapping[str, Any]) -> list[Share]:
    """What computed the points of a cube, by its attributes."""
    shares: list[dict[str, Any]] = json.loads(attributes.get("environments", "[]"))
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
