"""Kernel matrices layer by layer, for inputs of different norms and networks that are not homogeneous.

Rectifiers with biases have a tile kernel of their own: all layers of an entry in registers, small angles exact. Other
activations go through their duals, block by block, in closed form or by a table (`initatlas.duals.tabulated`). Where a
dual has no closed gap, the angles of deeper layers are only as good as their cosines, which costs little in the kernel's
values, since these are smooth in the cosine.
"""

from dataclasses import replace
from math import pi
from typing import Any, Literal

import numpy as np

from initatlas.arrays import Doubles, Floats
from initatlas.caches import compiled
from initatlas.duals.rectifier import Rectifier
from initatlas.duals.tabulated import tabulated
from initatlas.kernels.architecture import Architecture
from initatlas.kernels.chords import angles_of_chords
from initatlas.kernels.inputs import Inputs
from initatlas.kernels.recursion import hidden_states, output_kernels
from initatlas.kernels.tiles import BAND

_SAMPLES, _MARGIN = 33, 1.01
"""Norms by which the range of deviations is found, and how much wider it is taken."""


def fill_layered(
    chords: Floats,
    out: Floats,
    kernel: Literal["ntk", "nngp"],
    architecture: Architecture,
    rows: Inputs,
    columns: Inputs,
    lead: int,
) -> None:
    """Kernel values of a band of half-chords.

    Parameters
    ----------
    chords, out, lead
        As in `initatlas.kernels.polynomials.fill_polynomials`; more than asked for may be filled.
    kernel
        "ntk" or "nngp".
    architecture
        The network, made `affordable`.
    rows, columns
        The inputs of the band.
    """
    dual = architecture.dual
    if isinstance(dual, Rectifier):
        row_variances, column_variances = (
            _rectifier_variances(architecture, dual, inputs.norms) for inputs in (rows, columns)
        )
        inputs = (rows.norms, columns.norms, row_variances, column_variances, dual.slope)
        weights = (architecture.input_variance, architecture.hidden_variance, architecture.output_variance)
        biases = (architecture.bias_variance, architecture.output_bias_variance)
        arguments: tuple[Any, ...] = (*inputs, *weights, *biases, kernel == "ntk", lead)
        _rectifier_band(chords, out, *arguments)
        return
    # From the block that holds the first column wanted: what is left of it there costs less than blocks of every width.
    for left in range(max(0, (lead // BAND) * BAND), chords.shape[1], BAND):
        block = slice(left, left + BAND)
        *_, state = hidden_states(
            architecture,
            rows.norms[:, None] ** 2,
            columns.norms[None, block] ** 2,
            angles_of_chords(np.asarray(chords[:, block], dtype=np.float64)),
            exact_angles=dual.closed_gap,
        )
        nngp, ntk = output_kernels(architecture, state)
        values = nngp if kernel == "nngp" else ntk
        assert values is not None  # an activation without NTK has been refused
        out[:, block] = values + architecture.output_bias_variance


def affordable(architecture: Architecture, norms: Doubles) -> Architecture:
    """A network that is cheap for inputs of different norms: with a table of its dual where that takes quadrature.

    Parameters
    ----------
    architecture
        The network.
    norms
        Norms of all inputs, shape (n,).

    Raises
    ------
    ValueError
        If there is no table of the dual, see `initatlas.duals.tabulated.Tabulated`.
    """
    dual = architecture.dual
    if dual.in_closed_form(np.inf):
        return architecture
    low, high = _range_of_deviations(architecture, norms)
    if dual.in_closed_form(high * high):
        return architecture
    return replace(
        architecture,
        activation=tabulated(dual, low, high),
        weight_variance=architecture.hidden_variance,
        output_weight_variance=architecture.output_variance,
    )


def _range_of_deviations(architecture: Architecture, norms: Doubles) -> tuple[float, float]:
    """Least and largest standard deviation of a pre-activation in any layer, with a margin: by some norms in their range."""
    finite = norms[np.isfinite(norms)]
    # Evenly in the arcsinh: norms may be 0, and may differ by hundreds of orders of magnitude.
    bounds = np.arcsinh([np.min(finite, initial=np.inf), np.max(finite, initial=0.0)])
    some = np.sinh(np.linspace(min(bounds), bounds[1], _SAMPLES))
    variance = architecture.input_variance * some * some + architecture.bias_variance
    low, high = np.inf, 0.0
    for _ in range(architecture.depth):
        low, high = min(low, variance.min()), max(high, variance.max())
        variance = architecture.hidden_variance * architecture.dual.moment(variance) + architecture.bias_variance
    return float(np.sqrt(low) / _MARGIN), float(np.sqrt(high) * _MARGIN)


def _rectifier_variances(architecture: Architecture, dual: Rectifier, norms: Doubles) -> Doubles:
    """Standard deviations of the pre-activations, shape (depth, n)."""
    deviations = np.empty((architecture.depth, len(norms)))
    variance = architecture.input_variance * norms**2 + architecture.bias_variance
    gain = architecture.hidden_variance * 0.5 * (1.0 + dual.slope**2)
    for layer in range(architecture.depth):
        deviations[layer] = np.sqrt(variance)
        variance = gain * variance + architecture.bias_variance
    return deviations


@compiled()
def _defect(t: float) -> float:
    """sin t - t cos t without cancellation."""
    if t > 1.0:  # there the two terms no longer cancel; below, ten terms of the series reach the last digit
        return float(np.sin(t) - t * np.cos(t))
    square = t * t
    total = 0.0
    term = t * square / 3.0  # (2 k + 2) / (2 k + 3)! t^(2 k + 3) at k = 0
    for k in range(10):
        total += term
        term *= -square * (k + 2.0) / ((k + 1.0) * (2.0 * k + 4.0) * (2.0 * k + 5.0))
    return total


@compiled()
def _rectifier_band(
    chords: Floats,
    out: Floats,
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
    lead: int,
) -> None:
    """All layers of each entry at once; formulas of `duals.rectifier.Rectifier` and of `recursion`."""
    bend = (1.0 - slope) ** 2 / (2.0 * pi)
    straight = 1.0 + slope * slope
    gain = 0.5 * variance * straight
    for i in range(chords.shape[0]):
        for j in range(max(0, lead + i), chords.shape[1]):
            square = float(chords[i, j]) ** 2
            z = 1.0 - square if np.copysign(1.0, chords[i, j]) < 0.0 else square  # sin(theta / 2)^2
            a, scale = input_variance, input_variance
            s, t = norms[i], other_norms[j]
            root = s * t
            covariance = a * root * (1.0 - 2.0 * z) + bias
            gap = 2.0 * a * root * z
            ntk = covariance
            # The angle is found anew in every layer from 1 - cosine, a sum of positive terms: so a small one keeps its digits.
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
                    difference = scale * bias * (s - t) ** 2 / (norm * (norm + scale * root + bias))
                    z = min(max(0.5 * (gap / norm + difference), 0.0), 1.0)
                else:
                    z = 0.5  # a signal that is 0 has no direction; whatever stands here is multiplied by its norm
            out[i, j] = ntk if tangent else covariance
