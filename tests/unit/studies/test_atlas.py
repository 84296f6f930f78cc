"""What the atlas reads from its cubes."""

import numpy as np
import pytest
import xarray as xr

from initatlas.studies.atlas.learning_rate import best_rate, best_rates, exponents, grid_error
from initatlas.studies.atlas.smoothness import bends, log_bends, preserving

RATES = np.geomspace(0.25, 4.0, 9)


def test_the_best_rate_is_the_vertex_of_a_parabola():
    loss = np.exp((np.log(RATES) - np.log(1.3)) ** 2 - 2.0)
    assert best_rate(RATES, loss) == pytest.approx(1.3)


def test_the_best_rate_beside_a_network_that_diverged_is_that_of_the_grid():
    loss = np.exp((np.log(RATES) - np.log(1.3)) ** 2)
    for lost in (np.nan, np.inf):
        assert best_rate(RATES, np.where(RATES > 1.5, lost, loss)) == pytest.approx(RATES[5])


def test_there_is_no_best_rate_at_an_end_of_the_grid():
    assert np.isnan(best_rate(RATES, RATES))
    assert np.isnan(best_rate(RATES, 1.0 / RATES))
    assert np.isnan(best_rate(RATES, np.full(9, np.nan)))


def test_exponents_of_best_rates_over_the_width():
    widths, best = np.array([16, 64, 256]), np.array([2.0, 1.0, 0.5])
    rows = np.exp((np.log(RATES) - np.log(best)[:, None]) ** 2)
    loss = xr.DataArray(
        np.stack([rows, rows]),
        {"seed": [0, 1], "width": widths, "learning_rate": RATES},
        ("seed", "width", "learning_rate"),
    )
    found = best_rates(loss.transpose("learning_rate", "width", "seed"))
    np.testing.assert_allclose(found, [best, best])
    np.testing.assert_allclose(exponents(widths, found), [-0.5, -0.5])
    assert grid_error(loss, widths) == pytest.approx(0.5 * np.log(2.0) / 2.0 / np.log(16.0))


def test_bending_is_read_at_the_norm_preserving_variance_of_seeds_that_stayed():
    coordinates = {
        "dataset": ["digits"],
        "activation": ["relu", "tanh"],
        "mirrored": [False, True],
        "depth": [1, 2],
        "weight_variance": [1.0, 2.0000001],
        "seed": [0, 1, 2],
        "evaluation": [0, 1],
    }
    values = np.full(tuple(map(len, coordinates.values())), 7.0)
    values[0, 0, 1, :, 1, :, 1] = [[1.0, 2.0, np.nan], [np.e, 2.0, 3.0]]
    cube = xr.Dataset({"bending": (tuple(coordinates), values)}, coordinates)
    np.testing.assert_allclose(log_bends(cube, mirrored=True), [0.5, np.log(2.0)])
    assert preserving(bends(cube, mirrored=False, trained=False)).dims == ("depth", "seed")
