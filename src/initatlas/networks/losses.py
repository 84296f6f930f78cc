"""What training minimises: a loss of stacked networks' outputs and their targets.

A loss knows its targets, its value for each example, and its gradient at the outputs for a minibatch. Whatever is a sum over
examples is taken elsewhere: no number of a network depends on the networks beside it (`initatlas.networks.stacked_mlp`).
"""

from abc import ABC, abstractmethod
from math import inf
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from initatlas.errors import UserError
from initatlas.networks.padding import padded
from initatlas.networks.training_settings import LossName

Targets = NDArray[np.int64] | NDArray[np.float32]
"""Classes of shape (n,), or numbers of shape (n, outputs)."""


class Loss(ABC):
    """A loss, for networks that see the same data.

    Parameters
    ----------
    outputs
        Number of outputs of a network.

    Attributes
    ----------
    padding_bias
        Bias of the outputs that are there for alignment alone: it keeps them out of the loss.
    factor
        On a squared error.
    """

    padding_bias: ClassVar[float]
    factor = 1.0

    def __init__(self, outputs: int) -> None:
        self.outputs = outputs

    @abstractmethod
    def check(self, targets: Targets) -> None:
        """Refuse targets that are not of this loss.

        Raises
        ------
        UserError
            If their type or shape is wrong, or a class has no output.
        """

    @abstractmethod
    def prepare(self, targets: Targets) -> Tensor:
        """The targets as the other methods want them: a tensor whose rows are examples."""

    @abstractmethod
    def values(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Loss of each example.

        Parameters
        ----------
        outputs
            (networks, rows, padded outputs).
        targets
            Rows of what `prepare` gave, which all networks share.

        Returns
        -------
        Tensor, shape (networks, rows)
        """

    @abstractmethod
    def hits(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Whether the largest output is the target's, or the sign of a single one; shapes as in `values`."""

    @abstractmethod
    def gradient(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Gradient of a minibatch's loss at the outputs, times `divisor`.

        Parameters
        ----------
        outputs
            (networks, batch, padded outputs).
        targets
            Each network's own rows of what `prepare` gave: (networks, batch, ...).
        """

    @abstractmethod
    def divisor(self, batch: int) -> float:
        """What `gradient` is to be divided by, for a minibatch of so many examples."""

    @abstractmethod
    def of_split(self, total: float, count: int) -> float:
        """Loss of a split, from the sum of its examples' losses and their number."""


class CrossEntropy(Loss):
    """Mean cross entropy of the softmax, in nats, against classes of shape (n,)."""

    padding_bias = -inf

    def check(self, targets: Targets) -> None:
        """See `Loss.check`."""
        if targets.dtype.kind not in "iu" or targets.ndim != 1:
            raise UserError(f"cross entropy needs classes, whole numbers of shape (n,), not {_described(targets)}")
        largest = int(targets.max(initial=0))
        if self.outputs <= largest:
            raise UserError(f"outputs: {self.outputs} must be more than the largest label, {largest}")

    def prepare(self, targets: Targets) -> Tensor:
        """See `Loss.prepare`."""
        return torch.tensor(targets, dtype=torch.int64)

    def values(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """See `Loss.values`."""
        labels = targets.expand(outputs.shape[0], -1)[..., None]
        return -torch.log_softmax(outputs, -1).gather(2, labels)[..., 0]

    def hits(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """See `Loss.hits`."""
        return outputs.argmax(-1) == targets

    def gradient(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """See `Loss.gradient`: softmax less one-hot."""
        one = outputs.new_full((1, 1, 1), -1.0).expand(*targets.shape, 1)
        return torch.softmax(outputs, -1).scatter_add_(2, targets[..., None], one)

    def divisor(self, batch: int) -> float:
        """See `Loss.divisor`."""
        return batch

    def of_split(self, total: float, count: int) -> float:
        """See `Loss.of_split`."""
        return total / count


class SquaredError(Loss):
    """Squared distance of the outputs from numbers of shape (n, outputs).

    Parameters
    ----------
    outputs
        Number of outputs of a network.
    mean
        Whether the examples' losses are averaged, or summed up.
    factor
        On the whole: 1/2 makes the gradient the residual.
    """

    padding_bias = 0.0

    def __init__(self, outputs: int, *, mean: bool, factor: float = 1.0) -> None:
        super().__init__(outputs)
        self._mean = mean
        self.factor = factor

    def check(self, targets: Targets) -> None:
        """See `Loss.check`."""
        if targets.dtype.kind != "f" or targets.shape[1:] != (self.outputs,):
            raise UserError(f"squared error needs numbers of shape (n, {self.outputs}), not {_described(targets)}")

    def prepare(self, targets: Targets) -> Tensor:
        """See `Loss.prepare`: padded with zeros."""
        wide = np.zeros((len(targets), padded(self.outputs)), dtype=np.float32)
        wide[:, : self.outputs] = targets
        return torch.from_numpy(wide)

    def values(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """See `Loss.values`; one output after the other, so that the order of the sum does not depend on the shape."""
        squares = torch.sub(outputs, targets).square_()
        total = squares[..., 0].clone()
        for output in range(1, self.outputs):
            total.add_(squares[..., output])
        return total.mul_(self.factor)

    def hits(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """See `Loss.hits`."""
        given, wanted = outputs[..., : self.outputs], targets[..., : self.outputs]
        if self.outputs == 1:
            return given[..., 0].signbit() == wanted[..., 0].signbit()
        return given.argmax(-1) == wanted.argmax(-1)

    def gradient(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """See `Loss.gradient`: the residual."""
        return torch.sub(outputs, targets)

    def divisor(self, batch: int) -> float:
        """See `Loss.divisor`."""
        return (batch if self._mean else 1) / (2.0 * self.factor)

    def of_split(self, total: float, count: int) -> float:
        """See `Loss.of_split`."""
        return total / count if self._mean else total


def make_loss(name: LossName, outputs: int) -> Loss:
    """The loss of a name, for networks with so many outputs."""
    match name:
        case "cross_entropy":
            return CrossEntropy(outputs)
        case "squared_mean":
            return SquaredError(outputs, mean=True)
        case "squared_sum":
            return SquaredError(outputs, mean=False)
        case "squared_half_sum":
            return SquaredError(outputs, mean=False, factor=0.5)


def _described(targets: NDArray[Any]) -> str:
    """Type and shape, for a message."""
    return f"{targets.dtype} of shape {targets.shape}"
