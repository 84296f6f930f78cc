"""Maps of networks that train and that diverge, and the dimension of the boundary between them."""

import numpy as np
import pytest

from initatlas.experiments.training_boundary import EXPERIMENT, LAST, summary
from initatlas.studies.atlas.boundary import box_counts, box_dimension, box_sizes, edge

P = EXPERIMENT.parameters


def one(**parameters):
    return EXPERIMENT.run([P(**parameters)], [np.random.default_rng()], None)[0]


def test_small_rates_train_and_large_ones_diverge():
    slow, fast = one(learning_rate=0.1), one(learning_rate=3.0)
    assert (slow["diverged"], fast["diverged"]) == (False, True)
    assert slow["sharpness"] == fast["sharpness"]
    assert slow["sharpness"] * 0.1 < 2.0 < fast["sharpness"] * 3.0


def test_a_point_depends_on_its_network_and_not_on_its_generator():
    assert one() == one()
    assert one(network=1) != one()


def test_summary_is_that_of_constructed_losses():
    falling = np.r_[2.0, np.ones(30)]
    assert summary(falling) == {"diverged": False, "slowness": pytest.approx(16.0)}
    rising = np.r_[2.0, 4.0, np.full(LAST, np.inf)]
    assert summary(rising) == {"diverged": True, "slowness": pytest.approx(1.5)}
    assert summary(np.full(25, 3.0))["diverged"]
    late = np.r_[1.0, np.full(30, 5.0), np.full(LAST, 0.9)]
    assert not summary(late)["diverged"]


def test_edges_of_a_small_map():
    diverged = np.array([[0, 0, 1], [0, 1, 1], [0, 1, 1]], dtype=bool)
    expected = np.array([[0, 1, 0], [1, 0, 0], [1, 0, 0]], dtype=bool)
    np.testing.assert_array_equal(edge(diverged), expected)


def test_boxes_tile_the_map():
    assert box_sizes(48) == [1, 2, 3, 4, 6]
    assert box_sizes(512) == [1, 2, 4, 8, 16, 32, 64]
    cells = np.zeros((16, 16), dtype=bool)
    cells[3, :] = True
    cells[15, 15] = True
    assert box_counts(cells, [1, 2, 4, 8]) == [17, 9, 5, 3]


def _graph_of_a_walk(side):
    """What lies above a random walk across the map; the graph of Brownian motion has the dimension 3/2."""
    walk = np.cumsum(np.random.default_rng(0).standard_normal((side, 64)).ravel())
    height = (walk - walk.min()) / np.ptp(walk) * side
    path = height[:: height.size // side]
    return np.arange(side)[:, None] > path[None, :]


def test_dimensions_of_known_boundaries():
    straight = np.tile(np.arange(512) > 200, (512, 1))
    assert box_dimension(straight) == pytest.approx(1.0, abs=1e-9)
    scattered = np.random.default_rng(0).random((512, 512)) < 0.5
    assert box_dimension(scattered) == pytest.approx(2.0, abs=0.05)
    assert 1.25 < box_dimension(_graph_of_a_walk(1024)) < 1.5  # finite maps show less than the limit
    assert np.isnan(box_dimension(np.zeros((64, 64), dtype=bool)))
