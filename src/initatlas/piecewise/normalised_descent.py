"""Stochastic gradient descent of a shallow univariate ReLU network with batch normalisation.

Behind the normalisation, a unit is g w (x - m) / sqrt(w^2 s^2 + e) + d on a batch of mean m and variance s^2: a line again. So
the trained network is a shallow one like all others, with one breakpoint per unit. The bias in front of the normalisation
cancels, and the loss depends on the size of w through e alone.
"""

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from initatlas.arrays import Doubles, Integers
from initatlas.caches import compiled
from initatlas.piecewise.arrays import points, whole
from initatlas.piecewise.descent import Descent, checked_descent, checked_record
from initatlas.piecewise.shallow import ShallowNetwork

# rows of the state of a network, a column per unit
W, B, GAIN, SHIFT, V, MEAN, VARIANCE = range(7)

# sums may be reordered, so that they go by vectors; nan and infinity keep their meaning, for divergence is seen by them
_NUMBERS: dict[str, Any] = {"fastmath": {"reassoc", "contract", "nsz"}, "error_model": "numpy"}

_ORDERS = 64
"""Epochs whose orders of the data are drawn at a time."""


@compiled(**_NUMBERS)
def add_unit(weight: float, slope: float, shift: float, moved: Doubles, errors: Doubles) -> None:
    """Add the output of a unit to those of the others on a batch."""
    for n in range(moved.size):
        signal = slope * moved[n] + shift
        errors[n] += weight * (0.0 if signal <= 0.0 else signal)


@compiled(**_NUMBERS)
def seen_errors(slope: float, shift: float, moved: Doubles, errors: Doubles) -> tuple[float, float]:
    """Sums of the errors where a unit is active, alone and times x from the batch's mean."""
    seen, seen_x = 0.0, 0.0
    for n in range(moved.size):
        error = errors[n] if slope * moved[n] + shift > 0.0 else 0.0
        seen += error
        seen_x += error * moved[n]
    return seen, seen_x


@compiled(**_NUMBERS)
def batch_step(
    state: Doubles, constant: float, moved: Doubles, errors: Doubles, step: float, epsilon: float, momentum: float
) -> float:
    """One step on one batch; the new output bias.

    Parameters
    ----------
    moved, errors
        Inputs and targets of the batch. Inputs are then measured from their mean, and targets are the errors of the outputs.
    step
        Learning rate times the loss's scale.
    """
    count = moved.size
    mean = moved.sum() / count
    squares = 0.0
    for n in range(count):
        moved[n] -= mean
        errors[n] = constant - errors[n]
        squares += moved[n] * moved[n]
    variance = squares / count
    for i in range(state.shape[1]):
        slope = state[W, i] / np.sqrt(state[W, i] ** 2 * variance + epsilon)
        add_unit(state[V, i], state[GAIN, i] * slope, state[SHIFT, i], moved, errors)
    for i in range(state.shape[1]):
        gain, shift, v = state[GAIN, i], state[SHIFT, i], state[V, i]
        spread = state[W, i] ** 2 * variance + epsilon
        slope = state[W, i] / np.sqrt(spread)
        state[MEAN, i] += momentum * (state[W, i] * mean + state[B, i] - state[MEAN, i])
        unbiased = (spread - epsilon) * count / (count - 1.0)
        state[VARIANCE, i] += momentum * (unbiased - state[VARIANCE, i])
        seen, seen_x = seen_errors(gain * slope, shift, moved, errors)
        free = epsilon / spread  # how far the slope still follows w
        state[W, i] -= step * gain * v * seen_x * free / np.sqrt(spread)
        state[GAIN, i] -= step * v * slope * seen_x
        state[SHIFT, i] -= step * v * seen
        state[V, i] -= step * (gain * slope * seen_x + shift * seen)
    moved_constant: float = constant - step * errors.sum()
    return moved_constant


@compiled()
def run_epochs(
    state: Doubles,
    constant: float,
    x: Doubles,
    y: Doubles,
    orders: Integers,
    batch: int,
    steps: Doubles,
    epsilon: float,
    momentum: float,
) -> float:
    """Some epochs; the new output bias.

    Parameters
    ----------
    state
        Changed in place.
    orders
        The points in the order of each epoch, shape (epochs, points).
    batch
        Points in a batch, but for the last one.
    steps
        Learning rate times the loss's scale of each batch.
    """
    moved, errors = np.empty(batch), np.empty(batch)
    for order in orders:
        for place in range(steps.size):
            first = place * batch
            count = min(batch, order.size - first)
            for n in range(count):
                moved[n], errors[n] = x[order[first + n]], y[order[first + n]]
            constant = batch_step(state, constant, moved[:count], errors[:count], steps[place], epsilon, momentum)
    return constant


def train_normalised(
    network: ShallowNetwork,
    x: ArrayLike,
    y: ArrayLike,
    descent: Descent,
    *,
    batch: int,
    record: Sequence[int],
    rng: np.random.Generator,
    epsilon: float = 1e-5,
    momentum: float = 0.1,
) -> list[ShallowNetwork | None]:
    """Train one network by stochastic gradient descent with batch normalisation before the rectifiers.

    It starts with gains of 1, shifts of 0, running means of 0 and running variances of 1, as PyTorch's layers do.

    Parameters
    ----------
    network
        A single one: the weights around the normalisation.
    x, y
        Data, shape (n,).
    descent
        Learning rate, and the loss of a batch. The optimiser is plain descent, and it trains the output bias.
    batch
        Points in a batch; the last batch of an epoch has what is left. The order is new in each epoch.
    record
        Numbers of epochs after which the network is recorded, increasing.
    epsilon, momentum
        Of the normalisation, as in PyTorch's ``BatchNorm1d``.

    Returns
    -------
    list of ShallowNetwork or None
        What the network computes with its running means and variances; None where it is no longer finite.

    Raises
    ------
    ValueError
        If there are several networks, a batch has fewer than two points, `descent` asks for Adam or a fixed output bias, or the
        other arguments are out of their range.
    """
    inputs, targets = points(x, y)
    epochs = checked_record(record)
    _check_descent(descent, epsilon, momentum)
    if network.input_weights.ndim != 1:
        raise ValueError(f"network: {network.input_weights.shape[:-1]} networks, give one")
    if whole("batch", batch, 1) < 2 or inputs.size < 2 or inputs.size % batch == 1:
        raise ValueError(
            f"batch: {batch} of {inputs.size} points leaves a batch of fewer than two, which have no variance"
        )
    sizes = np.minimum(batch, inputs.size - np.arange(0, inputs.size, batch))
    steps = descent.learning_rate * np.array([descent.scale(int(size)) for size in sizes])
    state, done = _start(network), 0
    constant = float(np.asarray(network.output_bias))
    recorded: list[ShallowNetwork | None] = []
    for epoch in epochs.tolist():
        while done < epoch:
            orders = np.stack([rng.permutation(inputs.size) for _ in range(min(_ORDERS, epoch - done))])
            constant = run_epochs(
                state,
                constant,
                inputs,
                targets,
                orders,
                min(batch, inputs.size),
                steps,
                float(epsilon),
                float(momentum),
            )
            done += len(orders)
        recorded.append(_equivalent(state, constant, epsilon))
    return recorded


def _check_descent(descent: Descent, epsilon: float, momentum: float) -> None:
    """Refuse what is not trained here, and a normalisation that is none."""
    if checked_descent(descent).optimiser != "gd":
        raise ValueError(f"optimiser: {descent.optimiser!r}, batches are descended by gd alone")
    if not descent.train_output_bias:
        raise ValueError("train_output_bias: False, with batches the output bias is trained")
    if not (isinstance(epsilon, Real) and 0.0 <= epsilon < np.inf):
        raise ValueError(f"epsilon: {epsilon!r}, give a number of at least 0")
    if not (isinstance(momentum, Real) and 0.0 <= momentum <= 1.0):
        raise ValueError(f"momentum: {momentum!r}, give a number from 0 to 1")


def _start(network: ShallowNetwork) -> Doubles:
    """The state before training."""
    state = np.zeros((VARIANCE + 1, network.input_weights.size))
    state[W], state[B], state[V] = network.input_weights, network.biases, network.output_weights
    state[GAIN], state[VARIANCE] = 1.0, 1.0
    return state


def _equivalent(state: Doubles, constant: float, epsilon: float) -> ShallowNetwork | None:
    """The network with its running means and variances in the place of those of a batch."""
    if not (np.isfinite(state).all() and np.isfinite(constant)):
        return None
    factor = state[GAIN] / np.sqrt(state[VARIANCE] + epsilon)
    biases = state[SHIFT] + factor * (state[B] - state[MEAN])
    return ShallowNetwork(factor * state[W], biases, state[V].copy(), constant)  # the state goes on changing
