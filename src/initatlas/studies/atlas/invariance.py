"""Do distributions of one variance train alike? What is read from the sweep over weights and width."""

import xarray as xr

from initatlas.arrays import Doubles

GAUSSIAN, HEAVY = "gaussian", "student_t(nu=2.1)"
"""What the others are held against; and weights whose variance is almost infinite, so that few of them make up most of it."""


def curves(cube: xr.Dataset) -> xr.DataArray:
    """Test accuracy during training: weights x width x seed x evaluation."""
    return cube["curve_test_accuracy"].isel(dataset=0, drop=True)


def learning(cube: xr.Dataset) -> xr.DataArray:
    """Mean test accuracy over the points of the curve behind the start: weights x width x seed."""
    return curves(cube).isel(evaluation=slice(1, None)).mean("evaluation")


def gap(cube: xr.Dataset, weights: str, width: int) -> Doubles:
    """That of some weights less that of Gaussian ones, seed by seed; the seeds are independent."""
    accuracies = learning(cube).sel(width=width)
    values: Doubles = (accuracies.sel(weights=weights) - accuracies.sel(weights=GAUSSIAN)).values
    return values


def light(cube: xr.Dataset) -> list[str]:
    """The weights with finite moments, but for the Gaussian ones."""
    return [label for label in cube.weights.values.tolist() if label not in (GAUSSIAN, HEAVY)]
