"""Samples of a regression on the unit sphere that experiments draw for themselves.

Chen, Li and Lin 2024, section 5.1 and appendix F: uniform points of S^(d-1), f*(x) = (x_1 + ... + x_d)^2, Gaussian noise.
"""

from dataclasses import dataclass

import numpy as np

from initatlas.arrays import Doubles
from initatlas.datasets.sphere import SquareOfSum
from initatlas.datasets.unit_sphere import sphere_points


@dataclass(frozen=True)
class Regression:
    """One sample.

    Attributes
    ----------
    x, y
        Inputs, shape (n, d), and noisy values.
    other, truth
        Test inputs, shape (m, d), and the function there.
    """

    x: Doubles
    y: Doubles
    other: Doubles
    truth: Doubles

    def with_bias(self) -> "Regression":
        """The same with a coordinate that is always 1 behind the others."""
        x, other = (np.column_stack([inputs, np.ones(len(inputs))]) for inputs in (self.x, self.other))
        return Regression(x, self.y, other, self.truth)

    def error(self, predicted: Doubles) -> Doubles:
        """Mean squares over the test inputs of predictions less the truth, shape (...,) for predictions (..., m)."""
        squares: Doubles = np.mean((np.asarray(predicted, dtype=np.float64) - self.truth) ** 2, axis=-1)
        return squares


def sphere_regression(
    samples: int, tests: int, dimension: int, *, noise: float, bias: bool, rng: np.random.Generator
) -> Regression:
    """Draw a sample.

    Parameters
    ----------
    samples, tests
        Numbers of training and test inputs.
    dimension
        d.
    noise
        Standard deviation of the noise of the training values.
    bias
        Whether inputs get a coordinate that is always 1.
    rng
        Source of randomness.
    """
    x, other = sphere_points(samples, dimension, rng=rng), sphere_points(tests, dimension, rng=rng)
    target = SquareOfSum()
    y = target.values(x) + noise * rng.standard_normal(samples)
    drawn = Regression(x, y, other, target.values(other))
    return drawn.with_bias() if bias else drawn
