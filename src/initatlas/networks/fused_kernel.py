"""The compiled loop of full-batch gradient descent for networks of one hidden ReLU layer.

Blocks of 4 units by 5 coordinates by up to 128 inputs stay in registers and in the first cache: a unit's pre-activations at all
inputs are computed, used for its gradient, computed again with its new weights for the next epoch's outputs, and forgotten. So
there is no array of units by inputs, and what is read from memory in an epoch is the weights alone. Since the ReLU is
homogeneous, the gradient of the output weight is the scalar product of the input weights with their own gradient.

Layouts, all of float32: inputs (chunks, 5 groups, LANES), the coordinates padded with zeros to whole groups; input weights
(blocks, groups, 4 units, 5 coordinates); output weights (blocks, 4); values at inputs (chunks, LANES), of which the first `count`
are used.
"""

import numpy as np

from initatlas.arrays import Floats
from initatlas.caches import compiled

UNITS, COORDINATES = 4, 5
"""Of one block in registers."""

LANES = 128
"""Distance in memory between the coordinates of a chunk of inputs."""

# sums may take any order, and a value is multiplied and added at once; NaN stays NaN
_FAST = {"reassoc", "contract", "nsz"}


@compiled(fastmath=_FAST, error_model="numpy")
def _pre_activations(x: Floats, w: Floats, z: Floats, count: int) -> None:
    """Pre-activations of 4 units at one chunk of inputs, into z of 4 LANES."""
    for group in range(w.size // 20):
        xs, ws = x[group * 5 * LANES : (group + 1) * 5 * LANES], w[group * 20 : (group + 1) * 20]
        a0, a1, a2, a3, a4 = ws[0], ws[1], ws[2], ws[3], ws[4]
        b0, b1, b2, b3, b4 = ws[5], ws[6], ws[7], ws[8], ws[9]
        c0, c1, c2, c3, c4 = ws[10], ws[11], ws[12], ws[13], ws[14]
        d0, d1, d2, d3, d4 = ws[15], ws[16], ws[17], ws[18], ws[19]
        if group == 0:
            for i in range(count):
                p, q, r, s, t = xs[i], xs[LANES + i], xs[2 * LANES + i], xs[3 * LANES + i], xs[4 * LANES + i]
                z[i] = a0 * p + a1 * q + a2 * r + a3 * s + a4 * t
                z[LANES + i] = b0 * p + b1 * q + b2 * r + b3 * s + b4 * t
                z[2 * LANES + i] = c0 * p + c1 * q + c2 * r + c3 * s + c4 * t
                z[3 * LANES + i] = d0 * p + d1 * q + d2 * r + d3 * s + d4 * t
        else:
            for i in range(count):
                p, q, r, s, t = xs[i], xs[LANES + i], xs[2 * LANES + i], xs[3 * LANES + i], xs[4 * LANES + i]
                z[i] += a0 * p + a1 * q + a2 * r + a3 * s + a4 * t
                z[LANES + i] += b0 * p + b1 * q + b2 * r + b3 * s + b4 * t
                z[2 * LANES + i] += c0 * p + c1 * q + c2 * r + c3 * s + c4 * t
                z[3 * LANES + i] += d0 * p + d1 * q + d2 * r + d3 * s + d4 * t


@compiled(fastmath=_FAST, error_model="numpy")
def _add_gradients(x: Floats, residuals: Floats, z: Floats, sums: Floats, count: int) -> None:
    """Add sum r_i 1[z_i > 0] x_i over one chunk to the sums of 4 units."""
    zero = np.float32(0.0)
    for group in range(sums.size // 20):
        xs, out = x[group * 5 * LANES : (group + 1) * 5 * LANES], sums[group * 20 : (group + 1) * 20]
        a0 = a1 = a2 = a3 = a4 = b0 = b1 = b2 = b3 = b4 = zero
        c0 = c1 = c2 = c3 = c4 = d0 = d1 = d2 = d3 = d4 = zero
        for i in range(count):
            p, q, r, s, t = xs[i], xs[LANES + i], xs[2 * LANES + i], xs[3 * LANES + i], xs[4 * LANES + i]
            residual = residuals[i]
            g = residual if z[i] > zero else zero
            a0, a1, a2, a3, a4 = a0 + g * p, a1 + g * q, a2 + g * r, a3 + g * s, a4 + g * t
            g = residual if z[LANES + i] > zero else zero
            b0, b1, b2, b3, b4 = b0 + g * p, b1 + g * q, b2 + g * r, b3 + g * s, b4 + g * t
            g = residual if z[2 * LANES + i] > zero else zero
            c0, c1, c2, c3, c4 = c0 + g * p, c1 + g * q, c2 + g * r, c3 + g * s, c4 + g * t
            g = residual if z[3 * LANES + i] > zero else zero
            d0, d1, d2, d3, d4 = d0 + g * p, d1 + g * q, d2 + g * r, d3 + g * s, d4 + g * t
        products = (a0, a1, a2, a3, a4, b0, b1, b2, b3, b4, c0, c1, c2, c3, c4, d0, d1, d2, d3, d4)
        for at in range(20):
            out[at] += products[at]


@compiled(fastmath=_FAST, error_model="numpy")
def _add_outputs(z: Floats, v: Floats, f: Floats, count: int) -> None:
    """Add the outputs of 4 units at one chunk."""
    zero = np.float32(0.0)
    a, b, c, d = v[0], v[1], v[2], v[3]
    for i in range(count):
        first = a * max(z[i], zero) + b * max(z[LANES + i], zero)
        f[i] += first + c * max(z[2 * LANES + i], zero) + d * max(z[3 * LANES + i], zero)


@compiled(fastmath=_FAST, error_model="numpy")
def _step(w: Floats, v: Floats, sums: Floats, rate: float) -> None:
    """Gradient step of 4 units, both layers from the weights before it."""
    for unit in range(4):
        slope, weight = np.float32(0.0), np.float32(rate) * v[unit]
        for group in range(w.size // 20):
            for k in range(5):
                at = group * 20 + unit * 5 + k
                slope += w[at] * sums[at]
                w[at] -= weight * sums[at]
        v[unit] -= np.float32(rate) * slope


@compiled()
def fill_outputs(x: Floats, w: Floats, v: Floats, f: Floats, count: int) -> None:
    """Sum of the outputs of all units at all inputs, without their scale, into f."""
    z = np.zeros(4 * LANES, dtype=np.float32)
    for chunk in range(x.shape[0]):
        f[chunk] = 0.0
        for block in range(w.shape[0]):
            _pre_activations(x[chunk], w[block], z, count)
            _add_outputs(z, v[block], f[chunk], count)


@compiled()
def descend(
    x: Floats, y: Floats, w: Floats, v: Floats, f: Floats, scale: float, rate: float, count: int, epochs: int
) -> None:
    """Epochs of gradient descent of sum (scale f - y)^2 / (2 n), in place.

    Parameters
    ----------
    x, y
        Inputs and targets; those in the places that fill the last chunk are zero.
    w, v
        Weights, changed.
    f
        Sum of the outputs of the units as they are, changed.
    scale
        Of the network's output.
    rate
        Learning rate times scale over n.
    count
        Inputs of a chunk, a multiple of 16.
    epochs
        Number of steps.
    """
    residuals, sums = np.zeros_like(f), np.zeros(w.shape[1], dtype=np.float32)
    z = np.zeros(4 * LANES, dtype=np.float32)
    for _ in range(epochs):
        for chunk in range(x.shape[0]):
            for i in range(count):
                residuals[chunk, i] = np.float32(scale) * f[chunk, i] - y[chunk, i]
                f[chunk, i] = 0.0
        for block in range(w.shape[0]):
            sums[:] = 0.0
            for chunk in range(x.shape[0]):
                _pre_activations(x[chunk], w[block], z, count)
                _add_gradients(x[chunk], residuals[chunk], z, sums, count)
            _step(w[block], v[block], sums, rate)
            for chunk in range(x.shape[0]):
                _pre_activations(x[chunk], w[block], z, count)
                _add_outputs(z, v[block], f[chunk], count)
