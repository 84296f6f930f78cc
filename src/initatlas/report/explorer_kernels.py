"""Dual activations as Chebyshev coefficients, from which a browser computes NNGP, NTK and mean-field theory.

For two pre-activations of one variance q and the angle theta, the dual of phi' is analytic in the standard deviation and in
s = sin(theta / 2) near theta = 0, or in cos(theta / 2) near pi, also where it is singular in the cosine: that of the ReLU is
(pi - theta) / (2 pi). So are the dual of phi, and the gap between its values at 0 and at theta, divided by 4 q s^2. The gap keeps
the digits of small angles through any depth (`initatlas.kernels.recursion`).
"""

import json
from dataclasses import asdict, dataclass
from math import asinh, sqrt

import numpy as np
from numpy.polynomial import chebyshev
from numpy.polynomial.legendre import leggauss

from initatlas.activations.base import Activation, activation_of
from initatlas.arrays import Doubles
from initatlas.duals.elu import Elu
from initatlas.duals.equal_variances import equal_variance_means
from initatlas.duals.numerical import Numerical
from initatlas.duals.univariate import ROOT_HALF, chebyshev_coefficients, chebyshev_nodes, position
from initatlas.report.explored import explored_activations
from initatlas.report.packing import pack

_TOLERANCE = 1e-9
"""Last coefficients of a converged table, relative to the largest."""

_QUANTUM = 2.0**-40
"""Coefficients are multiples of this part of the largest, so that the packed table is shorter."""

_SIDES = (20, 28, 36, 44)
_REACHES = (8.0, 4.0, 2.0, 1.0)


@dataclass(frozen=True)
class KernelTable:
    """An activation in the explorer.

    Attributes
    ----------
    label, title
        The activation.
    reach
        Largest standard deviation of a pre-activation; None where the dual is proportional to the variance.
    parity
        1 if phi(-z) = phi(z), -1 if phi(-z) = -phi(z), else 0.
    per_variance
        Whether `moment` and `far` are divided by the variance, which keeps the digits of small ones; where phi(0) = 0.
    deviations, angles
        Numbers of coefficients in 2 asinh(deviation) / asinh(reach) - 1, and in 2 sqrt(2) s - 1.
    data
        Packed float64: the means of phi^2, shape (deviations,); then four matrices of shape (deviations, angles): the gap over
        4 q s^2 near 0, the dual of phi near pi, the dual of phi' near 0 and near pi.
    """

    label: str
    title: str
    reach: float | None
    parity: int
    per_variance: bool
    deviations: int
    angles: int
    data: str


def kernels_json() -> str:
    """The tables of all explored activations as JSON: ``kernels``, and ``left_out``, sentences."""
    made = {label: kernel_table(label) for label in explored_activations()}
    kernels = [asdict(table) for table in made.values() if table]
    sentences = [f"No table of {label} converges, so it is left out." for label, table in made.items() if table is None]
    return json.dumps({"kernels": kernels, "left_out": sentences}, ensure_ascii=False)


def kernel_table(label: str) -> KernelTable | None:
    """The table of an activation, over the widest range of variances at which it converges; None where none does.

    Raises
    ------
    ValueError
        If there is no such activation.
    """
    activation = activation_of(label)
    return next(
        (table for reach in _reaches(activation) for side in _SIDES if (table := _table(label, reach, side))), None
    )


def _reaches(activation: Activation) -> tuple[float | None, ...]:
    """Largest deviations to try; a bounded activation needs no more than weights and biases of variance 8 give."""
    if activation.rectifier_slope is not None:
        return (None,)
    bounded = activation.largest_mean_square
    return _REACHES if bounded is None else (4.0 * sqrt(bounded),)


def _table(label: str, reach: float | None, side: int) -> KernelTable | None:
    """A table with so many coefficients along a side; None if the last ones are not negligible."""
    activation = activation_of(label)
    sigma = np.ones(1) if reach is None else np.sinh(asinh(reach) * chebyshev_nodes(side))
    per_variance = activation.maps_zero_to_zero
    with np.errstate(over="ignore", invalid="ignore"):
        arrays = _values(activation, sigma, chebyshev_nodes(side) * ROOT_HALF, per_variance)
    series = [chebyshev_coefficients(values, 0) for values in arrays]
    series = [series[0], *(chebyshev_coefficients(values, 1) for values in series[1:])]
    if not all(_has_converged(coefficients, reach is None) for coefficients in series):
        return None
    return KernelTable(
        label=label,
        title=activation.title,
        reach=reach,
        parity=activation.parity,
        per_variance=per_variance,
        deviations=len(sigma),
        angles=side,
        data=pack(np.concatenate([_rounded(coefficients).ravel() for coefficients in series])),
    )


def _values(activation: Activation, sigma: Doubles, sines: Doubles, per_variance: bool) -> list[Doubles]:
    """Mean squares, gaps, duals and duals of the derivative at the nodes of a table; see `KernelTable`."""
    near, far = 2.0 * np.arcsin(sines), np.pi - 2.0 * np.arcsin(sines)
    variances = sigma * sigma
    scale = variances if per_variance else np.ones_like(variances)
    slopes = _means(activation, sigma, near, derivative=True)
    return [
        activation.dual.moment(variances) / scale,
        _mean_slopes(slopes, sines),
        _means(activation, sigma, far, derivative=False) / scale[:, None],
        slopes,
        _means(activation, sigma, far, derivative=True),
    ]


def _means(activation: Activation, sigma: Doubles, angles: Doubles, *, derivative: bool) -> Doubles:
    """Dual of phi, or of phi', over deviations and angles: in closed form, or by quadrature."""
    dual = activation.dual
    if isinstance(dual, Numerical | Elu):
        function = activation.derivative if derivative else activation.phi
        return equal_variance_means(function, sigma, angles, symmetric=activation.parity != 0)
    variances = (sigma * sigma)[:, None]
    values = (dual.derivative if derivative else dual.product)(variances, variances, angles)
    return np.broadcast_to(values, (len(sigma), len(angles)))


def _mean_slopes(slopes: Doubles, sines: Doubles) -> Doubles:
    """Integral of the dual of phi' at s t, times t, over t in [0, 1]: by Price's theorem the gap over 4 q s^2."""
    nodes, weights = leggauss(len(sines))
    nodes, weights = 0.5 * (nodes + 1.0), 0.5 * weights
    inner = chebyshev.chebvander(position(np.outer(sines, nodes)), len(sines) - 1)
    means: Doubles = chebyshev_coefficients(slopes, 1) @ np.einsum("j,sjk->ks", weights * nodes, inner)
    return means


def _has_converged(coefficients: Doubles, proportional: bool) -> bool:
    """Whether the last coefficients are negligible, along both axes."""
    size = np.abs(coefficients).max()
    ends = [coefficients[:, -3:]] if coefficients.ndim == 2 else []
    ends += [] if proportional else [coefficients[-3:]]
    return bool(np.isfinite(size)) and all(np.abs(end).max() <= _TOLERANCE * size for end in ends)


def _rounded(coefficients: Doubles) -> Doubles:
    """Coefficients without the digits that do not count."""
    quantum = _QUANTUM * 2.0 ** np.ceil(np.log2(np.abs(coefficients).max()))
    return np.asarray(quantum * np.round(coefficients / quantum))
