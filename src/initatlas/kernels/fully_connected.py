"""NNGP and NTK of fully connected networks of infinite width between the rows of data matrices, in blocks.

One BLAS product, one square root per pair, then one pass over the pairs per kernel (`initatlas.kernels.fillers`). Bands of rows
do not depend on each other, so a pass gives the same bits on any number of threads.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from initatlas.activations.base import ACTIVATIONS
from initatlas.kernels.architecture import Architecture, KernelName
from initatlas.kernels.chords import chords_between, upper_chords
from initatlas.kernels.fillers import Filler, kernel_filler
from initatlas.kernels.inputs import Inputs, prepare_inputs
from initatlas.kernels.kernel import Array, Kernel
from initatlas.kernels.tiles import EVERYTHING, in_bands

Network = tuple[KernelName, Architecture]


@dataclass(frozen=True)
class FullyConnected(Kernel):
    """Kernels of one or several networks (all depths, say), from the same half-chords.

    Attributes
    ----------
    rows
        Inputs of the rows.
    columns
        Inputs of the columns; None takes those of the rows.
    networks
        Kernel name and architecture of each matrix.
    """

    rows: Inputs
    columns: Inputs | None
    networks: tuple[Network, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The kernels' names; with their number behind them where one is there twice."""
        names = tuple(name for name, _ in self.networks)
        if len(set(names)) == len(names):
            return names
        return tuple(f"{name}_{number}" for number, name in enumerate(names, start=1))

    @property
    def symmetric(self) -> bool:
        """Whether there are no columns of their own."""
        return self.columns is None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.rows.norms), len(self._columns.norms)

    @property
    def side(self) -> None:
        """A block takes no more memory than its values."""

    @property
    def _columns(self) -> Inputs:
        """Inputs of the columns."""
        return self.rows if self.columns is None else self.columns

    def modules(self) -> tuple[str, ...]:
        """Names of this module and those of the activations, to which no import leads."""
        activations = (network.activation for _, network in self.networks)
        named = (ACTIVATIONS.module_of(at) if isinstance(at, str) else type(at).__module__ for at in activations)
        return (__name__, *sorted({*named}))

    def fillers(self) -> list[Filler]:
        """One per matrix, see `initatlas.kernels.fillers.kernel_filler`, which says what it refuses."""
        return [kernel_filler(name, network, self.rows, self._columns) for name, network in self.networks]

    def block(self, rows: slice, columns: slice, *, threads: int = 1) -> Iterator[Array]:
        """Half-chords of the block, then one matrix after the other."""
        fillers = self.fillers()  # of the whole matrix, whose largest norms decide how; what costs time is remembered
        on_diagonal = self.symmetric and rows == columns
        unit, other = self.rows.unit[rows], self._columns.unit[columns]
        chords: Array = upper_chords(unit, threads) if on_diagonal else chords_between(unit, other, threads)
        for number, fill in enumerate(fillers, start=1):
            # the last matrix takes the place of the half-chords, which nobody needs then
            values = chords if number == len(fillers) else np.empty_like(chords)

            def fill_band(start: int, stop: int, fill: Filler = fill, values: Array = values) -> None:
                """One band of rows."""
                at = slice(rows.start + start, rows.start + stop)
                fill(chords[start:stop], values[start:stop], at, columns, start if on_diagonal else EVERYTHING)

            in_bands(fill_band, len(chords), threads)
            yield values


def fully_connected(
    features: NDArray[Any],
    networks: Sequence[Network],
    *,
    other: NDArray[Any] | None = None,
    normalise: bool = False,
    bias: bool = False,
    dtype: str = "float64",
) -> FullyConnected:
    """Kernels of networks between the rows of a data matrix, or of two.

    Parameters
    ----------
    features, other, normalise, bias, dtype
        As in `initatlas.kernels.gram.gram_matrix`.
    networks
        Kernel name and architecture of each matrix.

    Raises
    ------
    ValueError
        As `initatlas.kernels.fillers.kernel_filler`.
    """
    rows = prepare_inputs(features, normalise=normalise, bias=bias, dtype=dtype)
    columns = None if other is None else prepare_inputs(other, normalise=normalise, bias=bias, dtype=dtype)
    kernel = FullyConnected(rows, columns, tuple(networks))
    kernel.fillers()  # refuses here what it would refuse in every block
    return kernel
