"""Signals of fully connected networks at initialisation: one layer's weights in memory at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Literal

import numpy as np
from numpy.typing import DTypeLike

from initatlas.activations.base import activation_of
from initatlas.arrays import Doubles, Floats
from initatlas.caches import compiled
from initatlas.weights.base import Family, family_of
from initatlas.weights.gaussian import Gaussian

Plane = Literal["random", "axes", "flat", "graded"]

_GRADE = 0.2


@dataclass(frozen=True)
class RandomNetwork:
    """The law of a random network.

    Layer j is h_j = phi(W_j h_{j-1} + b_j), or, with residual connections, z_j = z_{j-1} + W_j phi(z_{j-1}) + b_j with
    z_1 = W_1 x + b_1; the signals of a residual network are the z_j.

    Attributes
    ----------
    activation, weights
        Labels of `initatlas.activations.base.ACTIVATIONS` and `initatlas.weights.base.WEIGHTS`.
    weight_variance
        Variance of a weight times n.
    weight_mean
        Mean of a weight times n.
    bias_variance
        Variance of a bias, not scaled. Biases are Gaussian whatever the distribution of the weights; with 0 none is
        drawn.
    depth, width
        Number of layers, and of neurons in each.
    fan
        What n is: the number of neurons of the layer ("out", Tsuchida et al. 2018, equation 10) or the number of its
        inputs ("in", He initialisation). They differ in the first layer alone.
    residual
        Whether every layer but the first adds to the signals before it.
    """

    activation: str
    weights: str
    weight_variance: float
    depth: int
    width: int
    weight_mean: float = 0.0
    bias_variance: float = 0.0
    fan: Literal["in", "out"] = "out"
    residual: bool = False

    def __post_init__(self) -> None:
        """Refuse a network without layers."""
        if self.depth < 1:
            raise ValueError(f"a network has at least one hidden layer, got depth {self.depth}")


def forward_signals(
    inputs: Floats, network: RandomNetwork, *, rng: np.random.Generator, dtype: DTypeLike = np.float32
) -> Iterator[Floats]:
    """Signals of a random network, layer by layer.

    All inputs pass through the same network. A new layer's weights are drawn when the iterator is advanced, and freed
    with the next one.

    Parameters
    ----------
    inputs
        Shape (n_inputs, d), one input per row.
    network
        Its law.
    rng
        Source of randomness.
    dtype
        Precision of weights and signals: float32 or float64.

    Yields
    ------
    ndarray, shape (n_inputs, width)
        The signals of layer 1, 2, ..., depth.

    Raises
    ------
    ValueError
        If they overflow, as they do where the variance is far from critical; the line names the layer.
    """
    signals = np.asarray(inputs, dtype=dtype)
    phi, family = activation_of(network.activation).phi, family_of(network.weights)
    for layer in range(1, network.depth + 1):
        with np.errstate(over="ignore", invalid="ignore"):
            if not network.residual:
                signals = phi(_affine(signals, network, family, rng))
            elif layer == 1:
                signals = _affine(signals, network, family, rng)
            else:
                signals = signals + _affine(phi(signals), network, family, rng)
        if not np.isfinite(signals).all():
            raise ValueError(
                f"layer {layer} of {network.depth}: the signals overflow {signals.dtype} (activation {network.activation}, "
                f"weight_variance {network.weight_variance:.3g}); take smaller variances, or fewer layers"
            )
        yield signals


def _affine(signals: Floats, network: RandomNetwork, family: Family, rng: np.random.Generator) -> Floats:
    """W h + b for fresh W and b. A mean of the weights acts on the sum of the signals alone."""
    fan = network.width if network.fan == "out" else signals.shape[1]
    variance = network.weight_variance / fan
    result: Floats = family.products(signals, network.width, variance=variance, rng=rng)
    if network.weight_mean:
        result += signals.dtype.type(network.weight_mean / fan) * signals.sum(axis=1, keepdims=True)
    if network.bias_variance > 0.0:
        result += Gaussian().draw((1, network.width), variance=network.bias_variance, rng=rng, dtype=signals.dtype)
    return result


def angle_pairs(
    angles: Doubles, dimension: int, *, rng: np.random.Generator, plane: Plane = "random"
) -> tuple[Doubles, Doubles]:
    """Pairs of unit vectors with given angles between them.

    A random plane is that of a Haar-random 2-frame, by Gram-Schmidt on two Gaussian vectors. This is the law of two
    columns of a random orthogonal matrix, so the law of the full random rotation of Tsuchida et al. 2018 (figure 2),
    at the cost of two vectors instead of a square matrix.

    Parameters
    ----------
    angles
        Shape (k,), radians.
    dimension
        Dimension d of the vectors, at least 2.
    rng
        Source of randomness.
    plane
        Where the pairs lie. "random": a plane of its own for each; averaged over such planes, any weights look
        rotation-invariant. Fixed planes tell distributions apart. "axes": the plane of the first two coordinates, as
        sparse as a pair can be. "flat": that of (1, 1, 1, 1, ...) and (1, -1, 1, -1, ...), all coordinates in use.
        "graded": that of (1, 2^-g, 3^-g, ...) and the same with alternating signs, g = 1/5. Its largest coordinate falls as
        d^-0.3 against the norm, a little faster than the d^(-1/4) that a central limit theorem asks for (hypothesis 5).

    Returns
    -------
    x, y : ndarray, shape (k, d)
        Unit vectors; the angle between ``x[i]`` and ``y[i]`` is ``angles[i]``.

    Raises
    ------
    ValueError
        If the dimension is below 2.
    """
    if dimension < 2:
        raise ValueError(f"an angle needs at least 2 dimensions, got {dimension}")
    angles = np.asarray(angles, dtype=np.float64)
    x, v = _random_frames(angles.size, dimension, rng) if plane == "random" else _fixed_frame(dimension, plane)
    y = np.cos(angles)[:, None] * x + np.sin(angles)[:, None] * v
    return np.broadcast_to(x, y.shape), y


def _random_frames(count: int, dimension: int, rng: np.random.Generator) -> tuple[Doubles, Doubles]:
    """Haar-random pairs of orthonormal vectors, as rows."""
    x, v = rng.standard_normal((2, count, dimension))
    x = _unit_rows(x)
    for _ in range(2):  # the second pass removes what rounding left of x in v
        v = _unit_rows(v - np.sum(x * v, axis=1, keepdims=True) * x)
    return x, v


def _fixed_frame(dimension: int, plane: Plane) -> tuple[Doubles, Doubles]:
    """One pair of orthonormal vectors, as rows of shape (1, dimension)."""
    x = np.eye(1, dimension)[0] if plane == "axes" else (1.0 + np.arange(dimension)) ** (-_GRADE * (plane == "graded"))
    v = np.eye(2, dimension)[1] if plane == "axes" else np.where(np.arange(dimension) % 2 == 0, 1.0, -1.0) * x
    if plane == "flat":
        v[-1] *= dimension % 2 == 0  # an odd last coordinate would spoil the right angle
    elif plane == "graded":
        v -= (v @ x) / (x @ x) * x
    return _unit_rows(x[None, :]), _unit_rows(v[None, :])


def cosine_similarity(h: Floats, g: Floats) -> Doubles:
    """Cosine of the angle between the rows of two matrices, accumulated in float64.

    Computed as 1 - |h^ - g^|^2 / 2 with unit rows h^ and g^: unlike the scalar product, this keeps all digits of
    small angles, is exactly 1 for equal rows and never above 1.

    Parameters
    ----------
    h, g
        Shape (k, w).

    Returns
    -------
    ndarray, shape (k,)
        In [-1, 1]; nan where a row is zero or not finite.
    """
    cosine: Doubles = _pair_numbers(h, g)[0]
    return cosine


@compiled(error_model="numpy", fastmath={"reassoc", "contract"})
def _pair_numbers(h: Floats, g: Floats) -> Doubles:
    """Cosine, norm of the first row and norm of the difference for the rows of two matrices, shape (3, k)."""
    numbers = np.empty((3, len(h)))
    for row in range(len(h)):
        one, other = h[row], g[row]
        first, second, difference = 0.0, 0.0, 0.0
        for i in range(len(one)):
            a, b = np.float64(one[i]), np.float64(other[i])
            first += a * a
            second += b * b
            difference += (a - b) * (a - b)
        first, second = np.sqrt(first), np.sqrt(second)
        shares = 1.0 / first, 1.0 / second
        squares = 0.0
        for i in range(len(one)):
            apart = np.float64(one[i]) * shares[0] - np.float64(other[i]) * shares[1]
            squares += apart * apart
        cosine = 1.0 - 0.5 * squares
        numbers[0, row] = -1.0 if cosine < -1.0 else cosine
        numbers[1, row], numbers[2, row] = first, np.sqrt(difference)
    return numbers


@dataclass(frozen=True)
class PairSignals:
    """What became of pairs of inputs (x, y) in some layers of a random network; all of shape (layers, pairs).

    Attributes
    ----------
    cosine
        Cosine of the angle between the signals h(x) and h(y).
    norm_ratio
        |h(x)| / |x|.
    squared_difference
        |h(x) - h(y)|^2 / |h(x)|^2.
    """

    cosine: Doubles
    norm_ratio: Doubles
    squared_difference: Doubles


def pair_signals(
    angles: Doubles,
    network: RandomNetwork,
    *,
    layers: Sequence[int],
    input_dimension: int,
    rng: np.random.Generator,
    input_rms: float = 1.0,
    plane: Plane = "random",
) -> PairSignals:
    """Follow pairs of inputs at given angles through one random network, all pairs in one pass.

    Parameters
    ----------
    angles
        Shape (k,), radians: the angles between the two inputs of each pair.
    network
        Its law.
    layers
        The layers that are recorded, ascending, from 1 to the depth.
    input_dimension
        Dimension d of the inputs.
    rng
        Source of randomness, for the inputs first and then for the weights.
    input_rms
        Root mean square of the d coordinates of an input: its norm is input_rms sqrt(d).
    plane
        Where the pairs lie, as in `angle_pairs`.
    """
    x, y = angle_pairs(angles, input_dimension, rng=rng, plane=plane)
    k = len(x)
    norm = input_rms * sqrt(input_dimension)
    inputs = norm * np.concatenate([x, y])
    wanted = set(layers)
    rows = [
        _compare(signals[:k], signals[k:], norm)
        for layer, signals in enumerate(forward_signals(inputs, network, rng=rng), start=1)
        if layer in wanted
    ]
    return PairSignals(*(np.stack(column) for column in zip(*rows, strict=True)))


def _compare(h: Floats, g: Floats, norm: float) -> tuple[Doubles, Doubles, Doubles]:
    """Cosine, norm ratio and squared difference of the rows of two matrices."""
    cosine, norms, difference = _pair_numbers(h, g)
    with np.errstate(invalid="ignore", divide="ignore"):
        squared: Doubles = (difference / norms) ** 2
    return cosine, norms / norm, squared


def row_norms(rows: Floats) -> Doubles:
    """Norms of the rows as a column, accumulated in float64."""
    rows = np.asarray(rows, dtype=np.float64)
    norms: Doubles = np.sqrt(np.sum(rows * rows, axis=1, keepdims=True))
    return norms


def _unit_rows(rows: Floats) -> Doubles:
    """Rows divided by their norms, in float64; nan where a row is zero."""
    rows = np.asarray(rows, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        unit: Doubles = rows / row_norms(rows)
    return unit
