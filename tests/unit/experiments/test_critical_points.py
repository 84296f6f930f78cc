"""Critical points: a gradient against automatic differentiation, and losses that are known."""

import numpy as np
import pytest
import torch

from initatlas.experiments.critical_points import EXPERIMENT, CriticalPointsParameters, least_loss, relative_gradient
from initatlas.piecewise.starts import drawn, shallow_of


def checked(**parameters):
    (found,) = EXPERIMENT.run([CriticalPointsParameters(**parameters)], [np.random.default_rng(0)], None)
    return found


def test_the_gradient_is_that_of_automatic_differentiation():
    rng = np.random.default_rng(1)
    network = shallow_of(drawn([6], scheme="he", rng=rng))
    x, targets = rng.standard_normal(9), rng.standard_normal(9)
    parts = [torch.tensor(np.array(one), requires_grad=True) for one in
             (network.input_weights, network.biases, network.output_weights, network.output_bias)]  # fmt: skip
    w, b, v, c = parts
    outputs = torch.relu(w[:, None] * torch.tensor(x) + b[:, None]).T @ v + c
    losses = 0.5 * (outputs - torch.tensor(targets)) ** 2
    by_point = [
        torch.cat([g.reshape(-1) for g in torch.autograd.grad(loss, parts, retain_graph=True)]) for loss in losses
    ]
    expected = torch.stack(by_point).sum(dim=0).norm() / sum(one.norm() for one in by_point)
    assert relative_gradient(network, x, network(x) - targets) == pytest.approx(float(expected), rel=1e-12)


@pytest.mark.parametrize("width", [3, 30])
def test_pieces_that_are_fits_leave_no_gradient_and_lonely_pieces_no_loss(width):
    assert checked(width=width)["gradient"] < 1e-13
    assert checked(width=width, residuals="free")["gradient"] > 1e-3
    assert checked(width=width)["lonely_loss"] < 1e-16
    assert checked(width=width)["crowded_loss"] > 1e-6


def test_the_smallest_loss_of_one_breakpoint():
    # with 1 and relu(x) all that is right of 0 shares a line through what is left of it
    x, y = np.array([-1.0, 1.0, 2.0]), np.array([0.0, 1.0, 0.0])
    design = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
    left = y - design @ np.linalg.solve(design.T @ design, design.T @ y)
    assert least_loss(np.zeros(1), np.ones(1), x, y) == pytest.approx(float(left @ left))
