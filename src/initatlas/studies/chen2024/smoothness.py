"""What the figures, tables and claims read from the smoothness cube."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from initatlas.studies.evidence import Evidence

TITLES = {"digits": "digits 8 x 8", "mnist": "MNIST", "fashion_mnist": "Fashion-MNIST", "cifar10": "CIFAR-10"}

PAPER_WINDOW = 2700
"""The fit window that the paper states, for its 3000 samples."""

SHORT_WINDOW = 400
"""The window that reproduces the printed numbers, in every usual preprocessing and coding of the labels."""

PAPER_SAMPLES = 3000


@dataclass(frozen=True)
class Slope:
    """A fitted slope: the mean over the drawn samples, with its interval.

    Attributes
    ----------
    value, low, high
        Slope and the ends of its 95 % interval.
    null
        The slope that labels without information give.
    """

    value: float
    low: float
    high: float
    null: float


def title(dataset: str) -> str:
    """How a data set is called in print."""
    return TITLES.get(dataset, dataset)


def slope(cube: xr.Dataset, window: int) -> Slope:
    """The slope at a window, for one data set and one coding; means over the seeds.

    The interval is the mean of the bootstrap intervals: it tells how well the coefficients of one sample determine the
    slope, not how the choice of the window moves it.
    """
    chosen = cube.sel(window=window).mean("seed")
    return Slope(*(float(chosen[name]) for name in ("slope", "slope_low", "slope_high", "null_slope")))


def primary(evidence: Evidence) -> xr.Dataset:
    """The cube at the coding that the paper's theory suggests: the class index."""
    return evidence.cubes["table1"].sel(coding="class_index")


def samples(cube: xr.Dataset) -> int:
    """Number of images behind the slopes of one data set."""
    return int(cube["sample_size"].max())


def published_slope(evidence: Evidence, dataset: str) -> float | None:
    """The number of the paper's table 1, if it has one for the data set."""
    claim = evidence.published.get(f"table1_{dataset}")
    return None if claim is None else claim.value


def decay(cube: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Indices and tail sums of one data set and seed, relative to the whole sum, without empty places."""
    tail = cube["tail_sum"].values
    filled = np.isfinite(tail) & (tail > 0)
    return cube["index"].values[filled], tail[filled] / tail[0]
