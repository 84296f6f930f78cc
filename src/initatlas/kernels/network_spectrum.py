"""Spectra on the sphere of networks of infinite width, by the means that errs least."""

from functools import lru_cache

from initatlas.duals.rectifier import Rectifier
from initatlas.kernels.angles import kernel_at_angle
from initatlas.kernels.architecture import Architecture, KernelName
from initatlas.kernels.power_series import PowerSeries, power_series, rectifier_on_disc
from initatlas.kernels.sphere_quadrature import sphere_spectrum
from initatlas.kernels.sphere_series import power_series_spectrum
from initatlas.kernels.sphere_spectrum import SphereSpectrum, better_spectrum

_COEFFICIENTS = 2**15


def network_spectrum(kernel: KernelName, architecture: Architecture, dimension: int, max_degree: int) -> SphereSpectrum:
    """Eigenvalues of a network's kernel on the unit sphere in R^d.

    By quadrature in the angle; for rectifiers every degree by that or by a power series, whichever errs less.

    Parameters
    ----------
    kernel, architecture
        As in `initatlas.kernels.gram.gram_matrix`.
    dimension, max_degree
        As in `initatlas.kernels.sphere_quadrature.sphere_spectrum`.
    """
    quadrature = sphere_spectrum(lambda angles: kernel_at_angle(kernel, architecture, angles), dimension, max_degree)
    if not isinstance(architecture.dual, Rectifier):
        return quadrature
    return better_spectrum(
        quadrature, power_series_spectrum(_rectifier_series(kernel, architecture), dimension, max_degree)
    )


@lru_cache(maxsize=64)
def _rectifier_series(kernel: KernelName, architecture: Architecture) -> PowerSeries:
    """The power series of a rectifier network's kernel, found once in a process: spheres of all dimensions have the same."""
    position = {"nngp": 0, "ntk": 1}[kernel]
    return power_series(lambda cosines: rectifier_on_disc(architecture, cosines)[position], _COEFFICIENTS)
