"""Gradient descent over all data of small networks with one hidden layer: compiled, for very many of them.

A call trains one network after the other, in double precision and in one order of sums, so that its result does not depend
on the networks beside it.
"""

from math import inf, isfinite, sqrt, tanh

import numpy as np

from initatlas.arrays import Doubles
from initatlas.caches import compiled
from initatlas.networks.training_settings import SmallActivation

_CODES: dict[str, int] = {"tanh": 0, "relu": 1, "identity": 2}


def draw_small(
    *, inputs: int, width: int, samples: int, weight_variance: float, rng: np.random.Generator
) -> tuple[Doubles, Doubles, Doubles, Doubles]:
    """Draw a network and the data that it is to fit, all of them Gaussian.

    Parameters
    ----------
    inputs, width, samples
        Input dimension d, hidden units H, data points n.
    weight_variance
        Of the hidden weights, times d.
    rng
        Gives, in this order, the inputs, the targets, the hidden weights and the read-out's weights. Two variances with
        generators of one seed give one network and a multiple of its hidden weights.

    Returns
    -------
    x, y, hidden, readout
        Shapes (n, d), (n,), (d, H) and (H,). Inputs and targets have variance 1, the read-out 1 / H.
    """
    x, y = rng.standard_normal((samples, inputs)), rng.standard_normal(samples)
    hidden = rng.standard_normal((inputs, width)) * sqrt(weight_variance / inputs)
    return x, y, hidden, rng.standard_normal(width) / sqrt(width)


def descend_small(
    x: Doubles, y: Doubles, hidden: Doubles, readout: Doubles, *, activation: SmallActivation, rate: float, steps: int
) -> Doubles:
    """Train f(x) = v phi(W x) on the mean squared error, all data in each step.

    Parameters
    ----------
    x, y, hidden, readout
        As `draw_small` gives them; they are not changed.
    activation
        phi.
    rate
        Learning rate of both layers.
    steps
        Number of steps.

    Returns
    -------
    ndarray of float64, shape (steps + 1,)
        The loss before each step and behind the last; infinity from where it is no longer finite.
    """
    losses = np.full(steps + 1, inf)
    _descend(x, y, hidden.copy(), readout.copy(), _CODES[activation], rate, losses)
    return losses


def sharpness(x: Doubles, hidden: Doubles, readout: Doubles, *, activation: SmallActivation) -> float:
    """Largest eigenvalue of the Gauss-Newton matrix of the mean squared error, 2 J J' / n with the Jacobian J of the outputs.

    Gradient descent of the linearised network is stable up to the learning rate 2 / sharpness. The non-zero eigenvalues of
    J J' are those of the empirical NTK, sum_h phi(z_ih) phi(z_jh) + x_i x_j sum_h v_h^2 phi'(z_ih) phi'(z_jh).
    """
    z = x @ hidden
    a, slope = _values(z, activation)
    moved = slope * readout
    ntk = a @ a.T + (x @ x.T) * (moved @ moved.T)
    return float(2.0 * np.linalg.eigvalsh(ntk)[-1] / len(x)) if np.isfinite(ntk).all() else inf


def _values(z: Doubles, activation: SmallActivation) -> tuple[Doubles, Doubles]:
    """phi and its derivative."""
    if activation == "tanh":
        a: Doubles = np.tanh(z)
        return a, 1.0 - a * a
    if activation == "relu":
        return np.maximum(z, 0.0), (z > 0.0).astype(np.float64)
    return z, np.ones_like(z)


@compiled()
def _descend(
    x: Doubles, y: Doubles, hidden: Doubles, readout: Doubles, activation: int, rate: float, losses: Doubles
) -> None:
    """Fill the losses, as far as they are finite."""
    n, d = x.shape
    width = readout.size
    a, pulled = np.empty((n, width)), np.empty(width)
    residual = np.empty(n)
    for step in range(losses.size):
        total = 0.0
        for i in range(n):
            row = a[i]
            row[:] = 0.0
            for k in range(d):
                for h in range(width):
                    row[h] += x[i, k] * hidden[k, h]
            output = 0.0
            for h in range(width):
                if activation == 0:
                    row[h] = tanh(row[h])
                elif activation == 1:
                    row[h] = max(row[h], 0.0)
                output += readout[h] * row[h]
            residual[i] = output - y[i]
            total += residual[i] * residual[i]
        if not isfinite(total):
            return
        losses[step] = total / n
        _update(x, residual, a, hidden, readout, pulled, activation, 2.0 * rate / n)


@compiled()
def _update(
    x: Doubles,
    residual: Doubles,
    a: Doubles,
    hidden: Doubles,
    readout: Doubles,
    pulled: Doubles,
    activation: int,
    rate: float,
) -> None:
    """One step of both layers, from the activations and residuals before it."""
    n, d = x.shape
    change = np.zeros(readout.size)
    moved = np.zeros(hidden.shape)
    for i in range(n):
        for h in range(readout.size):
            value = a[i, h]
            slope = 1.0
            if activation == 0:
                slope = 1.0 - value * value
            elif activation == 1 and value <= 0.0:
                slope = 0.0
            pulled[h] = residual[i] * readout[h] * slope
            change[h] += residual[i] * value
        for k in range(d):
            for h in range(readout.size):
                moved[k, h] += x[i, k] * pulled[h]
    for h in range(readout.size):
        readout[h] -= rate * change[h]
        for k in range(d):
            hidden[k, h] -= rate * moved[k, h]
