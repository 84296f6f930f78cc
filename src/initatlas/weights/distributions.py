"""Weight matrices of an exact variance, sampled in single precision where that is faster."""

from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from initatlas.weights.families import family_of

Floats = NDArray[Any]


def sample_weights(
    label: str, shape: tuple[int, int], *, variance: float, rng: np.random.Generator, dtype: DTypeLike = np.float32
) -> Floats:
    """Draw a weight matrix whose entries have mean zero and exactly the given variance.

    Parameters
    ----------
    label
        A label of `initatlas.weights.families.WEIGHTS`.
    shape
        (neurons, inputs): fan-out and fan-in of the layer.
    variance
        Variance of one entry, not scaled by any fan.
    rng
        Source of randomness.
    dtype
        float32 or float64: the precision of the draw itself.

    Returns
    -------
    ndarray, shape (neurons, inputs)

    Raises
    ------
    ValueError
        If the label is not in the vocabulary, the variance is negative or not finite, or the dtype is another one.
    """
    family = family_of(label)
    if not 0.0 <= variance < np.inf:
        raise ValueError(f"a weight variance must be finite and not negative, got {variance}")
    precision = np.dtype(dtype)
    if precision not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise ValueError(f"weights are drawn as float32 or float64, not {precision}")
    weights: Floats = family.sample(shape, rng, precision)
    weights *= sqrt(variance) / family.standard_deviation()
    return weights
