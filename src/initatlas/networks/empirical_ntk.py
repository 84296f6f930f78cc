"""The exact empirical NTK of finite fully connected networks: layer by layer, for many networks at once.

The parametrisation is the NTK's own (Jacot et al. 2018): with standard normal W and b,

    z_l = sqrt(sigma_w^2 / n_(l-1)) W_l h_(l-1) + sigma_b b_l,   h_l = phi(z_l),   f = sqrt(sigma_w^2 / n_L) W_(L+1) h_L,

and h_0 = x. All W and b are trained. With delta_l = df / dz_l the sum over all parameters of df(x) df(x') is

    Theta(x, x') = sum_l (sigma_w^2 <h_(l-1)(x), h_(l-1)(x')> / n_(l-1) + sigma_b^2) <delta_l(x), delta_l(x')>,

without sigma_b^2 in the last term, whose delta is 1. So one forward and one backward pass give it, and no Jacobian is held.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from initatlas.activations.base import Activation
from initatlas.arrays import Doubles


@dataclass(frozen=True)
class Networks:
    """Random networks of one shape with one output.

    Attributes
    ----------
    weights
        Standard normal numbers per layer, the output's last: shape (networks, n_l, n_(l-1)), n_(L+1) = 1.
    biases
        Standard normal numbers per hidden layer: shape (networks, n_l).
    activation
        phi and phi'.
    weight_variance, bias_variance
        sigma_w^2, times the fan-in and in every layer, and sigma_b^2, in the hidden layers.
    """

    weights: tuple[Doubles, ...]
    biases: tuple[Doubles, ...]
    activation: Activation
    weight_variance: float
    bias_variance: float = 0.0

    @cached_property
    def scales(self) -> tuple[float, ...]:
        """What every layer's weights are multiplied with, sqrt(sigma_w^2 / n_(l-1))."""
        return tuple(float(np.sqrt(self.weight_variance / layer.shape[2])) for layer in self.weights)


def draw_networks(
    widths: Sequence[int],
    count: int,
    *,
    activation: Activation,
    weight_variance: float,
    bias_variance: float = 0.0,
    rng: np.random.Generator,
) -> Networks:
    """Draw independent networks.

    Parameters
    ----------
    widths
        Input dimension n_0 and the widths n_1, ..., n_L of the hidden layers, L from 0 on.
    count
        How many networks.
    activation, weight_variance, bias_variance
        As in `Networks`.
    rng
        Source of randomness. Without biases none are drawn for them.

    Raises
    ------
    ValueError
        If the activation has no derivative to take an NTK of.
    """
    if activation.undefined_derivative:
        raise ValueError(f"{activation.title}: {activation.undefined_derivative}")
    fans = list(zip(widths, [*widths[1:], 1], strict=True))
    weights = tuple(rng.standard_normal((count, outputs, inputs)) for inputs, outputs in fans)
    draw: Any = rng.standard_normal if bias_variance > 0.0 else np.zeros
    biases = tuple(draw((count, width)) for width in widths[1:])
    return Networks(weights, biases, activation, weight_variance, bias_variance)


@dataclass(frozen=True)
class Pass:
    """What a forward pass leaves.

    Attributes
    ----------
    signals
        h_0, ..., h_L, shape (networks, inputs, n_l); that of the inputs has one network.
    slopes
        phi'(z_l) of the hidden layers, shape (networks, inputs, n_l).
    outputs
        f, shape (networks, inputs).
    """

    signals: tuple[Doubles, ...]
    slopes: tuple[Doubles, ...]
    outputs: Doubles


def forward(networks: Networks, inputs: ArrayLike) -> Pass:
    """Send inputs through all networks.

    Parameters
    ----------
    inputs
        Shape (inputs, n_0).
    """
    signals: list[Doubles] = [np.asarray(inputs, dtype=np.float64)[np.newaxis]]
    slopes: list[Doubles] = []
    for weights, biases, scale in zip(networks.weights, networks.biases, networks.scales, strict=False):
        z = scale * (signals[-1] @ weights.swapaxes(1, 2))
        z += np.sqrt(networks.bias_variance) * biases[:, np.newaxis]
        signals.append(networks.activation.phi(z))
        slopes.append(networks.activation.derivative(z))
    outputs = networks.scales[-1] * (signals[-1] @ networks.weights[-1].swapaxes(1, 2))
    return Pass(tuple(signals), tuple(slopes), outputs[..., 0])


def empirical_ntk(networks: Networks, passed: Pass) -> Doubles:
    """The NTK of each network between all inputs of a forward pass.

    Returns
    -------
    ndarray, shape (networks, inputs, inputs)
    """
    kernel = _signal_kernel(networks, passed.signals[-1])
    gradient = np.ones((1, kernel.shape[1], 1))
    for layer in reversed(range(len(passed.slopes))):
        # what lies above: the weights of the next layer, with the gradient of its pre-activations
        gradient = networks.scales[layer + 1] * (gradient @ networks.weights[layer + 1]) * passed.slopes[layer]
        below = _signal_kernel(networks, passed.signals[layer]) + networks.bias_variance
        kernel = kernel + below * (gradient @ gradient.swapaxes(1, 2))
    return kernel


def _signal_kernel(networks: Networks, signals: Doubles) -> Doubles:
    """sigma_w^2 <h(x), h(x')> / n, shape (networks, inputs, inputs)."""
    kernel: Doubles = networks.weight_variance / signals.shape[2] * (signals @ signals.swapaxes(1, 2))
    return kernel
