"""NNGP and NTK of plain arrays: `nngp(x)`, `ntk(x, y, depth=3, activation="erf")`."""

from typing import Any, Literal, TypedDict, Unpack

import numpy as np
from numpy.typing import ArrayLike

from initatlas.arrays import Floats
from initatlas.duals.base import Dual
from initatlas.kernels.architecture import Architecture, KernelName
from initatlas.kernels.gram import gram_matrix
from initatlas.names import did_you_mean


class KernelOptions(TypedDict, total=False):
    """Keyword arguments of `nngp` and `ntk`; the first seven are those of `initatlas.kernels.architecture.Architecture`."""

    depth: int
    activation: str | Dual
    weight_variance: float | None
    bias_variance: float
    input_variance: float
    output_weight_variance: float | None
    output_bias_variance: float
    normalise: bool
    dtype: Literal["float64", "float32"]
    threads: int


def nngp(x: ArrayLike, y: ArrayLike | None = None, **options: Unpack[KernelOptions]) -> Floats:
    """Covariance of the outputs of a fully connected network of infinite width at initialisation.

    Parameters
    ----------
    x
        Inputs, shape (n, d), or (d,) for a single one.
    y
        Inputs of the columns, shape (m, d) or (d,); none takes `x` again.
    depth
        Number of hidden layers, from 0 to 20000 (1).
    activation
        A label such as "relu" or "leaky_relu(slope=0.2)", or a `Dual` of one's own ("relu").
    weight_variance
        Variance of a weight times the fan-in, after the first layer; none takes the norm-preserving one (2 for the ReLU).
    bias_variance
        Variance of a bias in every hidden layer (0).
    input_variance
        Variance of a weight of the first layer, not multiplied by d (1); sigma^2 / d is the usual scaling.
    output_weight_variance, output_bias_variance
        Those of the output layer: as the hidden layers, and 0.
    normalise
        Scale the inputs to the unit sphere first (no: these functions take arrays as they are, while `initatlas kernel gram` and
        sweeps over data sets scale their images unless told otherwise).
    dtype
        "float64" or "float32": precision of the result.
    threads
        Threads of the elementwise pass; they do not change a bit (1).

    Returns
    -------
    ndarray, shape (n, m)

    Raises
    ------
    TypeError
        If an argument is unknown, or of another type.
    ValueError
        If shapes do not fit, an input is nan or infinite, a value is out of its range, or a variance overflows; the line names
        the argument or the layer.

    Examples
    --------
    >>> round(float(nngp([1.0, 0.0], [0.0, 1.0])[0, 0] * np.pi), 12)
    1.0
    """
    return _kernel("nngp", x, y, options)


def ntk(x: ArrayLike, y: ArrayLike | None = None, **options: Unpack[KernelOptions]) -> Floats:
    """Neural tangent kernel, all layers trained; arguments, result and errors as in `nngp`.

    The parametrisation is the NTK's own: weights are standard normal numbers, times the root of the variance over the
    fan-in. So the variances also scale the gradients.
    """
    return _kernel("ntk", x, y, options)


def _kernel(kernel: KernelName, x: ArrayLike, y: ArrayLike | None, options: KernelOptions) -> Floats:
    """Sort the options, check the inputs, and compute."""
    if unknown := [name for name in options if name not in KernelOptions.__annotations__]:
        known = [*KernelOptions.__annotations__]
        raise TypeError(
            f"{kernel}() has no argument {unknown[0]!r}{did_you_mean(unknown[0], known)}; it has: x, y, {', '.join(known)}"
        )
    given: dict[str, Any] = {**options}
    numerical = {key: given.pop(key) for key in ("normalise", "dtype", "threads") if key in given}
    architecture = Architecture(**given)
    rows = _finite_matrix("x", x)
    columns = None if y is None else _finite_matrix("y", y)
    return gram_matrix(rows, columns, kernel=kernel, architecture=architecture, **numerical)


def _finite_matrix(name: str, values: ArrayLike) -> Floats:
    """One input per row.

    Raises
    ------
    ValueError
        If that is not what it is.
    """
    allowed = f"{name} must be real numbers of shape (n, d) or (d,), with at least one coordinate"
    try:
        rows = np.atleast_2d(np.asarray(values))
    except ValueError:
        raise ValueError(f"{allowed}, got rows of unequal lengths") from None
    if rows.ndim != 2 or rows.shape[1] == 0 or rows.dtype.kind not in "fiub":
        raise ValueError(f"{allowed}, got {rows.dtype} of shape {rows.shape}")
    wrong = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if wrong.size:
        raise ValueError(f"{name}: row {wrong[0]} is not finite ({wrong.size} such rows); drop or mend them first")
    return rows
