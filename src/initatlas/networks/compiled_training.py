"""The compiled loop that trains one multilayer perceptron: forward, loss, back, and the change of every layer.

The parameters of a network are one array: for each layer its weights, a row for each input, then its biases. All fans are
multiples of 16, and a network is computed by itself, so that its numbers do not depend on others.
"""

from math import exp, isfinite, isnan, log, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from initatlas.arrays import Doubles, Floats
from initatlas.caches import compiled
from initatlas.networks.compiled_layers import (
    adapt_biases,
    adapt_weights,
    descend_biases,
    descend_weights,
    fill_linear,
    fill_rectified,
    fill_tanh,
    pull_bent,
    pull_rectified,
    pull_tanh,
    roll_biases,
    roll_weights,
    softmax,
    turn,
)
from initatlas.networks.inputs import Inputs
from initatlas.networks.loop_form import RELU, TANH
from initatlas.networks.sparse_layers import (
    adapt_sparse,
    descend_sparse,
    fill_sparse,
    fill_sparse_rectified,
    roll_sparse,
)

Places = NDArray[np.int64]

SGD, MOMENTUM, ADAM = 0, 1, 2
"""Optimisers."""

_HALF = sqrt(0.5)


@compiled()
def _rectify(z: Floats, h: Floats, slope: float) -> None:
    """max(z, slope z); NaN stays."""
    below = np.float32(slope)
    for i in range(z.size):
        value = z[i]
        h[i] = below * value if value <= np.float32(0.0) else value


@compiled()
def _add(total: Floats, summand: Floats) -> None:
    """Add to an array."""
    for i in range(total.size):
        total[i] += summand[i]


@compiled()
def fill_signals(
    inputs: Inputs,
    chosen: Places,
    rows: Places,
    parameters: Floats,
    fans: Places,
    before: Floats,
    after: Floats,
    outputs: Floats,
    own: Places,
    activation: int,
    slope: float,
    residual: bool,
) -> None:
    """Send inputs through a network.

    Parameters
    ----------
    inputs, chosen, rows
        Inputs, the numbers of those that are to be sent, and room: for the places where their rows begin.
    parameters, fans
        The network: its array, and the sizes of its layers, inputs first.
    before, after
        Pre-activations and activations, to be filled, of shape (hidden layers, numbers): layer l goes to line l modulo the
        lines. They may be one array without residual connections, unless the slope is negative.
    outputs
        To be filled.
    own
        Where the rows of a hidden layer begin.
    activation, slope
        See `initatlas.networks.loop_form`.
    residual
        Whether a hidden layer but the first adds to the pre-activations before it.
    """
    at, batch, lines = 0, rows.size, after.shape[0]
    x, words = inputs.numbers.ravel(), inputs.masks.shape[1]
    for i in range(batch):
        rows[i] = chosen[i] * fans[0]
    shared = np.empty(fans[1], dtype=np.float32)
    if words:
        fill_linear(inputs.background, own[:1], parameters, shared, 0, 1, fans[1], fans[0])
    for layer in range(fans.size - 1):
        fan_in, fan_out = fans[layer], fans[layer + 1]
        hidden = layer < fans.size - 2
        source, places = (x, rows) if layer == 0 else (after[(layer - 1) % lines], own)
        size = batch * fan_out
        is_sparse = layer == 0 and words > 0
        if hidden and activation == RELU and not residual:
            h = after[layer % lines]
            if is_sparse:
                fill_sparse_rectified(x, rows, inputs.masks, chosen, shared, parameters, h, batch, fan_out, words)
            else:
                fill_rectified(source, places, parameters, h, at, batch, fan_out, fan_in)
        else:
            z = before[layer % lines] if hidden else outputs
            if is_sparse:
                fill_sparse(x, rows, inputs.masks, chosen, shared, parameters, z, batch, fan_out, words)
            else:
                fill_linear(source, places, parameters, z, at, batch, fan_out, fan_in)
            if not hidden:
                return
            h = after[layer % lines]
            if residual and layer > 0:
                _add(z[:size], before[(layer - 1) % lines][:size])
            if activation == TANH:
                fill_tanh(z, h, size)
            else:
                _rectify(z[:size], h[:size], slope)
        at += (fan_in + 1) * fan_out


@compiled()
def _loss_gradient(outputs: Floats, width: int, chosen: Places, classes: Places, numbers: Floats, scale: float) -> None:
    """Put the scaled gradient of the loss in place of the outputs; classes are empty if the targets are numbers."""
    factor = np.float32(scale)
    if classes.size:
        softmax(outputs, chosen.size, width)
        for i in range(chosen.size):
            row = outputs[i * width : (i + 1) * width]
            row[classes[chosen[i]]] -= np.float32(1.0)
            for j in range(width):
                row[j] *= factor
    else:
        for i in range(chosen.size):
            row, wanted = outputs[i * width : (i + 1) * width], numbers[chosen[i]]
            for j in range(width):
                row[j] = (row[j] - wanted[j]) * factor


@compiled()
def _change_biases(
    gradients: Floats,
    parameters: Floats,
    first: Floats,
    second: Floats,
    at: int,
    fan_out: int,
    batch: int,
    rate: float,
    optimiser: int,
    number: np.float32,
) -> None:
    """One step of a layer's biases."""
    if optimiser == SGD:
        descend_biases(gradients, parameters, first, second, at, fan_out, batch, rate, number)
    elif optimiser == MOMENTUM:
        roll_biases(gradients, parameters, first, second, at, fan_out, batch, rate, number)
    else:
        adapt_biases(gradients, parameters, first, second, at, fan_out, batch, rate, number)


@compiled()
def _change(
    x: Floats,
    rows: Places,
    gradients: Floats,
    parameters: Floats,
    first: Floats,
    second: Floats,
    at: int,
    fan_in: int,
    fan_out: int,
    rates: Floats,
    optimiser: int,
    other: float,
) -> None:
    """One step of a layer's weights and biases."""
    batch, weight_rate, number = rows.size, rates[0], np.float32(other)
    if optimiser == SGD:
        descend_weights(x, rows, gradients, parameters, first, second, at, fan_in, fan_out, batch, weight_rate, number)
    elif optimiser == MOMENTUM:
        roll_weights(x, rows, gradients, parameters, first, second, at, fan_in, fan_out, batch, weight_rate, number)
    else:
        adapt_weights(x, rows, gradients, parameters, first, second, at, fan_in, fan_out, batch, weight_rate, number)
    bias = at + fan_in * fan_out
    _change_biases(gradients, parameters, first, second, bias, fan_out, batch, rates[1], optimiser, number)


@compiled()
def _change_first(
    inputs: Inputs,
    chosen: Places,
    rows: Places,
    gradients: Floats,
    parameters: Floats,
    first: Floats,
    second: Floats,
    fan_in: int,
    fan_out: int,
    rates: Floats,
    optimiser: int,
    other: float,
) -> None:
    """One step of the first layer, on inputs that are mostly background."""
    batch, weight_rate, number = rows.size, rates[0], np.float32(other)
    groups, blocks = (batch + 63) // 64, inputs.marks.shape[1]
    present = np.zeros((groups, blocks), dtype=np.uint64)
    total = np.zeros(fan_out, dtype=np.float32)
    for i in range(batch):
        word, marks, shift = present[i // 64], inputs.marks[chosen[i]], np.uint64(i % 64)
        for q in range(blocks):
            word[q] |= np.uint64(marks[q]) << shift
        slopes = gradients[i * fan_out : (i + 1) * fan_out]
        for j in range(fan_out):
            total[j] += slopes[j]
    x, base = inputs.numbers.ravel(), inputs.background
    if optimiser == SGD:
        descend_sparse(
            *(x, rows, base, present, gradients, total, parameters, first, second),
            *(fan_in, fan_out, groups, weight_rate, number),
        )
    elif optimiser == MOMENTUM:
        roll_sparse(
            *(x, rows, base, present, gradients, total, parameters, first, second),
            *(fan_in, fan_out, groups, weight_rate, number),
        )
    else:
        adapt_sparse(
            *(x, rows, base, present, gradients, total, parameters, first, second),
            *(fan_in, fan_out, groups, weight_rate, number),
        )
    _change_biases(gradients, parameters, first, second, fan_in * fan_out, fan_out, batch, rates[1], optimiser, number)


@compiled()
def _go_back(
    inputs: Inputs,
    chosen: Places,
    rows: Places,
    parameters: Floats,
    state: Floats,
    fans: Places,
    before: Floats,
    after: Floats,
    outputs: Floats,
    own: Places,
    own_outputs: Places,
    turned: Floats,
    gradients: Floats,
    rates: Floats,
    activation: int,
    slope: float,
    residual: bool,
    optimiser: int,
    other: float,
) -> None:
    """Send the gradient at the outputs back through a network, and change each layer when its gradient is used."""
    layers, batch = fans.size - 1, rows.size
    at = 0
    for layer in range(layers):
        at += (fans[layer] + 1) * fans[layer + 1]
    above = outputs
    first, second = state[0], state[state.shape[0] - 1]
    for layer in range(layers - 1, -1, -1):
        fan_in, fan_out = fans[layer], fans[layer + 1]
        at -= (fan_in + 1) * fan_out
        places = own_outputs if layer == layers - 1 else own
        if layer == 0:
            if inputs.masks.shape[1]:
                step = rates[0], optimiser, other
                _change_first(inputs, chosen, rows, above, parameters, first, second, fan_in, fan_out, *step)
                return
            x = inputs.numbers.ravel()
            _change(x, rows, above, parameters, first, second, at, fan_in, fan_out, rates[0], optimiser, other)
            return
        z, h, lower = before[layer - 1], after[layer - 1], gradients[layer % 2]
        turn(parameters, turned, at, fan_in, fan_out)
        if activation == RELU:
            pull_rectified(above, places, turned, h, lower, batch, fan_in, fan_out, np.float32(slope))
        elif activation == TANH:
            pull_tanh(above, places, turned, h, lower, batch, fan_in, fan_out, np.float32(slope))
        else:
            pull_bent(above, places, turned, z, lower, batch, fan_in, fan_out, np.float32(slope))
        if residual and layer < layers - 1:
            size = batch * fan_in
            _add(lower[:size], above[:size])
        _change(h, own, above, parameters, first, second, at, fan_in, fan_out, rates[layer], optimiser, other)
        above = lower


@compiled()
def _is_lost(biases: Floats) -> bool:
    """Whether one of them is NaN."""
    lost = False
    for i in range(biases.size):
        lost |= isnan(biases[i])
    return lost


@compiled()
def train(
    inputs: Inputs,
    classes: Places,
    numbers: Floats,
    orders: Places,
    parameters: Floats,
    state: Floats,
    fans: Places,
    before: Floats,
    after: Floats,
    outputs: Floats,
    turned: Floats,
    gradients: Floats,
    rates: Floats,
    form: Any,
    optimiser: Any,
    scale: float,
    done: int,
) -> int:
    """Take some steps of one network, or of the two halves of a mirrored one, until it is lost.

    Parameters
    ----------
    inputs
        All of them.
    classes, numbers
        Targets: classes, or an empty array and numbers of shape (n, outputs).
    orders
        The inputs of each minibatch, (steps, batch).
    parameters, state, before, after, outputs
        Of each half: see `fill_signals`; the state of the optimiser has two lines at most.
    fans
        Sizes of the layers.
    turned, gradients
        Room: for the transposed weights of a layer, and for the gradients of two.
    rates
        Learning rates of each layer's weights and biases, (layers, 2); the optimisers whose steps are multiples of the gradient
        have them in the scale too.
    form
        Activation, slope, and whether there are residual connections.
    optimiser
        Its code, and the momentum.
    scale
        Factor on the gradient of the loss.
    done
        Steps done before.

    Returns
    -------
    int
        How many steps were taken. A network is lost where a bias of the read-out is NaN: then all outputs are, at any input, and
        no step changes that.
    """
    activation, slope, residual = form
    code, momentum = optimiser
    halves, batch = parameters.shape[0], orders.shape[1]
    width = fans[fans.size - 1]
    rows, own = np.empty(batch, dtype=np.int64), np.arange(batch) * fans[fans.size - 2]
    own_outputs = np.arange(batch) * width
    now = rates.copy()
    other = momentum
    for step in range(orders.shape[0]):
        if _is_lost(parameters[0, parameters.shape[1] - width :]):
            return step
        chosen = orders[step]
        for half in range(halves):
            fill_signals(
                inputs,
                chosen,
                rows,
                parameters[half],
                fans,
                before[half],
                after[half],
                outputs[half],
                own,
                activation,
                slope,
                residual,
            )
        if halves == 2:
            for i in range(batch * width):
                outputs[0, i] = (outputs[0, i] - outputs[1, i]) * np.float32(_HALF)
        _loss_gradient(outputs[0], width, chosen, classes, numbers, scale)
        if halves == 2:
            for i in range(batch * width):
                outputs[0, i] *= np.float32(_HALF)
                outputs[1, i] = -outputs[0, i]
        if code == ADAM:
            first, second = 1.0 - 0.9 ** (done + step + 1), 1.0 - 0.999 ** (done + step + 1)
            now[:] = rates / np.float32(first)
            other = 1.0 / sqrt(second)
        for half in range(halves):
            _go_back(
                inputs,
                chosen,
                rows,
                parameters[half],
                state[half],
                fans,
                before[half],
                after[half],
                outputs[half],
                own,
                own_outputs,
                turned,
                gradients,
                now,
                activation,
                slope,
                residual,
                code,
                other,
            )
    return len(orders)


@compiled()
def add_scores(
    outputs: Floats, width: int, used: int, classes: Places, numbers: Floats, factor: float, early: int, sums: Doubles
) -> None:
    """Add the losses of some examples, and those whose class is right, to what was found of those before them.

    Parameters
    ----------
    outputs, width, used
        Rows of outputs, one behind the other; their length, and how many of each are no padding.
    classes, numbers
        Targets of these rows: see `train`.
    factor
        On a squared error.
    early
        How many of these rows, from the first on, count among the first examples of the split.
    sums
        Loss of the first examples, of all, and how many classes are right.
    """
    for i in range(outputs.size // width):
        row = outputs[i * width : i * width + used]
        best = 0
        for j in range(used):
            if row[j] > row[best]:
                best = j
        if classes.size:
            loss, wanted = _cross_entropy(row, best, classes[i]), classes[i]
        else:
            target = numbers[i]
            loss, wanted = _squared_error(row, target) * np.float32(factor), 0
            for j in range(used):
                if target[j] > target[wanted]:
                    wanted = j
            if used == 1:
                best, wanted = int(np.signbit(row[0])), int(np.signbit(target[0]))
        if i < early:
            sums[0] += loss
        sums[1] += loss
        if best == wanted and isfinite(loss):
            sums[2] += 1.0


@compiled()
def _cross_entropy(row: Floats, best: int, wanted: int) -> np.float32:
    """Of the softmax, in nats, as a single number; `best` is the place of the largest output."""
    total = 0.0
    for j in range(row.size):
        total += exp(float(row[j]) - float(row[best]))
    return np.float32(log(total) + float(row[best]) - float(row[wanted]))


@compiled()
def _squared_error(row: Floats, target: Floats) -> np.float32:
    """Squared distance, in single precision."""
    total = np.float32(0.0)
    for j in range(row.size):
        difference = row[j] - target[j]
        total += difference * difference
    return total
