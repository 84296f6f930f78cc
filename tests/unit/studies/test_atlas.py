"""What the atlas reads from its cubes."""

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr

from initatlas.studies.atlas.boundary_figures import boundary_poster
from initatlas.studies.atlas.chaos import correlation_depths, critical_variance, learned
from initatlas.studies.atlas.chaos_claims import misplaced
from initatlas.studies.atlas.learning_rate import best_rate, best_rates, exponents, grid_error
from initatlas.studies.atlas.learning_rate_figures import plain_logarithms
from initatlas.studies.atlas.smoothness import bends, log_bends, preserving
from initatlas.studies.evidence import Evidence

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


def test_networks_are_misplaced_by_the_best_border():
    positions = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
    assert misplaced(positions, positions < 5.0) == 0.0
    assert misplaced(positions, np.array([True, True, False, True, False])) == pytest.approx(0.2)
    assert misplaced(positions, positions > 3.0) == pytest.approx(0.6)


def test_the_edge_of_chaos_lies_between_points_of_the_grid_and_depths_are_counted_in_theirs():
    axes = {"bias_variance": [0.0, 0.3], "weight_variance": [1.0, 2.0, 4.0]}
    theory = xr.Dataset(
        {
            "chi": (tuple(axes), [[1.0, 1.5, 2.0], [0.8, 0.9, 1.1]]),
            "correlation_depth": (tuple(axes), [[np.inf, 4.0, 2.0], [1.0, 2.0, 8.0]]),
        },
        axes,
    )
    sizes = {
        "dataset": ["digits"],
        "depth": [2, 4],
        "bias_variance": [0.29],
        "weight_variance": [1.1, 3.9],
        "seed": [0],
    }
    accuracy = np.arange(4.0).reshape(1, 2, 1, 2, 1) / 4.0 + 0.1
    networks = xr.Dataset({"test_accuracy": (tuple(sizes), accuracy)}, sizes)
    evidence = Evidence({"trainability_tanh": networks, "edge_of_chaos": theory}, {})
    assert critical_variance(evidence, 0.0) == pytest.approx(1.0)
    assert critical_variance(evidence, 0.3) == pytest.approx(2.0 * 2.0**0.5)
    np.testing.assert_allclose(correlation_depths(evidence).values, [[[2.0, 0.25], [4.0, 0.5]]])
    assert learned(networks["test_accuracy"]).values.ravel().tolist() == [False, False, True, True]


def test_the_poster_enlarges_parts_that_lie_in_each_other():
    plane = {"weight_variance": np.geomspace(0.03, 30.0, 128), "learning_rate": np.geomspace(0.2, 1.2, 128)}
    slowness = xr.DataArray(np.random.default_rng(0).uniform(1.0, 9.0, (128, 128)), plane)
    cube = xr.Dataset(
        {"slowness": slowness, "diverged": slowness.learning_rate > 0.63 + 0.0 * slowness, "sharpness": slowness}
    )
    panels = boundary_poster(cube).axes
    areas = [np.diff(np.log(axes.get_xlim())) * np.diff(np.log(axes.get_ylim())) for axes in panels]
    assert len(panels) == 3
    assert areas[0] > 10.0 * areas[1] > 40.0 * areas[2]
    for outer, inner in pairwise(panels):
        assert outer.get_xlim()[0] < inner.get_xlim()[0] < inner.get_xlim()[1] < outer.get_xlim()[1]
        assert outer.get_ylim()[0] < inner.get_ylim()[0] < inner.get_ylim()[1] < outer.get_ylim()[1]


@pytest.mark.parametrize(("high", "numbers"), [(1.25, [0.6, 0.7, 0.8, 0.9, 1.0]), (4.0, [1.0, 2.0])])
def test_an_axis_of_less_than_half_a_decade_has_all_its_numbers(high, numbers):
    figure, axes = plt.subplots()
    axes.set_ylim(0.55, high)
    plain_logarithms(axes, "y")
    shown = [tick for tick in axes.yaxis.get_majorticklocs() if 0.55 <= tick <= high]
    plt.close(figure)
    assert shown == pytest.approx(numbers)
