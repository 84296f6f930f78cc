"""Gram matrices of NNGP and NTK: one BLAS product, then one pass in place over the upper tiles.

Where the inputs have equal norms, or the network is homogeneous and has no hidden biases, the whole network is one function of
the angle, compiled to polynomials (`initatlas.kernels.univariate`): one square root and one polynomial per pair, whatever
the depth and the activation. Other cases go layer by layer (`initatlas.kernels.layered`). Tiles do not depend on each
other, so the pass gives the same bits on any number of threads.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.linalg import get_blas_funcs

from initatlas.kernels.layered import fill_layered
from initatlas.kernels.recursion import Architecture, kernels_at_angle
from initatlas.kernels.univariate import ROOT_HALF, NotConvergedError, UnivariateKernel, compile_kernel

Floats = NDArray[Any]
Doubles = NDArray[np.float64]
KernelName = Literal["ntk", "nngp"]

TILE = 256
# Below this squared half-angle sine or cosine, the scalar product of two unit vectors has lost digits that their
# difference or sum still has.
CLOSE = 2.0**-10
_EQUAL = 1e-14
"""Relative difference of norms that counts as rounding."""


@dataclass(frozen=True)
class Inputs:
    """Inputs as directions and norms.

    Attributes
    ----------
    unit
        Unit rows (zero rows stay zero), C-contiguous, shape (n, d), in the precision of the result.
    norms
        Their norms, shape (n,), float64.
    """

    unit: Floats
    norms: Doubles


def gram_matrix(
    features: Floats,
    other: Floats | None = None,
    *,
    kernel: KernelName,
    architecture: Architecture,
    normalise: bool = False,
    bias: bool = False,
    dtype: Literal["float64", "float32"] = "float64",
    threads: int = 1,
) -> Floats:
    """Kernel matrix of a network of infinite width between the rows of a data matrix, or of two.

    Parameters
    ----------
    features
        Shape (n, d), one input per row.
    other
        Shape (m, d): the columns of the result; none takes `features` again.
    kernel
        "ntk", or "nngp" (also called random feature kernel).
    architecture
        The network.
    normalise
        Scale the rows to the unit sphere first. A zero row stays zero.
    bias
        Append a coordinate 1 to every row (after normalising): a bias in the first layer alone.
    dtype
        Precision of the result, of the inner products and of the polynomials. In float32 entries have a relative error of
        some 1e-6, and 1e-7 / angle where inputs nearly coincide.
    threads
        Threads of the elementwise pass, which do not change a bit. Those of the BLAS product are the environment's
        (OMP_NUM_THREADS); their number can change the last bit of its entries.

    Returns
    -------
    ndarray, shape (n, n) or (n, m)
        Without `other` it is symmetric, and exact on the diagonal. Rows with a nan give nans.

    Raises
    ------
    ValueError
        If shapes do not fit, or the activation has no NTK (step).

    Notes
    -----
    With depth 1, ReLU and norm-preserving variances these are the kernels of Chen, Li and Lin 2024, appendix C.1.
    """
    rows = prepare_inputs(features, normalise=normalise, bias=bias, dtype=dtype)
    columns = rows if other is None else prepare_inputs(other, normalise=normalise, bias=bias, dtype=dtype)
    fill = kernel_filler(kernel, architecture, rows, columns)
    if other is None:
        return _symmetric(upper_products(rows.unit), fill, threads)
    gram: Floats = rows.unit @ columns.unit.T
    _in_tile_rows(lambda start, stop: fill(gram[start:stop], start), len(gram), threads)
    return gram


def grams_of_networks(
    features: Floats,
    networks: Iterable[tuple[KernelName, Architecture]],
    *,
    normalise: bool = False,
    bias: bool = False,
    dtype: Literal["float64", "float32"] = "float64",
    threads: int = 1,
) -> Iterator[Floats]:
    """Symmetric kernel matrices of several kernels or networks (all depths, say), from one matrix of inner products.

    Parameters
    ----------
    features, normalise, bias, dtype, threads
        As in `gram_matrix`.
    networks
        Kernel name and architecture of each matrix.

    Yields
    ------
    ndarray, shape (n, n)
        In the order of `networks`.
    """
    rows = prepare_inputs(features, normalise=normalise, bias=bias, dtype=dtype)
    products = upper_products(rows.unit)
    for kernel, architecture in networks:
        yield _symmetric(products.copy(), kernel_filler(kernel, architecture, rows, rows), threads)


def upper_products(unit: Floats) -> Floats:
    """Scalar products of all rows on and right of the diagonal; zeros left of it. Half the work of `unit @ unit.T`."""
    syrk = get_blas_funcs("syrk", dtype=unit.dtype)
    # BLAS counts by columns: the lower triangle of its result is the upper one of ours
    products: Floats = syrk(1.0, unit.T, trans=1, lower=1).T
    return products


def _symmetric(products: Floats, fill: "Filler", threads: int) -> Floats:
    """Fill the upper triangle, in place, and mirror it."""
    _in_tile_rows(lambda start, stop: fill(products[start:stop], start, symmetric=True), len(products), threads)
    _in_tile_rows(lambda start, stop: _mirror(products, start, stop), len(products), threads)
    return products


def prepare_inputs(features: Floats, *, normalise: bool, bias: bool, dtype: str = "float64") -> Inputs:
    """Split the rows of a data matrix in directions and norms; parameters as in `gram_matrix`.

    Raises
    ------
    ValueError
        If it is not a matrix of real numbers.
    """
    rows: Doubles = np.array(features, dtype=np.float64, order="C")
    if rows.ndim != 2:
        raise ValueError(f"inputs must have the shape (n, d), one per row; got {rows.shape}")
    norms = _divide_by_norms(rows)
    if normalise:
        norms = np.sign(norms)
    if bias:
        rows = np.column_stack([rows * norms[:, None], np.ones(len(rows))])
        norms = _divide_by_norms(rows)
    return Inputs(np.ascontiguousarray(rows, dtype=np.dtype(dtype)), norms)


Filler = Callable[..., None]


def kernel_filler(kernel: KernelName, architecture: Architecture, rows: Inputs, columns: Inputs) -> Filler:
    """The function that turns inner products of directions into kernel values, for a band of rows.

    Parameters
    ----------
    kernel, architecture
        As in `gram_matrix`.
    rows, columns
        Inputs of the whole matrix.

    Returns
    -------
    callable
        ``fill(band, first_row, first_column=0, *, symmetric=False)`` overwrites a band of the matrix of inner products
        that begins at a row and a column of it; with `symmetric` only the entries on and right of the diagonal.

    Raises
    ------
    ValueError
        If shapes do not fit, or the activation has no NTK.
    """
    if rows.unit.shape[1] != columns.unit.shape[1]:
        raise ValueError(
            f"inputs of {rows.unit.shape[1]} and of {columns.unit.shape[1]} coordinates do not go together"
        )
    if kernel == "ntk" and not architecture.dual.differentiable:
        raise ValueError(
            f"{architecture.activation!r} has no NTK: the dual of its derivative is infinite; take the NNGP"
        )
    compiled = _compiled(kernel, architecture, rows, columns)
    if compiled is None:
        return lambda band, first_row, first_column=0, *, symmetric=False: fill_layered(
            band, kernel, architecture, rows, columns, first_row, first_column, symmetric
        )
    univariate, degree = compiled
    scales = [_powers(inputs, degree) for inputs in (rows, columns)]

    def fill(band: Floats, first_row: int, first_column: int = 0, *, symmetric: bool = False) -> None:
        """One square root and one polynomial per entry."""
        polynomials = _series(univariate, band.dtype)
        place = (first_row, first_column, symmetric, architecture.output_bias_variance)
        arguments: tuple[Any, ...] = (band, rows.unit, columns.unit, *scales, *polynomials, *place)
        univariate_band(*arguments)

    return fill


def _powers(inputs: Inputs, degree: int) -> Floats:
    """Norms to the degree of homogeneity; zero where the norm is."""
    powers: Floats = np.where(inputs.norms == 0.0, 0.0, inputs.norms**degree).astype(inputs.unit.dtype)
    return powers


def _compiled(
    kernel: KernelName, architecture: Architecture, rows: Inputs, columns: Inputs
) -> tuple[UnivariateKernel, int] | None:
    """The kernel as a function of the angle and its degree in the norms; None where it is none, or too steep a one."""
    norms = np.concatenate([rows.norms, columns.norms])
    equal = norms.size > 0 and norms.min() > 0.0 and np.ptp(norms) <= _EQUAL * norms.max()
    if not (architecture.homogeneous or equal):
        return None
    squared_norm = 1.0 if architecture.homogeneous else float(np.median(norms)) ** 2
    try:
        compiled = compiled_kernel(
            kernel, replace(architecture, output_bias_variance=0.0), squared_norm, rows.unit.dtype.name
        )
    except NotConvergedError:
        return None
    return compiled, architecture.degree if architecture.homogeneous else 0


@lru_cache(maxsize=256)
def compiled_kernel(
    kernel: KernelName, architecture: Architecture, squared_norm: float = 1.0, dtype: str = "float64"
) -> UnivariateKernel:
    """Compile the kernel of inputs of equal norm to the precision of a dtype, once per process."""
    position = {"nngp": 0, "ntk": 1}[kernel]

    def at_angle(theta: Doubles) -> Doubles:
        """The kernel asked for; there is one."""
        value = kernels_at_angle(architecture, theta, squared_norm=squared_norm)[position]
        assert value is not None
        return value

    # rounding adds up along the layers, and below it the series cannot converge
    return compile_kernel(at_angle, tolerance=_TOLERANCES[dtype] * (1.0 + architecture.depth / 50))


_TOLERANCES = {"float64": 4e-15, "float32": 2e-8}


def _divide_by_norms(rows: Doubles) -> Doubles:
    """Divide rows by their norms in place, leaving zero rows; return the norms. No square overflows or vanishes."""
    largest: Doubles = np.max(np.abs(rows), axis=1, initial=0.0)
    # A power of two scales without rounding
    scale = np.ldexp(1.0, np.frexp(np.where((largest > 0.0) & np.isfinite(largest), largest, 1.0))[1])
    rows /= scale[:, None]
    norms: Doubles = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    rows /= np.where(norms == 0.0, 1.0, norms)[:, None]
    return norms * scale


def _in_tile_rows(work: Callable[[int, int], None], n: int, threads: int) -> None:
    """Do something for every band of rows."""
    bands = [(start, min(start + TILE, n)) for start in range(0, n, TILE)]
    if threads == 1:
        for band in bands:
            work(*band)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda band: work(*band), bands))


@njit(cache=True, nogil=True)
def _mirror(gram: Floats, start: int, stop: int) -> None:
    """Copy what is right of the diagonal in a band of rows to below it, tile by tile."""
    for left in range(start, gram.shape[1], TILE):
        for i in range(start, stop):
            for j in range(max(left, i + 1), min(left + TILE, gram.shape[1])):
                gram[j, i] = gram[i, j]


def _series(kernel: UnivariateKernel, dtype: "np.dtype[Any]") -> tuple[Any, ...]:
    """The two polynomials in a precision: coefficients of powers where they lose no digits, else of Chebyshev's."""
    (near, near_powers), (far, far_powers) = kernel.near_form(), kernel.far_form()
    return near.astype(dtype), near_powers, far.astype(dtype), far_powers, dtype.type(kernel.at_zero)


@njit(cache=True, nogil=True)
def squared_distance(x: Floats, y: Floats, sign: float) -> float:
    """|x - sign y|^2, in a fixed order of summation."""
    total = 0.0
    for k in range(x.size):
        difference = np.float64(x[k]) - sign * np.float64(y[k])
        total += difference * difference
    return total


@njit(cache=True, nogil=True)
def _evaluate(coefficients: Floats, powers: bool, x: Floats, current: Floats, previous: Floats) -> None:
    """A polynomial at x into `current`; the element loops are innermost, so that they become vector code."""
    count = x.size
    degree = coefficients.size - 1
    for j in range(count):
        current[j] = coefficients[degree] if powers else 0.0
        previous[j] = 0.0
    if powers:  # Horner
        for k in range(degree - 1, -1, -1):
            coefficient = coefficients[k]
            for j in range(count):
                current[j] = coefficient + x[j] * current[j]
        return
    for k in range(degree, 0, -1):  # Clenshaw
        coefficient = coefficients[k]
        for j in range(count):
            following = coefficient + (x[j] + x[j]) * current[j] - previous[j]
            previous[j] = current[j]
            current[j] = following
    for j in range(count):
        current[j] = coefficients[0] + x[j] * current[j] - previous[j]


@njit(cache=True, nogil=True)
def univariate_band(
    band: Floats,
    unit_rows: Floats,
    unit_columns: Floats,
    row_scales: Floats,
    column_scales: Floats,
    near: Floats,
    near_powers: bool,
    far: Floats,
    far_powers: bool,
    at_zero: float,
    first_row: int,
    first_column: int,
    symmetric: bool,
    offset: float,
) -> None:
    """Kernel values for a band of cosines that begins at a row and a column of the whole matrix, in place."""
    kind = band.dtype.type
    half_one, stretch, one = kind(0.5), kind(2.0 / ROOT_HALF), kind(1.0)
    x = np.empty(TILE, band.dtype)
    values = np.empty(TILE, band.dtype)
    far_values = np.empty(TILE, band.dtype)
    scratch = np.empty(TILE, band.dtype)
    for left in range(0, band.shape[1], TILE):
        right = min(left + TILE, band.shape[1])
        for i in range(band.shape[0]):
            first = max(left, first_row + i - first_column) if symmetric else left
            if first >= right:
                continue
            count = right - first
            cosines = band[i, first:right]
            smallest = one
            obtuse = False
            for j in range(count):
                half = max(half_one - half_one * abs(cosines[j]), kind(0.0))
                smallest = min(smallest, half)
                obtuse = obtuse or cosines[j] < 0.0
                x[j] = np.sqrt(half) * stretch - one
            if smallest < CLOSE:
                row = unit_rows[first_row + i]
                for j in range(count):
                    if half_one - half_one * abs(cosines[j]) < CLOSE:
                        column = unit_columns[first_column + first + j]
                        half_square = 0.25 * squared_distance(row, column, np.sign(cosines[j]))
                        x[j] = kind(np.sqrt(half_square)) * stretch - one
            _evaluate(near, near_powers, x[:count], values[:count], scratch[:count])
            if obtuse:
                _evaluate(far, far_powers, x[:count], far_values[:count], scratch[:count])
            for j in range(count):
                value = far_values[j] if cosines[j] < 0.0 else values[j]
                if x[j] == -1.0 and cosines[j] > 0.0:
                    value = at_zero
                cosines[j] = row_scales[first_row + i] * column_scales[first_column + first + j] * value + kind(offset)
