"""Points on the unit sphere."""

import numpy as np

from initatlas.arrays import Doubles


def sphere_points(count: int, dimension: int, *, rng: np.random.Generator) -> Doubles:
    """Independent uniform points of the unit sphere, directions of Gaussian vectors, shape (count, dimension)."""
    x = rng.standard_normal((count, dimension))
    unit: Doubles = x / np.linalg.norm(x, axis=1, keepdims=True)
    return unit
