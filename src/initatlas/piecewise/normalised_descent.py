"""Stochastic gradient descent of a shallow univariate ReLU network with batch normalisation.

Behind the normalisation, a unit is g w (x - m) / sqrt(w^2 s^2 + e) + d on a batch of mean m and variance s^2: a line again. So
the trained network is a shallow one like all others, with one breakpoint per unit. The bias in front of the normalisation
cancels, and the loss depends on the size of w through e alone.
"""

from collections.abc import Sequence
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike

from initatlas.arrays import Doubles
from initatlas.caches import compiled
from initatlas.piecewise.arrays import points, whole
from initatlas.piecewise.descent import Descent, checked_descent, checked_record
from initatlas.piecewise.shallow import ShallowNetwork

# rows of the state of a network, a column per unit
W, B, GAIN, SHIFT, V, MEAN, VARIANCE = range(7)


@compiled()
def normalised_slopes(state: Doubles, variance: float, epsilon: float) -> Doubles:
    """What x less the batch's mean is multiplied by in each unit before the gain, shape (units,)."""
    slopes = np.empty(state.shape[1])
    for i in range(slopes.size):
        slopes[i] = state[W, i] / np.sqrt(state[W, i] ** 2 * variance + epsilon)
    return slopes


@compiled()
def residuals(state: Doubles, constant: float, slopes: Doubles, moved: Doubles, y: Doubles) -> Doubles:
    """Outputs less targets on a batch, with x from the batch's mean, shape (points,)."""
    differences = np.empty(moved.size)
    for n in range(moved.size):
        total = constant - y[n]
        for i in range(slopes.size):
            total += state[V, i] * max(state[GAIN, i] * slopes[i] * moved[n] + state[SHIFT, i], 0.0)
        differences[n] = total
    return differences


@compiled()
def update_statistics(state: Doubles, mean: float, variance: float, count: int, momentum: float) -> None:
    """Move the running mean and variance of each unit's pre-activations towards those of a batch, the variance unbiased."""
    for i in range(state.shape[1]):
        seen = state[W, i] * mean + state[B, i]
        spread = state[W, i] ** 2 * variance * count / (count - 1.0)
        state[MEAN, i] += momentum * (seen - state[MEAN, i])
        state[VARIANCE, i] += momentum * (spread - state[VARIANCE, i])


@compiled()
def batch_step(
    state: Doubles, constant: float, x: Doubles, y: Doubles, step: float, epsilon: float, momentum: float
) -> float:
    """One step on one batch; the new output bias.

    Parameters
    ----------
    step
        Learning rate times the loss's scale.
    """
    mean = x.mean()
    moved = x - mean
    variance = (moved * moved).mean()
    slopes = normalised_slopes(state, variance, epsilon)
    errors = residuals(state, constant, slopes, moved, y)
    update_statistics(state, mean, variance, x.size, momentum)
    for i in range(slopes.size):
        gain, shift, v, slope = state[GAIN, i], state[SHIFT, i], state[V, i], slopes[i]
        seen, seen_x = 0.0, 0.0
        for n in range(moved.size):
            if gain * slope * moved[n] + shift > 0.0:
                seen += errors[n]
                seen_x += errors[n] * moved[n]
        free = epsilon / (state[W, i] ** 2 * variance + epsilon)  # how far the slope still follows w
        by_w = gain * v * seen_x * free / np.sqrt(state[W, i] ** 2 * variance + epsilon)
        state[W, i] -= step * by_w
        state[GAIN, i] -= step * v * slope * seen_x
        state[SHIFT, i] -= step * v * seen
        state[V, i] -= step * (gain * slope * seen_x + shift * seen)
    moved_constant: float = constant - step * errors.sum()
    return moved_constant


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
    state = _start(network)
    constant = float(np.asarray(network.output_bias))
    recorded: list[ShallowNetwork | None] = []
    for epoch in range(int(epochs[-1]) + 1):
        if epoch in epochs:
            recorded.append(_equivalent(state, constant, epsilon))
        if epoch < epochs[-1]:
            order = rng.permutation(inputs.size)
            constant = _epoch(state, constant, inputs[order], targets[order], descent, batch, (epsilon, momentum))
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


def _epoch(
    state: Doubles,
    constant: float,
    x: Doubles,
    y: Doubles,
    descent: Descent,
    batch: int,
    normalisation: tuple[float, float],
) -> float:
    """One pass over the data in their order; the new output bias."""
    for first in range(0, x.size, batch):
        part, wanted = x[first : first + batch], y[first : first + batch]
        step = descent.learning_rate * descent.scale(part.size)
        constant = batch_step(state, constant, part, wanted, step, *normalisation)
    return constant


def _equivalent(state: Doubles, constant: float, epsilon: float) -> ShallowNetwork | None:
    """The network with its running means and variances in the place of those of a batch."""
    if not (np.isfinite(state).all() and np.isfinite(constant)):
        return None
    factor = state[GAIN] / np.sqrt(state[VARIANCE] + epsilon)
    biases = state[SHIFT] + factor * (state[B] - state[MEAN])
    return ShallowNetwork(factor * state[W], biases, state[V].copy(), constant)  # the state goes on changing
