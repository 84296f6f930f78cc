"""Signals of fully connected networks at initialisation: one layer's weights in memory at a time."""

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from initatlas.activations import activate
from initatlas.weights.distributions import sample_weights

Floats = NDArray[Any]
Doubles = NDArray[np.float64]


def forward_signals(
    inputs: Floats,
    *,
    depth: int,
    width: int,
    activation: str,
    weights: str,
    weight_variance: float,
    bias_variance: float = 0.0,
    rng: np.random.Generator,
    dtype: DTypeLike = np.float32,
    fan: Literal["in", "out"] = "out",
) -> Iterator[Floats]:
    """Post-activations of a random network, layer by layer.

    Layer j is h_j = activation(W_j h_{j-1} + b_j) with Var(W) = weight_variance / n. All inputs pass through the same
    network. A new layer's weights are drawn when the iterator is advanced, and freed with the next one.

    Parameters
    ----------
    inputs
        Shape (n_inputs, d), one input per row.
    depth, width
        Number of hidden layers and of neurons in each.
    activation, weights
        Labels of `initatlas.vocabulary`.
    weight_variance
        Variance of a weight times n.
    bias_variance
        Variance of a bias, not scaled. Biases are Gaussian whatever the distribution of the weights; with 0 none is
        drawn.
    rng
        Source of randomness.
    dtype
        Precision of weights and signals: float32 or float64.
    fan
        What n is: the number of neurons of the layer ("out", Tsuchida et al. 2018, equation 10) or the number of its
        inputs ("in", He initialisation). They differ in the first layer alone.

    Yields
    ------
    ndarray, shape (n_inputs, width)
        The signals of layer 1, 2, ..., depth. Where the variance is far from critical they may overflow to inf; what
        is computed from them is then nan.
    """
    signals = np.asarray(inputs, dtype=dtype)
    for _ in range(depth):
        fan_in = signals.shape[1]
        variance = weight_variance / (width if fan == "out" else fan_in)
        matrix = sample_weights(weights, (width, fan_in), variance=variance, rng=rng, dtype=dtype)
        signals = signals @ matrix.T
        del matrix
        if bias_variance > 0.0:
            signals += sample_weights("gaussian", (1, width), variance=bias_variance, rng=rng, dtype=dtype)
        signals = activate(activation, signals)
        yield signals


def angle_pairs(angles: Doubles, dimension: int, *, rng: np.random.Generator) -> tuple[Doubles, Doubles]:
    """Pairs of unit vectors with given angles between them, in random directions.

    Each pair lies in the plane of its own Haar-random 2-frame, by Gram-Schmidt on two Gaussian vectors. This is the
    law of two columns of a random orthogonal matrix, so the law of the full random rotation of Tsuchida et al. 2018
    (figure 2), at the cost of two vectors instead of a square matrix.

    Parameters
    ----------
    angles
        Shape (k,), radians.
    dimension
        Dimension d of the vectors, at least 2.
    rng
        Source of randomness.

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
    x, v = rng.standard_normal((2, angles.size, dimension))
    x = _unit_rows(x)
    for _ in range(2):  # the second pass removes what rounding left of x in v
        v = _unit_rows(v - np.sum(x * v, axis=1, keepdims=True) * x)
    return x, np.cos(angles)[:, None] * x + np.sin(angles)[:, None] * v


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
    difference = _unit_rows(h) - _unit_rows(g)
    cosine: Doubles = np.maximum(1.0 - 0.5 * np.sum(difference**2, axis=1), -1.0)
    return cosine


def layerwise_cosines(
    angles: Doubles,
    *,
    depth: int,
    width: int,
    input_dimension: int,
    activation: str,
    weights: str,
    weight_variance: float,
    rng: np.random.Generator,
) -> Iterator[tuple[Doubles, Doubles]]:
    """Follow pairs of inputs at given angles through the layers of one random network.

    Parameters
    ----------
    angles
        Shape (k,), radians: the angles between the two unit inputs of each pair.
    depth, width, input_dimension
        Hidden layers, neurons in each, dimension of the inputs.
    activation, weights, weight_variance
        As in `forward_signals`, with ``fan="out"``.
    rng
        Source of randomness, for the inputs first and then for the weights.

    Yields
    ------
    cosine : ndarray, shape (k,)
        Cosine of the angle between the two signals of each pair.
    norm_ratio : ndarray, shape (k,)
        Norm of the first signal of each pair over the norm of its input.
    """
    x, y = angle_pairs(angles, input_dimension, rng=rng)
    k = len(x)
    layers = forward_signals(
        np.concatenate([x, y]),
        depth=depth,
        width=width,
        activation=activation,
        weights=weights,
        weight_variance=weight_variance,
        rng=rng,
    )
    for signals in layers:
        yield cosine_similarity(signals[:k], signals[k:]), _row_norms(signals[:k])[:, 0]


def random_network_cosines(
    angles: Doubles,
    *,
    depth: int,
    width: int,
    input_dimension: int,
    activation: str,
    weights: str,
    weight_variance: float,
    rng: np.random.Generator,
) -> tuple[Doubles, Doubles]:
    """Cosines and norm ratios in the last layer of one random network through which all pairs pass.

    Parameters are those of `layerwise_cosines`.

    Returns
    -------
    cosine : ndarray, shape (k,)
        Cosine of the angle between the two signals of each pair at layer `depth`.
    norm_ratio : ndarray, shape (k,)
        |h_depth(x)| / |x| for the first input x of each pair.

    Raises
    ------
    ValueError
        If `depth` is below 1.
    """
    if depth < 1:
        raise ValueError(f"a network has at least one hidden layer, got depth {depth}")
    layers = layerwise_cosines(
        angles,
        depth=depth,
        width=width,
        input_dimension=input_dimension,
        activation=activation,
        weights=weights,
        weight_variance=weight_variance,
        rng=rng,
    )
    *_, last = layers
    return last


def _row_norms(rows: Floats) -> Doubles:
    """Norms of the rows as a column, accumulated in float64."""
    rows = np.asarray(rows, dtype=np.float64)
    norms: Doubles = np.sqrt(np.sum(rows * rows, axis=1, keepdims=True))
    return norms


def _unit_rows(rows: Floats) -> Doubles:
    """Rows divided by their norms, in float64; nan where a row is zero."""
    rows = np.asarray(rows, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        unit: Doubles = rows / _row_norms(rows)
    return unit
