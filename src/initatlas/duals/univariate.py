"""Kernels compiled to polynomials: any depth for one square root and one polynomial per pair of inputs.

A kernel of unit vectors that depends on their angle theta alone is a univariate function. For the networks of this
project it is analytic in s = sin(theta / 2) near theta = 0 and in c = cos(theta / 2) near theta = pi. So two Chebyshev
series, one in s for angles below pi / 2 and one in c above, converge geometrically.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev
from scipy.fft import dct

from initatlas.arrays import Doubles

KernelAtAngle = Callable[[Doubles], Doubles]

ROOT_HALF = float(np.sqrt(0.5))


@dataclass(frozen=True, eq=False)
class UnivariateKernel:
    """A kernel of unit vectors as two Chebyshev series in p / sqrt(1/2) * 2 - 1; equal to itself alone.

    Attributes
    ----------
    near
        Coefficients in p = sin(theta / 2), for theta <= pi / 2.
    far
        Coefficients in p = cos(theta / 2), for theta > pi / 2.
    at_zero
        Value at theta = 0, exact.
    """

    near: Doubles
    far: Doubles
    at_zero: float


class NotConvergedError(ValueError):
    """A kernel is not analytic where it should be, or too steep for polynomials."""


def cheapest_form(series: Doubles) -> tuple[Doubles, bool]:
    """Coefficients of powers and True, where their sum loses at most a digit; else those of Chebyshev polynomials and False.

    Horner's rule takes one multiplication and addition per coefficient, Clenshaw's recurrence two. Powers lose digits
    where a series converges slowly: their coefficients then grow large with signs that alternate.
    """
    powers: Doubles = np.asarray(chebyshev.cheb2poly(series), dtype=np.float64)
    harmless = np.sum(np.abs(powers)) <= 8.0 * np.max(np.abs(series))
    return (powers, True) if harmless else (series, False)


def compile_kernel(kernel: KernelAtAngle, *, tolerance: float = 4e-15, max_degree: int = 2048) -> UnivariateKernel:
    """Compile a kernel to Chebyshev series of adaptive degree.

    Parameters
    ----------
    kernel
        Function of the angle in radians, vectorised; accurate to a few units in the last place.
    tolerance
        The coefficients that are left out sum to at most this fraction of the largest. Chebyshev polynomials are
        bounded by 1, so this bounds the error of truncation, relative to the kernel's maximum; interpolation itself
        adds no more than as much again.
    max_degree
        Where to give up.

    Returns
    -------
    UnivariateKernel

    Raises
    ------
    NotConvergedError
        If the series have not converged at `max_degree`.
    """
    at_zero = float(kernel(np.zeros(1))[0])  # where it is largest: what is too large is refused at once
    near = _chebyshev_series(lambda p: kernel(2.0 * np.arcsin(p)), tolerance, max_degree)
    far = _chebyshev_series(lambda p: kernel(np.pi - 2.0 * np.arcsin(p)), tolerance, max_degree)
    return UnivariateKernel(near, far, at_zero)


def evaluate_kernel(kernel: UnivariateKernel, theta: Doubles) -> Doubles:
    """Values of a compiled kernel at angles in [0, pi], any shape (the reference for `gram`)."""
    theta = np.asarray(theta, dtype=np.float64)
    near, far = (
        chebyshev.chebval(position(np.sin(0.5 * angle)), series)
        for angle, series in (
            (np.minimum(theta, 0.5 * np.pi), kernel.near),
            (np.minimum(np.pi - theta, 0.5 * np.pi), kernel.far),
        )
    )
    values: Doubles = np.where(theta == 0.0, kernel.at_zero, np.where(theta <= 0.5 * np.pi, near, far))
    return values


def chebyshev_nodes(count: int) -> Doubles:
    """Zeros of the Chebyshev polynomial of degree `count`, taken to [0, 1]; from the largest on, as cosine transforms want."""
    nodes: Doubles = np.cos(np.pi * (np.arange(count) + 0.5) / (2 * count)) ** 2
    return nodes


def chebyshev_coefficients(values: Doubles, axis: int = 0) -> Doubles:
    """Chebyshev coefficients along an axis, of values at `chebyshev_nodes`, any shape."""
    coefficients: Doubles = np.moveaxis(dct(values, type=2, axis=axis) / values.shape[axis], axis, 0)
    coefficients[0] /= 2.0
    return np.moveaxis(coefficients, 0, axis)


def position(half_chord: Doubles) -> Doubles:
    """Where a half-angle's sine or cosine is in a series, from -1 to 1; beyond sqrt(1/2) the end."""
    place: Doubles = np.minimum(half_chord * (2.0 / ROOT_HALF) - 1.0, 1.0)
    return place


def _chebyshev_series(function: KernelAtAngle, tolerance: float, max_degree: int) -> Doubles:
    """Coefficients on p in [0, sqrt(1/2)], of the least tried degree at which the last quarter is negligible."""
    degree = 16
    while degree <= max_degree:
        coefficients, maximum = _interpolate(function, degree)
        tails = np.cumsum(np.abs(coefficients[::-1]))[::-1]
        negligible = tails <= tolerance * maximum
        if negligible[-(degree // 4)]:
            return coefficients[: max(2, int(np.argmax(negligible)))]
        degree *= 2
    raise NotConvergedError(
        f"the kernel needs a polynomial of a degree above {max_degree}; is it analytic in sin(angle / 2)?"
    )


def _interpolate(function: KernelAtAngle, degree: int) -> tuple[Doubles, float]:
    """Chebyshev coefficients of the interpolant on [0, sqrt(1/2)], and the largest value at its nodes.

    By a cosine transform: its rounding errors stay at the last place for every degree, those of a matrix of
    polynomials (`chebinterpolate`) grow with the degree to 1e-13 and would hide the convergence.
    """
    count = degree + 1
    values = function(ROOT_HALF * chebyshev_nodes(count))
    return chebyshev_coefficients(values), float(np.max(np.abs(values)))
