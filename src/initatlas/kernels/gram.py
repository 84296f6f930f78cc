"""Gram matrices in memory: of any kernel, and of NNGP and NTK of fully connected networks."""

from collections.abc import Iterator
from typing import Literal

from initatlas.arrays import Floats
from initatlas.kernels.architecture import Architecture, KernelName
from initatlas.kernels.fully_connected import fully_connected
from initatlas.kernels.kernel import Array, Kernel
from initatlas.kernels.tiles import block_of, mirror_upper


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
    network = fully_connected(
        features, [(kernel, architecture)], other=other, normalise=normalise, bias=bias, dtype=dtype
    )
    (gram,) = gram_matrices(network, threads=threads)
    return gram


def gram_matrices(kernel: Kernel, *, threads: int = 1) -> Iterator[Array]:
    """Whole matrices of a kernel, in memory.

    Parameters
    ----------
    kernel
        Any `initatlas.kernels.kernel.Kernel`.
    threads
        As in `gram_matrix`.

    Yields
    ------
    ndarray
        One matrix of `kernel.shape` for each of `kernel.names`. A kernel that computes them one after the other, as
        `initatlas.kernels.fully_connected.FullyConnected` does, holds only those that are asked for.
    """
    rows, columns = (slice(0, count) for count in kernel.shape)
    for gram in block_of(kernel, rows, columns, threads=threads):
        if kernel.symmetric:
            mirror_upper(gram, threads)
        yield gram
