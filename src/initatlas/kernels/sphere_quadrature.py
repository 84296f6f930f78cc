"""Spectra of zonal kernels on the sphere by quadrature in the angle.

A kernel kappa(<x, y>) of unit vectors has the eigenvalue (Funk and Hecke; see Bietti and Bach 2021)

    lambda_k = c_d int_0^pi kappa(cos theta) P_k(cos theta) sin(theta)^(d-2) dtheta

on all N(d, k) harmonics of degree k, for the uniform probability measure. P_k is the Gegenbauer polynomial of the
dimension with P_k(1) = 1, and c_d makes the weight a probability density. So kappa(1) = sum_k N(d, k) lambda_k.

The integral is taken in the angle: networks' kernels are analytic in theta on [0, pi], though not in cos theta at its
two ends, so a quadrature on Chebyshev nodes in theta converges geometrically. It works with orthonormal polynomials
p_k = sqrt(N) P_k times the root of the weight, which neither overflow nor underflow; what it sums are the projections
b_k = E[kappa p_k] = sqrt(N) lambda_k.

What is attainable: a kernel known to 16 digits fixes every b_k to about 1e-16 of the kernel's root mean square, so
lambda_k to that over sqrt(N). That is plenty where d is small; for d = 784, b_k itself falls below rounding near degree
12. `power_series_spectrum` has no such limit, but wants the power series, and is slow to converge where d is small.
`better_spectrum` takes the better of both, degree by degree.
"""

from functools import lru_cache
from math import ceil, inf, pi, sqrt
from typing import NamedTuple

import numpy as np
from scipy.fft import dct

from initatlas.arrays import Doubles
from initatlas.duals.univariate import KernelAtAngle
from initatlas.kernels.harmonics import checked_log_multiplicities
from initatlas.kernels.sphere_spectrum import SphereSpectrum, spectrum_of_projections

_LEAST_NODES = 128
_MOST_NODES = 2**17
# Angles near 0 and pi are left out where they cannot add more than this fraction of the kernel's root mean square.
_NEGLIGIBLE = 1e-20
_EPSILON = float(np.finfo(np.float64).eps)


class _Rule(NamedTuple):
    """A quadrature over latitudes: half of a symmetric one, each half with total weight 1 / 2."""

    latitudes: Doubles
    weights: Doubles


class _Projections(NamedTuple):
    """b_0, ..., b_K, and the root mean squares over the sphere of the kernel and of its derivative in the angle."""

    values: Doubles
    size: float
    slope: float


def sphere_spectrum(
    kernel: KernelAtAngle, dimension: int, max_degree: int, *, tolerance: float = 1e-13
) -> SphereSpectrum:
    """Eigenvalues of a zonal kernel on S^(d-1), by quadrature in the angle.

    Parameters
    ----------
    kernel
        Function of the angle in radians, vectorised; best to a few units in the last place. It should be analytic on
        [0, pi] up to the ends, as function of the angle.
    dimension
        d, at least 2.
    max_degree
        Largest degree, at least 0.
    tolerance
        The number of nodes is doubled until no projection sqrt(N) lambda_k changes by more than this fraction of the
        kernel's root mean square over the sphere. Rounding alone makes changes of up to 2e-14 (degree 1000, d = 3).

    Returns
    -------
    SphereSpectrum
        Its errors hold the last change, and an estimate of rounding: over sqrt(N), 1.1e-16 times (4 + k / 10) root
        mean squares of the kernel, and times 2 of its derivative, for the rounding of the angle itself.

    Raises
    ------
    ValueError
        If d < 2, the degree is negative, a multiplicity leaves the range of doubles, the kernel returns something
        that is not finite or of another shape, is not positive at angle 0, or the quadrature does not converge.

    Notes
    -----
    Where the degree is large against d, the projections of a kernel that is not analytic in the cosine fall like a
    power of the degree, and many are resolved; those of an analytic one fall geometrically into the rounding.
    """
    logs = checked_log_multiplicities(dimension, max_degree)
    trace = float(_values(kernel, np.zeros(1))[0])
    if trace <= 0.0:
        raise ValueError(f"the kernel is {trace:g} at angle 0; a positive definite kernel is positive there")
    projections, changes = _converged_projections(kernel, dimension, max_degree, tolerance)
    degrees = np.arange(max_degree + 1)
    rounding = 0.5 * _EPSILON * ((4.0 + degrees / 10.0) * projections.size + 2.0 * projections.slope)
    return spectrum_of_projections(dimension, projections.values, changes + rounding, 0.5 * logs, trace)


def _converged_projections(
    kernel: KernelAtAngle, dimension: int, max_degree: int, tolerance: float
) -> tuple[_Projections, Doubles]:
    """Projections b_k, and what the last doubling of the nodes changed in each."""
    half_width = _half_width(kernel, dimension)
    count = _first_count(half_width, dimension, max_degree)
    before = _projections(kernel, dimension, max_degree, half_width, count)
    worst = inf
    while count < _MOST_NODES:
        count *= 2
        after = _projections(kernel, dimension, max_degree, half_width, count)
        changes = np.abs(after.values - before.values)
        worst = float(changes.max()) / (after.size or 1.0)
        if worst <= tolerance:
            return after, changes
        before = after
    raise ValueError(
        f"the quadrature still changes by {worst:.1e} at {count} nodes, more than the tolerance {tolerance:g}; "
        "is the kernel smooth in the angle? A larger tolerance accepts it"
    )


def _first_count(half_width: float, dimension: int, max_degree: int) -> int:
    """Even number of nodes that resolves the fastest oscillation: p_k turns sqrt(k (k + d - 2)) times per radian."""
    turns = half_width * sqrt(max_degree * (max_degree + dimension - 2.0))
    return max(_LEAST_NODES, 2 * ceil(0.5 * turns) + 64)


def _half_width(kernel: KernelAtAngle, dimension: int) -> float:
    """Largest distance of the angle from pi / 2 that matters.

    By Cauchy and Schwarz, angles where the density sin(theta)^(d-2) is below (f size / largest)^2 add at most about f
    times the kernel's root mean square, its size, to a projection.
    """
    rule = _rule(dimension, 0.5 * pi, 2 * _LEAST_NODES)
    values = np.abs(_values(kernel, np.concatenate([[0.0, pi], 0.5 * pi - rule.latitudes, 0.5 * pi + rule.latitudes])))
    size = sqrt(float(np.tile(rule.weights, 2) @ values[2:] ** 2))
    if dimension == 2 or size == 0.0:
        return 0.5 * pi
    density = (_NEGLIGIBLE * size / float(values.max())) ** 2
    return float(np.arccos(density ** (1.0 / (dimension - 2))))


def _rule(dimension: int, half_width: float, count: int) -> _Rule:
    """Nodes and probabilities of the latitude pi / 2 - theta, those above 0 alone."""
    nodes, lengths = _chebyshev_rule(count)
    latitudes = half_width * nodes
    weights = lengths * np.exp((dimension - 2) * _log_cosine(latitudes))
    return _Rule(latitudes, weights / (2.0 * weights.sum()))


def _log_cosine(latitudes: Doubles) -> Doubles:
    """log cos x on [0, pi / 2], from the sine where the cosine is near 1 and would lose the digits of its logarithm."""
    squares = np.sin(np.minimum(latitudes, 0.25 * pi)) ** 2
    return np.where(latitudes < 0.25 * pi, 0.5 * np.log1p(-squares), np.log(np.cos(latitudes)))


def _projections(kernel: KernelAtAngle, dimension: int, max_degree: int, half_width: float, count: int) -> _Projections:
    """b_0, ..., b_K by a rule of `count` nodes.

    Even degrees see the even part of the kernel alone, odd degrees the odd part: half the nodes do, and a part that
    vanishes gives zeros up to the kernel's own rounding.
    """
    rule = _rule(dimension, half_width, count)
    near, far = _values(kernel, 0.5 * pi - rule.latitudes), _values(kernel, 0.5 * pi + rule.latitudes)
    roots = np.sqrt(rule.weights)
    parts = (roots * (near + far), roots * (near - far))
    steep = np.gradient(near, rule.latitudes) ** 2 + np.gradient(far, rule.latitudes) ** 2
    return _Projections(
        _project(parts, roots, np.sin(rule.latitudes), dimension, max_degree),
        size=sqrt(float(rule.weights @ (near**2 + far**2))),
        slope=sqrt(float(rule.weights @ steep)),
    )


def _project(parts: tuple[Doubles, Doubles], roots: Doubles, t: Doubles, dimension: int, max_degree: int) -> Doubles:
    """Scalar products of the kernel's parts with the orthonormal polynomials, by their three-term recurrence.

    t p_k = beta_(k+1) p_(k+1) + beta_k p_(k-1), with beta_1^2 = 1 / d and beta_k^2 = k (k + d - 3) / ((2k + d - 2)
    (2k + d - 4)) (Szego 1939, equation 4.7.17, normalised). It is stable: where p_k does not oscillate, it grows.
    """
    k = np.arange(2.0, max_degree + 1.0)
    squares = k * (k + dimension - 3) / ((2 * k + dimension - 2) * (2 * k + dimension - 4))
    betas = np.sqrt(np.concatenate([[0.0, 1.0 / dimension], squares]))
    projections = np.empty(max_degree + 1)
    projections[0] = (parts[0] * roots).sum()  # not a BLAS product: the same bits on any number of threads
    previous, current = np.zeros_like(t), roots
    for degree in range(1, max_degree + 1):
        previous, current = current, (t * current - betas[degree - 1] * previous) / betas[degree]
        projections[degree] = (parts[degree % 2] * current).sum()
    return projections


@lru_cache(maxsize=8)
def _chebyshev_rule(count: int) -> tuple[Doubles, Doubles]:
    """Positive nodes and their weights of Fejer's first rule on [-1, 1], for an even count; by a cosine transform."""
    moments = np.zeros(count)
    moments[::2] = 2.0 / (1.0 - np.arange(0.0, count, 2.0) ** 2)
    nodes = np.sin(pi * np.arange(count - 1.0, 0.0, -2.0) / (2 * count))
    weights = dct(moments, type=3)[: count // 2] / count
    nodes.flags.writeable = weights.flags.writeable = False
    return nodes, weights


def _values(kernel: KernelAtAngle, angles: Doubles) -> Doubles:
    """Values of the kernel, checked."""
    values = np.asarray(kernel(angles), dtype=np.float64)
    if values.shape != angles.shape:
        raise ValueError(f"the kernel gave shape {values.shape} for angles of shape {angles.shape}; it must keep it")
    wrong = ~np.isfinite(values)
    if wrong.any():
        raise ValueError(f"the kernel is {values[wrong][0]} at angle {angles[wrong][0]:.6g}; it must be finite")
    return values
