"""Compiled kernels, Gram matrices and their spectra."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from initatlas.kernels.arccosine import nngp_ntk, nngp_ntk_at_angle
from initatlas.kernels.gram import compiled_nngp_ntk, gram_matrix
from initatlas.kernels.spectrum import eigen_coefficients, eigenpairs, squared_coefficients
from initatlas.kernels.univariate import compile_kernel, evaluate_kernel

KERNELS = ("nngp", "ntk")


def reference_gram(features, *, kernel, depth, slope, normalise, bias):
    """The definition, pair by pair in plain numpy; angles by atan2, which keeps the digits of small ones."""
    x = np.asarray(features, dtype=np.float64)
    if normalise:
        x = x / np.linalg.norm(x, axis=1, keepdims=True)
    if bias:
        x = np.column_stack([x, np.ones(len(x))])
    norms = np.linalg.norm(x, axis=1)
    unit = x / norms[:, None]
    plus = np.linalg.norm(unit[:, None] + unit[None], axis=2)
    minus = np.linalg.norm(unit[:, None] - unit[None], axis=2)
    values = nngp_ntk_at_angle(2 * np.arctan2(minus, plus), depth, slope)[KERNELS.index(kernel)]
    return norms[:, None] * norms[None] * values


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("depth", [1, 3, 10, 50])
@pytest.mark.parametrize("slope", [0.0, 0.2, 0.9])
def test_compiled_kernel_is_the_recursion(kernel, depth, slope):
    compiled = compiled_nngp_ntk(kernel, depth, slope)
    z = np.concatenate([[0.0], np.geomspace(1e-16, 0.4, 2000), np.linspace(0.4, 0.99, 2000)])
    expected = nngp_ntk(z, depth, slope)[KERNELS.index(kernel)]
    np.testing.assert_allclose(evaluate_kernel(compiled, z), expected, atol=1e-14 * compiled.at_zero)


def test_a_kernel_with_a_kink_does_not_compile():
    with pytest.raises(ValueError, match="degree above 64"):
        compile_kernel(lambda angle: np.abs(angle - 0.7), max_degree=64)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("normalise", "bias"), [(True, False), (True, True), (False, False), (False, True)])
@pytest.mark.parametrize(("depth", "slope"), [(1, 0.0), (4, 0.2)])
def test_gram_is_its_definition(kernel, normalise, bias, depth, slope):
    features = np.random.default_rng(0).standard_normal((130, 7)) * np.linspace(0.1, 5, 130)[:, None]
    features[1] = features[0]
    features[2] = -features[0]
    features[3] = features[0] * (1 + 1e-3) + 1e-7
    features[129] = features[64] + 1e-5
    arguments = {"kernel": kernel, "depth": depth, "slope": slope, "normalise": normalise, "bias": bias}
    gram = gram_matrix(features, **arguments)
    expected = reference_gram(features, **arguments)
    np.testing.assert_allclose(gram, expected, atol=3e-14 * np.abs(expected).max(), rtol=1e-13)
    np.testing.assert_array_equal(gram, gram.T)


def test_inputs_that_nearly_coincide_or_oppose_keep_their_digits():
    features = np.random.default_rng(0).standard_normal((2, 400))
    features[0] /= np.linalg.norm(features[0])
    features[1] -= features[0] * (features[0] @ features[1])
    features[1] = features[0] + 1e-6 * features[1] / np.linalg.norm(features[1])
    gram = gram_matrix(features, kernel="nngp", depth=1, normalise=False, bias=False)
    angle = np.arctan(1e-6)
    # The scalar product alone would give the NTK an error of 1e-10 here.
    norm = np.hypot(1.0, 1e-6)
    assert gram[0, 1] == pytest.approx(norm * nngp_ntk_at_angle(np.array(angle), 1)[0], abs=4e-15)
    ntk = gram_matrix(features, kernel="ntk", depth=10, normalise=False, bias=False)
    assert ntk[0, 1] == pytest.approx(norm * nngp_ntk_at_angle(np.array(angle), 10)[1], rel=1e-14)
    opposite = gram_matrix(features * [[1], [-1]], kernel="ntk", depth=1, normalise=False, bias=False)
    assert opposite[0, 1] == pytest.approx(norm * nngp_ntk_at_angle(np.pi - np.array(angle), 1)[1], abs=2e-14)


def test_equal_rows_and_the_diagonal_are_exact():
    features = np.random.default_rng(1).standard_normal((5, 3))
    features[3] = features[1]
    gram = gram_matrix(features, kernel="ntk", depth=2, normalise=True, bias=False)
    np.testing.assert_array_equal(np.diag(gram), 3.0)
    assert gram[1, 3] == 3.0


@pytest.mark.parametrize("normalise", [True, False])
def test_a_zero_row_gives_zeros_and_a_nan_stays_in_its_row(normalise):
    features = np.random.default_rng(2).standard_normal((5, 3))
    features[1] = 0.0
    features[2, 0] = np.nan
    gram = gram_matrix(features, kernel="ntk", depth=1, normalise=normalise, bias=False)
    rest = [0, 3, 4]
    np.testing.assert_array_equal(gram[1, rest], 0.0)
    assert gram[1, 1] == 0.0
    assert np.isnan(gram[2]).all()
    assert np.isnan(gram[:, 2]).all()
    assert np.isfinite(gram[np.ix_(rest, rest)]).all()


def test_any_number_of_threads_gives_the_same_bits():
    features = np.random.default_rng(3).standard_normal((300, 20))
    arguments = {"kernel": "ntk", "depth": 3, "normalise": True, "bias": True}
    np.testing.assert_array_equal(gram_matrix(features, **arguments), gram_matrix(features, **arguments, threads=3))


def test_a_kernel_has_a_layer():
    with pytest.raises(ValueError, match="depth 0"):
        gram_matrix(np.eye(2), kernel="ntk", depth=0, normalise=True, bias=False)


MATRICES = arrays(np.float64, st.tuples(st.integers(1, 12), st.integers(1, 4)), elements=st.floats(-10, 10, width=32))


@settings(max_examples=50, deadline=None)
@given(features=MATRICES, kernel=st.sampled_from(KERNELS), depth=st.integers(1, 6), slope=st.sampled_from([0.0, 0.3]))
def test_gram_is_symmetric_and_positive_semidefinite(features, kernel, depth, slope):
    gram = gram_matrix(features, kernel=kernel, depth=depth, slope=slope, normalise=False, bias=True)
    np.testing.assert_array_equal(gram, gram.T)
    assert np.linalg.eigvalsh(gram)[0] >= -1e-13 * np.trace(gram)


@settings(max_examples=30, deadline=None)
@given(features=MATRICES, exponent=st.integers(-6, 6))
def test_the_kernel_is_homogeneous(features, exponent):
    scale = 2.0**exponent
    arguments = {"kernel": "ntk", "depth": 2, "bias": False}
    plain = gram_matrix(features, normalise=False, **arguments)
    np.testing.assert_allclose(
        gram_matrix(scale * features, normalise=False, **arguments), scale**2 * plain, rtol=1e-12, atol=1e-300
    )
    on_sphere = gram_matrix(features, normalise=True, **arguments)
    np.testing.assert_allclose(gram_matrix(scale * features, normalise=True, **arguments), on_sphere, atol=1e-13)


def test_eigenpairs_convention_and_accuracy():
    features = np.random.default_rng(4).standard_normal((120, 5))
    gram = gram_matrix(features, kernel="ntk", depth=1, normalise=True, bias=False)
    values, vectors = eigenpairs(gram.copy())
    assert (np.diff(values) <= 0).all()
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(120), atol=1e-13)
    np.testing.assert_allclose(vectors * (120 * values) @ vectors.T, gram, atol=1e-12)


def test_coefficients_of_an_eigenvector_and_parseval():
    rng = np.random.default_rng(5)
    features = rng.standard_normal((80, 3))
    gram = gram_matrix(features, kernel="nngp", depth=2, normalise=True, bias=True)
    _, vectors = eigenpairs(gram.copy())
    # phi_3 = sqrt(n) v_3 has the coefficient 1 on itself.
    np.testing.assert_allclose(squared_coefficients(vectors, np.sqrt(80) * vectors[:, 3]), np.eye(80)[3], atol=1e-13)
    targets = rng.standard_normal((80, 4))
    _, squared = eigen_coefficients(gram.copy(), targets)
    assert squared.sum() == pytest.approx(np.sum(targets**2) / 80)
    single = sum(eigen_coefficients(gram.copy(), targets[:, k])[1] for k in range(4))
    np.testing.assert_allclose(squared, single, rtol=1e-9, atol=1e-15)


def test_a_nan_in_a_gram_is_refused():
    with pytest.raises(ValueError, match="infs or NaNs"):
        eigenpairs(np.full((2, 2), np.nan))
