"""Ridge regression and gradient flow without a decomposition: against the eigenbasis, in both precisions."""

import numpy as np
import pytest

from initatlas.estimators.eigenbasis import Eigenbasis
from initatlas.estimators.nystrom import nystrom
from initatlas.estimators.resolvents import flow_resolvents, ridge_resolvents
from initatlas.estimators.shifted_systems import MOST_PASSES, Matrix, solve_shifted
from initatlas.kernels.architecture import Architecture
from initatlas.kernels.gram import gram_matrix

N = 300
CASES = [("ridge", 1.0), ("ridge", 0.01), ("flow", 0.3), ("flow", 30.0)]


@pytest.fixture(scope="module")
def gram():
    """An NTK with the entries of single precision."""
    x = np.random.default_rng(0).normal(size=(N, 20)) / np.arange(1, 21)
    return gram_matrix(x, kernel="ntk", architecture=Architecture("relu"), normalise=True).astype(np.float32)


@pytest.fixture(scope="module")
def targets():
    """A smooth column, a rough one, one that is twice another, and one of zeros."""
    rng = np.random.default_rng(1)
    columns = rng.normal(size=(N, 2))
    return np.column_stack([np.sort(columns[:, 0]), columns[:, 1], 2.0 * columns[:, 1], np.zeros(N)])


class Counted:
    """A matrix that counts its products."""

    def __init__(self, gram):
        self.gram, self.passes = gram, 0

    def __matmul__(self, columns):
        self.passes += 1
        return self.gram @ columns.astype(self.gram.dtype)


def solved(gram, targets, resolvents, *, rank=40, tolerance=1e-8, **more):
    """All that comes out, and the number of passes in single precision."""
    fast = Counted(gram)
    preconditioner = nystrom(gram, rank, rng=np.random.default_rng(2))
    solutions = solve_shifted(
        Matrix.of(fast, gram.astype(np.float64)),
        targets,
        resolvents.shifts.tolist(),
        tolerances=resolvents.tolerances(tolerance),
        preconditioner=preconditioner,
        **more,
    )
    return solutions, fast.passes


@pytest.fixture(scope="module")
def basis(gram):
    return Eigenbasis.of(gram.astype(np.float64))


def case(method, value, basis):
    """What is solved, and the filter in the eigenbasis."""
    if method == "ridge":
        return ridge_resolvents(value), basis.ridge_filter(value)
    return flow_resolvents(value, 1e-10), basis.flow_filter(value)


@pytest.mark.parametrize(("method", "value"), CASES)
def test_coefficients_are_those_of_the_eigenbasis(gram, basis, targets, method, value):
    resolvents, filtered = case(method, value, basis)
    solutions, _ = solved(gram, targets, resolvents)
    expected = basis.apply(filtered, targets)
    off = np.linalg.norm(resolvents.combined(solutions.values) - expected)
    assert solutions.converged
    assert off <= resolvents.error(solutions.residuals) + 1e-9 * np.linalg.norm(expected)
    assert off <= 1e-7 * np.linalg.norm(expected)


@pytest.mark.parametrize(("method", "value"), CASES)
def test_what_is_fitted_is_the_matrix_times_the_coefficients(gram, basis, targets, method, value):
    resolvents, _ = case(method, value, basis)
    solutions, _ = solved(gram, targets, resolvents, tolerance=1e-3)
    product = gram.astype(np.float64) @ resolvents.combined(solutions.values)
    # the contour's own error is left
    np.testing.assert_allclose(resolvents.fitted(targets, solutions.values, solutions.residuals), product, atol=1e-8)


def test_the_residuals_are_what_is_left(gram, targets):
    shift = 0.5 + 2.0j
    solutions, _ = solved(gram, targets, ridge_resolvents(shift), tolerance=1e-3)
    ((value,), (residual,)) = solutions.values, solutions.residuals
    left = targets - gram.astype(np.float64) @ value - shift * value
    np.testing.assert_allclose(residual, left, atol=1e-12)
    norms = np.linalg.norm(targets[:, :3], axis=0)
    assert (np.linalg.norm(left[:, :3], axis=0) <= 1e-3 * norms).all()
    assert not value[:, 3].any()


def test_a_preconditioner_saves_passes(gram, targets):
    passes = [solved(gram, targets, ridge_resolvents(0.01), rank=rank)[1] for rank in (0, 40, 120)]
    assert passes[0] > 2 * passes[1] > 2 * passes[2]


def test_a_second_call_goes_on_from_the_first(gram, targets):
    resolvents, reached = ridge_resolvents(0.01), []
    _, passes = solved(gram, targets, resolvents, advanced=lambda values, residual: reached.append((values, residual)))
    assert len(reached) == passes
    assert reached[0][1] > 1e3 * reached[-1][1]
    _, fewer = solved(gram, targets, resolvents, start=reached[2 * passes // 3][0])
    _, fewest = solved(gram, targets, resolvents, start=reached[-1][0])
    assert fewest == 0 < fewer <= passes / 2 + 2


def test_products_that_are_not_exact_enough_are_noticed(gram, targets):
    rough = np.round(gram, 2)
    solutions = solve_shifted(
        Matrix.of(rough, gram.astype(np.float64)),
        targets,
        [1e-3],
        tolerances=[1e-10],
        preconditioner=nystrom(gram, 0, rng=np.random.default_rng(0)),
    )
    assert not solutions.converged
    assert all(np.isfinite(value).all() for value in solutions.values)
    assert MOST_PASSES >= 100


def test_a_matrix_of_low_rank_is_its_own_approximation():
    rng = np.random.default_rng(3)
    half = rng.normal(size=(60, 5))
    made = nystrom(half @ half.T, 12, rng=rng)
    assert made.values.shape == (5,)
    np.testing.assert_allclose((made.vectors * made.values) @ made.vectors.T, half @ half.T, atol=2e-4)
    np.testing.assert_allclose(made.vectors.T @ made.vectors, np.eye(5), atol=1e-5)


@pytest.mark.parametrize("shift", [0.3, 0.3 + 1.0j])
def test_on_its_range_the_preconditioner_is_the_inverse_up_to_a_factor(shift):
    rng = np.random.default_rng(3)
    half = rng.normal(size=(60, 5))
    made = nystrom(half @ half.T, 5, rng=rng)
    product = made.precondition((half @ half.T + shift * np.eye(60)) @ half, shift)
    np.testing.assert_allclose(product, (made.values[-1] + shift) * half, rtol=1e-3, atol=0.1)
    outside = np.linalg.qr(np.column_stack([half, rng.normal(size=(60, 1))]))[0][:, -1:]
    np.testing.assert_allclose(made.precondition(outside, shift), outside, atol=1e-5)


@pytest.mark.parametrize("rank", [-1, 61])
def test_a_rank_that_does_not_fit(rank):
    with pytest.raises(ValueError, match="between 0 and n = 60"):
        nystrom(np.eye(60), rank, rng=np.random.default_rng(0))


@pytest.mark.parametrize("accuracy", [1e-3, 1e-6, 1e-9])
def test_the_contour_is_as_exact_as_it_says(accuracy):
    tau, values = 2.0, np.array([0.0, 1e-3, 1.0, 30.0, 1e5])
    one = flow_resolvents(tau, accuracy)
    sums = np.real(np.sum(one.weights / (values[:, None] + one.shifts), axis=1))
    exact = np.divide(-np.expm1(-tau * values), values, out=np.full(5, tau), where=values > 0)
    assert np.abs(sums - exact).max() <= accuracy * tau
    if accuracy > 1e-9:
        assert np.abs(sums - exact).max() >= 1e-6 * accuracy * tau
