"""The fused trainer against a plain PyTorch loop, to the rounding of single precision."""

import numpy as np
import pytest
import torch

from initatlas.networks.fused_descent import Inputs, WideNetwork, mirrored_start, standard_start


def torch_loop(w, v, scale, x, y, *, rate, epochs, dtype):
    """Gradient descent by automatic differentiation: weights, and the function at x."""
    w, v, x, y = (torch.tensor(values, dtype=dtype) for values in (w, v, x, y))
    w.requires_grad_()
    v.requires_grad_()
    for _ in range(epochs):
        loss = ((scale * torch.relu(x @ w.T) @ v - y) ** 2).sum() / (2 * len(y))
        gradients = torch.autograd.grad(loss, (w, v))
        with torch.no_grad():
            for weights, gradient in zip((w, v), gradients, strict=True):
                weights -= rate * gradient
    outputs = scale * torch.relu(x @ w.T) @ v
    return [values.detach().numpy() for values in (w, v, outputs)]


@pytest.mark.parametrize(
    ("n", "d", "m"),
    [
        (1, 1, 1),
        (7, 5, 12),
        (40, 3, 30),
        (128, 6, 16),
        (129, 5, 20),
        (300, 10, 50),
        (270, 12, 33),
        (40, 13, 64),
        (30, 25, 70),
    ],
)
def test_as_a_pytorch_loop_to_rounding(n, d, m):
    rng = np.random.default_rng(n)
    x, y = rng.normal(size=(n, d)) / d**0.5, rng.normal(size=n)
    w, v, scale = rng.normal(size=(m, d)), rng.normal(size=m), (2 / m) ** 0.5
    start = w.astype(np.float32), v.astype(np.float32), scale, x.astype(np.float32), y.astype(np.float32)
    exact = torch_loop(*start, rate=0.6, epochs=30, dtype=torch.float64)
    single = torch_loop(*start, rate=0.6, epochs=30, dtype=torch.float32)
    network = WideNetwork.of(w, v, scale)
    inputs = Inputs.of(x)
    network.train(inputs, y, rate=0.6, epochs=12)
    network.train(inputs, y, rate=0.6, epochs=18)
    ours = (*network.weights(m, d), network.outputs(inputs))
    for mine, theirs, truth in zip(ours, single, exact, strict=True):
        assert mine.shape == truth.shape
        assert np.abs(mine - truth).max() < 4 * np.abs(theirs - truth).max() + 4e-6
    assert np.abs(exact[0] - w).max() > 1e-3


def test_both_copies_of_a_mirrored_network_are_trained():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(50, 5)), rng.normal(size=50)
    network = mirrored_start(40, 5, rng=np.random.default_rng(1))
    inputs = Inputs.of(x)
    assert np.abs(network.outputs(inputs)).max() < 1e-6
    draws = np.random.default_rng(1)
    w, v = draws.standard_normal((40, 5)), draws.standard_normal(40)
    copies = [torch.tensor(values, requires_grad=True) for values in (w, v, w, v)]
    points, targets = torch.tensor(x), torch.tensor(y)

    def difference():
        """Remark 3.1: sqrt(2) / 2 (f_1 - f_2), each with the scale sqrt(2 / m)."""
        first, second = ((2 / 40) ** 0.5 * torch.relu(points @ copies[k].T) @ copies[k + 1] for k in (0, 2))
        return 2**0.5 / 2 * (first - second)

    for _ in range(30):
        gradients = torch.autograd.grad(((difference() - targets) ** 2).sum() / 100, copies)
        with torch.no_grad():
            for weights, gradient in zip(copies, gradients, strict=True):
                weights -= 0.3 * gradient
    network.train(inputs, y, rate=0.3, epochs=30)
    assert network.outputs(inputs) == pytest.approx(difference().detach().numpy(), abs=2e-5)
    ours, outputs = network.weights(80, 5)
    assert ours == pytest.approx(np.vstack([copies[0].detach(), copies[2].detach()]), abs=2e-5)
    assert outputs == pytest.approx(np.concatenate([copies[1].detach(), -copies[3].detach()]), abs=2e-5)
    assert np.abs(ours[:40] - ours[40:]).max() > 0.05


def test_a_standard_start_has_the_variance_of_its_limit():
    x = np.eye(5)[:1]
    values = [standard_start(200, 5, rng=np.random.default_rng(k)).outputs(Inputs.of(x))[0] for k in range(400)]
    # scale^2 m E[relu(u)^2] = 1
    assert np.var(values) == pytest.approx(1.0, abs=0.25)
    assert np.mean(values) == pytest.approx(0.0, abs=0.2)


def test_a_diverging_network_says_so_by_its_numbers():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 5)), rng.normal(size=20)
    network = standard_start(8, 5, rng=rng)
    network.train(Inputs.of(x), y, rate=1e3, epochs=50)
    assert not np.isfinite(network.outputs(Inputs.of(x))).all()
