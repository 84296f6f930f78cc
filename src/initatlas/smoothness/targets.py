"""Regression targets: codings of class labels, and functions that random networks start from."""

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky

from initatlas.errors import UserError

Coding = Literal["class_index", "class_index_centred", "one_hot", "parity", "first_or_rest"]


def target_coding(labels: NDArray[np.integer], coding: Coding) -> NDArray[np.float64]:
    """Code class labels as real targets.

    Parameters
    ----------
    labels
        Class indices, shape (n,).
    coding
        "class_index": the index itself; "class_index_centred": minus its mean over the sample; "one_hot": one
        indicator column per class that occurs; "parity": +1 for even and -1 for odd indices; "first_or_rest": 1 for the class
        0, else 0.

    Returns
    -------
    ndarray, shape (n, k)
        k is 1, or the number of classes for "one_hot".

    Raises
    ------
    UserError
        If the coding does not exist, or gives all labels the same target.
    """
    index: NDArray[np.float64] = np.asarray(labels, dtype=np.float64).reshape(-1, 1)
    targets: NDArray[np.float64]
    match coding:
        case "class_index":
            targets = index
        case "class_index_centred":
            targets = index - np.mean(index)
        case "one_hot":
            targets = (index == np.unique(index)).astype(np.float64)
        case "parity":
            targets = 1.0 - 2.0 * (index % 2.0)
        case "first_or_rest":
            targets = (index == 0.0).astype(np.float64)
        case _:
            raise UserError(f"target coding {coding!r} does not exist; allowed: {', '.join(get_args(Coding))}")
    if (targets == targets[:1]).all():
        raise UserError(
            f"coding {coding!r} gives all {len(targets)} images the same target, so there is no smoothness to measure; "
            "take images of several classes, or another coding"
        )
    return targets


def initial_functions(
    covariance: NDArray[np.float64], functions: int, *, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Draw values of infinitely wide random networks, less their means over the inputs.

    Parameters
    ----------
    covariance
        NNGP kernel matrix of the inputs, shape (n, n). DESTROYED.
    functions
        Number of independent networks.

    Returns
    -------
    ndarray, shape (n, functions)
        Draws of the Gaussian process that the network is at initialisation (Chen, Li and Lin 2024, section 4). Inputs that
        coincide make the matrix singular; 1e-10 of its mean diagonal is added.
    """
    n = len(covariance)
    covariance[np.diag_indices(n)] += 1e-10 * np.trace(covariance) / n
    # the transpose is the same matrix in LAPACK's own order: no copy is made
    factor = cholesky(covariance.T, lower=True, overwrite_a=True, check_finite=False)
    values: NDArray[np.float64] = factor @ rng.standard_normal((n, functions))
    values -= values.mean(axis=0)
    return values
