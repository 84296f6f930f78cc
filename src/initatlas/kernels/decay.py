"""How fast the eigenvalues of a kernel on the sphere fall with the degree."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from initatlas.kernels.sphere_spectrum import SphereSpectrum

Parity = Literal["even", "odd"]

_RESOLVED = 0.01  # largest relative error of an eigenvalue that a fit uses


@dataclass(frozen=True)
class Decay:
    """A decay lambda_k ~ k^-exponent, fitted over degrees of one parity from `first` to `last`.

    Where too few eigenvalues are resolved, and where the parity vanishes, the exponent is nan and `last` is -1.
    """

    exponent: float
    first: int
    last: int


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
