"""Full-batch gradient descent of deep univariate ReLU networks, many at once and exact."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from initatlas.arrays import Doubles, Integers
from initatlas.piecewise.arrays import finite
from initatlas.piecewise.deep_kernel import LANES, descend_deep
from initatlas.piecewise.descent import Descent, checked_descent, checked_record, for_each, sorted_points
from initatlas.piecewise.shallow_kernel import prefix_sums

Arrays = tuple[Doubles, ...]


@dataclass(frozen=True)
class DeepTrajectory:
    """Deep networks in training.

    Attributes
    ----------
    epochs
        Numbers of updates done, shape (r,).
    losses
        The loss after so many, shape (r, ...).
    weights, biases
        The networks after so many, one array per layer, shape (r, ..., units, inputs) and (r, ..., units).
    diverged
        The update before which a network was no longer finite, -1 where it always was, shape (...). What would be recorded later
        is nan.
    """

    epochs: Integers
    losses: Doubles
    weights: Arrays
    biases: Arrays
    diverged: Integers


def train_deep(
    weights: Sequence[ArrayLike],
    biases: Sequence[ArrayLike],
    x: ArrayLike,
    y: ArrayLike,
    descent: Descent,
    *,
    record: Sequence[int],
    threads: int = 1,
) -> DeepTrajectory:
    """Train deep networks of one input and one output on all data in each step, exactly.

    An epoch costs as much as the pieces of the networks, not as the data: see `initatlas.piecewise.deep_kernel`. The result
    agrees with a dense loop in float64 up to rounding.

    Parameters
    ----------
    weights
        One array per layer, the output's among them, shape (..., units, inputs): any number of networks. They stay as they are.
    biases
        One array per layer, shape (..., units).
    x, y, descent, record, threads
        As in `initatlas.piecewise.descent.train_shallow`.

    Raises
    ------
    ValueError
        If shapes do not fit, there are no data, `record` does not increase, or a number is not finite.
    """
    inputs, targets = sorted_points(x, y)
    epochs = checked_record(record)
    layers = _Layers(weights, biases)
    theta = layers.packed()
    losses = np.full((len(theta), epochs.size), np.nan)
    parameters = np.full((len(theta), epochs.size, *theta.shape[1:]), np.nan)
    diverged = np.empty(len(theta), dtype=np.int64)
    betas = checked_descent(descent).moments()
    centre = float(inputs.mean())
    moved, sums = inputs - centre, prefix_sums(inputs, targets, centre)

    def train(i: int) -> None:
        diverged[i] = descend_deep(
            theta[i],
            moved,
            targets,
            centre,
            sums,
            descent.scale(inputs.size),
            descent.learning_rate,
            betas,
            descent.train_output_bias,
            epochs,
            losses[i],
            parameters[i],
        )

    for_each(train, len(theta), threads=threads)
    return DeepTrajectory(
        epochs, losses.T.reshape(-1, *layers.shape), *layers.unpacked(parameters), diverged.reshape(layers.shape)
    )


class _Layers:
    """Networks as arrays per layer, and packed into one array.

    Attributes
    ----------
    weights, biases
        One array per layer, shape (..., units, inputs) and (..., units).
    widths
        1, the widths of the hidden layers, 1.
    shape
        That of the networks.
    """

    def __init__(self, weights: Sequence[ArrayLike], biases: Sequence[ArrayLike]) -> None:
        if len(weights) != len(biases) or len(weights) < 2:
            raise ValueError(
                f"biases: {len(biases)} layers for {len(weights)} arrays of weights, give two or more of each"
            )
        self.weights = [finite(f"weights[{place}]", one) for place, one in enumerate(weights)]
        self.biases = [finite(f"biases[{place}]", one) for place, one in enumerate(biases)]
        self.shape = self.biases[0].shape[:-1]
        inputs = 1
        for place, (one, other) in enumerate(zip(self.weights, self.biases, strict=True)):
            units = other.shape[-1] if other.ndim else 0
            if other.shape != (*self.shape, units) or one.shape != (*self.shape, units, inputs):
                raise ValueError(
                    f"weights[{place}], biases[{place}]: shapes {one.shape} and {other.shape}, give "
                    f"{(*self.shape, units, inputs)} and {(*self.shape, units)}"
                )
            inputs = units
        if inputs != 1:
            raise ValueError(f"weights[{len(self.weights) - 1}]: {inputs} outputs, give one")
        self.widths = [1, *(one.shape[-1] for one in self.biases)]

    def packed(self) -> Doubles:
        """The parameters of each network as the compiled loop takes them, shape (networks, layers, units + 1, room)."""
        count = int(np.prod(self.shape, dtype=int))
        units = max(self.widths)
        blocks = np.zeros((count, len(self.weights), units + 1, -(-units // LANES) * LANES))
        for layer, (one, other) in enumerate(zip(self.weights, self.biases, strict=True)):
            blocks[:, layer, : one.shape[-1], : one.shape[-2]] = one.swapaxes(-1, -2).reshape(count, *one.shape[:-3:-1])
            blocks[:, layer, units, : one.shape[-2]] = other.reshape(count, -1)
        return blocks

    def unpacked(self, parameters: Doubles) -> tuple[Arrays, Arrays]:
        """Weights (r, ..., units, inputs) and biases (r, ..., units) per layer, of packed parameters (networks, r, ...)."""
        rows = parameters.swapaxes(0, 1)
        weights, biases = [], []
        for layer, (inputs, units) in enumerate(pairwise(self.widths)):
            matrix = rows[:, :, layer, :inputs, :units].swapaxes(-1, -2)
            weights.append(matrix.reshape(len(rows), *self.shape, units, inputs))
            biases.append(rows[:, :, layer, -1, :units].reshape(len(rows), *self.shape, units))
        return tuple(weights), tuple(biases)
