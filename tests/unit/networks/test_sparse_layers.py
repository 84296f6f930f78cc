"""Inputs that are mostly background: what is kept of them, and that networks learn from them as from any others."""

from dataclasses import astuple, replace

import numpy as np
import pytest
from numba import njit

from initatlas.networks import inputs, sparse_layers, training
from initatlas.networks.inputs import make_inputs
from initatlas.networks.sparse_layers import fill_sparse
from initatlas.networks.training import train_networks
from initatlas.networks.training_settings import NetworkSettings, TrainingSettings

pytestmark = pytest.mark.usefixtures("one_thread")

SETTINGS = TrainingSettings(
    width=21,
    depth=2,
    activation="relu",
    outputs=3,
    steps=8,
    batch_size=13,
    optimiser="sgd",
    momentum=0.0,
    evaluations=2,
    device="cpu",
)
CASES = {
    "rectifier": SETTINGS,
    "tanh": replace(SETTINGS, activation="tanh"),
    "no hidden layer": replace(SETTINGS, depth=0),
    "momentum": replace(SETTINGS, momentum=0.8),
    "adam": replace(SETTINGS, optimiser="adam"),
    "mirrored": replace(SETTINGS, mirrored=True, residual="plain"),
    "more than a word": replace(SETTINGS, width=80, batch_size=70),
}


def pictures(n: int, features: int = 150, present: float = 0.1) -> np.ndarray:
    """Dark spots on a light ground, and light ones on a dark ground in the second half of the features."""
    rng = np.random.default_rng(n)
    x = np.abs(rng.standard_normal((n, features))) * (rng.random((n, features)) < present)
    x[:, features // 2 :] *= -1.0
    return (x - 0.4).astype(np.float32)


def test_background_and_differences_make_the_inputs():
    x = np.pad(pictures(90), ((0, 0), (0, 10)))
    found = make_inputs(x)
    differs = found.numbers != 0.0
    np.testing.assert_allclose(found.numbers + found.background, x, atol=1e-7)
    assert differs.mean() < 0.11
    bits = np.unpackbits(found.masks.view(np.uint8), axis=1, bitorder="little")
    np.testing.assert_array_equal(bits[:, :160], differs)
    assert not bits[:, 160:].any()
    np.testing.assert_array_equal(found.marks, differs.reshape(90, 40, 4).any(2))
    some = found.taken(slice(3, 5))
    np.testing.assert_array_equal(some.masks, found.masks[3:5])
    assert some.background is found.background


def test_inputs_without_background_are_taken_whole():
    x = np.random.default_rng(0).standard_normal((50, 16)).astype(np.float32)
    found = make_inputs(x)
    np.testing.assert_array_equal(found.numbers, x)
    assert found.masks.shape == (50, 0)
    assert not found.background.any()


@pytest.mark.parametrize("name", CASES)
def test_networks_learn_from_them_as_by_pytorch(monkeypatch, name):
    settings = CASES[name]
    assert make_inputs(pictures(200)[:, :144]).masks.shape[1] == 3
    ours = _records(settings)
    with monkeypatch.context() as patch:
        patch.setattr(training, "loop_form", lambda activation: None)
        theirs = _records(settings)
    for one, other in zip(ours, theirs, strict=True):
        changes = [record.curve_train_loss[1] - record.curve_train_loss[0] for record in (one, other)]
        assert changes[0] == pytest.approx(changes[1], rel=1e-3)
        assert abs(changes[0]) > 1e-3
        assert one.test_loss == pytest.approx(other.test_loss, rel=1e-4)
        np.testing.assert_allclose(one.norm_ratio, other.norm_ratio, rtol=1e-5)


def test_whether_background_is_left_out_hardly_shows(monkeypatch):
    sparse = _records(SETTINGS)
    monkeypatch.setattr(inputs, "_MOST_MARKED", -1.0)
    for one, other in zip(sparse, _records(SETTINGS), strict=True):
        np.testing.assert_allclose(one.curve_train_loss, other.curve_train_loss, rtol=1e-5)


def test_networks_do_not_depend_on_their_companions():
    together = _records(SETTINGS)
    alone = [_records(SETTINGS, only=index)[0] for index in range(2)]
    for one, other in zip(together, alone, strict=True):
        for a, b in zip(astuple(one), astuple(other), strict=True):
            assert np.asarray(a).tobytes() == np.asarray(b).tobytes()


def test_tiles_of_other_sizes_give_the_same_bits(monkeypatch):
    found, weights = make_inputs(pictures(23, 80)), np.random.default_rng(1).standard_normal((80, 48))
    chosen = np.arange(23)[::-1].copy()
    filled = []
    for rows, vectors in ((4, 4), (2, 1)):
        monkeypatch.setattr(sparse_layers, "_ROWS", rows)
        monkeypatch.setattr(sparse_layers, "_VECTORS", vectors)

        @njit
        def fill(numbers, masks, chosen, shared, weights, out):
            fill_sparse(
                *(numbers, chosen * 80, masks, chosen, shared, weights, out, np.int64(23), np.int64(48), np.int64(2)),
            )

        out = np.empty((23, 48), dtype=np.float32)
        fill(found.numbers.ravel(), found.masks, chosen, np.zeros(48, np.float32), weights.astype(np.float32), out)
        filled.append(out)
    np.testing.assert_allclose(filled[0], found.numbers[chosen] @ weights, atol=1e-5)
    np.testing.assert_array_equal(*filled)


def _records(settings: TrainingSettings, *, only: int | None = None) -> list[training.NetworkRecord]:
    """Of two networks, or of one of them."""
    x, labels = pictures(200), np.random.default_rng(2).integers(settings.outputs, size=200)
    networks = [NetworkSettings("gaussian", 1.5, 0.1, 0.02), NetworkSettings("uniform", 1.0, 0.2, 0.01)]
    rngs = [np.random.default_rng(seed) for seed in range(2)]
    wanted = slice(None) if only is None else slice(only, only + 1)
    return train_networks(settings, networks[wanted], (x, labels), (x[:11], labels[:11]), rngs=rngs[wanted])
