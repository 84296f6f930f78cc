"""Gradient descent over all data of small networks with one hidden layer: compiled, for very many of them.

A call trains one network after the other, in double precision and in one order of sums, so that its result does not depend
on the networks beside it.
"""

from math import copysign, factorial, inf, isfinite, log, sqrt
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from initatlas.arrays import Doubles, Integers
from initatlas.caches import compiled
from initatlas.networks.training_settings import SmallActivation
from initatlas.vectors import DOUBLE, data, written

_LANES = DOUBLE.lanes

TANH, RELU, IDENTITY = 0, 1, 2
"""Activations."""

_LOG_2_HIGH, _LOG_2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
"""The logarithm of 2 in two parts, the first of so few bits that its products with small whole numbers are exact."""

_INVERSE_LOG_2 = 1.0 / log(2.0)

_POWERS = tuple(1.0 / factorial(k) for k in range(13, 0, -1))
"""(exp(r) - 1) / r as a polynomial, highest power first: to the last place for |r| <= log(2) / 2."""

_SATURATED = 20.0
"""From here on a hyperbolic tangent is 1 in double precision."""

_CODES: dict[str, int] = {"tanh": TANH, "relu": RELU, "identity": IDENTITY}


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
    _descend(x.ravel(), y, hidden.flatten(), readout.copy(), _CODES[activation], rate, losses)
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


@compiled(error_model="numpy")
def fill_tanh(z: Doubles, wholes: Integers) -> None:
    """Put hyperbolic tangents in place of numbers, to 3 units in the last place; `wholes` is room of the same length.

    tanh(x) = m / (m + 2) with m = exp(2 x) - 1 = 2^n (exp(r) - 1) + 2^n - 1, which loses no digits near 0. Plain arithmetic
    in loops, for the compiler to take several numbers at once: four times as fast as a call for each.
    """
    scales = wholes.view(np.float64)
    for i in range(z.size):
        size = abs(z[i])
        doubled = 2.0 * (_SATURATED if size > _SATURATED else size)
        wholes[i] = (np.int64(np.rint(doubled * _INVERSE_LOG_2)) + 1023) << 52
    for i in range(z.size):
        size = abs(z[i])
        doubled = 2.0 * (_SATURATED if size > _SATURATED else size)
        n = np.rint(doubled * _INVERSE_LOG_2)
        r = (doubled - n * _LOG_2_HIGH) - n * _LOG_2_LOW
        value = _POWERS[0]
        for k in range(1, len(_POWERS)):
            value = value * r + _POWERS[k]
        power = scales[i] * (value * r) + (scales[i] - 1.0)
        z[i] = copysign(power / (power + 2.0), z[i])


@written
def _fill_whole(
    typing: Any, left: Any, row_step: Any, term_step: Any, right: Any, out: Any, rows: Any, columns: Any, terms: Any
) -> Any:
    """Those columns of a product that make whole vectors; see `_multiply`."""

    def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        """Write the code."""
        factors, matrix, target = (data(context, builder, signature.args[at], values[at]) for at in (0, 3, 4))
        down, along, height, width, depth = (values[at] for at in (1, 2, 5, 6, 7))
        lanes = ir.IntType(64)(DOUBLE.lanes)
        with (
            cgutils.for_range(builder, height) as lines,
            cgutils.for_range(builder, builder.sdiv(width, lanes)) as blocks,
        ):
            first, column = builder.mul(lines.index, down), builder.mul(blocks.index, lanes)
            total = DOUBLE.variable(builder)
            builder.store(DOUBLE.zero, total)
            with cgutils.for_range(builder, depth) as loop:
                entry = DOUBLE.spread(builder, factors, builder.add(first, builder.mul(loop.index, along)))
                row = DOUBLE.load(builder, matrix, builder.add(builder.mul(loop.index, width), column))
                builder.store(DOUBLE.times_plus(builder, entry, row, builder.load(total)), total)
            place = builder.add(builder.mul(lines.index, width), column)
            DOUBLE.store(builder, builder.load(total), target, place)
        return context.get_dummy_value()

    return types.void(left, row_step, term_step, right, out, rows, columns, terms), write


@compiled()
def _multiply(
    left: Doubles, row_step: int, term_step: int, right: Doubles, out: Doubles, rows: int, terms: int
) -> None:
    """Fill `out`, (rows, columns), with a product of matrices; all are flat.

    Entry (i, k) of the left factor stands at ``row_step i + term_step k``; the right one is (terms, columns).
    """
    columns = out.size // rows
    _fill_whole(left, row_step, term_step, right, out, rows, columns, terms)
    for i in range(rows):
        for j in range(columns - columns % _LANES, columns):
            total = 0.0
            for k in range(terms):
                total += left[row_step * i + term_step * k] * right[columns * k + j]
            out[columns * i + j] = total


@compiled()
def _descend(
    x: Doubles, y: Doubles, hidden: Doubles, readout: Doubles, activation: int, rate: float, losses: Doubles
) -> None:
    """Fill the losses, as far as they are finite. Inputs and hidden weights are flat."""
    n, width = y.size, readout.size
    d = hidden.size // width
    a, pulled = np.empty(n * width), np.empty(n * width)
    residual, wholes = np.empty(n), np.empty(n * width, dtype=np.int64)
    change, moved = np.empty(width), np.empty(d * width)
    for step in range(losses.size):
        _multiply(x, d, 1, hidden, a, n, d)
        if activation == TANH:
            fill_tanh(a, wholes)
        elif activation == RELU:
            for i in range(a.size):
                a[i] = max(a[i], 0.0)
        total = 0.0
        for i in range(n):
            output = 0.0
            for h in range(width):
                output += readout[h] * a[i * width + h]
            residual[i] = output - y[i]
            total += residual[i] * residual[i]
        if not isfinite(total):
            return
        losses[step] = total / n
        _pull(residual, a, readout, pulled, activation)
        _multiply(residual, 0, 1, a, change, 1, n)
        _multiply(x, 1, d, pulled, moved, d, n)
        _subtract(readout, change, 2.0 * rate / n)
        _subtract(hidden, moved, 2.0 * rate / n)


@compiled()
def _pull(residual: Doubles, a: Doubles, readout: Doubles, pulled: Doubles, activation: int) -> None:
    """Residuals at the pre-activations, from the activations."""
    width = readout.size
    for i in range(residual.size):
        for h in range(width):
            value, factor = a[i * width + h], residual[i] * readout[h]
            if activation == TANH:
                factor *= 1.0 - value * value
            elif activation == RELU and value <= 0.0:
                factor = 0.0
            pulled[i * width + h] = factor


@compiled()
def _subtract(parameters: Doubles, gradient: Doubles, rate: float) -> None:
    """A step down a gradient."""
    for i in range(parameters.size):
        parameters[i] -= rate * gradient[i]
