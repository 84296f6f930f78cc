"""Spectra of zonal kernels on the unit sphere S^(d-1) in R^d, degree by degree of the spherical harmonics.

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

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil, comb, inf, log, pi, sqrt
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct
from scipy.special import gammaln

from initatlas.duals.univariate import KernelAtAngle
from initatlas.kernels.power_series import PowerSeries

Doubles = NDArray[np.float64]
Parity = Literal["even", "odd"]

_LEAST_NODES = 128
_MOST_NODES = 2**17
# Angles near 0 and pi are left out where they cannot add more than this fraction of the kernel's root mean square.
_NEGLIGIBLE = 1e-20
_EPSILON = float(np.finfo(np.float64).eps)
_LARGEST_LOG = 1400.0  # of a multiplicity: its root is still a double
_RESOLVED = 0.01  # largest relative error of an eigenvalue that a fit uses


@dataclass(frozen=True)
class SphereSpectrum:
    """Eigenvalues of a zonal kernel by degree.

    Attributes
    ----------
    dimension
        d of the space; the sphere is S^(d-1).
    degrees
        0, 1, ..., shape (K + 1,).
    eigenvalue
        lambda_k. Below about 1e-300 it underflows, where `share` and `log_eigenvalue` do not.
    log_multiplicity
        Natural logarithm of the number N(d, k) of harmonics of the degree.
    share
        N lambda_k / kappa(1), the part of the kernel's trace that the degree holds; all shares sum to one.
    error
        Estimated absolute error of `eigenvalue`: what a doubling of the nodes changed, and rounding.
    share_error
        The same of `share`.
    trace
        kappa(1).
    """

    dimension: int
    degrees: NDArray[np.int64]
    eigenvalue: Doubles
    log_multiplicity: Doubles
    share: Doubles
    error: Doubles
    share_error: Doubles
    trace: float

    @property
    def log_eigenvalue(self) -> Doubles:
        """Natural logarithm of the eigenvalue; nan where it is negative (lost in its error), -inf where it is 0."""
        with np.errstate(divide="ignore", invalid="ignore"):
            values: Doubles = np.log(self.share * self.trace) - self.log_multiplicity
        return values


@dataclass(frozen=True)
class Decay:
    """A decay lambda_k ~ k^-exponent, fitted over degrees of one parity from `first` to `last`.

    Where too few eigenvalues are resolved, and where the parity vanishes, the exponent is nan and `last` is -1.
    """

    exponent: float
    first: int
    last: int


class _Rule(NamedTuple):
    """A quadrature over latitudes: half of a symmetric one, each half with total weight 1 / 2."""

    latitudes: Doubles
    weights: Doubles


class _Projections(NamedTuple):
    """b_0, ..., b_K, and the root mean squares over the sphere of the kernel and of its derivative in the angle."""

    values: Doubles
    size: float
    slope: float


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
    logs = _checked_logs(dimension, max_degree)
    trace = float(_values(kernel, np.zeros(1))[0])
    if trace <= 0.0:
        raise ValueError(f"the kernel is {trace:g} at angle 0; a positive definite kernel is positive there")
    found, changes = _converged_projections(kernel, dimension, max_degree, tolerance)
    degrees = np.arange(max_degree + 1)
    rounding = 0.5 * _EPSILON * ((4.0 + degrees / 10.0) * found.size + 2.0 * found.slope)
    return _spectrum(dimension, found.values, changes + rounding, 0.5 * logs, trace)


def power_series_spectrum(series: PowerSeries, dimension: int, max_degree: int) -> SphereSpectrum:
    """Eigenvalues of kappa(t) = sum_m a_m t^m on S^(d-1), from its coefficients.

    All terms of the sum over m = k, k + 2, ... are positive, so eigenvalues far below rounding keep their digits:

        lambda_k = sum_m a_m Gamma(d / 2) m! / (2^m ((m - k) / 2)! Gamma((m + k + d) / 2)).

    Parameters
    ----------
    series
        a_0, ..., a_(M-1), their error, and kappa(1).
    dimension, max_degree
        As in `sphere_spectrum`.

    Returns
    -------
    SphereSpectrum
        Its errors hold those of the coefficients, a bound of what the terms from M on can add, and the rounding of
        the logarithms, log(M!) units of 2e-16 relative. The second is small where M is well above
        k (k + d - 2) / (d - 1) and d is large; for d = 3 it is not.

    Raises
    ------
    ValueError
        If d < 2, the degree is negative or a multiplicity leaves the range of doubles.
    """
    logs = _checked_logs(dimension, max_degree)
    sums = np.array([_power_sums(series, dimension, degree, 0.5 * logs[degree]) for degree in range(max_degree + 1)])
    return _spectrum(dimension, sums[:, 0], sums[:, 1], 0.5 * logs, series.trace)


def better_spectrum(first: SphereSpectrum, second: SphereSpectrum) -> SphereSpectrum:
    """Take every degree from the spectrum with the smaller estimated error; both are of one kernel.

    Raises
    ------
    ValueError
        If the dimensions or the degrees differ.
    """
    if first.dimension != second.dimension or len(first.degrees) != len(second.degrees):
        raise ValueError(
            f"spectra in dimension {first.dimension} to degree {len(first.degrees) - 1} and in dimension "
            f"{second.dimension} to degree {len(second.degrees) - 1} are not of one kernel"
        )
    better = second.share_error < first.share_error
    return replace(
        first,
        **{
            name: np.where(better, getattr(second, name), getattr(first, name))
            for name in ("eigenvalue", "share", "error", "share_error")
        },
    )


def decay(spectrum: SphereSpectrum, parity: Parity, *, first: int | None = None, last: int | None = None) -> Decay:
    """Exponent of the decay of the eigenvalues of one parity: minus the slope of log lambda_k on log(k + (d - 2) / 2).

    The shift makes the estimate converge as 1 / k^2 and not as 1 / k: eigenvalues of a zonal kernel have expansions in
    powers of k (k + d - 2), the harmonics' own eigenvalue under the Laplacian. The limit is the same.

    Parameters
    ----------
    spectrum
        Eigenvalues.
    parity
        Degrees that are fitted: the two parities decay differently, or one vanishes (Bietti and Bach 2021).
    first, last
        Window of degrees, both ends included. By default it ends where the relative error first exceeds 0.01, and
        begins at a quarter of that; a `last` beyond that end is drawn in to it.

    Returns
    -------
    Decay
        With exponent nan where fewer than four degrees of the window are resolved.

    Raises
    ------
    ValueError
        If the window is empty or negative.
    """
    if first is not None and (first < 1 or (last is not None and last <= first)):
        raise ValueError(f"a window of degrees needs 1 <= first < last, got first = {first} and last = {last}")
    resolved = _last_resolved(spectrum, parity, 2 if first is None else first)
    end = resolved if last is None else min(last, resolved)
    begin = max(2, end // 4) if first is None else first
    start = begin + (begin % 2 != _remainder(parity))
    window = np.arange(start, end + 1, 2)
    if len(window) < 4:
        return Decay(np.nan, begin, -1)
    abscissa = np.log(window + 0.5 * (spectrum.dimension - 2))
    abscissa -= abscissa.mean()
    slope = abscissa @ spectrum.log_eigenvalue[window] / (abscissa @ abscissa)
    return Decay(-float(slope), int(window[0]), int(window[-1]))


def _remainder(parity: Parity) -> int:
    """Degree modulo 2."""
    return {"even": 0, "odd": 1}[parity]


def _last_resolved(spectrum: SphereSpectrum, parity: Parity, first: int) -> int:
    """Last degree of a parity, from `first` on, before the first that is not resolved; -1 if there is none."""
    start = first + (first % 2 != _remainder(parity))
    resolved = spectrum.share_error[start::2] <= _RESOLVED * spectrum.share[start::2]
    count = int(np.argmin(resolved)) if not resolved.all() else len(resolved)
    return start + 2 * (count - 1) if count else -1


def _spectrum(
    dimension: int, projections: Doubles, errors: Doubles, log_roots: Doubles, trace: float
) -> SphereSpectrum:
    """Eigenvalues and shares from b_k = sqrt(N) lambda_k and its errors."""
    roots = np.exp(log_roots)
    return SphereSpectrum(
        dimension=dimension,
        degrees=np.arange(len(projections)),
        eigenvalue=projections / roots,
        log_multiplicity=2.0 * log_roots,
        share=projections * roots / trace,
        error=errors / roots,
        share_error=errors * roots / trace,
        trace=trace,
    )


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


def _power_sums(series: PowerSeries, dimension: int, degree: int, log_root: float) -> tuple[float, float]:
    """Projection b_k of a power series, and its error.

    Its weights of t^m rise up to m = k (k + d - 2) / (d - 1) and fall from there: that gives the bound of the terms
    that are left out.
    """
    count = len(series.coefficients)
    table = _log_gamma_of_halves(2 * (count + dimension))
    weights = np.exp(_log_weights(np.arange(degree, count, 2), degree, dimension, table.__getitem__) + log_root)
    terms = series.coefficients[degree::2]
    peak = max(count, degree, ceil(degree * (degree + dimension - 2) / (dimension - 1)))
    beyond = peak + (peak - degree) % 2 + np.array([0, -2, 2])
    largest = np.exp(_log_weights(beyond[beyond >= degree], degree, dimension, _log_gamma_of_half) + log_root).max()
    left_out = max(series.trace - float(series.coefficients.sum()), 0.0)
    projection = float((weights * terms).sum())
    rounding = _EPSILON * (float(gammaln(count + dimension)) + 4.0) * projection
    return projection, rounding + series.error * float(weights.sum()) + left_out * float(largest)


def _log_weights(
    powers: NDArray[np.int64], degree: int, dimension: int, log_gamma: Callable[[NDArray[np.int64]], Doubles]
) -> Doubles:
    """Logarithms of the eigenvalue of degree k of t^m, for m of k's parity, not below it; from log Gamma(j / 2)."""
    pairs = (powers - degree) // 2
    values: Doubles = (
        gammaln(0.5 * dimension)
        + log_gamma(2 * (powers + 1))
        - powers * log(2.0)
        - log_gamma(2 * (pairs + 1))
        - log_gamma(2 * (degree + pairs) + dimension)
    )
    return values


def _log_gamma_of_half(j: NDArray[np.int64]) -> Doubles:
    """log Gamma(j / 2), for j = 1 or more."""
    values: Doubles = gammaln(0.5 * j)
    return values


@lru_cache(maxsize=2)
def _log_gamma_of_halves(count: int) -> Doubles:
    """log Gamma(j / 2) for j = 0, ..., count - 1; inf at j = 0."""
    table = _log_gamma_of_half(np.arange(count))
    table.flags.writeable = False
    return table


def _values(kernel: KernelAtAngle, angles: Doubles) -> Doubles:
    """Values of the kernel, checked."""
    values = np.asarray(kernel(angles), dtype=np.float64)
    if values.shape != angles.shape:
        raise ValueError(f"the kernel gave shape {values.shape} for angles of shape {angles.shape}; it must keep it")
    wrong = ~np.isfinite(values)
    if wrong.any():
        raise ValueError(f"the kernel is {values[wrong][0]} at angle {angles[wrong][0]:.6g}; it must be finite")
    return values


def _checked_logs(dimension: int, max_degree: int) -> Doubles:
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
