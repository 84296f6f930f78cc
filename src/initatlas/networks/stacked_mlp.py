"""Many multilayer perceptrons of one shape, held as stacked tensors and differentiated by hand.

Tensors are stacked layer by layer: the weights of a layer have shape (networks, fan_out, fan_in). One call of PyTorch
then serves every network, and the gradient of a layer goes to the optimiser as soon as it is known.

Why a network's numbers do not depend on the networks beside it (CPU, float32, one thread):

- A batched product runs one GEMM per network, but the GEMM picks its kernel, and so the order of its sums, by the
  alignment of its operands. Every fan is therefore padded to a multiple of 16 floats, 64 bytes: each network's slice
  of each stacked tensor starts on a 64-byte boundary, wherever it stands. Without the padding, widths 10 and 21 differ
  in the last bits between batches of 1 and 2.
- Padded units have zero weights and zero biases, and an activation that does not map 0 to 0 is followed by a zero in
  their place. So they stay silent and receive zero gradients. Padded outputs have a bias that keeps them out
  of the loss: minus infinity before a softmax, so their probability is exactly 0.
- A mirrored network is two of the stack, side by side, with outputs of their own; nothing else is shared between networks.
- No reduction runs across networks; sums over the minibatch keep their order when the number of networks changes.
- Remaining element-wise steps are single operations (one rounding each), or functions that PyTorch evaluates with
  the same code in the vectorised body and in the tail. Fused forms such as ``add(..., alpha=...)`` are avoided.

The unit tests check all this bit for bit. On CUDA the results agree to rounding only.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import inf, sqrt

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from initatlas.activations.base import Activation, InPlace
from initatlas.networks.evaluation import DeviceSplit, Pass, chunks, put_together
from initatlas.networks.padding import padded

Layer = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Weights of shape (fan_out, fan_in) and biases of shape (fan_out,) of one layer of one network."""

LayerUpdate = Callable[[int, Tensor, Tensor], None]
"""Takes a layer's index, the loss gradient at its pre-activations and the layer's inputs; changes its parameters."""


@dataclass(frozen=True)
class StackedMLP:
    """Networks of one shape.

    Attributes
    ----------
    weights
        One tensor per layer, read-out last, of shape (networks, padded fan_out, padded fan_in).
    biases
        One tensor per layer of shape (networks, 1, padded fan_out).
    activation
        Applied after every layer but the read-out.
    units
        Numbers of units of the hidden layers, without the padding, where the padding would not be silent by itself.
    residual
        Whether every hidden layer but the first adds to the pre-activations before it.
    halves
        How many of the stack make one network: 2 if they are mirrored, one behind the other.
    """

    weights: list[Tensor]
    biases: list[Tensor]
    activation: InPlace
    units: list[int] | None = None
    residual: bool = False
    halves: int = 1

    @property
    def stacked(self) -> int:
        """How many are stacked: the networks, or their halves."""
        return self.weights[0].shape[0]

    @property
    def networks(self) -> int:
        """How many networks there are."""
        return self.stacked // self.halves

    @property
    def depth(self) -> int:
        """Number of hidden layers."""
        return len(self.weights) - 1

    def keep(self, chosen: Tensor) -> "StackedMLP":
        """Copy what stands at the positions `chosen` of the stack, an integer tensor."""
        return replace(
            self,
            weights=[weight.index_select(0, chosen) for weight in self.weights],
            biases=[bias.index_select(0, chosen) for bias in self.biases],
        )

    def passes(self, data: DeviceSplit, *, signals: bool) -> Iterator[Pass]:
        """See `initatlas.networks.evaluation.Networks.passes`; the hidden layers are there in any case."""
        space: Workspace | None = None
        for rows in chunks(len(data.x)):
            count = rows.stop - rows.start
            if space is None or count != space.raw.shape[1]:
                space = Workspace(self, count)
            outputs = forward(self, data.x[rows].expand(self.stacked, -1, -1), space)
            yield Pass(rows, outputs, space.after)


def _stack(
    arrays: Sequence[NDArray[np.float32]], shape: tuple[int, int], fill: float, device: str, halves: int
) -> Tensor:
    """Stack equal two-dimensional arrays, each padded with `fill` to `shape`; a second half is padded with 0."""
    stacked = torch.zeros((len(arrays), halves, *shape), dtype=torch.float32)
    stacked[:, 0] = fill
    for slot, array in zip(stacked, arrays, strict=True):
        slot[:, : array.shape[0], : array.shape[1]] = torch.from_numpy(array)
    return stacked.flatten(0, 1).to(device)


def stack_networks(
    networks: Sequence[Sequence[Layer]],
    activation: Activation,
    device: str,
    *,
    padding_bias: float = -inf,
    residual: bool = False,
    halves: int = 1,
) -> StackedMLP:
    """Stack networks of one shape.

    Parameters
    ----------
    networks
        The layers of each network, read-out last.
    activation
        The activation that all of them share.
    device
        Where PyTorch keeps the tensors.
    padding_bias
        Bias of the outputs that are there for alignment alone; see `initatlas.networks.losses`.
    residual, halves
        As in `StackedMLP`; both halves of a network start with its layers.
    """
    weights: list[Tensor] = []
    biases: list[Tensor] = []
    for layers in zip(*networks, strict=True):
        fan_out, fan_in = layers[0][0].shape
        absent = padding_bias if len(weights) == len(networks[0]) - 1 else 0.0
        weights.append(_stack([weight for weight, _ in layers], (padded(fan_out), padded(fan_in)), 0.0, device, halves))
        biases.append(_stack([bias[None] for _, bias in layers], (1, padded(fan_out)), absent, device, halves))
    units = None if activation.maps_zero_to_zero else [weight.shape[0] for weight, _ in networks[0][:-1]]
    return StackedMLP(weights, biases, activation.in_place(), units, residual, halves)


class Workspace:
    """The tensors that one forward and one backward pass write to, allocated once.

    Parameters
    ----------
    mlp
        The networks that will run in it.
    batch
        Number of inputs per network and pass.

    Attributes
    ----------
    before, after
        Pre-activations and activations of the hidden layers, (stacked, batch, padded width). Without residual connections they
        share their memory where the activation allows it.
    raw
        Outputs of the stack, (stacked, batch, padded outputs).
    """

    def __init__(self, mlp: StackedMLP, batch: int) -> None:
        empty = partial(torch.empty, dtype=torch.float32, device=mlp.weights[0].device)
        shapes = [(mlp.stacked, batch, weight.shape[1]) for weight in mlp.weights]
        self.before = [empty(shape) for shape in shapes[:-1]]
        own_outputs = mlp.activation.needs_input or mlp.residual
        self.after = [empty(shape) for shape in shapes[:-1]] if own_outputs else self.before
        self.raw = empty(shapes[-1])
        self._gradients = [empty(shapes[0]), empty(shapes[0])] if mlp.depth else []

    def gradient(self, layer: int) -> Tensor:
        """Where the gradient of hidden layer `layer` goes; it may take the place of that of layer `layer` + 2."""
        return self._gradients[layer % 2]


def forward(mlp: StackedMLP, inputs: Tensor, space: Workspace) -> Tensor:
    """Run every network on its inputs.

    Parameters
    ----------
    mlp
        The networks.
    inputs
        Shape (stacked, batch, padded input dimension).
    space
        Keeps the hidden layers; made for the same `mlp` and batch.

    Returns
    -------
    Tensor
        The outputs, (networks, batch, padded outputs). Those that are there for alignment are their bias.
    """
    hidden = inputs
    layers = list(zip(mlp.weights, mlp.biases, strict=True))
    for layer, ((weight, bias), before, after) in enumerate(zip(layers[:-1], space.before, space.after, strict=True)):
        torch.baddbmm(bias, hidden, weight.mT, out=before)
        if mlp.residual and layer:
            before.add_(space.before[layer - 1])
        mlp.activation.apply(before, after)
        if mlp.units is not None:
            after[..., mlp.units[layer] :] = 0.0
        hidden = after
    weight, bias = layers[-1]
    raw = torch.baddbmm(bias, hidden, weight.mT, out=space.raw)
    return put_together(raw, mlp.halves)


def at_halves(mlp: StackedMLP, gradient: Tensor) -> Tensor:
    """Gradient at the outputs of the stack, from that at the outputs of the networks."""
    if mlp.halves == 1:
        return gradient
    first = gradient * sqrt(0.5)
    return torch.stack([first, -first], 1).flatten(0, 1)


def backward(mlp: StackedMLP, inputs: Tensor, gradient: Tensor, space: Workspace, update: LayerUpdate) -> None:
    """Send the loss gradient back through every network, updating each layer on the way.

    Parameters
    ----------
    mlp
        The networks, as they were in the preceding `forward` in the same `space`.
    inputs
        What that `forward` was given.
    gradient
        Loss gradient at the outputs of the stack, (stacked, batch, padded outputs); see `at_halves`. Zero at those that are there
        for alignment.
    space
        The hidden layers of that `forward`; not to be read afterwards.
    update
        Called once per layer, read-out first. It may change that layer's parameters.
    """
    for layer in range(mlp.depth, 0, -1):
        before, after = space.before[layer - 1], space.after[layer - 1]
        lower = torch.bmm(gradient, mlp.weights[layer], out=space.gradient(layer - 1))
        update(layer, gradient, after)
        mlp.activation.pull_back(lower, before, after)
        if mlp.residual and layer < mlp.depth:
            lower.add_(gradient)
        gradient = lower
    update(0, gradient, inputs)
