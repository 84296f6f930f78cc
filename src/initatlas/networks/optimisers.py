"""Optimisers for stacked networks; every network has its own learning rate, and every layer factors on it.

Each takes a layer's loss gradient as soon as back-propagation has it, in the form of the two factors whose product it
is, so plain gradient descent never stores it. All arithmetic is single operations, for the reason given in
`initatlas.networks.stacked_mlp`.
"""

from collections.abc import Sequence
from math import sqrt
from typing import Protocol

import torch
from torch import Tensor

from initatlas.networks.stacked_mlp import StackedMLP

Factors = Sequence[tuple[float, float]]
"""On the learning rate: those of each layer's weights and biases."""


class Optimiser(Protocol):
    """Changes the parameters of stacked networks layer by layer."""

    @property
    def loss_scale(self) -> Tensor:
        """Factor on each loss gradient of the stack, (stacked, 1, 1)."""

    def begin_step(self) -> None:
        """Start one training step; each layer is then updated once."""

    def update(self, layer: int, gradient: Tensor, inputs: Tensor) -> None:
        """Update one layer.

        Parameters
        ----------
        layer
            Index of the layer.
        gradient
            Scaled loss gradient at the layer's pre-activations, (stacked, batch, padded fan_out).
        inputs
            The layer's inputs, (stacked, batch, padded fan_in).
        """

    def keep(self, mlp: StackedMLP, chosen: Tensor) -> "Optimiser":
        """Copy the state for `mlp`, what stands at the positions `chosen` of the stack."""


class GradientDescent:
    """Plain gradient descent: theta <- theta - eta g.

    The learning rate eta goes into the loss gradient, so one product updates a layer in place.

    Parameters
    ----------
    mlp
        The networks to train.
    learning_rates
        Shape (stacked, 1, 1).
    factors
        On the learning rate, of each layer's weights and biases (`initatlas.networks.parametrisations.layer_rates`).
    """

    def __init__(self, mlp: StackedMLP, learning_rates: Tensor, factors: Factors) -> None:
        self._mlp = mlp
        self._factors = factors
        self.loss_scale = learning_rates

    def begin_step(self) -> None:
        """Nothing to prepare."""

    def update(self, layer: int, gradient: Tensor, inputs: Tensor) -> None:
        """See `Optimiser.update`."""
        weight, bias = self._factors[layer]
        add_product(self._mlp.weights[layer], gradient, inputs, alpha=-weight)
        self._mlp.biases[layer].sub_(_summed(gradient, bias))

    def keep(self, mlp: StackedMLP, chosen: Tensor) -> "GradientDescent":
        """See `Optimiser.keep`."""
        return GradientDescent(mlp, self.loss_scale.index_select(0, chosen), self._factors)


class Momentum:
    """Gradient descent with heavy-ball momentum: v <- mu v + eta g, theta <- theta - v.

    Parameters
    ----------
    mlp
        The networks to train.
    learning_rates
        Shape (stacked, 1, 1).
    factors
        On the learning rate, of each layer's weights and biases (`initatlas.networks.parametrisations.layer_rates`).
    momentum
        mu in [0, 1).
    """

    def __init__(self, mlp: StackedMLP, learning_rates: Tensor, factors: Factors, momentum: float) -> None:
        self._mlp = mlp
        self._factors = factors
        self._momentum = momentum
        self.loss_scale = learning_rates
        self._weights = [torch.zeros_like(weight) for weight in mlp.weights]
        self._biases = [torch.zeros_like(bias) for bias in mlp.biases]

    def begin_step(self) -> None:
        """Nothing to prepare."""

    def update(self, layer: int, gradient: Tensor, inputs: Tensor) -> None:
        """See `Optimiser.update`."""
        weight, bias = self._factors[layer]
        add_product(self._weights[layer], gradient, inputs, alpha=weight, beta=self._momentum)
        self._mlp.weights[layer].sub_(self._weights[layer])
        self._biases[layer].mul_(self._momentum).add_(_summed(gradient, bias))
        self._mlp.biases[layer].sub_(self._biases[layer])

    def keep(self, mlp: StackedMLP, chosen: Tensor) -> "Momentum":
        """See `Optimiser.keep`."""
        kept = Momentum(mlp, self.loss_scale.index_select(0, chosen), self._factors, self._momentum)
        kept._weights = [velocity.index_select(0, chosen) for velocity in self._weights]
        kept._biases = [velocity.index_select(0, chosen) for velocity in self._biases]
        return kept


class Adam:
    """Adam (Kingma and Ba 2015, algorithm 1) with beta1 = 0.9, beta2 = 0.999 and epsilon = 1e-8.

    Parameters
    ----------
    mlp
        The networks to train.
    learning_rates
        Shape (stacked, 1, 1).
    factors
        On the learning rate, of each layer's weights and biases (`initatlas.networks.parametrisations.layer_rates`).
    """

    BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8

    def __init__(self, mlp: StackedMLP, learning_rates: Tensor, factors: Factors) -> None:
        self._mlp = mlp
        self._factors = factors
        self._learning_rates = learning_rates
        self._step = 0
        self.loss_scale = torch.ones_like(learning_rates)
        self._parameters = [*mlp.weights, *mlp.biases]
        self._means = [torch.zeros_like(parameter) for parameter in self._parameters]
        self._squares = [torch.zeros_like(parameter) for parameter in self._parameters]

    def begin_step(self) -> None:
        """Advance the clock of the bias corrections."""
        self._step += 1

    def update(self, layer: int, gradient: Tensor, inputs: Tensor) -> None:
        """See `Optimiser.update`."""
        weight, bias = self._factors[layer]
        self._move(layer, torch.bmm(gradient.mT, inputs), weight)
        self._move(len(self._mlp.weights) + layer, gradient.sum(1, keepdim=True), bias)

    def _move(self, index: int, gradient: Tensor, factor: float) -> None:
        """Update one parameter tensor; `gradient` is overwritten."""
        mean, square = self._means[index], self._squares[index]
        mean.mul_(self.BETA1).add_(gradient * (1 - self.BETA1))
        square.mul_(self.BETA2).add_(gradient.square_().mul_(1 - self.BETA2))
        spread = square.sqrt().div_(sqrt(1 - self.BETA2**self._step)).add_(self.EPSILON)
        rates = self._learning_rates * factor / (1 - self.BETA1**self._step)
        self._parameters[index].sub_((mean * rates).div_(spread))

    def keep(self, mlp: StackedMLP, chosen: Tensor) -> "Adam":
        """See `Optimiser.keep`."""
        kept = Adam(mlp, self._learning_rates.index_select(0, chosen), self._factors)
        kept._step = self._step
        kept._means = [mean.index_select(0, chosen) for mean in self._means]
        kept._squares = [square.index_select(0, chosen) for square in self._squares]
        return kept


def add_product(target: Tensor, gradient: Tensor, inputs: Tensor, *, alpha: float = 1.0, beta: float = 1.0) -> None:
    """Replace the target by beta target + alpha gradient^T inputs, network by network.

    With one input per network BLAS may round once or twice, depending on how many networks there are: then it is done
    by single operations.
    """
    if gradient.shape[1] == 1:
        target.mul_(beta).add_((gradient.mT * inputs).mul_(alpha))
    else:
        target.baddbmm_(gradient.mT, inputs, beta=beta, alpha=alpha)


def _summed(gradient: Tensor, factor: float) -> Tensor:
    """A factor times the gradient of a layer's biases."""
    return gradient.sum(1, keepdim=True).mul_(factor)
