"""Results of segmented regression, and how many pieces to take."""

from dataclasses import dataclass
from math import inf
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from initatlas.arrays import Doubles, Integers
from initatlas.piecewise.linear import PiecewiseLinear

Criterion = Literal["bic", "lwz"]


@dataclass(frozen=True)
class Fit:
    """A segmentation of data.

    Attributes
    ----------
    function
        The lines and where they end.
    squares
        Weighted sum of the squared residuals.
    """

    function: PiecewiseLinear
    squares: float


@dataclass(frozen=True)
class Segmentations:
    """The best fits with 1, 2, ... pieces.

    Attributes
    ----------
    functions
        The fit with k + 1 pieces is functions[k].
    squares
        Their weighted sums of squared residuals, shape (pieces,).
    lower_bounds
        No fit with so many pieces has a smaller sum, shape (pieces,). It is the sum itself where the fit is proved to be optimal.
    points
        Number of data points.
    continuous
        Whether the lines meet.
    resolution
        Sums below this are rounding errors.
    """

    functions: tuple[PiecewiseLinear, ...]
    squares: Doubles
    lower_bounds: Doubles
    points: int
    continuous: bool
    resolution: float

    @property
    def optimal(self) -> NDArray[np.bool_]:
        """Whether each fit is proved to be optimal, up to rounding, shape (pieces,)."""
        return np.asarray(self.lower_bounds >= self.squares)

    @property
    def parameters(self) -> Integers:
        """Free parameters of the lines and the breaks with each number of pieces, shape (pieces,)."""
        pieces = np.arange(1, self.squares.size + 1)
        return 2 * pieces if self.continuous else 3 * pieces - 1

    def criterion(self, name: Criterion = "bic") -> Doubles:
        """A criterion of the number of pieces, the smaller the better, shape (pieces,); inf where points are too few for it.

        Parameters
        ----------
        name
            ``bic``: n log(S / n) + p log n (Schwarz 1978; Yao 1988). ``lwz``: n log(S / (n - p)) + 0.299 p (log n)^2.1 (Liu, Wu
            and Zidek 1997), which takes fewer breaks. S is the sum of squares, p the number of parameters.

        Raises
        ------
        ValueError
            If there is no such criterion.
        """
        n, p = float(self.points), self.parameters.astype(np.float64)
        sums = np.maximum(self.squares, self.resolution)
        enough = p < n
        freedom = np.where(enough, n - p, 1.0)
        with np.errstate(divide="ignore"):
            if name == "bic":
                values = n * np.log(sums / n) + p * np.log(n)
            elif name == "lwz":
                values = n * np.log(sums / freedom) + 0.299 * p * np.log(n) ** 2.1
            else:
                raise ValueError(f"criterion: {name!r}, allowed: bic, lwz")
        return np.where(enough, values, inf)

    def chosen(self, criterion: Criterion = "bic") -> PiecewiseLinear:
        """The fit with the smallest criterion; the one with fewer pieces where two have the same."""
        return self.functions[int(np.argmin(self.criterion(criterion)))]

    def penalised(self, penalty: float) -> PiecewiseLinear:
        """The fit with the smallest sum of squares plus `penalty` per break.

        Raises
        ------
        ValueError
            If the penalty is below 0 or no finite number.
        """
        if not (np.isfinite(penalty) and penalty >= 0):
            raise ValueError(f"penalty: {penalty!r}, give a number of at least 0")
        return self.functions[int(np.argmin(self.squares + penalty * np.arange(self.squares.size)))]
