"""Full-batch gradient descent for a wide network of one hidden ReLU layer, in single precision.

f(x) = scale sum_j v_j relu(w_j x), every v_j and w_j trained at one learning rate: the NTK parametrisation of Chen, Li and Lin
2024 (equations 9 and 10) with scale sqrt(2 / m) and standard normal weights. A bias is a weight of an input that is always 1.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from initatlas.arrays import Doubles, Floats
from initatlas.networks.fused_kernel import LANES, MOST_COORDINATES, UNITS, descend, fill_outputs

_ALIGNMENT = 64
"""Bytes of a line of the cache: a vector that begins elsewhere lies in two of them."""


@dataclass(frozen=True)
class Inputs:
    """Inputs as the loop takes them.

    Attributes
    ----------
    values
        Shape (groups, n, coordinates of a group), float32; zeros fill the last group.
    """

    values: Floats

    @classmethod
    def of(cls, x: Doubles) -> "Inputs":
        """Inputs from a data matrix of shape (n, d)."""
        groups, coordinates = _grouping(x.shape[1])
        padded = np.zeros((len(x), groups * coordinates), dtype=np.float32)
        padded[:, : x.shape[1]] = x
        return cls(np.ascontiguousarray(padded.reshape(len(x), groups, coordinates).swapaxes(0, 1)))

    @property
    def count(self) -> int:
        """Number of inputs n."""
        return int(self.values.shape[1])


def _grouping(dimension: int) -> tuple[int, int]:
    """Number of groups of coordinates, and coordinates of a group: as few groups as can be, and then as small ones."""
    groups = -(-dimension // MOST_COORDINATES)
    return groups, -(-dimension // groups)


def _aligned(shape: tuple[int, ...]) -> Floats:
    """Zeros, of float32, that begin with a line of the cache."""
    bytes_ = np.zeros(4 * int(np.prod(shape)) + _ALIGNMENT, dtype=np.uint8)
    start = -bytes_.ctypes.data % _ALIGNMENT
    return bytes_[start : start + 4 * int(np.prod(shape))].view(np.float32).reshape(shape)


@dataclass(frozen=True)
class _Room:
    """What a pass over all inputs fills: see `fill_outputs`."""

    z: Floats
    parts: Floats
    active: NDArray[np.uint16]

    @classmethod
    def for_(cls, inputs: Inputs, blocks: int) -> "_Room":
        """Room for some inputs, with flags for so many blocks."""
        groups, count, _ = inputs.values.shape
        flags = np.zeros((blocks, count * UNITS // LANES), dtype=np.uint16)
        return cls(_aligned((count if groups > 1 else 1, UNITS)), _aligned((count, LANES)), flags)


@dataclass
class WideNetwork:
    """A network in training.

    Attributes
    ----------
    w
        Input weights, shape (blocks, groups, coordinates of a group times 32), float32.
    v
        Output weights, shape (blocks, 32), float32.
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
        blocks, (groups, coordinates) = -(-units // UNITS), _grouping(dimension)
        padded = np.zeros((blocks * UNITS, groups * coordinates), dtype=np.float32)
        padded[:units, :dimension] = w
        ordered, outputs = _aligned((blocks, groups, coordinates * UNITS)), _aligned((blocks, UNITS))
        turned = padded.reshape(blocks, UNITS, groups, coordinates).transpose(0, 2, 3, 1)
        ordered[:] = turned.reshape(ordered.shape)
        outputs.ravel()[:units] = v
        return cls(ordered, outputs, scale)

    def weights(self, units: int, dimension: int) -> tuple[Floats, Floats]:
        """Input and output weights as they are now, shapes (m, d) and (m,)."""
        blocks, groups, _ = self.w.shape
        turned = self.w.reshape(blocks, groups, -1, UNITS).transpose(0, 3, 1, 2)
        return turned.reshape(blocks * UNITS, -1)[:units, :dimension], self.v.ravel()[:units]

    def outputs(self, inputs: Inputs) -> Floats:
        """The function at some inputs, shape (n,)."""
        values: Floats = np.float32(self.scale) * self._pass(inputs, blocks=1).parts.sum(axis=1)
        return values

    def train(self, inputs: Inputs, targets: Doubles, *, rate: float, epochs: int) -> None:
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
        room = self._pass(inputs, blocks=len(self.w))
        y, step = np.asarray(targets, dtype=np.float32), rate * self.scale / inputs.count
        numbers = self.w, self.v, room.z, room.parts, room.active
        descend(inputs.values, y, *numbers, self.scale, step, epochs, _tuple_of(inputs))

    def _pass(self, inputs: Inputs, *, blocks: int) -> _Room:
        """The parts of the outputs at some inputs, and the flags of all blocks or of one."""
        room = _Room.for_(inputs, blocks)
        fill_outputs(inputs.values, self.w, self.v, room.z, room.parts, room.active, _tuple_of(inputs))
        return room


def _tuple_of(inputs: Inputs) -> tuple[int, ...]:
    """A tuple as long as a group of coordinates: the loop is compiled for this number."""
    return (0,) * int(inputs.values.shape[2])


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
