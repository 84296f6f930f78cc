"""What a family of weight distributions is: its bounds, its variance and its sampler.

A class, one per module of this package, is all that a distribution needs: the labels of the config and its reference, the
estimate of time and every experiment read it. docs/weights.md shows how to add one. The classes are declared whenever the
workflow is parsed, so numpy is imported inside the methods, not here.

A weight matrix has one row per neuron. Rows are independent and identically distributed; entries of a row are uncorrelated,
symmetric around zero, and independent except in the multivariate t, whose rows have one scale each.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite, sqrt
from typing import TYPE_CHECKING, Any, ClassVar

from initatlas.components import Room
from initatlas.vocabulary import Bounds

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import DTypeLike, NDArray

Shape = tuple[int, int]

_FEW = 4  # a basis of k vectors costs some products of k^2 numbers: it pays from so many inputs per vector on


@dataclass(frozen=True)
class Family(ABC):
    """A family of weight distributions, centred, at a scale that its sampler is free to choose.

    Subclasses are frozen data classes whose fields are the parameters in `bounds`.

    Attributes
    ----------
    bounds
        Its parameters, each with the interval in which the variance exists and the sampler is right. Every one is a field
        of the class.
    nanoseconds
        Time to draw one weight in single precision, on one core.
    independent
        Whether the weights of one neuron are independent.
    rotation_invariant
        Whether the weights of one neuron have the same law in every orthonormal basis.
    """

    bounds: ClassVar[Mapping[str, Bounds]] = {}
    nanoseconds: ClassVar[float] = 20.0
    independent: ClassVar[bool] = True
    rotation_invariant: ClassVar[bool] = False

    @abstractmethod
    def standard_deviation(self) -> float:
        """Exact standard deviation of what `sample` draws."""

    @abstractmethod
    def sample(self, shape: Shape, rng: "np.random.Generator", dtype: "np.dtype[Any]") -> "NDArray[Any]":
        """Draw a matrix of shape (neurons, inputs) with mean zero, in the precision `dtype` (float32 or float64)."""

    def draw(
        self, shape: Shape, *, variance: float, rng: "np.random.Generator", dtype: "DTypeLike" = "float32"
    ) -> "NDArray[Any]":
        """Draw a weight matrix whose entries have mean zero and exactly the given variance.

        Parameters
        ----------
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
            If the variance is negative or not finite, or the dtype is another one.
        """
        import numpy as np

        scale = self._scale(variance)
        precision = np.dtype(dtype)
        if precision not in (np.dtype(np.float32), np.dtype(np.float64)):
            raise ValueError(f"weights are drawn as float32 or float64, not {precision}")
        weights = self.sample(shape, rng, precision)
        weights *= scale
        return weights

    def _scale(self, variance: float) -> float:
        """What `sample` has to be multiplied by for a variance."""
        if not (variance >= 0.0 and isfinite(variance)):
            raise ValueError(f"a weight variance must be finite and not negative, got {variance}")
        return sqrt(variance) / self.standard_deviation()

    def inputs_drawn(self, vectors: int, inputs: int) -> int:
        """How many weights of a neuron `products` draws for some number of vectors."""
        return vectors if self.rotation_invariant and _FEW * vectors <= inputs else inputs

    def products(
        self, vectors: "NDArray[Any]", neurons: int, *, variance: float, rng: "np.random.Generator"
    ) -> "NDArray[Any]":
        """Scalar products of some vectors with the weights of fresh neurons, in the precision of the vectors.

        Rotation-invariant weights are drawn in a basis of the space of the vectors, where they have the law of weights of as many
        inputs as there are vectors: what is orthogonal to all of them changes no product.

        Parameters
        ----------
        vectors
            Shape (k, inputs).
        neurons
            How many neurons.
        variance, rng
            As in `draw`.

        Returns
        -------
        ndarray, shape (k, neurons)
        """
        scale = vectors.dtype.type(self._scale(variance))
        drawn = self.inputs_drawn(*vectors.shape)
        if drawn < vectors.shape[1]:
            from initatlas.bases import coordinates

            vectors = coordinates(vectors)
        matrix = self.sample((neurons, drawn), rng, vectors.dtype)
        result: NDArray[Any] = (vectors * scale) @ matrix.T  # the vectors are fewer than the weights
        return result


WEIGHTS: Room[Family] = Room("initatlas.weights", Family)
"""All families by name."""


def family_of(label: str) -> Family:
    """The distribution of a label such as ``gaussian`` or ``multivariate_t(nu=5)``.

    Raises
    ------
    ValueError
        If there is none of this name, or a parameter is missing, unknown or out of its bounds.
    """
    return WEIGHTS.make(label)
