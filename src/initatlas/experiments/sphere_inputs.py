"""Angles between inputs on the unit sphere that experiments share; imported where they run."""

import numpy as np

from initatlas.arrays import Doubles


def angles_between(x: Doubles, y: Doubles) -> Doubles:
    """Angles in radians between the unit rows of two matrices, shape (len(x), len(y))."""
    angles: Doubles = np.arccos(np.clip(x @ y.T, -1.0, 1.0))
    return angles
