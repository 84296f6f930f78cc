"""Kernel ridge regression with a network of infinite width: also the posterior of its Gaussian process."""

from numbers import Real
from typing import Literal

import numpy as np
from sklearn.gaussian_process.kernels import Kernel

from initatlas.arrays import Doubles
from initatlas.estimators.base import KernelClassifier, KernelEstimator, KernelRegressor
from initatlas.estimators.eigenbasis import Eigenbasis
from initatlas.estimators.selection import best_ridge
from initatlas.estimators.solvers import Solver, filtered_ridge, ridge_solver
from initatlas.validation import shown

BY_LEAVE_ONE_OUT = "leave_one_out"
"""What stands in the place of a number that the data choose."""


class _Ridge(KernelEstimator):
    """Predicts k(x, X) (K + ridge)^-1 y."""

    ridge: float | Literal["leave_one_out"]
    ridge_: float
    leave_one_out_error_: float

    def _solver(self, gram: Doubles, targets: Doubles) -> Solver:
        """By the ridge that is given, or the one with the least leave-one-out error."""
        if self.ridge != BY_LEAVE_ONE_OUT:
            self.ridge_ = checked_number("ridge", self.ridge, finite=True)
            return ridge_solver(gram, self.ridge_)
        basis = Eigenbasis.of(gram)
        self.ridge_, self.leave_one_out_error_ = best_ridge(basis, targets)
        return filtered_ridge(basis, self.ridge_)


def checked_number(name: str, value: object, *, finite: bool) -> float:
    """A number of 0 or more.

    Raises
    ------
    ValueError
        If it is none, naming the parameter.
    """
    number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else -1.0
    if not number >= 0.0 or (finite and np.isinf(number)):
        most = "a finite number" if finite else "a number, or infinity,"
        raise ValueError(f"{name} = {shown(value)}: give {most} of 0 or more, or {BY_LEAVE_ONE_OUT!r}")
    return number


class NetworkRidgeRegressor(_Ridge, KernelRegressor):
    """Kernel ridge regression, or the posterior mean and deviation of a Gaussian process with noise of the variance `ridge`.

    Parameters
    ----------
    kernel
        A kernel of scikit-learn; None takes `NetworkKernel()`, the NTK of one hidden ReLU layer.
    ridge
        What is added to the diagonal of the kernel matrix, or "leave_one_out". With 0 the interpolation of least norm.

    Attributes
    ----------
    ridge_
        The ridge that was used.
    leave_one_out_error_
        Its mean squared error, if it was chosen by that.
    dual_coef_, condition_, kernel_, X_fit_
        As in `initatlas.estimators.base.KernelEstimator`.

    Notes
    -----
    ``predict(x, return_std=True)`` gives the deviation of the function, without that of new noise. An ill-conditioned problem
    gives a `scipy.linalg.LinAlgWarning` with the condition number.
    """

    def __init__(self, kernel: Kernel | None = None, ridge: float | Literal["leave_one_out"] = 1e-3) -> None:
        self.kernel = kernel
        self.ridge = ridge

    def _variances(self, X: Doubles, cross: Doubles) -> Doubles:
        """k(x, x) - k(x, X) (K + ridge)^-1 k(X, x)."""
        variances: Doubles = self.kernel_.diag(X) - self.solver_.quadratic(cross.T)
        return variances


class NetworkRidgeClassifier(_Ridge, KernelClassifier):
    """Classification by kernel ridge regression on labels of -1 and 1; parameters as in `NetworkRidgeRegressor`."""

    def __init__(self, kernel: Kernel | None = None, ridge: float | Literal["leave_one_out"] = 1e-3) -> None:
        self.kernel = kernel
        self.ridge = ridge
