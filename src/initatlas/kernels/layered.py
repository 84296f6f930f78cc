"""Kernel matrices layer by layer, for inputs of different norms and networks that are not homogeneous.

Rectifiers with biases have a tile kernel of their own: all layers of an entry in registers, small angles exact. Other
activations go through their duals in closed form, block by block. Where a dual has no closed gap, the angles of deeper layers
are only as good as their cosines, which costs little in the kernel's values, since these are smooth in the cosine.
"""

from math import pi
from typing import Any, Literal, Protocol

import numpy as np
from numba import njit
from numpy.typing import NDArray

from initatlas.kernels.duals.rectifier import Rectifier
from initatlas.kernels.recursion import Architecture, hidden_states, output_kernels

Floats = NDArray[Any]
Doubles = NDArray[np.float64]

_BLOCK = 256
_CLOSE = 2.0**-10


class InputsLike(Protocol):
    """Directions and norms, see `initatlas.kernels.gram.Inputs`."""

    @property
    def unit(self) -> Floats:
        """Unit rows."""

    @property
    def norms(self) -> Doubles:
        """Norms of the rows."""


def fill_layered(
    band: Floats,
    kernel: Literal["ntk", "nngp"],
    architecture: Architecture,
    rows: InputsLike,
    columns: InputsLike,
    first_row: int,
    first_column: int,
    symmetric: bool,
) -> None:
    """Overwrite a band of inner products of directions by kernel values; arguments as in `gram.kernel_filler`.

    Raises
    ------
    ValueError
        If the activation has no closed form: inputs of different norms would take one quadrature per pair.
    """
    dual = architecture.dual
    row_slice = slice(first_row, first_row + band.shape[0])
    column_slice = slice(first_column, first_column + band.shape[1])
    unit, norms = rows.unit[row_slice], rows.norms[row_slice]
    other, other_norms = columns.unit[column_slice], columns.norms[column_slice]
    first = first_row - first_column if symmetric else -band.shape[0]
    if isinstance(dual, Rectifier):
        row_variances, column_variances = (
            _rectifier_variances(architecture, dual, part) for part in (norms, other_norms)
        )
        inputs = (unit, other, norms, other_norms, row_variances, column_variances, dual.slope)
        weights = (architecture.input_variance, architecture.hidden_variance, architecture.output_variance)
        biases = (architecture.bias_variance, architecture.output_bias_variance)
        arguments: tuple[Any, ...] = (band, *inputs, *weights, *biases, kernel == "ntk", first)
        _rectifier_band(*arguments)
        return
    _refuse_quadratures(architecture, max(np.max(norms, initial=0.0), np.max(other_norms, initial=0.0)))
    for left in range(max(0, (first // _BLOCK) * _BLOCK), band.shape[1], _BLOCK):
        block = slice(left, left + _BLOCK)
        theta = _angles(np.asarray(band[:, block], dtype=np.float64), unit, other[block])
        *_, state = hidden_states(
            architecture,
            norms[:, None] ** 2,
            other_norms[None, block] ** 2,
            theta,
            exact_angles=dual.closed_gap,
        )
        nngp, ntk = output_kernels(architecture, state)
        values = nngp if kernel == "nngp" else ntk
        assert values is not None  # an activation without NTK has been refused
        band[:, block] = values + architecture.output_bias_variance


def _refuse_quadratures(architecture: Architecture, norm: float) -> None:
    """Refuse an activation that has no closed form at the variances of some layer, for the largest norm."""
    largest = np.asarray(norm**2)
    for state in hidden_states(architecture, largest, largest, np.zeros(()), exact_angles=False):
        if not architecture.dual.in_closed_form(float(state.p)):
            raise ValueError(
                f"{architecture.activation!r} has no closed form at variance {float(state.p):.3g}, and inputs of different norms "
                "would take one quadrature per pair: normalise them to the sphere, or lower input_variance"
            )


def _angles(cosines: Doubles, unit: Floats, other: Floats) -> Doubles:
    """Angles between rows of which the cosines are given; small ones from the difference of the rows."""
    angles: Doubles = np.arccos(np.clip(cosines, -1.0, 1.0))
    rows, columns = np.nonzero(cosines > 1.0 - 2.0 * _CLOSE)
    difference = np.asarray(unit[rows], dtype=np.float64) - other[columns]
    angles[rows, columns] = 2.0 * np.arcsin(np.minimum(0.5 * np.linalg.norm(difference, axis=1), 1.0))
    return angles


def _rectifier_variances(architecture: Architecture, dual: Rectifier, norms: Doubles) -> Doubles:
    """Standard deviations of the pre-activations, shape (depth, n)."""
    deviations = np.empty((architecture.depth, len(norms)))
    variance = architecture.input_variance * norms**2 + architecture.bias_variance
    gain = architecture.hidden_variance * 0.5 * (1.0 + dual.slope**2)
    for layer in range(architecture.depth):
        deviations[layer] = np.sqrt(variance)
        variance = gain * variance + architecture.bias_variance
    return deviations


@njit(cache=True, nogil=True)
def _defect(t: float) -> float:
    """sin t - t cos t without cancellation."""
    if t > 1.0:
        return float(np.sin(t) - t * np.cos(t))
    square = t * t
    total = 0.0
    term = t * square / 3.0  # (2 k + 2) / (2 k + 3)! t^(2 k + 3) at k = 0
    for k in range(10):
        total += term
        term *= -square * (k + 2.0) / ((k + 1.0) * (2.0 * k + 4.0) * (2.0 * k + 5.0))
    return total


@njit(cache=True, nogil=True)
def _rectifier_band(
    band: Floats,
    unit: Floats,
    other: Floats,
    norms: Doubles,
    other_norms: Doubles,
    deviations: Doubles,
    other_deviations: Doubles,
    slope: float,
    input_variance: float,
    variance: float,
    output_variance: float,
    bias: float,
    output_bias: float,
    tangent: bool,
    first: int,
) -> None:
    """All layers of each entry at once; formulas of `duals.rectifier.Rectifier` and of `recursion`."""
    bend = (1.0 - slope) ** 2 / (2.0 * pi)
    straight = 1.0 + slope * slope
    gain = 0.5 * variance * straight
    for i in range(band.shape[0]):
        for j in range(max(0, first + i), band.shape[1]):
            z = 0.5 - 0.5 * band[i, j]
            if z < _CLOSE:
                z = 0.0
                for k in range(unit.shape[1]):
                    z += (np.float64(unit[i, k]) - np.float64(other[j, k])) ** 2
                z *= 0.25
            z = min(z, 1.0)
            a, scale = input_variance, input_variance
            s, t = norms[i], other_norms[j]
            root = s * t
            covariance = a * root * (1.0 - 2.0 * z) + bias
            gap = 2.0 * a * root * z
            ntk = covariance
            for layer in range(deviations.shape[0] + 1):
                if layer > 0:
                    theta = 2.0 * np.arcsin(np.sqrt(z))
                    s, t = deviations[layer - 1, i], other_deviations[layer - 1, j]
                    last = layer == deviations.shape[0]
                    a = output_variance if last else variance
                    scale = gain
                    root = s * t
                    covariance = a * root * (slope * np.cos(theta) + bend * _defect(pi - theta))
                    covariance += output_bias if last else bias
                    ntk = covariance + a * (slope + bend * (pi - theta)) * ntk
                    if last:
                        break
                    gap = a * root * (straight * z - bend * _defect(theta))
                norm = deviations[layer, i] * other_deviations[layer, j]
                if norm > 0.0:
                    # what different norms and a bias add to the angle, see `Rectifier.mismatch`
                    apart = scale * bias * (s - t) ** 2 / (norm * (norm + scale * root + bias))
                    z = min(max(0.5 * (gap / norm + apart), 0.0), 1.0)
                else:
                    z = 0.5
            band[i, j] = ntk if tangent else covariance
