"""Compiled kernels, Gram matrices and their spectra."""

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from initatlas.activations.relu import Relu
from initatlas.duals.numerical import Numerical
from initatlas.duals.univariate import compile_kernel, evaluate_kernel
from initatlas.kernels.angles import kernels_at_angle
from initatlas.kernels.architecture import Architecture
from initatlas.kernels.fillers import compiled_kernel
from initatlas.kernels.fully_connected import fully_connected
from initatlas.kernels.gram import gram_matrices, gram_matrix
from initatlas.kernels.layered import _defect
from initatlas.kernels.polynomials import polynomial_forms
from initatlas.kernels.recursion import hidden_states, output_kernels
from initatlas.kernels.spectrum import EigenCoefficients, eigen_coefficients, eigenpairs, squared_coefficients

KERNELS = ("nngp", "ntk")
SOFTPLUS = Numerical(lambda z: np.logaddexp(0, z), lambda z: 1 / (1 + np.exp(-z)))
STEP_AT_ONE = Numerical(lambda z: np.maximum(z - 1, 0), lambda z: (z > 1).astype(float))


def test_a_kernel_is_compiled_once_in_a_process():
    """Also by those that make the activation themselves, and for every matrix anew."""
    x = np.eye(3)
    gram_matrix(x, kernel="nngp", architecture=Architecture("relu", 7))
    before = compiled_kernel.cache_info().misses, polynomial_forms.cache_info().misses
    for _ in range(2):
        gram_matrix(x, kernel="nngp", architecture=Architecture(Relu().dual, 7))
        gram_matrix(x, kernel="nngp", architecture=Architecture("relu", 7))
    # a dual by itself and the label of its activation are two keys
    after = compiled_kernel.cache_info().misses, polynomial_forms.cache_info().misses
    assert (after[0] - before[0], after[1] - before[1]) == (1, 1)


def test_a_kernel_of_unit_vectors_is_compiled_once():
    """Their norms differ in the last digit, and an activation that is not homogeneous would notice."""
    sets = np.random.default_rng(0).standard_normal((12, 4, 5))
    sets /= np.linalg.norm(sets, axis=2, keepdims=True)
    before = compiled_kernel.cache_info().misses
    for x in sets:
        gram_matrix(x, kernel="nngp", architecture=Architecture("erf", 9))
    assert compiled_kernel.cache_info().misses == before + 1


def test_a_kernel_that_is_too_steep_is_tried_once():
    x = np.eye(3)
    before = compiled_kernel.cache_info().misses
    for _ in range(2):
        gram_matrix(x, kernel="nngp", architecture=Architecture("erf", 63))
    assert compiled_kernel.cache_info().misses == before + 1


def reference_gram(features, other=None, *, kernel, architecture, normalise=False, bias=False):
    """The definition by the recursion in plain numpy; angles by atan2, which keeps the digits of small ones."""
    x, y = (prepared(rows, normalise=normalise, bias=bias) for rows in (features, features if other is None else other))
    norms, other_norms = np.linalg.norm(x, axis=1), np.linalg.norm(y, axis=1)
    u, v = x / np.where(norms > 0, norms, 1)[:, None], y / np.where(other_norms > 0, other_norms, 1)[:, None]
    plus = np.linalg.norm(u[:, None] + v[None], axis=2)
    minus = np.linalg.norm(u[:, None] - v[None], axis=2)
    theta = 2 * np.arctan2(minus, plus)
    *_, state = hidden_states(architecture, norms[:, None] ** 2, other_norms[None] ** 2, theta)
    return output_kernels(architecture, state)[KERNELS.index(kernel)] + architecture.output_bias_variance


def prepared(rows, *, normalise, bias):
    """Rows on the sphere, or with a coordinate more."""
    x = np.asarray(rows, dtype=np.float64)
    if normalise:
        x = x / np.linalg.norm(x, axis=1, keepdims=True)
    return np.column_stack([x, np.ones(len(x))]) if bias else x


def relu(depth, slope=0.0):
    """A leaky ReLU network with norm-preserving variances."""
    return Architecture(f"leaky_relu(slope={slope})", depth)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("depth", [1, 3, 10, 300])
@pytest.mark.parametrize("activation", ["relu", "leaky_relu(slope=0.9)", "abs", "gelu", "elu"])
def test_compiled_kernel_is_the_recursion(kernel, depth, activation):
    if activation in ("gelu", "elu") and depth > 10:
        depth = 10  # supercritical with norm-preserving variances: deeper ones are too steep for polynomials
    architecture = Architecture(activation, depth)
    compiled = compiled_kernel(kernel, architecture)
    theta = np.concatenate([[0.0], np.geomspace(1e-8, 1, 500), np.linspace(1, np.pi, 500)])
    expected = kernels_at_angle(architecture, theta)[KERNELS.index(kernel)]
    np.testing.assert_allclose(
        evaluate_kernel(compiled, theta), expected, atol=(2e-14 + 2e-16 * depth) * compiled.at_zero
    )


def test_a_kernel_with_a_kink_does_not_compile():
    with pytest.raises(ValueError, match="degree above 64"):
        compile_kernel(lambda angle: np.abs(angle - 0.7), max_degree=64)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("normalise", "bias"), [(True, False), (True, True), (False, False), (False, True)])
@pytest.mark.parametrize(("depth", "slope"), [(1, 0.0), (4, 0.2)])
def test_gram_of_a_homogeneous_network_is_its_definition(kernel, normalise, bias, depth, slope):
    features = np.random.default_rng(0).standard_normal((130, 7)) * np.linspace(0.1, 5, 130)[:, None]
    features[1] = features[0]
    features[2] = -features[0]
    features[3] = features[0] * (1 + 1e-3) + 1e-7
    features[129] = features[64] + 1e-5
    arguments = {"kernel": kernel, "architecture": relu(depth, slope), "normalise": normalise, "bias": bias}
    gram = gram_matrix(features, **arguments)
    expected = reference_gram(features, **arguments)
    np.testing.assert_allclose(gram, expected, atol=3e-14 * np.abs(expected).max(), rtol=1e-13)
    np.testing.assert_array_equal(gram, gram.T)


def test_inputs_that_nearly_coincide_or_oppose_keep_their_digits():
    features = np.random.default_rng(0).standard_normal((2, 400))
    features[0] /= np.linalg.norm(features[0])
    features[1] -= features[0] * (features[0] @ features[1])
    features[1] = features[0] + 1e-6 * features[1] / np.linalg.norm(features[1])
    gram = gram_matrix(features, kernel="nngp", architecture=relu(1))
    angle = np.arctan(1e-6)
    # The scalar product alone would give the NTK an error of 1e-10 here.
    norm = np.hypot(1.0, 1e-6)
    assert gram[0, 1] == pytest.approx(norm * kernels_at_angle(relu(1), np.array(angle))[0], abs=4e-15)
    ntk = gram_matrix(features, kernel="ntk", architecture=relu(10))
    assert ntk[0, 1] == pytest.approx(norm * kernels_at_angle(relu(10), np.array(angle))[1], rel=1e-14)
    opposite = gram_matrix(features * [[1], [-1]], kernel="ntk", architecture=relu(1))
    assert opposite[0, 1] == pytest.approx(norm * kernels_at_angle(relu(1), np.pi - np.array(angle))[1], abs=2e-14)


def test_equal_rows_and_the_diagonal_are_exact():
    features = np.random.default_rng(1).standard_normal((5, 3))
    features[3] = features[1]
    gram = gram_matrix(features, kernel="ntk", architecture=relu(2), normalise=True, bias=False)
    np.testing.assert_array_equal(np.diag(gram), 3.0)
    assert gram[1, 3] == 3.0


@pytest.mark.parametrize("normalise", [True, False])
def test_a_zero_row_gives_zeros_and_a_nan_stays_in_its_row(normalise):
    features = np.random.default_rng(2).standard_normal((5, 3))
    features[1] = 0.0
    features[2, 0] = np.nan
    gram = gram_matrix(features, kernel="ntk", architecture=relu(1), normalise=normalise, bias=False)
    rest = [0, 3, 4]
    np.testing.assert_array_equal(gram[1, rest], 0.0)
    assert gram[1, 1] == 0.0
    assert np.isnan(gram[2]).all()
    assert np.isnan(gram[:, 2]).all()
    assert np.isfinite(gram[np.ix_(rest, rest)]).all()


def test_any_number_of_threads_gives_the_same_bits():
    features = np.random.default_rng(3).standard_normal((300, 20))
    arguments = {"kernel": "ntk", "architecture": relu(3), "normalise": True, "bias": True}
    np.testing.assert_array_equal(gram_matrix(features, **arguments), gram_matrix(features, **arguments, threads=3))


MATRICES = arrays(np.float64, st.tuples(st.integers(1, 12), st.integers(1, 4)), elements=st.floats(-10, 10, width=32))


@settings(max_examples=50, deadline=None)
@given(features=MATRICES, kernel=st.sampled_from(KERNELS), depth=st.integers(1, 6), slope=st.sampled_from([0.0, 0.3]))
def test_gram_is_symmetric_and_positive_semidefinite(features, kernel, depth, slope):
    gram = gram_matrix(features, kernel=kernel, architecture=relu(depth, slope), bias=True)
    np.testing.assert_array_equal(gram, gram.T)
    assert np.linalg.eigvalsh(gram)[0] >= -1e-13 * np.trace(gram)


@settings(max_examples=30, deadline=None)
@given(features=MATRICES, exponent=st.integers(-6, 6))
def test_the_kernel_is_homogeneous(features, exponent):
    scale = 2.0**exponent
    arguments = {"kernel": "ntk", "architecture": relu(2)}
    plain = gram_matrix(features, normalise=False, **arguments)
    np.testing.assert_allclose(
        gram_matrix(scale * features, normalise=False, **arguments), scale**2 * plain, rtol=1e-12, atol=1e-300
    )
    on_sphere = gram_matrix(features, normalise=True, **arguments)
    np.testing.assert_allclose(gram_matrix(scale * features, normalise=True, **arguments), on_sphere, atol=1e-13)


def test_eigenpairs_convention_and_accuracy():
    features = np.random.default_rng(4).standard_normal((120, 5))
    gram = gram_matrix(features, kernel="ntk", architecture=relu(1), normalise=True, bias=False)
    values, vectors = eigenpairs(gram.copy())
    assert (np.diff(values) <= 0).all()
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(120), atol=1e-13)
    np.testing.assert_allclose(vectors * (120 * values) @ vectors.T, gram, atol=1e-12)


def test_coefficients_of_an_eigenvector_and_parseval():
    rng = np.random.default_rng(5)
    features = rng.standard_normal((80, 3))
    gram = gram_matrix(features, kernel="nngp", architecture=relu(2), normalise=True, bias=True)
    _, vectors = eigenpairs(gram.copy())
    # phi_3 = sqrt(n) v_3 has the coefficient 1 on itself.
    np.testing.assert_allclose(squared_coefficients(vectors, np.sqrt(80) * vectors[:, 3]), np.eye(80)[3], atol=1e-13)
    targets = rng.standard_normal((80, 4))
    _, squared = eigen_coefficients(gram.copy(), targets)
    assert squared.sum() == pytest.approx(np.sum(targets**2) / 80)
    single = sum(eigen_coefficients(gram.copy(), targets[:, k])[1] for k in range(4))
    np.testing.assert_allclose(squared, single, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("n", [1, 2, 3, 90])
@pytest.mark.parametrize(("dtype", "error"), [(np.float64, 1e-13), (np.float32, 3e-6)])
def test_coefficients_without_eigenvectors_are_those_of_the_eigenvectors(n, dtype, error):
    rng = np.random.default_rng(6)
    factor, targets = rng.standard_normal((n, n)) / np.sqrt(n), rng.standard_normal((n, 3))
    gram = (factor @ factor.T).astype(dtype)
    values, vectors = eigenpairs(gram.astype(np.float64))
    found = EigenCoefficients(gram.copy())
    assert found.eigenvalues.dtype == dtype
    np.testing.assert_allclose(found.eigenvalues, values, atol=error)
    coefficients = found.of(targets)
    np.testing.assert_allclose(abs(coefficients), abs(vectors.T @ targets) / np.sqrt(n), atol=30 * error)
    # the sign is one per eigenvector
    between = coefficients[:, 0] * coefficients[:, 2]
    np.testing.assert_allclose(between, (vectors.T @ targets[:, 0]) * (vectors.T @ targets[:, 2]) / n, atol=60 * error)
    np.testing.assert_allclose(found.squared(targets), squared_coefficients(vectors, targets), atol=60 * error)
    np.testing.assert_allclose(found.squared(targets[:, 1]), coefficients[:, 1] ** 2, atol=60 * error)


@pytest.mark.parametrize("decompose", [eigenpairs, EigenCoefficients])
def test_a_nan_in_a_gram_is_refused(decompose):
    with pytest.raises(ValueError, match="infs or NaNs"):
        decompose(np.full((2, 2), np.nan))


GENERAL = ("identity", "relu", "leaky_relu(slope=0.2)", "abs", "sin", "cos", "erf", "gelu", "elu", "exp")


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("activation", GENERAL)
@pytest.mark.parametrize("depth", [1, 3])
def test_gram_of_any_network_between_any_inputs(kernel, activation, depth):
    features = np.random.default_rng(0).standard_normal((90, 7)) * np.linspace(0.1, 2, 90)[:, None]
    features[1], features[2], features[77] = features[0], -features[0], 0.0
    features[3] = features[0] * (1 + 1e-3) + 1e-7
    variance = 0.005 if activation == "exp" else 0.06  # small, for the ELU's closed form and the exponential's growth
    architecture = Architecture(activation, depth, None, 0.2, variance, output_bias_variance=0.1)
    for arguments in ((features,), (features[:40], features[30:])):
        gram = gram_matrix(*arguments, kernel=kernel, architecture=architecture)
        expected = reference_gram(*arguments, kernel=kernel, architecture=architecture)
        np.testing.assert_allclose(gram, expected, atol=3e-14 * np.abs(expected).max())


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("activation", [*GENERAL, "tanh"])
def test_gram_on_the_sphere(kernel, activation):
    features = np.random.default_rng(1).standard_normal((70, 5))
    architecture = Architecture(activation, 2, None, 0.2, 0.5)
    expected = reference_gram(features, kernel=kernel, architecture=architecture, normalise=True)
    size = np.abs(expected).max()
    arguments = {"kernel": kernel, "architecture": architecture, "normalise": True}
    np.testing.assert_allclose(gram_matrix(features, **arguments), expected, atol=3e-14 * size)
    single = gram_matrix(features, dtype="float32", **arguments)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, expected, atol=1e-6 * size)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(
    ("activation", "size"), [("tanh", 1.5), ("elu", 4.0), (SOFTPLUS, 1.0)], ids=["tanh", "elu", "own"]
)
def test_gram_of_a_dual_without_closed_form_between_inputs_of_any_norm(kernel, activation, size):
    features = np.random.default_rng(1).standard_normal((5, 4))
    features *= size * np.array([0.1, 0.5, 1.0, 1.0, 0.0])[:, None] / np.linalg.norm(features, axis=1, keepdims=True)
    features[3] = features[2] + 1e-7
    architecture = Architecture(activation, 2, 1.1, 0.1, output_bias_variance=0.1)
    gram = gram_matrix(features, kernel=kernel, architecture=architecture)
    expected = reference_gram(features, kernel=kernel, architecture=architecture)
    np.testing.assert_allclose(gram, expected, atol=3e-12 * np.abs(expected).max())
    (block,) = fully_connected(features, [(kernel, architecture)]).block(slice(0, 2), slice(2, 5))
    np.testing.assert_allclose(block, gram[:2, 2:], rtol=1e-13)


def test_cross_gram_is_a_block_of_the_whole():
    features = np.random.default_rng(2).standard_normal((150, 6))
    for architecture in (relu(3), Architecture("erf", 2, 1.5, 0.1), Architecture("relu", 2, 1.5, 0.1)):
        whole = gram_matrix(features, kernel="ntk", architecture=architecture)
        block = gram_matrix(features[:70], features[60:], kernel="ntk", architecture=architecture, threads=2)
        np.testing.assert_allclose(block, whole[:70, 60:], rtol=1e-13, atol=1e-13)
        tall = gram_matrix(features, features[:3], kernel="ntk", architecture=architecture)
        np.testing.assert_allclose(tall, whole[:, :3], rtol=1e-13, atol=1e-13)
    assert block[65, 5] == pytest.approx(whole[65, 65], rel=1e-14)


def test_all_depths_from_one_matrix_of_products():
    features = np.random.default_rng(3).standard_normal((80, 6))
    depths = (1, 2, 7)
    grams = gram_matrices(fully_connected(features, [("ntk", relu(depth)) for depth in depths], normalise=True))
    for depth, gram in zip(depths, grams, strict=True):
        np.testing.assert_array_equal(
            gram, gram_matrix(features, kernel="ntk", architecture=relu(depth), normalise=True)
        )


@pytest.mark.parametrize("size", [1e-150, 1e150])
def test_norms_of_any_size(size):
    features = np.random.default_rng(4).standard_normal((20, 6))
    plain = gram_matrix(features, kernel="ntk", architecture=relu(3))
    scaled = gram_matrix(size * features, kernel="ntk", architecture=relu(3))
    np.testing.assert_allclose(scaled / size / size, plain, rtol=1e-12)
    bounded = gram_matrix(size * features, kernel="nngp", architecture=Architecture("erf", 2, 1.5, 0.1))
    assert np.isfinite(bounded).all()


def test_too_steep_for_polynomials_goes_layer_by_layer():
    # erf far in the chaotic phase: after 100 layers, angles above 1e-10 are all alike
    features = np.random.default_rng(5).standard_normal((12, 4))
    architecture = Architecture("erf", 100, 3.0)
    gram = gram_matrix(features, kernel="nngp", architecture=architecture, normalise=True)
    expected = reference_gram(features, kernel="nngp", architecture=architecture, normalise=True)
    np.testing.assert_allclose(gram, expected, atol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"features": np.ones(3)}, r"shape \(n, d\)"),
        ({"features": np.eye(3), "other": np.eye(2)}, "3 and of 2 coordinates"),
        ({"features": np.eye(3), "architecture": Architecture("step")}, "'step' has no NTK"),
        (
            {"features": np.diag([1.0, 2.0]), "architecture": Architecture(STEP_AT_ONE, 1, 1.0)},
            "is the function smooth but for a kink at 0",
        ),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        gram_matrix(**({"kernel": "ntk", "architecture": relu(1)} | arguments))


def continued_relu(sine, depth):
    """The NTK of a ReLU network as an analytic function of s = sin(theta / 2), for complex s near [0, sqrt(1/2)]."""
    z, ntk = sine**2, 1 - 2 * sine**2
    for _ in range(depth):
        theta = 2 * np.arcsin(sine)
        following = z - (np.sin(theta) - theta * np.cos(theta)) / (2 * np.pi)
        ntk = (1 - 2 * following) + ntk * (1 - theta / np.pi)
        sine, z = sine * np.sqrt(following / z), following
    return ntk


def continued_erf(sine, depth):
    """The same for an erf network (Williams 1997)."""
    variance, gain = 1.0, Architecture("erf").hidden_variance
    nngp = ntk = 1 - 2 * sine**2
    for _ in range(depth):
        slope = 4 / np.pi / np.sqrt((1 + 2 * variance) ** 2 - 4 * nngp**2)
        nngp = gain * 2 / np.pi * np.arcsin(2 * nngp / (1 + 2 * variance))
        ntk = nngp + gain * slope * ntk
        variance = gain * 2 / np.pi * np.arcsin(2 * variance / (1 + 2 * variance))
    return ntk


@pytest.mark.parametrize(
    ("activation", "continued", "depth", "radius"),
    [("relu", continued_relu, depth, 3.3) for depth in (1, 3, 10)]
    + [("relu", continued_relu, 32, 2.35), ("relu", continued_relu, 128, 1.55)]
    + [("erf", continued_erf, 1, 3.0), ("erf", continued_erf, 3, 2.5), ("erf", continued_erf, 10, 1.8)],
)
def test_the_error_of_a_compiled_kernel_is_bounded_by_its_size_on_an_ellipse(activation, continued, depth, radius):
    # Bernstein: an interpolant of degree n errs by at most 4 M r^-n / (r - 1), with M the largest value on the ellipse of
    # radius r around the interval (Trefethen, Approximation Theory and Approximation Practice, theorem 8.2).
    architecture = Architecture(activation, depth)
    compiled = compiled_kernel("ntk", architecture)
    circle = radius * np.exp(2j * np.pi * np.arange(4096) / 4096)
    sine = np.sqrt(0.5) * (1 + (circle + 1 / circle) / 2) / 2
    largest = np.abs(continued(sine, depth)).max()
    inside = np.sqrt(0.5) * np.linspace(0.01, 1, 50)
    expected = kernels_at_angle(architecture, 2 * np.arcsin(inside))[1]
    np.testing.assert_allclose(continued(inside.astype(complex), depth), expected, atol=1e-12 * compiled.at_zero)
    degree = len(compiled.near) - 1
    assert 4 * largest * radius**-degree / (radius - 1) < 5e-11 * compiled.at_zero


@pytest.mark.parametrize("t", [1e-300, 1e-9, 1e-3, 0.3, 0.99, 1.0, 1.01, 2.0, 3.1])
def test_the_defect_of_a_rectifier_keeps_its_digits(t):
    with mpmath.workdps(700):
        exact = mpmath.sin(t) - t * mpmath.cos(t)
    assert _defect(t) == pytest.approx(float(exact), rel=4e-15, abs=0.0)
