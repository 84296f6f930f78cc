"""What all estimators share: fit to a kernel matrix, prediction from the coefficients, and two ways to code targets."""

from abc import abstractmethod
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.gaussian_process.kernels import Kernel
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from initatlas.arrays import Doubles
from initatlas.estimators.kernel import NetworkKernel
from initatlas.estimators.solvers import Solver, warn_of_condition


class KernelEstimator(BaseEstimator):  # type: ignore[misc]
    """Predicts k(x, X) g(K) y.

    Attributes
    ----------
    kernel
        A kernel of scikit-learn; None takes `NetworkKernel()`.
    kernel_
        The kernel that was used.
    X_fit_
        Training inputs, shape (n, d).
    dual_coef_
        g(K) y, shape (n,) or (n, k).
    condition_
        Condition number of the problem that was solved.
    """

    kernel: Kernel | None
    kernel_: Kernel
    X_fit_: Doubles
    dual_coef_: Doubles
    condition_: float
    solver_: Solver

    @abstractmethod
    def _solver(self, gram: Doubles, targets: Doubles) -> Solver:
        """g(K) for a matrix that may be destroyed, and targets of shape (n, k)."""

    def _fit(self, X: Doubles, targets: Doubles) -> None:
        """Set what a fit to checked inputs and targets, of shape (n,) or (n, k), sets."""
        self.kernel_ = NetworkKernel() if self.kernel is None else clone(self.kernel)
        self.X_fit_ = X
        columns = targets.reshape(len(X), -1)
        self.solver_ = self._solver(np.ascontiguousarray(self.kernel_(X), dtype=np.float64), columns)
        self.condition_ = self.solver_.condition
        warn_of_condition(self.solver_, stacklevel=3)
        self.dual_coef_ = self.solver_.apply(columns).reshape(targets.shape)

    def _checked(self, X: ArrayLike) -> Doubles:
        """Inputs of a fitted estimator."""
        check_is_fitted(self)
        checked: Doubles = validate_data(self, X, reset=False, dtype=np.float64)
        return checked

    def _values(self, cross: Doubles) -> Doubles:
        """Predictions from k(x, X)."""
        values: Doubles = cross @ self.dual_coef_
        return values

    def _variances(self, X: Doubles, cross: Doubles) -> Doubles:
        """Variance at every input, from the inputs and k(x, X)."""
        raise NotImplementedError


class KernelRegressor(RegressorMixin, KernelEstimator):  # type: ignore[misc]
    """A regressor of one or several outputs."""

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit to inputs of shape (n, d) and targets of shape (n,) or (n, k)."""
        inputs, targets = validate_data(self, X, y, multi_output=True, y_numeric=True, dtype=np.float64)
        self._fit(inputs, np.asarray(targets, dtype=np.float64))
        return self

    def predict(self, X: ArrayLike, return_std: bool = False) -> Any:
        """Predictions, shape (m,) or (m, k), and if asked for a standard deviation for each input, shape (m,)."""
        inputs = self._checked(X)
        cross = self.kernel_(inputs, self.X_fit_)
        if not return_std:
            return self._values(cross)
        return self._values(cross), np.sqrt(np.maximum(self._variances(inputs, cross), 0.0))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


class KernelClassifier(ClassifierMixin, KernelEstimator):  # type: ignore[misc]
    """A classifier by regression on labels of -1 and 1, one output for each class (one alone for two classes).

    Attributes
    ----------
    classes_
        The labels.
    """

    classes_: NDArray[Any]

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit to inputs of shape (n, d) and labels of shape (n,)."""
        inputs, labels = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(labels)
        coding = LabelBinarizer(neg_label=-1, pos_label=1)
        targets = coding.fit_transform(labels).astype(np.float64)
        self.classes_ = coding.classes_
        self._fit(inputs, targets[:, 0] if targets.shape[1] == 1 else targets)
        return self

    def decision_function(self, X: ArrayLike) -> Doubles:
        """Outputs, shape (m,) for two classes and (m, k) for more."""
        inputs = self._checked(X)
        return self._values(self.kernel_(inputs, self.X_fit_))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Labels, shape (m,)."""
        scores = self.decision_function(X)
        if scores.ndim == 2:
            return self.classes_[scores.argmax(axis=1)]  # type: ignore[no-any-return]
        return self.classes_[np.minimum(scores > 0.0, len(self.classes_) - 1)]
