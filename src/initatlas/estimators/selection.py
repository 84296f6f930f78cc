"""The ridge or the time with the least leave-one-out error."""

from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize_scalar

from initatlas.arrays import Doubles
from initatlas.estimators.eigenbasis import Eigenbasis
from initatlas.estimators.leave_one_out import flow_predictions, ridge_predictions

Predictions = Callable[[Doubles], Doubles]

DECADES = np.linspace(-2.0, 14.0, 33)
"""Logarithms of tau times the largest eigenvalue that are tried, and of the largest eigenvalue over the ridge."""

TOLERANCE = 0.01
"""How well the logarithm of the best one is found."""


def best_ridge(basis: Eigenbasis, targets: Doubles) -> tuple[float, float]:
    """The ridge with the least leave-one-out error, and that error.

    Parameters
    ----------
    basis
        Of the Gram matrix.
    targets
        Shape (n, k).

    Returns
    -------
    ridge : float
        Between 10^-14 and 100 of the largest eigenvalue.
    error : float
        Mean square over inputs and columns.
    """
    decade, error = _least(lambda at: ridge_predictions(basis, targets, basis.largest * 10.0**-at), targets)
    return basis.largest * 10.0**-decade, error


def best_tau(basis: Eigenbasis, targets: Doubles) -> tuple[float, float]:
    """The time with the least leave-one-out error, and that error; arguments and error as in `best_ridge`.

    Returns
    -------
    tau : float
        n - 1 inputs flow to t = (n - 1) tau of the mean loss. Between 0.01 and 10^14 over the largest eigenvalue.
    error : float
    """
    decade, error = _least(lambda at: flow_predictions(basis, targets, 10.0**at / basis.largest), targets)
    return 10.0**decade / basis.largest, error


def _least(predictions: Predictions, targets: Doubles) -> tuple[float, float]:
    """The decade with the least error: on the grid first, a few at once to save memory, then between its neighbours."""

    def errors(decades: Doubles) -> Doubles:
        """Mean squares."""
        squares: Doubles = np.mean((predictions(decades) - targets) ** 2, axis=(1, 2))
        return squares

    on_grid = np.concatenate([errors(some) for some in np.array_split(DECADES, 11)])
    best = int(np.argmin(on_grid))
    around = DECADES[max(best - 1, 0)], DECADES[min(best + 1, len(DECADES) - 1)]
    between = minimize_scalar(
        lambda decade: float(errors(np.array([decade]))[0]),
        bounds=around,
        method="bounded",
        options={"xatol": TOLERANCE},
    )
    if between.fun < on_grid[best]:
        return float(between.x), float(between.fun)
    return float(DECADES[best]), float(on_grid[best])
