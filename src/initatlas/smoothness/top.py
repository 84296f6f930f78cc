"""The smoothness of targets from the largest eigenpairs alone.

The tail sums up to index k, their slopes over windows up to k and the null slopes need the k largest pairs and |y|^2. Only
windows beyond k need more of the spectrum.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from initatlas.arrays import Doubles
from initatlas.kernels.spectrum import squared_coefficients
from initatlas.smoothness.bootstrap import slope_intervals
from initatlas.smoothness.slopes import decay_exponent, null_slope
from initatlas.smoothness.tail_sums import tail_sums_from_top, with_rest


@dataclass(frozen=True)
class TopSmoothness:
    """What the largest eigenpairs say about targets.

    Attributes
    ----------
    squared, tail_sums
        Squared coefficients and tail sums T_1 ... T_k, shape (k,).
    slopes, lows, highs, nulls
        Per window: decay exponent, its bootstrap interval, and the exponent of targets without information.
    """

    squared: Doubles
    tail_sums: Doubles
    slopes: list[float]
    lows: list[float]
    highs: list[float]
    nulls: list[float]


def smoothness_from_top(
    vectors: Doubles,
    targets: Doubles,
    windows: Sequence[int],
    *,
    degrees: int = 1,
    draws: int = 1000,
    rng: np.random.Generator,
) -> TopSmoothness:
    """Tail sums and slopes of targets, from eigenvectors by decreasing eigenvalue.

    Parameters
    ----------
    vectors
        Orthonormal columns, shape (n, k) with k < n.
    targets
        Shape (n,) or (n, c): squares are summed over the c columns.
    windows
        Fit windows i <= window, from 2 to k.
    degrees, draws, rng
        See `initatlas.smoothness.bootstrap.slope_intervals`.

    Returns
    -------
    TopSmoothness

    Raises
    ------
    ValueError
        If a window does not fit.
    """
    n = len(vectors)
    total = float(np.sum(np.square(targets, dtype=np.longdouble)) / n)
    squared = squared_coefficients(vectors, targets)
    tails = tail_sums_from_top(total, squared)
    merged, merged_degrees = with_rest(total, squared, n, degrees)
    intervals = slope_intervals(merged, windows, degrees=merged_degrees, draws=draws, rng=rng)
    return TopSmoothness(
        squared=squared,
        tail_sums=tails,
        slopes=[float(decay_exponent(tails, window)) for window in windows],
        lows=intervals[:, 0].tolist(),
        highs=intervals[:, 1].tolist(),
        nulls=[null_slope(n, window) for window in windows],
    )
