"""What stacked networks give on a whole split: losses, accuracies, norms of their hidden layers."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import fsum

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from initatlas.networks.losses import Loss, Targets
from initatlas.networks.padding import padded
from initatlas.networks.stacked_mlp import StackedMLP, Workspace, forward
from initatlas.networks.training_cost import EVALUATION_CHUNK

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

    def first(self, count: int) -> "DeviceSplit":
        """Take the first `count` examples, or all."""
        return DeviceSplit(self.x[:count], self.y[:count])


@dataclass(frozen=True)
class Scores:
    """What each network scores on one split.

    Attributes
    ----------
    loss
        Of the whole split.
    accuracy
        Fraction whose largest output is the target's; an output that is not finite predicts nothing.
    """

    loss: list[float]
    accuracy: list[float]


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


def _chunks(mlp: StackedMLP, x: Tensor) -> Iterator[tuple[slice, Tensor, Workspace]]:
    """Forward passes over all rows of `x`: the rows, the outputs and the hidden layers of each pass."""
    space = Workspace(mlp, min(EVALUATION_CHUNK, len(x)))
    for start in range(0, len(x), EVALUATION_CHUNK):
        rows = slice(start, min(start + EVALUATION_CHUNK, len(x)))
        if rows.stop - start != space.raw.shape[1]:
            space = Workspace(mlp, rows.stop - start)
        yield rows, forward(mlp, x[rows].expand(mlp.stacked, -1, -1), space), space


def evaluate(mlp: StackedMLP, loss: Loss, data: DeviceSplit) -> Scores:
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
    for rows, outputs, _ in _chunks(mlp, data.x):
        values = loss.values(outputs, data.y[rows])
        losses[:, rows] = values
        hits[:, rows] = loss.hits(outputs, data.y[rows]) & values.isfinite()
    # fsum rounds once, so that the sum does not depend on how the losses lie in memory.
    means = [loss.of_split(fsum(row), len(data.y)) for row in losses.tolist()]
    return Scores(means, hits.double().mean(1).tolist())


def norm_ratios(mlp: StackedMLP, x: Tensor) -> NDArray[np.float64]:
    """Mean of |h_l(x)| / |x| over the inputs, with h_l the activations of hidden layer l (of a mirrored network's first half).

    Parameters
    ----------
    mlp
        The networks.
    x
        Inputs, (n, padded d). Those that are 0 are left out.

    Returns
    -------
    ndarray, shape (networks, depth)
    """
    x = x[x.any(1)]
    ratios = torch.empty((mlp.depth, mlp.networks, len(x)), dtype=torch.float64)
    for rows, _, space in _chunks(mlp, x):
        lengths = torch.linalg.vector_norm(x[rows], dim=-1, dtype=torch.float64)
        for layer, hidden in enumerate(space.after):
            norms = torch.linalg.vector_norm(hidden[:: mlp.halves], dim=-1, dtype=torch.float64)
            ratios[layer, :, rows] = norms / lengths
    means = [[fsum(row) / max(len(x), 1) for row in layer] for layer in ratios.tolist()]
    return np.array(means).reshape(mlp.depth, mlp.networks).T
