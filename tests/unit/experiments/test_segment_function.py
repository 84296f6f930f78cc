"""Lines through a function: the number of pieces, and what is known of their losses."""

import numpy as np
import pytest

from initatlas.experiments.segment_function import EXPERIMENT, SegmentFunctionParameters


def fitted(**parameters):
    (found,) = EXPERIMENT.run([SegmentFunctionParameters(**parameters)], [np.random.default_rng(0)], None)
    return found


@pytest.mark.parametrize("algorithm", ["separate", "continuous", "merged"])
def test_a_fit_has_the_pieces_that_were_wanted_and_the_best_is_best(algorithm):
    found, best = fitted(algorithm=algorithm, samples=120, pieces=9), fitted(samples=120, pieces=9)
    assert found["pieces_taken"] == 9
    assert found["loss"] >= best["loss"]


def test_the_loss_of_lines_through_a_quadratic_is_known():
    # a line through n values of x^2 / 2 that are h apart leaves half a sum of h^4 n (n^2 - 1) (n^2 - 4) / 1440
    samples, pieces = 200, 5
    n, step = samples // pieces, 4.0 / (samples - 1)
    expected = pieces * step**4 * n * (n**2 - 1) * (n**2 - 4) / 1440.0
    assert fitted(samples=samples, pieces=pieces)["loss"] == pytest.approx(expected, rel=1e-6)
