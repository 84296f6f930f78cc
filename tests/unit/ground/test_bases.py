"""Coordinates of vectors in a basis of their span."""

import numpy as np
import pytest

from initatlas.bases import coordinates

VECTORS = np.random.default_rng(1).standard_normal((9, 60))
VECTORS[3] = VECTORS[0]
VECTORS[5] = 0.0
VECTORS[6] = VECTORS[1] - 2.0 * VECTORS[2]


@pytest.mark.parametrize(("precision", "error"), [(np.float32, 2e-6), (np.float64, 1e-13)])
def test_scalar_products_are_kept_also_of_dependent_vectors(precision, error):
    vectors = VECTORS.astype(precision)
    found = coordinates(vectors)
    assert found.shape == (9, 9)
    assert found.dtype == precision
    found, vectors = found.astype(float), vectors.astype(float)
    np.testing.assert_allclose(found @ found.T, vectors @ vectors.T, atol=60 * error)


def test_equal_vectors_have_equal_coordinates():
    found = coordinates(VECTORS.astype(np.float32))
    np.testing.assert_allclose(found[3], found[0], atol=1e-14)
    assert not found[5].any()


@pytest.mark.parametrize(("angle", "error"), [(1e-3, 1e-3), (1e-5, 1e-2)])
def test_small_angles_are_kept(angle, error):
    """In a basis whose first vector is the first of the pair, the other one's second coordinate is the distance."""
    x, y = np.eye(2, 50, dtype=np.float32)
    found = coordinates(np.stack([x, x + np.float32(angle) * y])).astype(float)
    assert abs(found[1, 1]) == pytest.approx(angle, rel=error)
