"""Gram matrices of NNGP and NTK: one BLAS product, then one pass in place over the upper tiles.

The pass costs one square root and one polynomial per pair whatever the depth (`initatlas.kernels.univariate`). Tiles do
not depend on each other, so it gives the same bits on any number of threads.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Literal

import numpy as np
from numba import njit
from numpy.typing import NDArray

from initatlas.kernels.arccosine import nngp_ntk_at_angle
from initatlas.kernels.univariate import ROOT_HALF, UnivariateKernel, compile_kernel

Doubles = NDArray[np.float64]
KernelName = Literal["ntk", "nngp"]

_TILE = 64
# Below this squared half-angle sine or cosine, the scalar product of two unit vectors has lost digits that their
# difference or sum still has.
_CLOSE = 2.0**-10


def gram_matrix(
    features: NDArray[np.floating],
    *,
    kernel: KernelName,
    depth: int,
    slope: float = 0.0,
    normalise: bool,
    bias: bool,
    threads: int = 1,
) -> Doubles:
    """Kernel matrix of a (leaky) ReLU network of infinite width between the rows of a data matrix.

    Parameters
    ----------
    features
        Shape (n, d), one input per row.
    kernel
        "ntk", or "nngp" (also called random feature kernel).
    depth
        Number of hidden layers, at least 1.
    slope
        Slope of the leaky ReLU; 0 is the ReLU.
    normalise
        Scale the rows to the unit sphere first. A zero row stays zero.
    bias
        Append a coordinate 1 to every row (after normalising): a bias in the first layer.
    threads
        Threads of the elementwise pass, which do not change a bit. Those of the BLAS product are the environment's
        (OMP_NUM_THREADS); their number can change the last bit of its entries.

    Returns
    -------
    ndarray, shape (n, n), float64
        Symmetric; entry (i, j) is |x_i| |x_j| kappa(cos theta_ij), with kappa(1) = 1 (NNGP) or depth + 1 (NTK), exact
        on the diagonal. Zero rows give zeros, as the homogeneous kernel does; rows with a nan give nans.

    Notes
    -----
    Weights have the norm-preserving variance. With depth 1 and slope 0 the kernels are those of Chen, Li and Lin 2024,
    appendix C.1.
    """
    if depth < 1:
        raise ValueError(f"a kernel has at least one hidden layer, got depth {depth}")
    unit, norms = _unit_features(features, normalise=normalise, bias=bias)
    return _transform(unit @ unit.T, unit, norms, compiled_nngp_ntk(kernel, depth, slope), threads)


@lru_cache(maxsize=64)
def compiled_nngp_ntk(kernel: KernelName, depth: int, slope: float = 0.0) -> UnivariateKernel:
    """Compile the NNGP or NTK of `initatlas.kernels.arccosine.nngp_ntk`, once per process."""
    position = {"nngp": 0, "ntk": 1}[kernel]
    return compile_kernel(lambda angles: nngp_ntk_at_angle(angles, depth, slope)[position])


def _unit_features(features: NDArray[np.floating], *, normalise: bool, bias: bool) -> tuple[Doubles, Doubles]:
    """Return unit rows (n, d or d + 1), C-contiguous, and the norms (n,) that the kernel scales with."""
    unit: Doubles = np.array(features, dtype=np.float64, order="C")
    norms = _divide_by_norms(unit)
    if normalise:
        norms = np.sign(norms)
    if bias:
        unit = np.column_stack([unit * norms[:, None], np.ones(len(unit))])
        norms = _divide_by_norms(unit)
    return unit, norms


def _divide_by_norms(rows: Doubles) -> Doubles:
    """Divide rows by their norms in place, leaving zero rows; return the norms."""
    norms: Doubles = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    rows /= np.where(norms == 0.0, 1.0, norms)[:, None]
    return norms


def _transform(gram: Doubles, unit: Doubles, norms: Doubles, kernel: UnivariateKernel, threads: int) -> Doubles:
    """Replace the inner products of unit rows by kernel values, in place, tile row by tile row."""
    starts = range(0, len(gram), _TILE)

    def run(start: int) -> None:
        _transform_tile_row(gram, unit, norms, kernel.near, kernel.far, kernel.at_zero, start)

    if threads == 1:
        for start in starts:
            run(start)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(run, starts))
    return gram


@njit(cache=True, nogil=True)
def _squared_distance(x: Doubles, y: Doubles, sign: float) -> float:
    """|x - sign y|^2, in a fixed order of summation."""
    total = 0.0
    for k in range(x.size):
        difference = x[k] - sign * y[k]
        total += difference * difference
    return total


@njit(cache=True, nogil=True)
def _clenshaw(coefficients: Doubles, x: Doubles, current: Doubles, previous: Doubles) -> None:
    """Chebyshev series at x into `current`; the element loops are innermost, so that they become vector code."""
    count = x.size
    for j in range(count):
        current[j] = 0.0
        previous[j] = 0.0
    for k in range(coefficients.size - 1, 0, -1):
        coefficient = coefficients[k]
        for j in range(count):
            following = coefficient + 2.0 * x[j] * current[j] - previous[j]
            previous[j] = current[j]
            current[j] = following
    for j in range(count):
        current[j] = coefficients[0] + x[j] * current[j] - previous[j]


@njit(cache=True, nogil=True)
def _transform_tile_row(
    gram: Doubles, unit: Doubles, norms: Doubles, near: Doubles, far: Doubles, at_zero: float, start: int
) -> None:
    """Kernel values for the rows from `start` on, right of the diagonal, and their mirror images below it."""
    n = gram.shape[0]
    stop = min(start + _TILE, n)
    cosine = np.empty(_TILE)
    x = np.empty(_TILE)
    values = np.empty(_TILE)
    far_values = np.empty(_TILE)
    scratch = np.empty(_TILE)
    for left in range(start, n, _TILE):
        right = min(left + _TILE, n)
        for i in range(start, stop):
            first = max(left, i)
            count = right - first
            obtuse = False
            for j in range(count):
                cosine[j] = gram[i, first + j]
                obtuse = obtuse or cosine[j] < 0.0
                half = max(0.5 - 0.5 * abs(cosine[j]), 0.0)
                if half < _CLOSE:
                    half = 0.25 * _squared_distance(unit[i], unit[first + j], np.sign(cosine[j]))
                x[j] = np.sqrt(half) * (2.0 / ROOT_HALF) - 1.0
            _clenshaw(near, x[:count], values[:count], scratch[:count])
            if obtuse:
                _clenshaw(far, x[:count], far_values[:count], scratch[:count])
            for j in range(count):
                value = far_values[j] if cosine[j] < 0.0 else values[j]
                if x[j] == -1.0 and cosine[j] > 0.0:
                    value = at_zero
                gram[i, first + j] = norms[i] * norms[first + j] * value
        for i in range(start, stop):
            for j in range(max(left, i + 1), right):
                gram[j, i] = gram[i, j]
