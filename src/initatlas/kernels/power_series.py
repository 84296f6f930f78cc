"""Power series of kernels in the cosine of the inputs: kappa(t) = sum_m a_m t^m, with a_m >= 0 (Schoenberg 1942).

The coefficients are the limits of the eigenvalues of high-dimensional spheres: N(d, m) lambda_m -> a_m as d grows.
They come from values on a circle in the complex plane, to an absolute error near 1e-16; values at real angles would
not fix them.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from initatlas.arrays import Complexes, Doubles
from initatlas.duals.rectifier import Rectifier
from initatlas.kernels.architecture import Architecture
from initatlas.kernels.recursion import refuse_overflow

KernelOnDisc = Callable[[Complexes], Complexes]

_EPSILON = float(np.finfo(np.float64).eps)
_OVERSAMPLING = 16


class PowerSeries(NamedTuple):
    """The first coefficients of a kernel's power series.

    Attributes
    ----------
    coefficients
        a_0, ..., a_(M-1), not negative.
    error
        Estimated absolute error of each.
    trace
        kappa(1), the sum of all coefficients, those beyond M too.
    """

    coefficients: Doubles
    error: float
    trace: float


def rectifier_on_disc(architecture: Architecture, cosines: Complexes) -> tuple[Complexes, Complexes]:
    """NNGP and NTK of a rectifier network for unit inputs at complex cosines: `recursion.kernels_at_angle`, continued.

    Parameters
    ----------
    architecture
        A network whose activation is a rectifier.
    cosines
        Any shape, of modulus at most 1.

    Returns
    -------
    nngp, ntk : ndarray
        Same shape; absolute error near 1e-16 (depth + 1) times the kernel's maximum.

    Raises
    ------
    ValueError
        If the activation is another one.
    """
    dual, bias = architecture.dual, architecture.bias_variance
    if not isinstance(dual, Rectifier):
        raise ValueError(f"{architecture.activation!r} is no rectifier")
    variance = architecture.input_variance + bias
    covariance: Complexes = architecture.input_variance * np.asarray(cosines, dtype=np.complex128) + bias
    ntk: Complexes = covariance
    for layer in range(architecture.depth):
        last = layer == architecture.depth - 1
        weight = architecture.output_variance if last else architecture.hidden_variance
        product, slope = _rectifier_dual(dual.slope, covariance / variance)
        added = architecture.output_bias_variance if last else bias
        before = variance
        covariance = weight * variance * product + added
        ntk = covariance + weight * slope * ntk
        variance = weight * variance * 0.5 * (1.0 + dual.slope**2) + added
        refuse_overflow(architecture, layer + 2, [np.asarray(variance)], [np.asarray(before)])
    return covariance, ntk


def _rectifier_dual(slope: float, cosine: Complexes) -> tuple[Complexes, Complexes]:
    """Duals of a rectifier and of its derivative, for variances of 1."""
    angle: Complexes = np.arccos(cosine)
    bend = (1.0 - slope) ** 2 / (2.0 * np.pi)
    # where rounding lifts a cosine above 1, these roots have the branch of arccos; 1 - t would lose the sign of its zero
    arc = np.sqrt(-(cosine - 1.0)) * np.sqrt(cosine + 1.0) + (np.pi - angle) * cosine
    return slope * cosine + bend * arc, slope + bend * (np.pi - angle)


def power_series(kernel: KernelOnDisc, count: int) -> PowerSeries:
    """First coefficients of a kernel's power series, by Cauchy's integral on a circle just inside the unit circle.

    Parameters
    ----------
    kernel
        Function of complex cosines, vectorised, analytic for |t| < 1, with real coefficients that are not negative.
    count
        Number of coefficients, at least 1.

    Returns
    -------
    PowerSeries
        Coefficients below their error are set to 0.

    Raises
    ------
    ValueError
        If the count is below 1, the kernel is not finite, or a coefficient is negative beyond its error.

    Notes
    -----
    With 16 times as many points as coefficients, a radius with r^points = 2e-16 folds nothing back on a_m, and
    magnifies rounding by less than 10.
    """
    if count < 1:
        raise ValueError(f"a power series needs at least one coefficient, got {count}")
    points = _OVERSAMPLING * count
    radius = _EPSILON ** (1.0 / points)
    values = kernel(radius * np.exp(2j * np.pi * np.arange(points // 2 + 1) / points))
    if not np.all(np.isfinite(values)):
        raise ValueError("the kernel is not finite on the unit disc; is it given for complex cosines?")
    trace = float(kernel(np.ones(1, dtype=np.complex128))[0].real)
    series = np.fft.irfft(values.conj(), points)[:count] / radius ** np.arange(count)
    error = _EPSILON * trace
    if series.min() < -error:
        raise ValueError(
            f"coefficient {int(np.argmin(series))} of the power series is {series.min():.3g}; a positive definite kernel "
            "on all spheres has none below 0"
        )
    return PowerSeries(np.where(series > error, series, 0.0), error, trace)
