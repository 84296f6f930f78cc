"""Gradient flow of the squared loss with a network of infinite width, to any time."""

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.gaussian_process.kernels import Kernel
from sklearn.utils import check_random_state

from initatlas.arrays import Doubles
from initatlas.estimators.base import KernelClassifier, KernelEstimator, KernelRegressor
from initatlas.estimators.eigenbasis import Eigenbasis
from initatlas.estimators.ridge import BY_LEAVE_ONE_OUT, checked_number
from initatlas.estimators.selection import best_tau
from initatlas.estimators.solvers import Solver, filtered_flow


class _Flow(KernelEstimator):
    """Predicts k(x, X) K^-1 (1 - exp(-t K / n)) y."""

    time: float | Literal["leave_one_out"]
    time_: float
    leave_one_out_error_: float

    def _solver(self, gram: Doubles, targets: Doubles) -> Solver:
        """To the time that is given, or the one with the least leave-one-out error."""
        basis, n = Eigenbasis.of(gram), len(gram)
        if self.time == BY_LEAVE_ONE_OUT:
            # n - 1 inputs reach tau = t / (n - 1), all of them t / n
            tau, self.leave_one_out_error_ = best_tau(basis, targets)
            self.time_ = tau * max(n - 1, 1)
        else:
            self.time_ = checked_number("time", self.time, finite=False)
        return filtered_flow(basis, self.time_ / n)


class NetworkFlowRegressor(_Flow, KernelRegressor):
    """Gradient flow of the loss sum (f - y)^2 / (2 n) to a time, for a network that starts from zero or a Gaussian process.

    Parameters
    ----------
    kernel
        A kernel of scikit-learn; None takes `NetworkKernel()`, the NTK of one hidden ReLU layer.
    time
        t, infinity, or "leave_one_out".
    initial
        Covariance of the function that training starts from, such as `NetworkKernel("nngp")`; None starts from zero, as mirrored
        networks do.

    Attributes
    ----------
    time_
        The time that was used.
    leave_one_out_error_
        Its mean squared error from a start at zero, if it was chosen by that.
    dual_coef_, condition_, kernel_, X_fit_
        As in `initatlas.estimators.base.KernelEstimator`.

    Notes
    -----
    f_t(x) = f_0(x) + k(x, X) K^-1 (1 - exp(-t K / n)) (y - f_0(X)): equation 17 of Chen, Li and Lin 2024, with its sign and time
    mended. `predict` gives the mean over the starts, and with ``return_std=True`` their deviation; `sample_y` trains draws.
    """

    def __init__(
        self,
        kernel: Kernel | None = None,
        time: float | Literal["leave_one_out"] = "leave_one_out",
        initial: Kernel | None = None,
    ) -> None:
        self.kernel = kernel
        self.time = time
        self.initial = initial

    def _variances(self, X: Doubles, cross: Doubles) -> Doubles:
        """Of f_t(x) over the starts."""
        if self.initial is None:
            return np.zeros(len(X))
        reach = self.solver_.apply(cross.T).T
        at_training = self.initial(X, self.X_fit_) - 0.5 * reach @ self.initial(self.X_fit_)
        variances: Doubles = self.initial.diag(X) - 2.0 * np.sum(reach * at_training, axis=1)
        return variances

    def _covariance(self, X: Doubles) -> Doubles:
        """Of f_t at all pairs of inputs over the starts."""
        if self.initial is None:
            return np.zeros((len(X), len(X)))
        reach = self.solver_.apply(self.kernel_(X, self.X_fit_).T).T
        shared = reach @ self.initial(self.X_fit_, X)
        covariance: Doubles = self.initial(X) - shared - shared.T + reach @ self.initial(self.X_fit_) @ reach.T
        return covariance

    def sample_y(self, X: ArrayLike, n_samples: int = 1, random_state: Any = 0) -> Doubles:
        """Trained networks at some inputs, each from a start of its own.

        Parameters
        ----------
        X
            Shape (m, d).
        n_samples
            Number of networks.
        random_state
            A seed, or a generator of numpy's `RandomState`.

        Returns
        -------
        ndarray, shape (m, n_samples) or (m, k, n_samples)
            The k outputs of a network start independently.
        """
        inputs = self._checked(X)
        mean = self._values(self.kernel_(inputs, self.X_fit_))
        values, vectors = np.linalg.eigh(self._covariance(inputs))
        normal = check_random_state(random_state).standard_normal((len(inputs), mean[:1].size * n_samples))
        draws = (vectors * np.sqrt(np.maximum(values, 0.0))) @ normal
        sampled: Doubles = mean[..., None] + draws.reshape(*mean.shape, n_samples)
        return sampled


class NetworkFlowClassifier(_Flow, KernelClassifier):
    """Classification by gradient flow from zero on labels of -1 and 1; parameters as in `NetworkFlowRegressor`."""

    def __init__(self, kernel: Kernel | None = None, time: float | Literal["leave_one_out"] = "leave_one_out") -> None:
        self.kernel = kernel
        self.time = time
