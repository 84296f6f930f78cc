"""docs/conventions.md: each translation, followed through a computation of its own."""

from math import pi, sqrt

import numpy as np
import pytest
import torch

from initatlas.kernels.api import nngp, ntk
from initatlas.networks.forward import RandomNetwork, forward_signals

RNG = np.random.default_rng(4)
X = RNG.standard_normal((5, 7))


def relu_dual(k, p, q):
    """E[relu(u) relu(v)] and E[relu'(u) relu'(v)], as Cho and Saul 2009 have them."""
    cosine = np.clip(k / np.sqrt(p * q), -1, 1)
    angle = np.arccos(cosine)
    return np.sqrt(p * q) * (np.sin(angle) + (pi - angle) * cosine) / (2 * pi), (pi - angle) / (2 * pi)


def dense_relu_dense(x, *, weight_std, bias_std, activations):
    """Both kernels of `stax.serial(Dense(W, b), Relu(), ..., Dense(W, b))` in the NTK parametrisation, layer by layer."""
    a, b = weight_std**2, bias_std**2
    covariance = a * x @ x.T / x.shape[1] + b
    tangent = covariance.copy()
    for _ in range(activations):
        p = np.diag(covariance)
        dual, slope = relu_dual(covariance, p[:, None], p[None, :])
        covariance, tangent = a * dual + b, a * dual + b + a * slope * tangent
    return covariance, tangent


@pytest.mark.parametrize("depth", [1, 3])
def test_neural_tangents(depth):
    w, b, d = 1.3, 0.4, X.shape[1]
    expected = dense_relu_dense(X, weight_std=w, bias_std=b, activations=depth)
    law = {
        "weight_variance": w**2,
        "bias_variance": b**2,
        "input_variance": w**2 / d,
        "output_bias_variance": b**2,
    }
    # arccos of a diagonal's cosine is right to 1e-8 alone, in the recursion above
    np.testing.assert_allclose(nngp(X, depth=depth, **law), expected[0], rtol=1e-7)
    np.testing.assert_allclose(ntk(X, depth=depth, **law), expected[1], rtol=1e-7)


def test_pytorch_standard_deviation():
    d, width, std = X.shape[1], 20_000, 0.25
    generator = torch.Generator().manual_seed(0)
    first = torch.empty(width, d, dtype=torch.float64)
    torch.nn.init.normal_(first, std=std, generator=generator)
    hidden = torch.relu(torch.from_numpy(X) @ first.T)
    empirical = (hidden @ hidden.T / width).numpy()
    expected = nngp(X, input_variance=std**2, output_weight_variance=1.0)
    np.testing.assert_allclose(empirical, expected, rtol=0.1, atol=0.01)


def test_pytorch_kaiming_and_the_default_of_linear():
    weight = torch.empty(3000, 50)
    torch.nn.init.kaiming_normal_(weight, generator=torch.Generator().manual_seed(1))
    assert float(weight.var()) * 50 == pytest.approx(2.0, rel=0.02)
    torch.manual_seed(2)
    linear = torch.nn.Linear(50, 3000)
    assert float(linear.weight.detach().var()) * 50 == pytest.approx(1 / 3, rel=0.02)
    assert float(linear.weight.detach().abs().max()) == pytest.approx(sqrt(1 / 50), rel=0.01)
    assert float(linear.bias.detach().var()) * 50 == pytest.approx(1 / 3, rel=0.1)


def test_daniely2016():
    # The dual of the normalised ReLU, composed: (sqrt(1 - rho^2) + (pi - acos rho) rho) / pi.
    unit = X / np.linalg.norm(X, axis=1, keepdims=True)
    rho = np.clip(unit @ unit.T, -1, 1)
    for _ in range(2):
        rho = (np.sqrt(1 - rho**2) + (pi - np.arccos(rho)) * rho) / pi
        rho = np.clip(rho, -1, 1)
    np.testing.assert_allclose(nngp(X, depth=2, normalise=True), rho, atol=1e-7)


@pytest.mark.parametrize("fan", ["in", "out"])
def test_fan_in_and_fan_out_differ_in_the_first_layer_alone(fan):
    inputs, width, rng = np.ones((1, 100)), 4000, np.random.default_rng(0)
    network = RandomNetwork("identity", "gaussian", 1.0, depth=2, width=width, fan=fan)
    first, second = forward_signals(inputs, network, rng=rng, dtype=np.float64)
    assert np.mean(first**2) == pytest.approx(1.0 if fan == "in" else 100 / width, rel=0.15)
    assert np.mean(second**2) / np.mean(first**2) == pytest.approx(1.0, rel=0.15)


def test_jacot2018():
    # One hidden layer, all weights standard normal: E[relu relu] of <x, y> / d + beta^2, and the NTK that trains all of it.
    d, beta = X.shape[1], 0.3
    expected = dense_relu_dense(X, weight_std=1.0, bias_std=beta, activations=1)
    law = {"weight_variance": 1.0, "bias_variance": beta**2, "input_variance": 1 / d, "output_bias_variance": beta**2}
    np.testing.assert_allclose(ntk(X, **law), expected[1], rtol=1e-7)


def test_chen2024():
    # (1 / sqrt m) sum a_j relu(<w_j, x> + b_j), standard normal a, w and b: gradients in all of them.
    m, rng = 400_000, np.random.default_rng(5)
    unit = X / np.linalg.norm(X, axis=1, keepdims=True)
    lifted = np.hstack([unit, np.ones((len(unit), 1))])
    w, a = rng.standard_normal((m, lifted.shape[1])), rng.standard_normal(m)
    z = lifted @ w.T
    hidden, active = np.maximum(z, 0), z > 0
    by_a = hidden @ hidden.T / m
    by_w = (lifted @ lifted.T) * ((active * a**2) @ active.T / m)
    np.testing.assert_allclose(ntk(lifted, weight_variance=1.0), by_a + by_w, rtol=0.03, atol=0.01)
