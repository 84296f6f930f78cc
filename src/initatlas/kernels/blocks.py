"""Blocks of the Gram matrices of `initatlas.kernels.gram`, for matrices that are computed tile by tile."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from initatlas.kernels.architecture import Architecture
from initatlas.kernels.chords import chords_between, upper_chords
from initatlas.kernels.gram import KernelName, kernel_filler
from initatlas.kernels.inputs import Inputs, prepare_inputs
from initatlas.kernels.tiles import EVERYTHING, Array, mirror_upper


@dataclass(frozen=True)
class KernelBlock:
    """A function of two slices that gives K[rows, columns]; it can be sent to other processes.

    Attributes
    ----------
    inputs
        All inputs of the matrix.
    kernel, architecture
        As in `initatlas.kernels.gram.gram_matrix`.
    """

    inputs: Inputs
    kernel: KernelName
    architecture: Architecture

    def __call__(self, rows: slice, columns: slice) -> Array:
        """K[rows, columns], in the type of the inputs."""
        fill = kernel_filler(self.kernel, self.architecture, self.inputs, self.inputs)
        unit = self.inputs.unit
        on_diagonal = rows == columns
        values: Array = upper_chords(unit[rows]) if on_diagonal else chords_between(unit[rows], unit[columns])
        fill(values, values, rows, columns, 0 if on_diagonal else EVERYTHING)
        if on_diagonal:  # below it is whatever was in the memory, which need not be a number
            mirror_upper(values)
        return values


def kernel_block(
    features: NDArray[np.floating],
    *,
    kernel: KernelName,
    architecture: Architecture,
    normalise: bool = False,
    bias: bool = False,
    dtype: str = "float64",
) -> KernelBlock:
    """The matrix of `initatlas.kernels.gram.gram_matrix` (which see), to be computed in blocks.

    Raises
    ------
    ValueError
        If the activation has no NTK.
    """
    inputs = prepare_inputs(features, normalise=normalise, bias=bias, dtype=dtype)
    kernel_filler(kernel, architecture, inputs, inputs)  # refuses here what it would refuse in every tile
    return KernelBlock(inputs, kernel, architecture)
