"""How training inputs are dealt out."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


def minibatches(n: int, batch_size: int, *, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Deal out shuffled epochs for ever.

    Parameters
    ----------
    n
        Number of training inputs.
    batch_size
        At most `n`.
    rng
        Gives one permutation per epoch, drawn when the epoch starts.

    Yields
    ------
    ndarray of int64, shape (batch_size,)
        Positions of the inputs of one minibatch.
    """
    while True:
        order = rng.permutation(n)
        yield from order[: n - n % batch_size].reshape(-1, batch_size)
