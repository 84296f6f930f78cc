"""Directions, norms and half-chords, from which every Gram matrix starts."""

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.polynomial import chebyshev

from initatlas.duals.univariate import ROOT_HALF, UnivariateKernel
from initatlas.kernels.chords import angles_of_chords, chords_between, upper_chords
from initatlas.kernels.inputs import prepare_inputs
from initatlas.kernels.polynomials import fill_polynomials, polynomial_forms
from initatlas.kernels.tiles import EVERYTHING, in_bands, mirror_upper

PLAIN = {"normalise": False, "bias": False}


def at_angle(angle, dimension=50, *, seed=0):
    """Two unit vectors at an angle."""
    basis, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((dimension, 2)))
    return np.stack([basis[:, 0], np.cos(angle) * basis[:, 0] + np.sin(angle) * basis[:, 1]])


def exact_chord(u, v):
    """The definition in 50 digits, for directions that are unit only up to rounding."""
    with mpmath.workdps(50):
        u, v = mpmath.matrix(u.tolist()), mpmath.matrix(v.tolist())
        u, v = u / mpmath.norm(u), v / mpmath.norm(v)
        near, far = mpmath.norm(u - v) / 2, mpmath.norm(u + v) / 2
        return float(near if near <= far else -far)


@pytest.mark.parametrize("angle", [1e-12, 1e-8, 1e-5, 1e-3, 0.03, 0.0626, 0.5, 1.5, 1.6, 3.0, 3.1, np.pi - 1e-8])
def test_half_chords_keep_their_digits(angle):
    unit = prepare_inputs(at_angle(angle), **PLAIN).unit
    assert upper_chords(unit)[0, 1] == pytest.approx(exact_chord(*unit), rel=1e-12, abs=3e-16)
    assert chords_between(unit[:1], unit[1:])[0, 0] == pytest.approx(upper_chords(unit)[0, 1], rel=1e-14)


@settings(max_examples=40, deadline=None)
@given(angle=st.floats(0, np.pi), seed=st.integers(0, 99))
def test_half_chords_and_angles_belong_together(angle, seed):
    unit = prepare_inputs(at_angle(angle, seed=seed), **PLAIN).unit
    assert angles_of_chords(upper_chords(unit))[0, 1] == pytest.approx(angle, rel=1e-12, abs=1e-15)


def test_equal_and_opposite_rows_are_told_apart_by_the_sign_of_zero():
    row = np.random.default_rng(1).standard_normal(7)
    for dtype in ("float64", "float32"):
        unit = prepare_inputs(np.stack([row, 3 * row, -row]), **PLAIN, dtype=dtype).unit
        chords = upper_chords(unit)
        np.testing.assert_array_equal(np.diag(chords), 0.0)
        assert not np.signbit(np.diag(chords)).any()
        assert chords[0, 2] == 0.0
        assert np.signbit(chords[0, 2])
        np.testing.assert_array_equal(angles_of_chords(np.array([0.0, -0.0])), [0.0, np.pi])


def test_chords_do_not_depend_on_threads_and_a_nan_stays_in_its_row():
    features = np.random.default_rng(2).standard_normal((600, 5))
    features[3, 2] = np.nan
    unit = prepare_inputs(features, **PLAIN).unit
    alone, together = (np.triu(upper_chords(unit, threads)) for threads in (1, 3))
    np.testing.assert_array_equal(alone, together)
    assert np.isnan(alone[3, 3:]).all()
    assert np.isnan(alone[:4, 3]).all()
    assert np.isfinite(np.delete(np.delete(alone, 3, 0), 3, 1)).all()


ROWS = arrays(np.float64, st.tuples(st.integers(1, 6), st.integers(1, 9)), elements=st.floats(-5, 5, width=32))


@settings(max_examples=60, deadline=None)
@given(rows=ROWS, normalise=st.booleans(), bias=st.booleans())
def test_directions_and_norms_are_those_of_the_definition(rows, normalise, bias):
    norms = np.linalg.norm(rows, axis=1)
    wanted = rows / np.where(norms > 0, norms, 1)[:, None] if normalise else rows
    wanted = np.column_stack([wanted, np.ones(len(rows))]) if bias else wanted
    inputs = prepare_inputs(rows, normalise=normalise, bias=bias)
    np.testing.assert_allclose(inputs.unit * inputs.norms[:, None], wanted, rtol=1e-14, atol=1e-300)
    unit = np.linalg.norm(inputs.unit, axis=1)
    np.testing.assert_allclose(unit[inputs.norms > 0], 1.0, rtol=1e-14)
    assert inputs[1:3].unit.shape[0] == inputs[1:3].norms.size == min(2, max(len(rows) - 1, 0))


@pytest.mark.parametrize("size", [5e-324, 1e-310, 1e-200, 1.0, 1e200, 1.7e308])
def test_no_norm_overflows_or_vanishes_before_it_must(size):
    inputs = prepare_inputs(np.array([[size, 0.0, -size], [0.0, size, 0.0]]), **PLAIN)
    np.testing.assert_allclose(inputs.unit, [[ROOT_HALF, 0, -ROOT_HALF], [0, 1, 0]], rtol=1e-15)
    assert inputs.norms[1] == size


@pytest.mark.parametrize("rows", [np.arange(6).reshape(2, 3), [[1, 2], [3, 4]], np.ones((2, 3), np.float16)])
def test_numbers_of_any_type_are_taken(rows):
    inputs = prepare_inputs(rows, **PLAIN)
    np.testing.assert_allclose(inputs.unit * inputs.norms[:, None], np.asarray(rows, float), rtol=1e-14)


def test_rows_in_any_order_of_memory_and_none_at_all():
    rows = np.random.default_rng(3).standard_normal((4, 6))
    np.testing.assert_array_equal(
        prepare_inputs(np.asfortranarray(rows), **PLAIN).unit, prepare_inputs(rows, **PLAIN).unit
    )
    assert upper_chords(prepare_inputs(np.ones((0, 3)), **PLAIN).unit).shape == (0, 0)


@pytest.mark.parametrize("degree", [0, 1, 7, 8, 9, 23, 24, 25, 40, 100])
@pytest.mark.parametrize("slow", [False, True])
def test_polynomials_are_their_series(degree, slow):
    rng = np.random.default_rng(degree)
    decay = 1.0 if slow else 0.1 ** np.arange(degree + 1)  # powers where it converges fast, Chebyshev polynomials else
    kernel = UnivariateKernel(*(rng.standard_normal((2, degree + 1)) * decay), at_zero=7.0)
    chords = rng.uniform(-ROOT_HALF, ROOT_HALF, (5, 600))
    chords[0] = np.abs(chords[0])
    chords[1] = -np.abs(chords[1])
    chords[2, :2] = 0.0, -0.0
    out, scales = np.full_like(chords, np.nan), (rng.random(5), rng.random(600))
    fill_polynomials(chords, out, *scales, polynomial_forms(kernel, chords.dtype), 0.5, EVERYTHING)
    near, far = (chebyshev.chebval(np.abs(chords) * 2 / ROOT_HALF - 1, series) for series in (kernel.near, kernel.far))
    values = np.where(np.signbit(chords), far, near)
    values[2, 0] = kernel.at_zero
    size = np.abs(kernel.near).sum() + np.abs(kernel.far).sum()
    np.testing.assert_allclose(out, np.outer(*scales) * values + 0.5, atol=2e-14 * size)
    in_place = chords.copy()
    fill_polynomials(in_place, in_place, *scales, polynomial_forms(kernel, chords.dtype), 0.5, 3)
    for i in range(5):
        np.testing.assert_array_equal(in_place[i, : i + 3], chords[i, : i + 3])
        np.testing.assert_array_equal(in_place[i, i + 3 :], out[i, i + 3 :])


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("n", [1, 2, 256, 257, 700])
def test_the_upper_triangle_is_mirrored(n, threads):
    matrix = np.arange(n * n, dtype=np.float32).reshape(n, n)
    expected = np.triu(matrix) + np.triu(matrix, 1).T
    mirror_upper(matrix, threads)
    np.testing.assert_array_equal(matrix, expected)


def test_bands_cover_every_row_once():
    bands = []
    in_bands(lambda start, stop: bands.append((start, stop)), 700, threads=1)
    assert [row for start, stop in bands for row in range(start, stop)] == list(range(700))
