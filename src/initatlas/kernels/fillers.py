"""How half-chords between inputs become kernel values of a fully connected network.

Where the inputs have equal norms, or the network is homogeneous and has no hidden biases, the whole network is one function of
the angle, compiled to polynomials (`initatlas.duals.univariate`): one polynomial per pair, whatever the depth and the
activation. Other cases go layer by layer (`initatlas.kernels.layered`).
"""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import numpy as np

from initatlas.arrays import Doubles, Floats
from initatlas.duals.univariate import NotConvergedError, UnivariateKernel, compile_kernel
from initatlas.kernels.angles import kernel_at_angle
from initatlas.kernels.architecture import Architecture, KernelName
from initatlas.kernels.inputs import Inputs
from initatlas.kernels.layered import affordable, fill_layered
from initatlas.kernels.polynomials import fill_polynomials, polynomial_forms
from initatlas.kernels.recursion import hidden_states, output_kernels

Filler = Callable[[Floats, Floats, slice, slice, int], None]

_EQUAL = 1e-14
"""Relative difference of norms that counts as rounding."""


def kernel_filler(kernel: KernelName, architecture: Architecture, rows: Inputs, columns: Inputs) -> Filler:
    """The function that turns half-chords between directions (`initatlas.kernels.chords`) into kernel values.

    Parameters
    ----------
    kernel, architecture
        As in `initatlas.kernels.gram.gram_matrix`.
    rows, columns
        Inputs of the whole matrix.

    Returns
    -------
    callable
        ``fill(chords, out, at, across, lead)`` takes the half-chords of the rows `at` and the columns `across` of the
        matrix, and writes their kernel values to `out`, of the same shape or the same array. In row i nobody needs what is
        before column lead + i: 0 for the upper triangle of a block on the diagonal, `EVERYTHING` for all.

    Raises
    ------
    ValueError
        If shapes do not fit, the activation has no NTK, or its dual has neither a closed form nor a table.
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
        _check_largest(kernel, architecture, rows, columns)
        # for the norms of the whole matrix: all of its blocks have to go through the same table
        network = affordable(architecture, np.concatenate([rows.norms, columns.norms]))

        def fill(chords: Floats, out: Floats, at: slice, across: slice, lead: int) -> None:
            """All layers of every entry."""
            fill_layered(chords, out, kernel, network, rows[at], columns[across], lead)

        return fill
    univariate, degree = compiled
    _refuse_beyond(rows, columns, degree, univariate.at_zero, architecture.output_bias_variance)
    row_scales, column_scales = _powers(rows, degree), _powers(columns, degree)
    forms = polynomial_forms(univariate, rows.unit.dtype)

    def fill_compiled(chords: Floats, out: Floats, at: slice, across: slice, lead: int) -> None:
        """One polynomial per entry."""
        scales = row_scales[at], column_scales[across]
        fill_polynomials(chords, out, *scales, forms, architecture.output_bias_variance, lead)

    return fill_compiled


def _check_largest(kernel: KernelName, architecture: Architecture, rows: Inputs, columns: Inputs) -> None:
    """Refuse a network whose kernel overflows for the largest input: there, with itself, it is largest."""
    with np.errstate(over="ignore"):
        square = np.array([max(_largest_norm(rows), _largest_norm(columns))]) ** 2
    *_, state = hidden_states(architecture, square, square, np.zeros(1))
    nngp, ntk = output_kernels(architecture, state)
    values = nngp if kernel == "nngp" or ntk is None else ntk
    _refuse_beyond(rows, columns, 0, float(values[0]), architecture.output_bias_variance)


def _refuse_beyond(rows: Inputs, columns: Inputs, degree: int, at_zero: float, bias: float) -> None:
    """Refuse values that the type of the result cannot hold.

    Parameters
    ----------
    rows, columns
        All inputs.
    degree
        Degree of the kernel in the norms.
    at_zero
        The kernel of two equal inputs, for norms of 1.
    bias
        What is added to every value.
    """
    norms = _largest_norm(rows), _largest_norm(columns)
    with np.errstate(over="ignore"):
        # the scales of rows and columns are kept in the type of the result as well, each by itself
        row_scale, column_scale = np.array(norms) ** degree
        largest = max(row_scale, column_scale, row_scale * column_scale * abs(at_zero) + bias)
    limits = np.finfo(rows.unit.dtype)
    if largest > limits.max:
        mend = "take dtype float64, or smaller" if limits.dtype == np.float32 else "take smaller"
        raise ValueError(
            f"the kernel of the largest inputs (norm {max(norms):.3g}) is about {largest:.3g}, and {limits.dtype} ends at "
            f"{limits.max:.3g}; {mend} inputs (normalise) or variances, or fewer layers"
        )


def _largest_norm(inputs: Inputs) -> float:
    """The largest norm that is a number."""
    return float(np.max(inputs.norms, initial=0.0, where=np.isfinite(inputs.norms)))


def _powers(inputs: Inputs, degree: int) -> Floats:
    """Norms to the degree of homogeneity; zero where the norm is."""
    powers: Floats = np.where(inputs.norms == 0.0, 0.0, inputs.norms**degree).astype(inputs.unit.dtype)
    return powers


def _compiled(
    kernel: KernelName, architecture: Architecture, rows: Inputs, columns: Inputs
) -> tuple[UnivariateKernel, int] | None:
    """The kernel as a function of the angle and its degree in the norms; None where it is none, or too steep a one."""
    squared_norm = 1.0
    if not architecture.homogeneous:
        norms = np.concatenate([rows.norms, columns.norms])
        if norms.size == 0 or norms.min() == 0.0 or np.ptp(norms) > _EQUAL * norms.max():
            return None
        # without its last digit, by which unit vectors differ: it would have the kernel compiled for each set of them
        squared_norm = float(f"{float(np.median(norms)) ** 2:.14e}")
    # a bias of the output would spoil the degree in the norms; it is added to every entry at the end
    network = replace(architecture, output_bias_variance=0.0)
    compiled = _compiled_if_smooth(kernel, network, squared_norm, rows.unit.dtype.name)
    return None if compiled is None else (compiled, architecture.degree if architecture.homogeneous else 0)


@lru_cache(maxsize=256)
def _compiled_if_smooth(
    kernel: KernelName, architecture: Architecture, squared_norm: float, dtype: str
) -> UnivariateKernel | None:
    """`compiled_kernel`; None for one that is too steep, which takes longest to find out, and only once."""
    try:
        return compiled_kernel(kernel, architecture, squared_norm, dtype)
    except NotConvergedError:
        return None


@lru_cache(maxsize=256)
def compiled_kernel(
    kernel: KernelName, architecture: Architecture, squared_norm: float = 1.0, dtype: str = "float64"
) -> UnivariateKernel:
    """Compile the kernel of inputs of equal norm to the precision of a dtype, once per process."""

    def at_angle(theta: Doubles) -> Doubles:
        """The kernel asked for."""
        return kernel_at_angle(kernel, architecture, theta, squared_norm=squared_norm)

    # rounding adds up along the layers, and below it the series cannot converge
    return compile_kernel(at_angle, tolerance=_TOLERANCES[dtype] * (1.0 + architecture.depth / 50))


_TOLERANCES = {"float64": 4e-15, "float32": 2e-8}
