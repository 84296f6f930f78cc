"""NNGP, NTK and cosines of networks of infinite width as functions of the angle between two inputs of equal norm."""

from collections.abc import Iterator
from dataclasses import replace
from math import isfinite, pi
from typing import Literal

import numpy as np

from initatlas.arrays import Doubles
from initatlas.kernels.architecture import Architecture
from initatlas.kernels.preserving import preactivation_preserving_variance
from initatlas.kernels.recursion import PairState, hidden_states, output_kernels


def kernels_at_angle(
    architecture: Architecture, theta: Doubles, *, squared_norm: float = 1.0
) -> tuple[Doubles, Doubles | None]:
    """NNGP and NTK of two inputs of equal norm, as functions of their angle.

    Parameters
    ----------
    architecture
        The network.
    theta
        Angles in radians, any shape, in [0, pi].
    squared_norm
        Squared norm of both inputs; for homogeneous networks it scales the result.

    Returns
    -------
    nngp, ntk : ndarray
        Same shape as `theta`; the NTK is None where the activation has none (step).

    Raises
    ------
    ValueError
        If the variance of the last layer overflows double precision.
    """
    theta = np.asarray(theta, dtype=np.float64)
    if architecture.depth == 0:
        linear = architecture.input_variance * squared_norm * np.cos(theta)
        return linear + architecture.output_bias_variance, linear + architecture.output_bias_variance
    folded = _Folded(architecture, theta, squared_norm)
    *_, state = folded.states()
    return folded.output(architecture.depth, state)


def kernel_at_angle(
    kernel: Literal["ntk", "nngp"], architecture: Architecture, theta: Doubles, *, squared_norm: float = 1.0
) -> Doubles:
    """One of the two of `kernels_at_angle`, where it can be computed with.

    Raises
    ------
    ValueError
        As `kernels_at_angle`; if the activation has no NTK; or if a value is beyond 1e300, which leaves no room for sums.
    """
    nngp, ntk = kernels_at_angle(architecture, theta, squared_norm=squared_norm)
    values = nngp if kernel == "nngp" else ntk
    if values is None:
        raise ValueError(f"{architecture.activation!r} has no NTK")
    if not np.max(np.abs(values), initial=0.0) <= _LARGEST:
        other = ", or the NNGP" if kernel == "ntk" else ""
        raise ValueError(
            f"the {kernel.upper()} of {architecture.depth} layers overflows (weight_variance {architecture.hidden_variance:.3g}, "
            f"bias_variance {architecture.bias_variance:.3g}); take smaller variances, fewer layers{other}"
        )
    return values


_LARGEST = 1e300


def kernels_by_depth(
    architecture: Architecture, theta: Doubles, *, squared_norm: float = 1.0
) -> Iterator[tuple[Doubles, Doubles | None]]:
    """`kernels_at_angle` of the networks of depth 1, 2, ..., `architecture.depth`."""
    folded = _Folded(architecture, np.asarray(theta, dtype=np.float64), squared_norm)
    for depth, state in enumerate(folded.states(), start=1):
        yield folded.output(depth, state)


class _Folded:
    """A network for inputs of equal norm, with norm-preserving layers where it is homogeneous.

    The kernel of an odd network without bias is odd in the cosine: a fold at the right angle keeps the digits of angles near pi.
    """

    def __init__(self, architecture: Architecture, theta: Doubles, squared_norm: float) -> None:
        self._given = self._scaled = architecture
        if architecture.homogeneous:
            self._scaled = replace(architecture, weight_variance=None, output_weight_variance=None, input_variance=1.0)
        folds = architecture.dual.parity == -1 and architecture.bias_variance == 0.0
        obtuse = folds & (theta > 0.5 * pi)
        self._theta = np.where(obtuse, pi - theta, theta)
        self._sign = np.where(obtuse, -1.0, 1.0)
        self._squared_norm = squared_norm

    def states(self) -> Iterator[PairState]:
        """Of the hidden layers."""
        norm = np.asarray(1.0 if self._given.homogeneous else self._squared_norm)
        return hidden_states(self._scaled, norm, norm, self._theta)

    def output(self, depth: int, state: PairState) -> tuple[Doubles, Doubles | None]:
        """NNGP and NTK of an output layer on top of so many hidden ones."""
        sign = self._sign * _scale(self._given, depth, self._squared_norm)
        nngp, ntk = output_kernels(replace(self._scaled, depth=depth), state)
        bias = self._given.output_bias_variance
        return sign * nngp + bias, None if ntk is None else sign * ntk + bias


def one_minus_cosine(
    angles: Doubles,
    depth: int,
    activation: str = "relu",
    *,
    weight_variance: float | None = None,
    bias_variance: float = 0.0,
) -> Doubles:
    """1 - cos theta_depth, as in `layerwise_signals`."""
    rows, _ = layerwise_signals(angles, depth, activation, weight_variance=weight_variance, bias_variance=bias_variance)
    last: Doubles = rows[-1]
    return last


def layerwise_signals(
    angles: Doubles,
    depth: int,
    activation: str = "relu",
    *,
    weight_variance: float | None = None,
    bias_variance: float = 0.0,
    squared_norm: float = 1.0,
) -> tuple[Doubles, Doubles]:
    """1 - cosine of the signals phi(z_j), and their mean squares, layer by layer.

    Parameters
    ----------
    angles
        theta_0 between two inputs of equal norm, in radians, any shape, in [0, pi].
    depth
        Number of hidden layers, 0 or more.
    activation, weight_variance, bias_variance
        As in `Architecture`.
    squared_norm
        Squared norm of the inputs: the variance of the first layer's pre-activations, less the bias.

    Returns
    -------
    one_minus_cosine : ndarray, shape (depth + 1, *angles.shape)
        Of the inputs, then of the layers' signals, with full relative accuracy. Without bias and with a rectifier the rows fall
        as 1 / j^2, slower than any geometric sequence: theta = 0 is the only fixed point (Tsuchida et al. 2018, corollary 8)
        and the map has slope 1 there.
    mean_square : ndarray, shape (depth + 1,)
        `squared_norm`, then E[phi(z_j)^2].
    """
    angles = np.asarray(angles, dtype=np.float64)
    architecture = Architecture(activation, depth, weight_variance, bias_variance)
    rows, squares = np.empty((depth + 1, *angles.shape)), np.empty(depth + 1)
    rows[0], squares[0] = 2.0 * np.sin(0.5 * angles) ** 2, squared_norm
    norm = np.asarray(squared_norm)
    for layer, state in enumerate(hidden_states(architecture, norm, norm, angles), start=1):
        moment = architecture.dual.moment(state.p)
        rows[layer] = architecture.dual.gap(state.p, state.q, state.theta) / moment
        squares[layer] = float(moment)
    return rows, squares


def _scale(architecture: Architecture, depth: int, squared_norm: float) -> float:
    """Factor between the kernel and that of norm-preserving layers and unit inputs."""
    if not architecture.homogeneous:
        return 1.0
    preserving = preactivation_preserving_variance(architecture.dual)
    scale = architecture.output_variance / preserving
    if architecture.degree == 1:
        growth = architecture.hidden_variance / preserving
        try:
            scale *= squared_norm * architecture.input_variance * growth ** (depth - 1)
        except OverflowError:
            scale = np.inf
    if not isfinite(scale * (depth + 1.0)):  # the NTK is up to depth + 1 times the NNGP
        raise ValueError(
            f"the variance overflows at depth {depth}: weight_variance {architecture.hidden_variance:g} is "
            f"{architecture.hidden_variance / preserving:g} times the norm-preserving one; take a smaller one, or fewer layers"
        )
    return scale
