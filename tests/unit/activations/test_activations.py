"""Activations: each class against its own statements, against finite differences and against PyTorch."""

import numpy as np
import pytest
import torch

from initatlas.activations.base import ACTIVATIONS, activation_of
from initatlas.activations.leaky_relu import LeakyRelu
from initatlas.activations.relu import Relu
from initatlas.vocabulary import format_label, parse_label

LABELS = [
    *("identity", "relu", "leaky_relu(slope=0.2)", "abs", "step", "exp", "sin", "cos", "erf", "tanh", "elu", "gelu"),
    *(
        "softplus",
        "symlog",
        "swish(beta=1)",
        "swish(beta=3)",
        "hermite(degree=0)",
        "hermite(degree=2)",
        "hermite(degree=5)",
    ),
]
TRAINABLE = [label for label in LABELS if label != "step"]
Z = np.concatenate([np.linspace(-6, 6, 1001), [-30.0, 30.0]])


def test_equal_activations_share_a_dual():
    assert Relu().dual is Relu().dual is activation_of("relu").dual
    assert LeakyRelu(0.2).dual is activation_of("leaky_relu(slope=0.2)").dual is not LeakyRelu(0.3).dual


def test_every_activation_has_its_case():
    assert {parse_label(label)[0] for label in LABELS} == set(ACTIVATIONS)
    assert len(ACTIVATIONS) == 16


@pytest.mark.parametrize("label", LABELS)
def test_parameters_are_fields_and_a_title_is_there(label):
    activation = activation_of(label)
    name, parameters = parse_label(label)
    assert {key: getattr(activation, key) for key in activation.bounds} == parameters
    assert format_label(name, parameters) == label
    assert type(activation).__doc__
    assert activation.title == activation.title.strip()
    assert all(str(value).removesuffix(".0") in activation.title for value in parameters.values())
    assert activation_of(label) is activation


def test_titles_differ():
    assert len({activation_of(label).title for label in LABELS}) == len(LABELS)


@pytest.mark.parametrize("label", TRAINABLE)
def test_the_derivative_is_that_of_phi(label):
    activation, step = activation_of(label), 1e-5
    z = Z[(np.abs(Z) > 0.01) & (np.abs(Z) < 20)]
    difference = (activation.phi(z + step) - activation.phi(z - step)) / (2 * step)
    scale = 1 + np.abs(activation.phi(z))
    assert np.max(np.abs(activation.derivative(z) - difference) / scale) < 1e-7


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_precision_is_kept(label, dtype):
    z = np.array([-1.5, 0.0, 0.7], dtype=dtype)
    assert activation_of(label).phi(z).dtype == dtype
    assert activation_of(label).derivative(z).dtype == dtype


@pytest.mark.parametrize("label", LABELS)
def test_statements_hold(label):
    activation, values = activation_of(label), activation_of(label).phi(Z)
    mirrored = activation.phi(-Z)
    parity = 1 if np.allclose(mirrored, values, rtol=1e-12) else -1 if np.allclose(mirrored, -values, rtol=1e-12) else 0
    assert activation.parity == parity == activation.dual.parity
    slope = activation.rectifier_slope
    assert (slope is not None) == np.allclose(activation.phi(3 * Z), 3 * values) == (activation.dual.degree == 1)
    if slope is not None:
        np.testing.assert_array_equal(values, np.maximum(Z, slope * Z))
    assert activation.maps_zero_to_zero == (activation.phi(np.zeros(1))[0] == 0.0)
    assert bool(activation.undefined_derivative) is not activation.dual.differentiable


@pytest.mark.parametrize("label", LABELS)
def test_bounds_of_the_mean_square_and_of_derivatives(label):
    activation = activation_of(label)
    moments = np.array([float(activation.dual.moment(np.asarray(q))) for q in (1e-6, 0.1, 1.0, 10.0, 100.0)])
    if activation.largest_mean_square is not None:
        assert np.all(moments <= activation.largest_mean_square * (1 + 1e-12))
        assert moments.max() > 0.9 * activation.largest_mean_square
    else:
        assert moments[-1] > 2.0
    if activation.smooth_bounded:
        z = np.linspace(-200, 200, 400_001)
        slopes = activation.derivative(z)
        assert np.abs(activation.phi(z)).max() <= 1.0
        assert np.abs(slopes).max() < 1.2
        assert np.abs(np.gradient(slopes, z)).max() < 2.0


@pytest.mark.parametrize("label", TRAINABLE)
def test_pytorch_computes_the_same(label):
    activation, in_place = activation_of(label), activation_of(label).in_place()
    expected, slopes = activation.phi(Z), activation.derivative(Z)
    z = torch.from_numpy(Z.astype(np.float32))
    h = torch.empty_like(z) if in_place.needs_input else z
    in_place.apply(z, h)
    scale = 1e-5 * (1 + np.abs(expected))
    assert np.all(np.abs(h.numpy() - expected) <= scale)
    gradient = torch.full_like(z, -2.0)
    in_place.pull_back(gradient, z, h)
    inside = np.abs(Z) > 1e-9  # a kink takes one of its sides
    assert np.all(np.abs(gradient.numpy() + 2 * slopes)[inside] <= (4e-5 * (1 + np.abs(slopes)))[inside])


@pytest.mark.parametrize("label", TRAINABLE)
def test_pytorch_computes_an_entry_alike_wherever_it_stands(label):
    in_place = activation_of(label).in_place()

    def applied(z):
        z = z.clone()
        h = torch.empty_like(z) if in_place.needs_input else z
        in_place.apply(z, h)
        values, gradient = h.clone(), torch.ones_like(z)
        in_place.pull_back(gradient, z, h)
        return values, gradient

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    z = torch.randn(3 * 16 * 7, generator=torch.Generator().manual_seed(3)) * 2
    whole = applied(z)
    for count in (16, 48, 80):
        for part, all_of_it in zip(applied(z[:count]), whole, strict=True):
            assert torch.equal(part, all_of_it[:count])
    torch.set_num_threads(before)


def test_a_step_cannot_be_trained():
    with pytest.raises(ValueError, match="'step' cannot be trained: its derivative is a pulse at 0"):
        activation_of("step").in_place()


def test_the_step_is_zero_at_zero():
    assert activation_of("step").phi(np.array([-1.0, -0.0, 0.0, 1e-300])).tolist() == [0.0, 0.0, 0.0, 1.0]


def test_the_least_upper_bounds_of_the_mean_squares():
    """sin^2 and the step are at most 1/2 on average, cos^2 tends to 1 for small inputs, erf^2 and tanh^2 for large ones."""
    expected = {"step": 0.5, "sin": 0.5, "cos": 1.0, "erf": 1.0, "tanh": 1.0, "hermite(degree=0)": 1.0}
    found = {label: activation_of(label).largest_mean_square for label in LABELS}
    assert {label: bound for label, bound in found.items() if bound is not None} == expected


@pytest.mark.parametrize(("label", "slope"), [("relu", 0.0), ("leaky_relu(slope=0.2)", 0.2)])
def test_a_rectifier_has_the_slope_of_its_left_side_at_zero(label, slope):
    assert activation_of(label).derivative(np.array([-1.0, 0.0, 1.0])).tolist() == [slope, slope, 1.0]
