"""Full-batch gradient descent of univariate ReLU networks, many at once and exact."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from numbers import Real
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from initatlas.arrays import Doubles, Integers
from initatlas.piecewise.arrays import points, whole
from initatlas.piecewise.shallow import ShallowNetwork
from initatlas.piecewise.shallow_kernel import descend, prefix_sums

LossName = Literal["half_sum", "sum", "mean"]

_SCALES: Mapping[str, Callable[[int], float]] = {
    "half_sum": lambda _: 1.0,
    "sum": lambda _: 2.0,
    "mean": lambda points: 2.0 / points,
}


@dataclass(frozen=True)
class Descent:
    """How networks are trained.

    Attributes
    ----------
    learning_rate
        Above 0.
    loss
        Of the residuals e: ``half_sum`` sum e^2 / 2, ``sum`` sum e^2, ``mean`` sum e^2 / n.
    optimiser
        ``gd``, or ``adam`` with `betas` and `epsilon` (Kingma and Ba 2015), over all data in each step.
    betas, epsilon
        Decay rates of Adam's moments, and what keeps it from dividing by 0.
    train_output_bias
        Whether the output bias is trained.

    Raises
    ------
    ValueError
        If a value is out of its range.
    """

    learning_rate: float
    loss: LossName = "half_sum"
    optimiser: Literal["gd", "adam"] = "gd"
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8
    train_output_bias: bool = True

    def __post_init__(self) -> None:
        if not _above_0(self.learning_rate):
            raise ValueError(f"learning_rate: {self.learning_rate!r}, give a number above 0")
        if self.loss not in _SCALES:
            raise ValueError(f"loss: {self.loss!r}, allowed: {', '.join(_SCALES)}")
        if self.optimiser not in ("gd", "adam"):
            raise ValueError(f"optimiser: {self.optimiser!r}, allowed: gd, adam")
        if not _are_decay_rates(self.betas):
            raise ValueError(f"betas: {self.betas!r}, give two numbers from 0 to below 1")
        if not _above_0(self.epsilon):
            raise ValueError(f"epsilon: {self.epsilon!r}, give a number above 0")

    def scale(self, n: int) -> float:
        """Twice the factor of the sum of squares in the loss of n data points."""
        return _SCALES[self.loss](n)

    def moments(self) -> Doubles:
        """What the compiled loops take of the optimiser: Adam's decay rates and epsilon, or nothing."""
        return np.array([*self.betas, self.epsilon] if self.optimiser == "adam" else [], dtype=np.float64)


def _above_0(value: object) -> bool:
    """Whether this is a finite number above 0."""
    return isinstance(value, Real) and 0.0 < float(value) < np.inf


def _are_decay_rates(betas: object) -> bool:
    """Whether these are two numbers from 0 to below 1."""
    return (
        isinstance(betas, Sequence)
        and len(betas) == 2
        and all(isinstance(beta, Real) and 0.0 <= float(beta) < 1.0 for beta in betas)
    )


def checked_descent(descent: Descent) -> Descent:
    """The same, where it is one.

    Raises
    ------
    ValueError
        If it is something else, say a learning rate alone.
    """
    if not isinstance(descent, Descent):
        raise ValueError(f"descent: {descent!r}, give a Descent, say Descent(learning_rate=0.001)")
    return descent


def sorted_points(x: ArrayLike, y: ArrayLike) -> tuple[Doubles, Doubles]:
    """Data in the order of `x`, those of equal `x` in their own order.

    Raises
    ------
    ValueError
        If there are none, the lengths differ, or a number is not finite.
    """
    inputs, targets = points(x, y)
    order = np.argsort(inputs, kind="stable")
    return inputs[order], targets[order]


def checked_record(record: Sequence[int]) -> Integers:
    """Numbers of updates after which something is recorded.

    Raises
    ------
    ValueError
        If there is none, one is below 0, or they do not increase.
    """
    epochs = np.asarray(record)
    whole_numbers = epochs.ndim == 1 and epochs.size > 0 and epochs.dtype.kind in "iu"
    if not whole_numbers or epochs[0] < 0 or (np.diff(epochs) <= 0).any():
        raise ValueError("record: give increasing whole numbers of updates, from 0 on")
    return epochs.astype(np.int64)


def for_each(train: Callable[[int], None], networks: int, *, threads: int) -> None:
    """Train so many networks by their numbers, `threads` at a time."""
    if whole("threads", threads, 1) == 1:
        deque(map(train, range(networks)), maxlen=0)
        return
    with ThreadPoolExecutor(threads) as pool:
        deque(pool.map(train, range(networks)), maxlen=0)  # an error in one of them is raised here


@dataclass(frozen=True)
class Trajectory:
    """Shallow networks in training.

    Attributes
    ----------
    epochs
        Numbers of updates done, shape (r,).
    losses
        The loss after so many, shape (r, ...).
    input_weights, biases, output_weights
        The networks after so many, shape (r, ..., units).
    output_bias
        Shape (r, ...).
    diverged
        The update before which a network was no longer finite, -1 where it always was, shape (...). What would be recorded later
        is nan.
    """

    epochs: Integers
    losses: Doubles
    input_weights: Doubles
    biases: Doubles
    output_weights: Doubles
    output_bias: Doubles
    diverged: Integers

    def networks(self, place: int = -1) -> ShallowNetwork:
        """The networks at one of the recorded epochs, by default the last.

        Raises
        ------
        ValueError
            If one of them has diverged before.
        """
        parts = (self.input_weights, self.biases, self.output_weights, self.output_bias)
        if np.isnan(parts[0][place]).any():
            raise ValueError(
                f"{int((self.diverged >= 0).sum())} of {self.diverged.size} networks diverged; leave them out"
            )
        return ShallowNetwork(*(part[place] for part in parts))


def train_shallow(
    network: ShallowNetwork, x: ArrayLike, y: ArrayLike, descent: Descent, *, record: Sequence[int], threads: int = 1
) -> Trajectory:
    """Train shallow networks on all data in each step, exactly.

    An epoch costs O(H log N) for H units and N data points, not O(H N): see `initatlas.piecewise.shallow_kernel`. The result
    agrees with a dense loop in float64 up to rounding.

    Parameters
    ----------
    network
        Of shape (..., units): any number of networks. They stay as they are.
    x, y
        Data, shape (n,), in any order; an `x` may be there several times, with several `y`.
    record
        Numbers of updates after which losses and networks are recorded, increasing; 0 is the start, the last one ends.
    threads
        How many networks are trained at a time; it changes no bit.

    Raises
    ------
    ValueError
        If there are no data, `record` does not increase from 0 or more, `descent` is none, or a number is not finite.
    """
    inputs, targets = sorted_points(x, y)
    epochs = checked_record(record)
    shape, units = network.input_weights.shape[:-1], network.input_weights.shape[-1]
    count = int(np.prod(shape, dtype=int))
    records = _Records(count, epochs.size, units)
    parts = (network.input_weights, network.biases, network.output_weights)
    weights = np.stack([part.reshape(count, units) for part in parts], axis=1)
    constants = np.asarray(network.output_bias).reshape(count)
    betas = checked_descent(descent).moments()
    centre = float(inputs.mean())
    sums = prefix_sums(inputs, targets, centre)

    def train(i: int) -> None:
        records.diverged[i] = descend(
            weights[i],
            float(constants[i]),
            inputs,
            targets,
            centre,
            sums,
            descent.scale(inputs.size),
            descent.learning_rate,
            betas,
            descent.train_output_bias,
            epochs,
            records.losses[i],
            records.parameters[i],
            records.constants[i],
        )

    for_each(train, count, threads=threads)
    return records.trajectory(epochs, shape)


class _Records:
    """What the compiled loop writes, network by network: nan where it wrote nothing."""

    def __init__(self, networks: int, records: int, units: int) -> None:
        self.losses = np.full((networks, records), np.nan)
        self.parameters = np.full((networks, records, 3, units), np.nan)
        self.constants = np.full((networks, records), np.nan)
        self.diverged = np.empty(networks, dtype=np.int64)

    def trajectory(self, epochs: Integers, shape: tuple[int, ...]) -> Trajectory:
        """The records, with the networks in their shape."""
        records, units = self.parameters.shape[1], self.parameters.shape[-1]
        first, second, third = self.parameters.transpose(2, 1, 0, 3).reshape(3, records, *shape, units)
        return Trajectory(
            epochs,
            self.losses.T.reshape(records, *shape),
            first,
            second,
            third,
            self.constants.T.reshape(records, *shape),
            self.diverged.reshape(shape),
        )
