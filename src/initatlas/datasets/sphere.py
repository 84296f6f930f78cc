"""Regression on the unit sphere S^(d-1) in R^d: noisy values of a function of uniform points.

The workflow reads `SphereSpec` at every parse, so what needs numpy imports it inside.
"""

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from initatlas.datasets.specs import Count, Number, Seed, Spec, Strength

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from initatlas.datasets.vector_set import Vectors

    Doubles = NDArray[np.float64]

LARGEST_DIMENSION, LARGEST_DEGREE = 100_000, 1000


class SquareOfSum(Spec):
    """The square of the sum of all coordinates, (x_1 + ... + x_d)^2: Chen, Li and Lin 2024."""

    name: Literal["square_of_sum"] = Field(default="square_of_sum", description="(x_1 + ... + x_d)^2")

    def values(self, x: "Doubles") -> "Doubles":
        """The function at the rows of x, shape (n,)."""
        values: Doubles = x.sum(axis=1) ** 2
        return values


class Linear(Spec):
    """The sum of all coordinates over the root of their number: a scalar product with a unit vector."""

    name: Literal["linear"] = Field(default="linear", description="(x_1 + ... + x_d) / sqrt(d)")

    def values(self, x: "Doubles") -> "Doubles":
        """The function at the rows of x, shape (n,)."""
        values: Doubles = x.sum(axis=1) / x.shape[1] ** 0.5
        return values


class Harmonic(Spec):
    """The zonal harmonic of a degree around the first axis, scaled to mean square 1 on the sphere."""

    name: Literal["harmonic"] = Field(
        default="harmonic", description="zonal harmonic around the first axis, of mean square 1 on the sphere"
    )
    degree: Annotated[int, Field(ge=0, le=LARGEST_DEGREE, strict=True)] = Field(default=2, description="Its degree.")

    def values(self, x: "Doubles") -> "Doubles":
        """The function at the rows of x, shape (n,)."""
        return zonal_harmonic(self.degree, x.shape[1], x[:, 0])


Target = Annotated[SquareOfSum | Linear | Harmonic, Field(discriminator="name")]
TARGETS = (SquareOfSum, Linear, Harmonic)
"""The functions, in the order of the reference."""


class SphereSpec(Spec):
    """Noisy values of a function of uniform points on the unit sphere."""

    kind: Literal["sphere"] = Field(
        default="sphere", description="Regression on the unit sphere: noisy values of a function of uniform points."
    )
    dimension: Annotated[int, Field(ge=2, le=LARGEST_DIMENSION, strict=True)] = Field(
        default=5, description="Number of coordinates d; the sphere is S^(d-1)."
    )
    target: Target = Field(
        default=SquareOfSum(), description="The function: its `name`, and the keys of that name, see below."
    )
    train: Count = Field(default=1000, description="Number of training samples.")
    test: Count = Field(default=1000, description="Number of test samples, without noise.")
    noise: Strength = Field(default=0.0, description="Standard deviation of Gaussian noise in the training targets.")
    radius: Annotated[Number, Field(gt=0.0)] = Field(
        default=1.0, description="Length of the features; the function is that of the points at length 1."
    )
    seed: Seed = Field(default=0, description="Seed; the test samples do not depend on the number of training samples.")

    @model_validator(mode="after")
    def _check_size(self) -> Self:
        """Refuse an empty data set."""
        if self.train + self.test == 0:
            raise ValueError("'train' and 'test' are both 0: ask for at least one sample")
        return self


def load(name: str, spec: SphereSpec) -> "Vectors":
    """Draw a data set.

    Parameters
    ----------
    name
        The data set's name.
    spec
        The dimension, the function, the numbers of samples, the noise and the seed.

    Returns
    -------
    Vectors
        d features and one output.
    """
    import numpy as np

    from initatlas.datasets.unit_sphere import sphere_points
    from initatlas.datasets.vector_set import joined

    rngs = [np.random.default_rng([spec.seed, stream]) for stream in range(3)]
    points = [sphere_points(n, spec.dimension, rng=rng) for n, rng in zip((spec.train, spec.test), rngs, strict=False)]
    splits = [(spec.radius * x, spec.target.values(x)[:, None]) for x in points]
    noise = spec.noise * rngs[2].standard_normal((spec.train, 1))
    return joined(name, *splits, noise=noise, source=f"{spec.target.name} on the sphere in R^{spec.dimension}")


def zonal_harmonic(degree: int, dimension: int, t: "Doubles") -> "Doubles":
    """Zonal harmonic of a degree at the cosine t to its axis, with mean square 1 over the unit sphere in R^d.

    Parameters
    ----------
    degree
        k, at least 0.
    dimension
        d, at least 2.
    t
        Cosines in [-1, 1], any shape.

    Notes
    -----
    The polynomials q_k that are orthonormal under the density of t, (1 - t^2)^((d - 3) / 2), by
    t q_k = a_(k+1) q_(k+1) + a_k q_(k-1) with
    a_k^2 = k (k + d - 3) / ((2 k + d - 2) (2 k + d - 4)): Gegenbauer polynomials (Szego 1975, section 4.7).
    """
    import numpy as np

    before, value, root = np.zeros_like(t), np.ones_like(t), 0.0
    for k in range(1, degree + 1):
        # in the plane the formula has 0 / 0 at k = 1, where t has mean square 1 / d in every dimension
        square = (
            1.0 / dimension if k == 1 else k * (k + dimension - 3) / ((2 * k + dimension - 2) * (2 * k + dimension - 4))
        )
        before, value, root = value, (t * value - root * before) / square**0.5, square**0.5
    return value
