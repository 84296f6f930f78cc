"""Numbers of the networks of a cube, by shape."""

from collections.abc import Iterator, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from initatlas.studies.claim import Estimate
from initatlas.studies.statistics import mean_interval, positive_mean_interval

Doubles = NDArray[np.float64]

Shape = tuple[int, int]
"""Depth and width."""

GROUP = 40
"""Networks whose second moments are averaged before an interval is made; it divides the networks of every point."""

RELU_VARIANCE = 2.0
"""Weight variance times the fan-in that preserves the mean square of ReLU networks."""


def beta(shape: Shape) -> float:
    """Sum of the inverse widths."""
    return shape[0] / shape[1]


def widths(shape: Shape) -> list[int]:
    """Width of every hidden layer."""
    return [shape[1]] * shape[0]


def shape_name(shape: Shape) -> str:
    """What a sentence calls a shape."""
    return f"depth {shape[0]}, width {shape[1]}"


def shapes(cube: xr.Dataset) -> Iterator[Shape]:
    """The shapes that were computed, from the smallest beta to the largest."""
    found = [(int(depth), int(width)) for depth in cube.depth.values for width in cube.width.values]
    yield from sorted((shape for shape in found if numbers(cube, "ntk", shape).size), key=beta)


def numbers(cube: xr.Dataset, name: str, shape: Shape) -> Doubles:
    """A number of all networks of a shape, shape (networks,)."""
    found = cube[name].sel(depth=shape[0], width=shape[1]).values.ravel()
    return np.asarray(found[np.isfinite(found)], dtype=np.float64)


def _mean_by_groups(found: Doubles, level: float) -> Estimate:
    """Mean of positive numbers with its interval, from the means of groups: they are less skewed, and a bootstrap draws fewer."""
    groups = len(found) // GROUP
    means = found[: groups * GROUP].reshape(groups, GROUP).mean(axis=1)
    return positive_mean_interval(means, level)


def norm_moment(cube: xr.Dataset, shape: Shape, level: float) -> Estimate:
    """E[q^2] of the mean square q of the last hidden layer, whose mean is 1."""
    return _mean_by_groups(numbers(cube, "norm", shape) ** 2, level)


def ntk_moment(cube: xr.Dataset, shape: Shape, level: float) -> Estimate:
    """E[K^2] / E[K]^2 of ReLU networks; E[K] is known, the number of layers times the weight variance."""
    mean = RELU_VARIANCE * (shape[0] + 1.0)
    return _mean_by_groups((numbers(cube, "ntk", shape) / mean) ** 2, level)


def log_norms(cube: xr.Dataset, depths: Sequence[int], width: int) -> Doubles:
    """Logs of the mean squares at some depths, shape (networks, depths); networks that are silent at one of them are left out."""
    columns = [cube["norm"].sel(depth=depth, width=width).values.ravel() for depth in depths]
    rows = np.stack(columns, axis=1)
    return np.asarray(np.log(rows[(rows > 0.0).all(axis=1)]), dtype=np.float64)


def log_mean(cube: xr.Dataset, depths: Sequence[int], width: int, level: float = 0.95) -> Estimate:
    """Mean of the log of the mean square per unit of beta, over some depths: sum of the means over sum of the betas."""
    logs = log_norms(cube, depths, width)
    return mean_interval(logs.sum(axis=1) / _betas(depths, width), level)


def log_variance(cube: xr.Dataset, depths: Sequence[int], width: int, level: float = 0.95) -> Estimate:
    """Its variance per unit of beta: sum of the variances over sum of the betas."""
    logs = log_norms(cube, depths, width)
    squares = (logs - logs.mean(axis=0)) ** 2 * len(logs) / (len(logs) - 1.0)
    return mean_interval(squares.sum(axis=1) / _betas(depths, width), level)


def _betas(depths: Sequence[int], width: int) -> float:
    """Sum of the betas of some depths."""
    return sum(beta((depth, width)) for depth in depths)
