"""The compiled training loop: its functions against double precision, its products, and training against PyTorch's."""

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
import torch
from numba import njit, types

from initatlas.networks import tile_products, training
from initatlas.networks.compiled_layers import (
    adapt_biases,
    descend_biases,
    fill_linear,
    fill_rectified,
    fill_tanh,
    roll_biases,
    softmax,
    turn,
)
from initatlas.networks.training import train_networks
from initatlas.networks.training_settings import LossName, NetworkSettings, Residual, TrainingSettings
from initatlas.networks.vector_functions import exponential
from initatlas.vectors import SINGLE, data, written

pytestmark = pytest.mark.usefixtures("one_thread")

SETTINGS = TrainingSettings(
    width=21,
    depth=3,
    activation="relu",
    outputs=3,
    steps=10,
    batch_size=13,
    optimiser="sgd",
    momentum=0.0,
    evaluations=3,
    device="cpu",
)


@written
def _exponentials(typing, x, out):
    """Exponentials of 16 numbers."""

    def write(context, builder, signature, values):
        source, target = (data(context, builder, *pair) for pair in zip(signature.args, values, strict=True))
        nothing = types.int64
        zero = context.get_constant(nothing, 0)
        SINGLE.store(builder, exponential(builder, SINGLE.load(builder, source, zero)), target, zero)
        return context.get_dummy_value()

    return types.void(x, out), write


@njit
def _all_exponentials(x, out):
    for row in range(len(x)):
        _exponentials(x[row], out[row])


@njit
def _tanh(x, out):
    fill_tanh(x, out, x.size)


@njit
def _softmax(x):
    softmax(x.ravel(), x.shape[0], x.shape[1])


@njit
def _turn(x, out):
    turn(x.ravel(), out.ravel(), 0, x.shape[0], x.shape[1])


@njit
def _linear(x, rows, parameters, out):
    fill_linear(x, rows, parameters, out, 0, rows.size, out.shape[1], parameters.size // out.shape[1] - 1)


@njit
def _rectified(x, rows, parameters, out):
    fill_rectified(x, rows, parameters, out, 0, rows.size, out.shape[1], parameters.size // out.shape[1] - 1)


def units_in_the_last_place(values, exact):
    """Largest distance from the exact values, in steps between neighbouring numbers in single precision."""
    return float((np.abs(values - exact) / np.spacing(np.abs(exact).astype(np.float32))).max())


def test_exponentials_are_within_one_unit_in_the_last_place():
    x = np.linspace(-87.2, 88.2, 1 << 16).astype(np.float32).reshape(-1, 16)
    out = np.empty_like(x)
    _all_exponentials(x, out)
    assert units_in_the_last_place(out, np.exp(x.astype(float))) < 1.0


def test_exponentials_far_out_are_zero_infinite_or_no_number():
    x = np.array([[-np.inf, -100, np.inf, 100, np.nan, 0.0, -0.0, 1.0] * 2], dtype=np.float32)
    out = np.empty_like(x)
    _all_exponentials(x, out)
    np.testing.assert_array_equal(out[0, :7], [0, 0, np.inf, np.inf, np.nan, 1, 1])


def test_tanh_is_within_one_and_a_half_units_in_the_last_place():
    x = np.concatenate([np.linspace(-12, 12, 1 << 16), np.geomspace(1e-30, 1, 1 << 14)]).astype(np.float32)
    out = np.empty_like(x)
    _tanh(x, out)
    assert units_in_the_last_place(out, np.tanh(x.astype(float))) < 1.5
    ends = np.array([np.inf, -np.inf, np.nan, 100, -100, 0, 0, 0] * 2, dtype=np.float32)
    _tanh(ends, ends)
    np.testing.assert_array_equal(ends[:6], [1, -1, np.nan, 1, -1, 0])


@pytest.mark.parametrize("columns", [16, 48])
def test_softmax_is_that_of_pytorch_and_without_the_padding(columns):
    x = np.random.default_rng(0).standard_normal((5, columns)).astype(np.float32) * 20
    x[:, columns - 6 :] = -np.inf
    expected = torch.softmax(torch.from_numpy(x), -1).numpy()
    _softmax(x)
    np.testing.assert_allclose(x, expected, rtol=1e-6, atol=1e-30)
    assert not x[:, columns - 6 :].any()


def test_a_matrix_is_transposed():
    x = np.random.default_rng(0).standard_normal((32, 48)).astype(np.float32)
    out = np.empty((48, 32), dtype=np.float32)
    _turn(x, out)
    np.testing.assert_array_equal(out, x.T)


@pytest.mark.parametrize("rows", [*range(1, 18)])
@pytest.mark.parametrize("columns", [16, 32, 48])
def test_a_layer_has_the_sums_of_its_rows_wherever_they_lie(rows, columns):
    rng = np.random.default_rng(rows)
    x = rng.standard_normal((40, 32)).astype(np.float32)
    weights = rng.standard_normal((33, columns)).astype(np.float32)
    chosen = rng.integers(40, size=rows)
    out, rectified = np.full((2, rows + 1, columns), 7.0, dtype=np.float32)
    _linear(x.ravel(), chosen * 32, weights.ravel(), out[:rows])
    expected = x[chosen].astype(float) @ weights[:-1] + weights[-1]
    np.testing.assert_allclose(out[:rows], expected, rtol=1e-4, atol=1e-4)
    assert (out[rows] == 7.0).all()
    _rectified(x.ravel(), chosen * 32, weights.ravel(), rectified[:rows])
    np.testing.assert_array_equal(rectified[:rows], np.maximum(out[:rows], 0))


def test_tiles_for_shorter_registers_give_the_same_bits(monkeypatch):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((23, 32)).astype(np.float32)
    weights = rng.standard_normal((33, 48)).astype(np.float32)
    wide, narrow = np.empty((2, 23, 48), dtype=np.float32)
    _linear(x.ravel(), np.arange(23) * 32, weights.ravel(), wide)
    monkeypatch.setattr(tile_products, "_ROWS", (4, 2, 1))
    monkeypatch.setattr(tile_products, "_VECTORS", 1)
    njit(_linear.py_func)(x.ravel(), np.arange(23) * 32, weights.ravel(), narrow)
    np.testing.assert_array_equal(narrow, wide)


@pytest.mark.parametrize("rows", [1, 4, 7])
@pytest.mark.parametrize("name", ["sgd", "momentum", "adam"])
def test_biases_take_the_sum_of_the_gradients(rows, name):
    update = {"sgd": descend_biases, "momentum": roll_biases, "adam": adapt_biases}[name]

    @njit
    def change(gradients, state):
        flat = gradients.ravel()
        rate, other = np.float32(0.5), np.float32(0.75)
        update(flat, state[0], state[1], state[2], 16, gradients.shape[1], gradients.shape[0], rate, other)

    rng = np.random.default_rng(rows)
    gradients = rng.standard_normal((rows, 32)).astype(np.float32)
    state = np.abs(rng.standard_normal((3, 48))).astype(np.float32)
    before, g = state.astype(float), gradients.sum(0, dtype=float)
    change(gradients, state)
    theta, first, second = before[:, 16:]
    if name == "sgd":
        expected = [theta - 0.5 * g, first, second]
    elif name == "momentum":
        velocity = 0.75 * first + 0.5 * g
        expected = [theta - velocity, velocity, second]
    else:
        mean, square = 0.9 * first + 0.1 * g, 0.999 * second + 0.001 * g**2
        expected = [theta - 0.5 * mean / (0.75 * np.sqrt(square) + 1e-8), mean, square]
    np.testing.assert_allclose(state[:, 16:], expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(state[:, :16], before[:, :16].astype(np.float32))


def _records(settings, *, seeds=(0, 1)):
    """Records of two networks on noise."""
    rng = np.random.default_rng(5)
    x, labels = rng.standard_normal((40, 19)).astype(np.float32), rng.integers(settings.outputs, size=40)
    y = labels if settings.loss == "cross_entropy" else np.eye(settings.outputs, dtype=np.float32)[labels]
    rate = 0.0003 if "sum" in settings.loss else 0.003
    networks = [NetworkSettings("gaussian", 1.5, 0.1, rate), NetworkSettings("uniform", 1.0, 0.2, rate / 2)]
    rngs = [np.random.default_rng(seed) for seed in seeds]
    return train_networks(settings, networks, (x, y), (x[:11], y[:11]), rngs=rngs)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu(slope=0.2)", "abs", "identity", "tanh"])
@pytest.mark.parametrize("residual", get_args(Residual))
@pytest.mark.parametrize("mirrored", [False, True])
def test_the_loop_trains_as_pytorch_does(monkeypatch, activation, residual, mirrored):
    """All losses, optimisers and kinds of layers; to the precision of single numbers after ten steps."""
    cases = [
        *(replace(SETTINGS, loss=loss) for loss in get_args(LossName)),
        replace(SETTINGS, momentum=0.8),
        replace(SETTINGS, optimiser="adam"),
        replace(SETTINGS, depth=0),
        replace(SETTINGS, outputs=17, width=50, batch_size=32),
    ]
    for case in cases:
        settings = replace(case, activation=activation, residual=residual, mirrored=mirrored)
        ours = _records(settings)
        with monkeypatch.context() as patch:
            patch.setattr(training, "loop_form", lambda activation: None)
            theirs = _records(settings)
        for one, other in zip(ours, theirs, strict=True):
            changes = [record.curve_train_loss[1:] - record.curve_train_loss[0] for record in (one, other)]
            np.testing.assert_allclose(*changes, rtol=1e-3, atol=1e-5, err_msg=str(settings))
            np.testing.assert_allclose(one.norm_ratio, other.norm_ratio, rtol=1e-5, err_msg=str(settings))
            assert one.test_loss == pytest.approx(other.test_loss, rel=5e-4)
            assert abs(changes[0][-1]) > 1e-3
