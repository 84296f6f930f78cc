"""What the tables, figures and claims of this study read from cubes."""

from collections.abc import Iterator, Sequence

import numpy as np
import xarray as xr

from initatlas.arrays import Doubles
from initatlas.studies.claim import Estimate
from initatlas.studies.statistics import CONFIDENCE, positive_mean_interval

TITLES = {
    "sine": "sin(πx)",
    "sine(frequency=0.5)": "sin(πx/2)",
    "sin": "sin(x)",
    "arctan": "arctan(x)",
    "exp": "exp(x)",
    "exp(scale=0.5)": "exp(x/2)",
    "arches": "5 parabolas",
    "sawtooth": "sawtooth",
    "step": "sign(x)",
    "tanh(scale=2)": "tanh(2x)",
    "triangle(peaks=2)": "triangles",
    "triangle(peaks=4)": "sawtooth",
    "polynomial(c2=0.5)": "x²/2",
    "polynomial(c3=1)": "x³",
    "chirp": "sin(x²)",
    "cubic_spline": "cubic spline",
    "polynomial(c1=-0.5, c2=0.5, c3=0.25)": "x³/4 + x²/2 − x/2",
}
"""Functions as a reader writes them."""


AS_IN_THE_TABLE = "as in the table"
"""The name of the first choice."""


def kept(values: xr.DataArray) -> Doubles:
    """The numbers of all networks that stayed finite, shape (networks,)."""
    numbers = np.asarray(values.values, dtype=np.float64).ravel()
    return numbers[np.isfinite(numbers)]


def at_end(values: xr.DataArray) -> xr.DataArray:
    """What was recorded last."""
    return values.isel(record=-1)


def at_start(values: xr.DataArray) -> xr.DataArray:
    """What was recorded before training."""
    return values.isel(record=0)


def mean_of(values: xr.DataArray, level: float = CONFIDENCE) -> Estimate:
    """Mean of positive numbers over the networks that stayed finite."""
    return positive_mean_interval(kept(values), level)


def mean_log_ratio(above: xr.DataArray, below: xr.DataArray) -> Doubles:
    """Logarithm of the ratio of two sets of networks, pair by pair, where both stayed finite, shape (pairs,)."""
    return np.log(kept(above / below))


def halves(values: xr.DataArray) -> Doubles:
    """Logarithm of the ratio of the first half of some networks to the other half, pair by pair, over all other dimensions."""
    count = values.sizes["seed"] // 2
    first, second = values.isel(seed=slice(count)), values.isel(seed=slice(count, 2 * count))
    return np.log(kept(first / second.assign_coords(seed=first.seed)))


def exchanged(values: Doubles) -> Doubles:
    """Differences of pairs, every second of which has its two sides exchanged."""
    return values * np.where(np.arange(values.size) % 2 == 0, 1.0, -1.0)


def spread_text(values: xr.DataArray, digits: int = 3) -> str:
    """Mean and standard deviation over networks, and how many diverged."""
    numbers = kept(values)
    if numbers.size < 2:
        return "–"
    lost = values.size - numbers.size
    return f"{numbers.mean():.{digits}g} ± {numbers.std(ddof=1):.{digits}g}" + (f" ({lost} diverged)" if lost else "")


def choices(cube: xr.Dataset, names: Sequence[str]) -> Iterator[tuple[str, xr.Dataset]]:
    """The choices of a sweep, each in words: what it has other than the first one."""
    first = cube.isel(choice=0)
    for place in range(cube.sizes["choice"]):
        one = cube.isel(choice=place)
        other = [f"{name} = {one[name].item()}" for name in names if one[name].item() != first[name].item()]
        yield ", ".join(other) or AS_IN_THE_TABLE, one
