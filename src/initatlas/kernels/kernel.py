"""What a kernel is to Gram matrices, files, spectra and Ray: something that gives its blocks.

A new kernel is one class in one file: a dataclass of its inputs and parameters, with the method `block`. Then
`initatlas.kernels.gram` makes its matrices in memory, `initatlas.kernels.gram_file` in a file, in this process or on Ray, and
`initatlas.kernels.operators` multiplies with it.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


class Kernel(ABC):
    """One or several kernels between given inputs. It can be sent to other processes, so it is picklable.

    Attributes
    ----------
    names
        What its kernels are called, such as ("nngp", "ntk"): all are computed in one pass over the inputs.
    shape
        Number of rows and of columns.
    symmetric
        Whether the columns are the rows' inputs (they are unless told otherwise): then nobody asks left of the diagonal.
    side
        Rows, and columns, of the largest block that is asked for (256); None if the kernel takes any, and cuts its work itself.
    """

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """What the kernels are called."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """Number of rows and of columns."""

    @property
    def symmetric(self) -> bool:
        """Whether rows and columns are the same inputs."""
        return True

    @property
    def side(self) -> int | None:
        """Largest block."""
        return 256

    @abstractmethod
    def block(self, rows: slice, columns: slice, *, threads: int = 1) -> Iterable[Array]:
        """Values of all kernels between some rows and some columns.

        Parameters
        ----------
        rows, columns
            From start to stop, inside of `shape`.
        threads
            Threads to use, above 1 only where `side` is None. They must not change a bit.

        Returns
        -------
        iterable of ndarray
            One array of shape (rows, columns) per name, which the caller may overwrite. In a block on the diagonal of a
            symmetric kernel only what is on and right of the diagonal is read.
        """

    def modules(self) -> tuple[str, ...]:
        """Modules whose code, with all that it reaches by imports, makes the values; that of the class unless told otherwise."""
        return (type(self).__module__,)
