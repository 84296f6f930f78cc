"""The largest eigenpairs, and the smoothness that they show, against the full decomposition and ARPACK."""

import numpy as np
import pytest
from scipy.sparse.linalg import LinearOperator, eigsh

from initatlas.kernels.architecture import Architecture
from initatlas.kernels.gram import gram_matrix
from initatlas.kernels.spectrum import eigen_coefficients, eigenpairs
from initatlas.kernels.top_pairs import basis_megabytes, top_eigenpairs
from initatlas.smoothness.bootstrap import slope_intervals
from initatlas.smoothness.slopes import decay_exponent, null_slope
from initatlas.smoothness.tail_sums import tail_sums, tail_sums_from_top, with_rest
from initatlas.smoothness.top import smoothness_from_top

N = 900
FEATURES = np.random.default_rng(0).standard_normal((N, 6))
GRAM = gram_matrix(FEATURES, kernel="ntk", architecture=Architecture("relu", 2), normalise=True, bias=False)
TARGETS = np.sign(FEATURES[:, 0]) + FEATURES[:, 1]


@pytest.fixture(scope="module")
def whole():
    """All eigenpairs."""
    return eigenpairs(GRAM.copy())


@pytest.mark.parametrize("tolerance", [1e-2, 1e-6, 1e-10])
def test_pairs_keep_what_their_residuals_promise(whole, tolerance):
    values, _ = whole
    top = top_eigenpairs(GRAM, 60, rng=np.random.default_rng(1), tolerance=tolerance)
    true = np.linalg.norm(GRAM @ top.vectors / N - top.vectors * top.values, axis=0)
    np.testing.assert_allclose(top.residuals, true, rtol=1e-3, atol=1e-14)
    assert (top.residuals <= tolerance * top.values).all()
    assert (np.abs(top.values - values[:60]) <= top.residuals + 1e-14).all()
    assert (np.diff(top.values) <= 0).all()
    np.testing.assert_allclose(top.vectors.T @ top.vectors, np.eye(60), atol=1e-9)
    assert top.products < N


def test_pairs_are_those_of_arpack():
    top = top_eigenpairs(GRAM, 40, rng=np.random.default_rng(1), tolerance=1e-9)
    values, vectors = eigsh(GRAM / N, 40)
    np.testing.assert_allclose(top.values, values[::-1], rtol=1e-10)
    np.testing.assert_allclose(np.abs(np.sum(top.vectors[:, :5] * vectors[:, :-6:-1], axis=0)), 1.0, atol=1e-8)


def test_the_operator_is_applied_to_blocks_and_rarely():
    widths = []

    def matmat(vectors):
        widths.append(vectors.shape[1])
        return GRAM @ vectors

    operator = LinearOperator((N, N), matvec=matmat, matmat=matmat, dtype=np.float64)
    top = top_eigenpairs(operator, 80, rng=np.random.default_rng(2))
    assert len(widths) == top.passes <= 45
    assert set(widths) == {10}


def test_the_same_generator_gives_the_same_bits():
    first, second = (top_eigenpairs(GRAM, 30, rng=np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first.vectors, second.vectors)


def test_a_basis_at_its_limit_is_told(caplog):
    top = top_eigenpairs(GRAM, 60, rng=np.random.default_rng(1), tolerance=1e-12, largest_basis=96)
    assert top.products == 96
    assert "a residual is" in caplog.text
    true = np.linalg.norm(GRAM @ top.vectors / N - top.vectors * top.values, axis=0)
    np.testing.assert_allclose(top.residuals, true, rtol=1e-3, atol=1e-14)


def test_a_matrix_of_low_rank():
    factor = np.random.default_rng(4).standard_normal((N, 5))
    top = top_eigenpairs(factor @ factor.T, 20, rng=np.random.default_rng(5))
    np.testing.assert_allclose(top.values[:5], np.linalg.eigvalsh(factor.T @ factor)[::-1] / N, rtol=1e-12)
    np.testing.assert_allclose(top.values[5:], 0.0, atol=1e-13)
    np.testing.assert_allclose(top.vectors.T @ top.vectors, np.eye(20), atol=1e-9)


@pytest.mark.parametrize("k", [1, 400, 900])
def test_any_number_of_pairs(whole, k):
    top = top_eigenpairs(GRAM, k, rng=np.random.default_rng(6), tolerance=1e-8)
    np.testing.assert_allclose(top.values, whole[0][:k], atol=1e-14, rtol=1e-9)


@pytest.mark.parametrize("k", [0, 901])
def test_pairs_that_do_not_exist(k):
    with pytest.raises(ValueError, match=f"n = 900 eigenpairs can be asked for, got {k}"):
        top_eigenpairs(GRAM, k, rng=np.random.default_rng(0))


def test_a_nan_is_refused():
    gram = GRAM.copy()
    gram[3, 4] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        top_eigenpairs(gram, 10, rng=np.random.default_rng(0))


def test_the_basis_is_within_its_bound():
    assert basis_megabytes(60000, 1000) == pytest.approx(8e-6 * 60000 * (4000 + 1000 + 12 * 125))


def test_tail_sums_from_the_top_are_the_first_ones():
    squared = np.random.default_rng(7).random((3, 200)) ** 4
    np.testing.assert_allclose(
        [tail_sums_from_top(row.sum(), row[:150]) for row in squared], tail_sums(squared)[:, :150], rtol=1e-13
    )


def test_the_rest_is_one_coefficient_of_many_degrees():
    squared, degrees = with_rest(10.0, np.array([4.0, 3.0]), 12, degrees=9)
    np.testing.assert_array_equal(squared, [4.0, 3.0, 3.0])
    np.testing.assert_array_equal(degrees, [9, 9, 90])


@pytest.mark.parametrize("columns", [1, 3])
def test_smoothness_is_that_of_the_full_decomposition(columns):
    targets = np.column_stack([TARGETS, FEATURES[:, 2] ** 2, FEATURES[:, 3]])[:, :columns]
    _, squared = eigen_coefficients(GRAM.copy(), targets)
    top = top_eigenpairs(GRAM, 100, rng=np.random.default_rng(8))
    found = smoothness_from_top(top.vectors, targets, [20, 50, 100], degrees=columns, rng=np.random.default_rng(9))
    np.testing.assert_allclose(found.tail_sums, tail_sums(squared)[:100], rtol=1e-5)
    for i, window in enumerate([20, 50, 100]):
        assert found.slopes[i] == pytest.approx(decay_exponent(tail_sums(squared), window), abs=1e-5)
        assert found.nulls[i] == null_slope(N, window)
        # Two bootstraps of 1000 draws.
        (expected,) = slope_intervals(squared, [window], degrees=columns, rng=np.random.default_rng(10))
        width = expected[1] - expected[0]
        np.testing.assert_allclose([found.lows[i], found.highs[i]], expected, atol=0.15 * width)
