"""Inputs on the unit sphere that experiments share; imported where they run."""

import numpy as np
from numpy.typing import NDArray

from initatlas.kernels.angles import kernels_at_angle
from initatlas.kernels.architecture import Architecture

Doubles = NDArray[np.float64]


def sphere_points(count: int, dimension: int, *, rng: np.random.Generator) -> Doubles:
    """Independent uniform points of the unit sphere, shape (count, dimension)."""
    x = rng.standard_normal((count, dimension))
    unit: Doubles = x / np.linalg.norm(x, axis=1, keepdims=True)
    return unit


def angles_between(x: Doubles, y: Doubles) -> Doubles:
    """Angles in radians between the unit rows of two matrices, shape (len(x), len(y))."""
    angles: Doubles = np.arccos(np.clip(x @ y.T, -1.0, 1.0))
    return angles


def sphere_kernel(architecture: Architecture, x: Doubles, y: Doubles) -> Doubles:
    """NNGP between the unit rows of two matrices, shape (len(x), len(y))."""
    return kernels_at_angle(architecture, angles_between(x, y))[0]
