"""Symmetric matrices in tiles as linear operators, for `initatlas.kernels.top_pairs`: of a file, and of a kernel itself."""

from collections.abc import Callable

import numpy as np
from scipy.sparse.linalg import LinearOperator

from initatlas.kernels.gram_file import GramFile
from initatlas.kernels.kernel import Array, Kernel
from initatlas.kernels.tiles import Tile, TilePlan, compute_tile, plan_tiles


def gram_operator(file: GramFile, name: str | None = None, *, exact: bool = False) -> LinearOperator:
    """One matrix of a file as a linear operator. Every product reads each tile once, for both triangles.

    Parameters
    ----------
    file
        An open file; it must stay open. Tiles are checked when they are read for the first time.
    name
        Which of the file's kernels; may be left out where there is one.
    exact
        Compute products in float64 whatever the file's type.

    Returns
    -------
    scipy.sparse.linalg.LinearOperator
        Shape (n, n). Products with a tile are computed in the file's type, on the threads of BLAS, and summed in float64.

    Raises
    ------
    UserError
        If there is no such kernel in it.

    Notes
    -----
    Memory: one tile (three times that for exact products with one in float32), and three times the block of vectors.
    """
    number = file.number_of(name)
    dtype = np.dtype(np.float64) if exact else file.dtype
    return _operator(file.plan, lambda tile: file.read(tile, number).astype(dtype, copy=False), dtype)


def kernel_operator(kernel: Kernel, name: str, *, largest_side: int = 1024) -> LinearOperator:
    """A symmetric kernel as a linear operator: every product computes the matrix anew, one tile at a time.

    Parameters
    ----------
    kernel
        The kernel.
    name
        Which of its names.
    largest_side
        Largest side of a tile.

    Raises
    ------
    ValueError
        If the kernel is not symmetric, or has no such name.
    """
    if not kernel.symmetric or name not in kernel.names:
        raise ValueError(f"{name!r}: give a symmetric kernel, and one of its names: {', '.join(kernel.names)}")
    number, dtype = kernel.names.index(name), np.dtype(np.float64)
    plan = plan_tiles(kernel.shape[0], largest_side)
    return _operator(plan, lambda tile: compute_tile(kernel, tile, dtype)[number], dtype)


def _operator(plan: TilePlan, read: Callable[[Tile], Array], dtype: "np.dtype[np.floating]") -> LinearOperator:
    """Products with the tiles on and above the diagonal, and with their transposes."""
    tiles = plan.tiles()

    def matmat(vectors: Array) -> Array:
        factor = np.ascontiguousarray(vectors, dtype=dtype)
        product = np.zeros(factor.shape)
        for tile in tiles:
            values = read(tile)
            product[tile.rows] += values @ factor[tile.columns]
            if not tile.on_diagonal:
                product[tile.columns] += values.T @ factor[tile.rows]
        return product

    shape = (plan.n, plan.n)
    return LinearOperator(shape, matvec=matmat, matmat=matmat, rmatvec=matmat, rmatmat=matmat, dtype=np.float64)
