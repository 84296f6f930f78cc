"""How many spherical harmonics of each degree there are on the sphere S^(d-1) in R^d."""

from math import comb, log

import numpy as np

from initatlas.arrays import Doubles

_LARGEST_LOG = 1400.0  # of a multiplicity: its root is still a double


def multiplicity(dimension: int, degree: int) -> int:
    """Exact number N(d, k) of independent spherical harmonics of a degree on S^(d-1).

    Parameters
    ----------
    dimension
        d, at least 2.
    degree
        k, at least 0.

    Returns
    -------
    int
        C(k + d - 1, k) - C(k + d - 3, k - 2).
    """
    _check(dimension, degree)
    lower = comb(degree + dimension - 3, degree - 2) if degree >= 2 else 0
    return comb(degree + dimension - 1, degree) - lower


def log_multiplicities(dimension: int, max_degree: int) -> Doubles:
    """Natural logarithms of N(d, 0), ..., N(d, max_degree), each the logarithm of the exact integer.

    Raises
    ------
    ValueError
        If the dimension is below 2 or the degree negative.
    """
    _check(dimension, max_degree)
    # Polynomials of degree k, homogeneous: C(k + d - 1, k), each from the last; harmonics are those less degree k - 2.
    polynomials = [0, 0, 1]
    for degree in range(1, max_degree + 1):
        polynomials.append(polynomials[-1] * (degree + dimension - 1) // degree)
    return np.array([log(polynomials[k + 2] - polynomials[k]) for k in range(max_degree + 1)])


def checked_log_multiplicities(dimension: int, max_degree: int) -> Doubles:
    """Logarithms of the multiplicities, once their roots are known to be doubles."""
    logs = log_multiplicities(dimension, max_degree)
    if logs[-1] > _LARGEST_LOG:
        raise ValueError(
            f"degree {max_degree} in dimension {dimension} has exp({logs[-1]:.0f}) harmonics, beyond the range of "
            "doubles; take fewer degrees"
        )
    return logs


def _check(dimension: int, degree: int) -> None:
    """Refuse what is no sphere and no degree."""
    if dimension < 2:
        raise ValueError(f"a sphere needs a dimension of at least 2, got {dimension}")
    if degree < 0:
        raise ValueError(f"a degree is 0 or more, got {degree}")
