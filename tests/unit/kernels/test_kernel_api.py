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


X = np.eye(2)


@pytest.mark.parametrize(
    ("x", "options", "message"),
    [
        ([[1.0, np.nan], [1.0, 2.0]], {}, r"x: row 0 is not finite \(1 such rows\)"),
        (np.ones((2, 2, 2)), {}, r"x must be real numbers of shape \(n, d\)"),
        (["a"], {}, "x must be real numbers"),
        (X, {"weight_variance": -1.0}, "weight_variance = -1.0: give a finite number of 0 or more"),
        (X, {"output_bias_variance": np.inf}, "output_bias_variance = inf: give a finite number"),
        ([[1.0, 2.0], [3.0]], {}, "^x must be real numbers .*, got rows of unequal lengths$"),
        ([], {}, r"with at least one coordinate, got float64 of shape \(1, 0\)"),
        (X, {"activation": "mish"}, "^activation = 'mish': 'mish' does not exist; allowed: abs, cos"),
        (X, {"activation": "ReLU"}, r"^activation = 'ReLU': 'ReLU' does not exist \(did you mean 'relu'\?\)"),
        (X, {"activation": "relu?"}, r"^activation = 'relu\?': 'relu\?' is not of the form .*; allowed: abs"),
        (X, {"depth": -1}, "depth = -1: give a whole number from 0 to 20000"),
        (X, {"depth": 20001}, "depth = 20001: give a whole number from 0 to 20000"),
        (X, {"threads": 0}, "threads = 0: give a whole number of 1 or more"),
        (X, {"dtype": "int32"}, "dtype = 'int32': give 'float64' or 'float32'"),
        (X, {"dtype": "float16"}, "dtype = 'float16': give"),
        (X, {"dtype": None}, "dtype = None: give"),
        (X, {"dtype": "double precision"}, "dtype = 'double precision': give"),
    ],
)
def test_mistakes_get_one_clear_line(x, options, message):
    for kernel in (nngp, ntk):
        with pytest.raises(ValueError, match=message):
            kernel(x, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"depth": 2.0}, "depth = 2.0: give a whole number from 0 to 20000"),
        ({"depth": True}, "depth = True: give a whole number"),
        ({"depth": "2"}, "depth = '2': give a whole number"),
        ({"threads": 1.5}, "threads = 1.5: give a whole number of 1 or more"),
        ({"weight_variance": "2"}, "weight_variance = '2': give a finite number of 0 or more"),
        ({"bias_variance": None}, "bias_variance = None: give a finite number of 0 or more"),
        ({"input_variance": True}, "input_variance = True: give a finite number"),
        (
            {"activation": np.tanh},
            r"activation = <ufunc 'tanh'>: give a label \(abs, .*\), or a dual; .*Numerical\(function",
        ),
        ({"activation": None}, "activation = None: give a label"),
        ({"normalise": "no"}, "normalise = 'no': give True or False"),
        ({"normalise": 1}, "normalise = 1: give True or False"),
        ({"deph": 3}, r"\(\) has no argument 'deph' \(did you mean 'depth'\?\); it has: x, y, depth, activation"),
    ],
)
def test_arguments_of_another_type(options, message):
    for kernel in (nngp, ntk):
        with pytest.raises(TypeError, match=message):
            kernel(X, **options)


def test_numbers_of_numpy_are_numbers():
    given = {"depth": np.int64(2), "weight_variance": np.float32(2.0), "normalise": np.True_, "dtype": np.float32}
    found = ntk(X, **given, threads=np.int32(2))
    np.testing.assert_array_equal(found, ntk(X, depth=2, normalise=True, dtype="float32"))


def test_inputs_stay_as_they_are_unless_they_are_to_be_normalised():
    np.testing.assert_allclose(ntk(3.0 * X), 9.0 * ntk(X), rtol=1e-14)
    np.testing.assert_allclose(ntk(3.0 * X, normalise=True), ntk(X), rtol=1e-14)


BIG = [[1e200, 0.0], [1e200, 2e200]]
MIXED = [[1.0, 0.0], [1.0, 2.0]]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("x", "options", "message"),
    [
        (
            X,
            {"activation": "exp", "depth": 50, "weight_variance": 1.0},
            r"layer 4 of 50: .* overflows \(up to 2.62e\+06 in layer 3, weight_variance 1, bias",
        ),
        (MIXED, {"activation": "exp", "depth": 50, "weight_variance": 1.0}, r"layer 3 of 50: .* \(up to .* in layer 2"),
        (
            X,
            {"activation": "exp", "depth": 3, "weight_variance": 1.0},
            r"^the output layer: .* in layer 3, output_weight_variance 1,",
        ),
        (MIXED, {"activation": "gelu", "depth": 1000, "weight_variance": 8.0}, r"layer 51\d of 1000"),
        (MIXED, {"bias_variance": 0.1, "depth": 2000, "weight_variance": 8.0}, "layer 512 of 2000"),
        (
            X,
            {"depth": 2000, "weight_variance": 8.0},
            "depth 2000: weight_variance 8 is 4 times the norm-preserving one; take",
        ),
        (
            BIG,
            {},
            r"the largest inputs \(norm 2.24e\+200\) is about inf, and float64 ends at 1.8e\+308; take smaller inputs",
        ),
        (BIG, {"activation": "erf"}, r"layer 1 of 1: .* \(squared norms up to inf, input_variance 1"),
        (BIG, {"bias_variance": 0.1}, "layer 1 of 1"),
        (BIG, {"activation": "tanh"}, "layer 1 of 1"),
        ([[1e100, 0.0], [0.0, 2e100]], {"activation": "tanh"}, "beyond a table of the dual"),
        (
            [[1e25, 0.0], [0.0, 2e25]],
            {"dtype": "float32"},
            r"\(norm 2e\+25\) is about .*e\+50, and float32 ends at",
        ),
        (MIXED, {"dtype": "float32", "depth": 100, "weight_variance": 8.0, "bias_variance": 0.1}, "take dtype float64"),
        (X, {"dtype": "float32", "output_bias_variance": 1e40}, r"about 1e\+40"),
    ],
)
def test_what_cannot_be_held_is_refused_in_one_line(x, options, message):
    for kernel in (nngp, ntk):
        with pytest.raises(ValueError, match=message) as caught:
            kernel(x, **options)
        assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("x", [X, MIXED])
def test_gradients_that_grow_concern_the_ntk_alone(x):
    chaotic = {"activation": "erf", "depth": 3000, "weight_variance": 3.0}
    assert np.isfinite(nngp(x, **chaotic)).all()
    with pytest.raises(ValueError, match=r"the NTK of 3000 layers overflows \(weight_variance 3,|is about inf"):
        ntk(x, **chaotic)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("x", "options"),
    [
        (BIG, {"normalise": True}),
        (BIG, {"activation": "step"}),
        (np.array(BIG) / 1e50, {"bias_variance": 0.1}),
        ([[1e18, 0.0], [0.0, 2e18]], {"dtype": "float32"}),
        (X, {"activation": "exp", "depth": 50, "weight_variance": 0.1, "normalise": True}),
    ],
)
def test_what_can_be_held_is_not_refused(x, options):
    assert np.isfinite(nngp(x, **options)).all()
