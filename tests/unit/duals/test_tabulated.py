"""Tables of duals, against the quadrature of single pairs."""

import numpy as np
import pytest
from scipy.special import erf

from initatlas.activations.base import activation_of
from initatlas.duals.numerical import Numerical
from initatlas.duals.quadrature import grid_means, pair_mean
from initatlas.duals.tabulated import Tabulated, tabulated

TANH = activation_of("tanh").dual
ERF_BY_QUADRATURE = Numerical(erf, lambda z: 2 / np.sqrt(np.pi) * np.exp(-z * z), parity=-1)
ANGLES = np.array([[0.0, 1e-7, 0.3], [1.5, 2.0, np.pi]])


@pytest.mark.parametrize("theta", [0.0, 0.4, 3.0])
@pytest.mark.parametrize(("function", "symmetric"), [(np.tanh, True), (lambda z: np.maximum(z, 0.1 * z), False)])
def test_means_on_a_grid_are_those_of_its_pairs(function, symmetric, theta):
    deviations = np.array([0.0, 0.7, 2.0])
    means = grid_means(function, deviations, np.array([1.0, theta]), symmetric=symmetric)[1]
    expected = [
        [pair_mean(lambda u, v: function(u) * function(v), p * p, q * q, theta) for q in deviations] for p in deviations
    ]
    np.testing.assert_allclose(means, expected, atol=1e-12)


@pytest.mark.parametrize("method", ["product", "derivative", "gap"])
@pytest.mark.parametrize("deviations", [(0.0, 1.0), (0.6, 1.3)])
def test_a_table_is_its_dual(method, deviations):
    table = tabulated(TANH, *deviations)
    p, q = np.array([[deviations[0] + 0.01], [0.9]]) ** 2, np.array([[0.65, 0.8, deviations[1]]]) ** 2
    expected = getattr(TANH, method)(p, q, ANGLES)
    np.testing.assert_allclose(getattr(table, method)(p, q, ANGLES), expected, atol=2e-12 * np.abs(expected).max())


def test_small_gaps_keep_their_digits():
    table = tabulated(TANH, 0.6, 1.3)
    theta = np.array([[1e-8]])
    exact = TANH.gap(np.array([[0.8]]), np.array([[1.2]]), theta)
    np.testing.assert_allclose(table.gap(np.array([[0.8]]), np.array([[1.2]]), theta), exact, rtol=1e-11)


def test_a_table_of_an_activation_with_a_closed_form_gives_that():
    table, closed = tabulated(ERF_BY_QUADRATURE, 0.3, 0.9), activation_of("erf").dual
    p, q = np.linspace(0.3, 0.9, 7)[:, None] ** 2, np.linspace(0.31, 0.87, 3)[None] ** 2
    theta = np.linspace(0, np.pi, 21).reshape(7, 3)
    for method in ("product", "derivative", "gap"):
        np.testing.assert_allclose(
            getattr(table, method)(p, q, theta), getattr(closed, method)(p, q, theta), atol=2e-12
        )
    np.testing.assert_allclose(table.moment(p), closed.moment(p), atol=2e-12)


def test_a_process_makes_a_table_once_for_like_ranges():
    assert tabulated(TANH, 0.6, 1.3) is tabulated(TANH, 0.55, 1.9)
    assert isinstance(tabulated(TANH, 0.6, 1.3), Tabulated)


def test_an_activation_that_varies_too_fast_is_refused():
    wave = Numerical(lambda z: np.sin(40 * z), lambda z: 40 * np.cos(40 * z), parity=-1)
    with pytest.raises(ValueError, match=r"normalise|smooth"):
        tabulated(wave, 0.0, 8.0)
