"""How far samples of random networks lie from the kernel of the infinitely wide one."""

import json

import xarray as xr


def interior(array: xr.DataArray) -> xr.DataArray:
    """Without the ends of the angle axis: at 0 degrees the cosine is 1 in every network."""
    return array.sel(angle=slice(1e-6, None))


def deviation(cube: xr.Dataset, theory: xr.Dataset) -> xr.DataArray:
    """Sample minus theory, over all dimensions of the sample; depth and activation are matched."""
    spec = _fixed(cube)
    limit = theory["cosine"].sel(activation=spec["activation"])
    depths = cube.depth if "depth" in cube.dims else spec["depth"]
    return interior(cube["cosine"] - limit.sel(depth=depths))


def rms(deviations: xr.DataArray, *keep: str) -> xr.DataArray:
    """Root mean square over all dimensions but `keep`."""
    squares: xr.DataArray = (deviations**2).mean([name for name in deviations.dims if name not in keep])
    return squares**0.5


def width(cube: xr.Dataset) -> int:
    """Neurons per layer of the networks of a cube."""
    return int(_fixed(cube)["width"])


def _fixed(cube: xr.Dataset) -> dict[str, float | str]:
    """The fixed parameters of the sweep behind a cube."""
    fixed: dict[str, float | str] = json.loads(cube.attrs["spec"])["fixed"]
    return fixed
