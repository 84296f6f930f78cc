"""docs/activations.md, tried as written."""

import re
from dataclasses import replace

import numpy as np
import pytest

from initatlas.activations.base import ACTIVATIONS, activation_of
from initatlas.kernels.api import nngp, ntk
from initatlas.kernels.preserving import preactivation_preserving_variance, signal_preserving_variance
from initatlas.sweeps.registry import load_experiment


@pytest.fixture
def page(root):
    return (root / "docs/activations.md").read_text(encoding="utf-8")


@pytest.fixture
def arctan(page, add_component):
    """The file of the page, put where the page says."""
    (source,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    add_component(ACTIVATIONS, "arctan", source)


def test_the_table_names_every_activation(page):
    table = page[: page.index("## Weight variances")]
    assert all(f"`{name}" in table for name in ACTIVATIONS)


def test_the_table_of_variances_is_right(page):
    rows = [re.findall(r"\| ([\d.]+) (?=\|)", line) for line in page.splitlines() if "preserving_variance" in line]
    labels = ("relu", "gelu", "elu")
    ours = [
        [preactivation_preserving_variance(activation_of(label).dual) for label in labels],
        [signal_preserving_variance(label, rms=1.0) for label in labels],
    ]
    np.testing.assert_allclose([[float(cell) for cell in row] for row in rows], ours, atol=5e-4)


def test_the_class_of_the_page_works_in_kernels_networks_and_training(arctan):
    x = np.random.default_rng(0).standard_normal((4, 3))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    for kernel in (nngp, ntk):
        assert np.isfinite(kernel(x, activation="arctan", depth=2)).all()
    networks = load_experiment("signal_norms")
    (norms,) = networks.run(
        [networks.parameters(activation="arctan", weight_variance=2.0, width=30, input_dimension=30, signals=5)],
        [np.random.default_rng(1)],
        None,
    )
    assert np.isfinite(norms["norm_ratio"]).all()
    training = load_experiment("train_mlp")
    point = training.parameters(activation="arctan")
    assert training.seconds(point) > training.seconds(replace_activation(point, "relu"))


def replace_activation(point, label):
    """The same point with another activation."""
    return point.model_copy(update={"activation": label})


def test_the_class_of_the_page_trains(arctan):
    from initatlas.networks.training import NetworkSettings, TrainingSettings, train_networks

    settings = TrainingSettings(
        width=20,
        depth=2,
        activation="arctan",
        outputs=2,
        steps=60,
        batch_size=20,
        optimiser="sgd",
        momentum=0.0,
        evaluations=2,
        device="cpu",
    )
    network = NetworkSettings(weights="gaussian", weight_variance=2.0, bias_variance=0.0, learning_rate=0.3)
    rng = np.random.default_rng(2)
    x = rng.standard_normal((200, 5)).astype(np.float32)
    split = x, (x[:, 0] > 0).astype(np.int64)
    (record,) = train_networks(settings, [network], split, split, rngs=[rng])
    assert record.train_accuracy > 0.9
    deeper = replace(settings, depth=3)
    assert train_networks(deeper, [network], split, split, rngs=[rng])[0].norm_ratio.shape == (3,)
