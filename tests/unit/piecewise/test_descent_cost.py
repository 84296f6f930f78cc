"""The estimates of the exact trainers against what updates took, on one core of a machine that had more to do."""

import pytest

from initatlas.piecewise.descent_cost import update_seconds

MEASURED = {  # width, depth, samples, Adam: microseconds
    (5, 1, 400, False): 0.18,
    (21, 1, 20, False): 0.24,
    (80, 1, 400, False): 0.52,
    (160, 1, 41, False): 0.86,
    (5, 1, 400, True): 0.35,
    (80, 1, 400, True): 2.5,
    (20, 2, 601, False): 6.6,
    (10, 4, 601, False): 7.8,
    (8, 5, 601, False): 7.2,
    (8, 4, 401, False): 4.6,
    (8, 4, 20, False): 2.3,
    (15, 4, 101, False): 10.5,
    (125, 4, 101, False): 1200.0,
}


@pytest.mark.parametrize(("case", "microseconds"), MEASURED.items())
def test_an_update_costs_what_it_took(case, microseconds):
    width, depth, samples, adam = case
    assert update_seconds(width, depth, samples, adam=adam) == pytest.approx(1e-6 * microseconds, rel=0.25)
