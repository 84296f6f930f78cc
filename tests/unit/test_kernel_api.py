"""NNGP and NTK as functions of plain arrays."""

import doctest
from math import pi

import numpy as np
import pytest

from initatlas.duals.numerical import Numerical
from initatlas.kernels import api
from initatlas.kernels.api import nngp, ntk


def test_examples():
    assert doctest.testmod(api).failed == 0


def test_defaults_are_one_hidden_relu_layer():
    x = np.random.default_rng(0).standard_normal((5, 3))
    norms = np.linalg.norm(x, axis=1)
    u = np.clip(x @ x.T / np.outer(norms, norms), -1, 1)
    k0, k1 = (pi - np.arccos(u)) / pi, (np.sqrt(1 - u**2) + u * (pi - np.arccos(u))) / pi
    np.testing.assert_allclose(nngp(x), np.outer(norms, norms) * k1, rtol=1e-7)
    np.testing.assert_allclose(ntk(x), np.outer(norms, norms) * (k1 + u * k0), rtol=1e-7)


def test_options_and_shapes():
    x, y = np.eye(3), np.ones(3)
    assert ntk(x, y, depth=3, activation="erf", weight_variance=1.5, bias_variance=0.1).shape == (3, 1)
    assert nngp([1, 2, 3]).shape == (1, 1)
    assert nngp(x, dtype="float32", normalise=True).dtype == np.float32


def test_an_activation_of_ones_own():
    softplus = Numerical(lambda z: np.logaddexp(0, z), lambda z: 1 / (1 + np.exp(-z)))
    x = np.array([[1.0, 0.0], [0.6, 0.8]])
    ours = nngp(x, activation=softplus, weight_variance=1.0)
    u, v = np.random.default_rng(0).standard_normal((2, 400_000))
    products = np.logaddexp(0, u) * np.logaddexp(0, 0.6 * u + 0.8 * v)
    assert abs(products.mean() - ours[0, 1]) < 4 * products.std() / np.sqrt(u.size)


@pytest.mark.parametrize(
    ("x", "options", "message"),
    [
        ([[1.0, np.nan], [1.0, 2.0]], {}, r"x: row 0 is not finite \(1 such rows\)"),
        (np.ones((2, 2, 2)), {}, r"x must be real numbers of shape \(n, d\)"),
        (["a"], {}, "x must be real numbers"),
        (np.eye(2), {"weight_variance": -1.0}, "weight_variance must be finite and not negative"),
        (np.eye(2), {"activation": "mish"}, "'mish' does not exist"),
    ],
)
def test_mistakes_get_one_clear_line(x, options, message):
    with pytest.raises(ValueError, match=message):
        ntk(x, **options)
