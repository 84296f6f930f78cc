"""What networks give on a whole split: losses, accuracies, norms of their hidden layers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import fsum, sqrt
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from initatlas.networks.inputs import Inputs, make_inputs
from initatlas.networks.losses import Loss, Targets
from initatlas.networks.padding import padded
from initatlas.networks.training_cost import EVALUATION_CHUNK
from initatlas.networks.training_settings import CURVE_INPUTS

Split = tuple[NDArray[np.float32], Targets]
"""Inputs of shape (n, d), standardised by the caller, and their targets: classes (n,), or numbers (n, outputs)."""


@dataclass(frozen=True)
class DeviceSplit:
    """A split where PyTorch works on it.

    Attributes
    ----------
    x
        Inputs, float32, (n, padded d).
    y
        Targets, as `initatlas.networks.losses.Loss.prepare` gives them; n rows.
    """

    x: Tensor
    y: Tensor

    @cached_property
    def inputs(self) -> Inputs:
        """The inputs as the compiled loop takes them, on the CPU."""
        return make_inputs(self.x.numpy())

    def first(self, count: int) -> "DeviceSplit":
        """Take the first `count` examples, or all."""
        return self._taken(slice(count))

    def without_zeros(self) -> "DeviceSplit":
        """Leave out inputs that are 0."""
        return self._taken(self.x.any(1).cpu().numpy())

    def _taken(self, rows: slice | NDArray[np.bool_]) -> "DeviceSplit":
        """Take some examples."""
        taken = DeviceSplit(self.x[rows], self.y[rows])
        if "inputs" in self.__dict__:
            taken.__dict__["inputs"] = self.inputs.taken(rows)
        return taken


@dataclass(frozen=True)
class Scores:
    """What each network scores on one split.

    Attributes
    ----------
    loss
        Of the whole split.
    accuracy
        Fraction whose largest output is the target's; an output that is not finite predicts nothing.
    early
        Loss of its first 1024 examples.
    """

    loss: list[float]
    accuracy: list[float]
    early: list[float]


def to_device(split: Split, loss: Loss, device: str) -> DeviceSplit:
    """Copy a split to the device, its inputs padded with zeros.

    Parameters
    ----------
    split
        Inputs (n, d) and targets.
    loss
        Knows what its targets look like.
    device
        ``cpu`` or ``cuda``.
    """
    x, y = split
    wide = np.zeros((len(x), padded(x.shape[1])), dtype=np.float32)
    wide[:, : x.shape[1]] = x
    return DeviceSplit(torch.from_numpy(wide).to(device), loss.prepare(y).to(device))


@dataclass(frozen=True)
class Pass:
    """A forward pass over some rows.

    Attributes
    ----------
    rows
        Which.
    outputs
        Of the networks, (networks, rows, padded outputs).
    signals
        By hidden layer, (networks times halves, rows, padded width); may be empty where nobody asked for them.
    """

    rows: slice
    outputs: Tensor
    signals: Sequence[Tensor]


class Networks(Protocol):
    """Networks of one shape, as they are looked at from outside."""

    @property
    def networks(self) -> int:
        """How many networks there are."""

    @property
    def halves(self) -> int:
        """How many of the stack make one network: 2 if they are mirrored, one behind the other."""

    @property
    def depth(self) -> int:
        """Number of hidden layers."""

    @property
    def residual(self) -> bool:
        """Whether every hidden layer but the first adds to the pre-activations before it."""

    @property
    def weights(self) -> Sequence[Tensor]:
        """By layer, read-out last: (networks times halves, padded fan_out, padded fan_in)."""

    @property
    def biases(self) -> Sequence[Tensor]:
        """By layer: (networks times halves, 1, padded fan_out)."""

    def passes(self, data: DeviceSplit, *, signals: bool) -> Iterator[Pass]:
        """Forward passes over all inputs of a split, with or without signals; one may take the room of the last."""


def chunks(count: int) -> Iterator[slice]:
    """Rows of each pass over so many inputs."""
    for start in range(0, count, EVALUATION_CHUNK):
        yield slice(start, min(start + EVALUATION_CHUNK, count))


def put_together(outputs: Tensor, halves: int) -> Tensor:
    """Outputs of the networks, from those of the stack."""
    return outputs if halves == 1 else torch.sub(outputs[0::2], outputs[1::2]).mul_(sqrt(0.5))


def evaluate(mlp: Networks, loss: Loss, data: DeviceSplit) -> Scores:
    """Score every network on a split.

    Parameters
    ----------
    mlp
        The networks.
    loss
        What the targets are of.
    data
        The split that all of them see.
    """
    losses = torch.empty((mlp.networks, len(data.y)))
    hits = torch.empty((mlp.networks, len(data.y)), dtype=torch.bool)
    for seen in mlp.passes(data, signals=False):
        targets = data.y[seen.rows]
        values = loss.values(seen.outputs, targets)
        losses[:, seen.rows] = values
        hits[:, seen.rows] = loss.hits(seen.outputs, targets) & values.isfinite()
    # fsum rounds once, so that the sum does not depend on how the losses lie in memory.
    whole, early = (
        [loss.of_split(fsum(row), part.shape[1]) for row in part.tolist()]
        for part in (losses, losses[:, :CURVE_INPUTS])
    )
    return Scores(whole, hits.double().mean(1).tolist(), early)


def norm_ratios(mlp: Networks, data: DeviceSplit) -> NDArray[np.float64]:
    """Mean of |h_l(x)| / |x| over the inputs, with h_l the activations of hidden layer l (of a mirrored network's first half).

    Parameters
    ----------
    mlp
        The networks.
    data
        Inputs; those that are 0 are left out.

    Returns
    -------
    ndarray, shape (networks, depth)
    """
    data = data.without_zeros()
    x = data.x
    ratios = torch.empty((mlp.depth, mlp.networks, len(x)), dtype=torch.float64)
    for seen in mlp.passes(data, signals=True):
        lengths = torch.linalg.vector_norm(x[seen.rows], dim=-1, dtype=torch.float64)
        for layer, hidden in enumerate(seen.signals):
            norms = torch.linalg.vector_norm(hidden[:: mlp.halves], dim=-1, dtype=torch.float64)
            ratios[layer, :, seen.rows] = norms / lengths
    means = [[fsum(row) / max(len(x), 1) for row in layer] for layer in ratios.tolist()]
    return np.array(means).reshape(mlp.depth, mlp.networks).T
