"""Inputs as the compiled loop takes them: what of an input is background, as most pixels of an image are, is not multiplied.

With b the background of each feature and s = x - b, the first layer's W x is W b, the same for all inputs, plus W s; and the
gradient of W is the sum over a minibatch of g s^T, plus (sum of g) b^T. Only the places where s is not 0 cost anything.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from initatlas.arrays import Floats

BLOCK = 4
"""Neighbouring features that the gradient of the first layer takes together."""

_MOST_MARKED = 0.6
"""Share of marked blocks above which all features are multiplied: then looking for those that count costs more than it saves."""


class Inputs(NamedTuple):
    """Inputs of networks, for the compiled loop.

    Attributes
    ----------
    numbers
        Shape (n, features): the inputs, less the background.
    masks
        Shape (n, words) of uint64: bit k of word w tells whether feature 64 w + k is no background. No words where all are taken.
    marks
        Shape (n, features / 4): 1 where any of four neighbouring features is no background, else 0.
    background
        Shape (features,); 0 where all features are taken.
    """

    numbers: Floats
    masks: NDArray[np.uint64]
    marks: NDArray[np.uint8]
    background: Floats

    def taken(self, rows: slice | NDArray[np.bool_]) -> "Inputs":
        """Some of the inputs."""
        return Inputs(self.numbers[rows], self.masks[rows], self.marks[rows], self.background)


def make_inputs(x: Floats) -> Inputs:
    """Look for the background of inputs of shape (n, features), features a multiple of 4.

    It is the smallest or the largest value of each feature, whichever more inputs have.
    """
    low, high = x.min(axis=0), x.max(axis=0)
    background = np.where((x == low).sum(axis=0) >= (x == high).sum(axis=0), low, high)
    numbers = x - background
    differs = numbers != 0.0
    marks = differs.reshape(len(x), -1, BLOCK).any(axis=2).astype(np.uint8)
    if not marks.mean() <= _MOST_MARKED:
        return Inputs(x, np.empty((len(x), 0), dtype=np.uint64), marks[:, :0], np.zeros_like(background))
    bits = np.packbits(differs, axis=1, bitorder="little")
    bits = np.pad(bits, ((0, 0), (0, -bits.shape[1] % 8)))
    return Inputs(numbers, bits.view("<u8").astype(np.uint64), marks, background)
