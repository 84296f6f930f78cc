"""What the figures, tables and claims read from the smoothness cube."""

import math

import numpy as np
import xarray as xr

from initatlas.smoothness.slopes import decay_exponents
from initatlas.studies.claim import Estimate
from initatlas.studies.evidence import Evidence
from initatlas.studies.statistics import CONFIDENCE, subsample_interval

TITLES = {"digits": "digits 8 x 8", "mnist": "MNIST", "fashion_mnist": "Fashion-MNIST", "cifar10": "CIFAR-10"}

DATASETS = ("mnist", "fashion_mnist", "cifar10")
"""The data sets of the paper's table 1, in the order of their printed smoothness."""

PAPER_WINDOW = 2700
"""The fit window that the paper states, for its 3000 samples."""

SHORT_WINDOW = 400
"""One of the windows that come near the printed numbers."""

PAPER_SAMPLES = 3000

NORMAL = 1.96
"""Standard errors that a normal 95 % interval reaches to each side."""

PRIMARY = "class_index"
"""The coding that the paper's theory suggests, where a label is a number."""


SHUFFLED, INITIAL = "shuffled", "initial_functions"
"""What stands in the place of labels: the centred class index in another order, and the functions of random networks."""


def title(dataset: str) -> str:
    """How a data set is called in print."""
    return TITLES.get(dataset, dataset)


def table_cube(evidence: Evidence) -> xr.Dataset:
    """The cube behind table 1."""
    return evidence.cubes["table1"]


def samples(cube: xr.Dataset) -> int:
    """Number of images behind the slopes of one data set."""
    return int(cube["sample_size"].max())


def share(cube: xr.Dataset) -> float:
    """Share of the images of one data set that is drawn."""
    return samples(cube) / int(cube["population"].max())


def over_images(cube: xr.Dataset, slopes: xr.DataArray, level: float = CONFIDENCE) -> Estimate:
    """Mean of some number over the draws of images of one data set, with the interval of that draw.

    Parameters
    ----------
    cube
        The cube at one data set.
    slopes
        One number per seed.
    """
    return subsample_interval(slopes.values, share(cube), level)


def floor(cube: xr.Dataset, slopes: xr.DataArray) -> float:
    """To how much the interval of `over_images` shrinks on each side with draws without end: the data set is finite."""
    return NORMAL * float(slopes.std(ddof=1)) * math.sqrt(share(cube) / (1.0 - share(cube)))


def over_coefficients(chosen: xr.Dataset) -> Estimate:
    """Slope with the interval of random coefficients: means over the seeds of the slope and of the bootstrap's ends.

    It tells how well the slope of expected tail sums is known from one sample, not how far the draw of images moves it.
    """
    value, low, high = (float(chosen[name].mean()) for name in ("slope", "slope_low", "slope_high"))
    return Estimate(value, low, high)


def slopes_by_window(cube: xr.Dataset) -> xr.DataArray:
    """Slope of the tail sums over i < w of one data set and target, for w from 20 to the number of samples in steps of 10.

    Returns
    -------
    DataArray
        Over seed and window, which is stated for as many samples as there are.
    """
    windows = range(20, samples(cube) + 1, 10)
    tails = cube["tail_sum"].transpose("seed", "index").values[:, : samples(cube)]
    exponents = decay_exponents(tails, windows, inclusive=False)
    return xr.DataArray(exponents, {"window": list(windows)}, ("seed", "window"))


def published_slope(evidence: Evidence, dataset: str) -> float | None:
    """The number of the paper's table 1, if it has one for the data set."""
    claim = evidence.published.get(f"table1_{dataset}")
    return None if claim is None else claim.value


def decay(cube: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Indices and tail sums of one data set, target and seed, relative to the whole sum, without empty places."""
    tail = cube["tail_sum"].values
    filled = np.isfinite(tail) & (tail > 0)
    return cube["index"].values[filled], tail[filled] / tail[0]
