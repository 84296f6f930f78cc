"""Spectrum of a zonal kernel on the unit sphere S^(d-1) in R^d, degree by degree of the spherical harmonics.

A kernel kappa(<x, y>) of unit vectors has one eigenvalue lambda_k on all N(d, k) harmonics of degree k, for the uniform
probability measure; kappa(1) = sum_k N(d, k) lambda_k. What computes it sums the projections b_k = sqrt(N) lambda_k: by
quadrature in the angle (`initatlas.kernels.sphere_quadrature`), or from a power series (`initatlas.kernels.sphere_series`).
`better_spectrum` takes the better of both, degree by degree.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from initatlas.arrays import Doubles


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


def spectrum_of_projections(
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
