"""Full-batch gradient descent for a wide network of one hidden ReLU layer, in single precision.

f(x) = scale sum_j v_j relu(w_j x), every v_j and w_j trained at one learning rate: the NTK parametrisation of Chen, Li and Lin
2024 (equations 9 and 10) with scale sqrt(2 / m) and standard normal weights. A bias is a weight of an input that is always 1.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from initatlas.arrays import Doubles, Floats
from initatlas.networks.fused_kernel import COORDINATES, LANES, UNITS, descend, fill_outputs

_VECTOR = 16
"""Inputs of a chunk come in multiples of this."""


@dataclass(frozen=True)
class Chunks:
    """Inputs as the loop takes them.

    Attributes
    ----------
    values
        Shape (chunks, groups of coordinates times 5, LANES) without the middle axis, float32.
    count
        Inputs in a chunk.
    inputs
        Number of inputs n; the places behind the last one hold zeros.
    """

    values: Floats
    count: int
    inputs: int

    @classmethod
    def of(cls, x: Doubles) -> "Chunks":
        """Chunks of equal length of a data matrix of shape (n, d)."""
        n, dimension = x.shape
        chunks = -(-n // LANES)
        count = -(-n // (chunks * _VECTOR)) * _VECTOR
        padded = np.zeros((chunks, -(-dimension // COORDINATES) * COORDINATES, LANES), dtype=np.float32)
        rows = np.zeros((chunks * count, dimension), dtype=np.float32)
        rows[:n] = x
        padded[:, :dimension, :count] = rows.reshape(chunks, count, dimension).transpose(0, 2, 1)
        return cls(padded.reshape(chunks, -1), count, n)

    def spread(self, y: Doubles) -> Floats:
        """Numbers at the inputs, shape (n,), as the loop takes them: (chunks, LANES)."""
        spread = np.zeros((len(self.values), LANES), dtype=np.float32)
        rows = np.zeros(len(self.values) * self.count, dtype=np.float32)
        rows[: self.inputs] = y
        spread[:, : self.count] = rows.reshape(-1, self.count)
        return spread

    def gathered(self, f: Floats) -> Floats:
        """The numbers at the inputs, shape (n,)."""
        return f[:, : self.count].ravel()[: self.inputs]


@dataclass
class WideNetwork:
    """A network in training.

    Attributes
    ----------
    w
        Input weights, shape (blocks, groups of coordinates, 4 units, 5 coordinates) without the middle axes, float32.
    v
        Output weights, shape (blocks, 4), float32.
    scale
        Of the output.
    """

    w: Floats
    v: Floats
    scale: float

    @classmethod
    def of(cls, w: Doubles, v: Doubles, scale: float) -> "WideNetwork":
        """A network from input weights of shape (m, d) and output weights of shape (m,)."""
        units, dimension = w.shape
        blocks, groups = -(-units // UNITS), -(-dimension // COORDINATES)
        padded = np.zeros((blocks * UNITS, groups * COORDINATES), dtype=np.float32)
        padded[:units, :dimension] = w
        outputs = np.zeros(blocks * UNITS, dtype=np.float32)
        outputs[:units] = v
        ordered = padded.reshape(blocks, UNITS, groups, COORDINATES).transpose(0, 2, 1, 3)
        return cls(np.ascontiguousarray(ordered).reshape(blocks, -1), outputs.reshape(blocks, UNITS), scale)

    def weights(self, units: int, dimension: int) -> tuple[Floats, Floats]:
        """Input and output weights as they are now, shapes (m, d) and (m,)."""
        blocks = len(self.w)
        ordered = self.w.reshape(blocks, -1, UNITS, COORDINATES).transpose(0, 2, 1, 3)
        return ordered.reshape(blocks * UNITS, -1)[:units, :dimension], self.v.ravel()[:units]

    def outputs(self, inputs: Chunks) -> Floats:
        """The function at some inputs, shape (n,)."""
        f = np.zeros((len(inputs.values), LANES), dtype=np.float32)
        fill_outputs(inputs.values, self.w, self.v, f, inputs.count)
        return np.float32(self.scale) * inputs.gathered(f)

    def train(self, inputs: Chunks, targets: Doubles, *, rate: float, epochs: int) -> None:
        """Take gradient steps of the loss sum (f - y)^2 / (2 n).

        Parameters
        ----------
        inputs
            The data.
        targets
            Shape (n,).
        rate
            Learning rate.
        epochs
            Number of steps.
        """
        f = np.zeros((len(inputs.values), LANES), dtype=np.float32)
        fill_outputs(inputs.values, self.w, self.v, f, inputs.count)
        step = rate * self.scale / inputs.inputs
        descend(inputs.values, inputs.spread(targets), self.w, self.v, f, self.scale, step, inputs.count, epochs)


def standard_start(width: int, dimension: int, *, rng: np.random.Generator) -> WideNetwork:
    """A random network of some width m: standard normal weights and the scale sqrt(2 / m)."""
    w, v = _draws(width, dimension, rng)
    return WideNetwork.of(w, v, sqrt(2.0 / width))


def mirrored_start(width: int, dimension: int, *, rng: np.random.Generator) -> WideNetwork:
    """Two copies (f_1 - f_2) / sqrt(2) of a random network of some width, both to be trained: zero at first.

    Chen, Li and Lin 2024, remark 3.1. The difference is a network of twice the width, whose second half has output weights of
    the opposite sign.
    """
    w, v = _draws(width, dimension, rng)
    return WideNetwork.of(np.vstack([w, w]), np.concatenate([v, -v]), sqrt(1.0 / width))


def _draws(width: int, dimension: int, rng: np.random.Generator) -> tuple[Doubles, Doubles]:
    """Weights of one network."""
    return rng.standard_normal((width, dimension)), rng.standard_normal(width)
