"""NNGP and NTK as a kernel of scikit-learn: for our estimators, for `GaussianProcessRegressor`, for kernel sums and products."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from sklearn.gaussian_process.kernels import Hyperparameter, Kernel

from initatlas.activations.base import ACTIVATIONS
from initatlas.arrays import Doubles
from initatlas.duals.base import Dual
from initatlas.kernels.architecture import Architecture, KernelName
from initatlas.kernels.fully_connected import fully_connected
from initatlas.kernels.gram import gram_matrix

Bounds = tuple[float, float] | Literal["fixed"]

STEP = 0.05
"""Of the logarithm of a variance, over the number of layers, in `log_derivative`."""

WEIGHTS = (4 / 5, -1 / 5, 4 / 105, -1 / 280)
"""Of the differences over 2, 4, 6 and 8 steps: a central difference of eighth order."""

DIAGONAL_SIDE = 64
"""Rows of the blocks whose diagonals are taken."""


class NetworkKernel(Kernel):  # type: ignore[misc]
    """NNGP or NTK of a fully connected network of infinite width.

    Parameters
    ----------
    kernel
        "ntk" or "nngp".
    depth
        Number of hidden layers.
    activation
        A label such as "relu" or "leaky_relu(slope=0.2)", or a `Dual`.
    weight_variance, bias_variance, input_variance, output_weight_variance, output_bias_variance
        As in `initatlas.kernels.architecture.Architecture`.
    normalise
        Scale the inputs to the unit sphere first.
    threads
        Of the elementwise pass.
    weight_variance_bounds, bias_variance_bounds, input_variance_bounds
        Between which a `GaussianProcessRegressor` looks for these variances, or "fixed". A variance that is None or 0 stays.
    output_weight_variance_bounds, output_bias_variance_bounds
        The same for the output layer.

    Raises
    ------
    TypeError, ValueError, UserError
        When it is called, for what `Architecture` refuses.
    """

    def __init__(
        self,
        kernel: KernelName = "ntk",
        depth: int = 1,
        activation: str | Dual = "relu",
        weight_variance: float | None = None,
        bias_variance: float = 0.0,
        input_variance: float = 1.0,
        output_weight_variance: float | None = None,
        output_bias_variance: float = 0.0,
        normalise: bool = False,
        threads: int = 1,
        weight_variance_bounds: Bounds = (1e-3, 1e3),
        bias_variance_bounds: Bounds = (1e-6, 1e3),
        input_variance_bounds: Bounds = "fixed",
        output_weight_variance_bounds: Bounds = (1e-3, 1e3),
        output_bias_variance_bounds: Bounds = (1e-6, 1e3),
    ) -> None:
        self.kernel = kernel
        self.depth = depth
        self.activation = activation
        self.weight_variance = weight_variance
        self.bias_variance = bias_variance
        self.input_variance = input_variance
        self.output_weight_variance = output_weight_variance
        self.output_bias_variance = output_bias_variance
        self.normalise = normalise
        self.threads = threads
        self.weight_variance_bounds = weight_variance_bounds
        self.bias_variance_bounds = bias_variance_bounds
        self.input_variance_bounds = input_variance_bounds
        self.output_weight_variance_bounds = output_weight_variance_bounds
        self.output_bias_variance_bounds = output_bias_variance_bounds

    @property
    def hyperparameter_bias_variance(self) -> Hyperparameter:
        """That of the hidden biases."""
        return self._hyperparameter("bias_variance")

    @property
    def hyperparameter_input_variance(self) -> Hyperparameter:
        """That of the first layer's weights."""
        return self._hyperparameter("input_variance")

    @property
    def hyperparameter_output_bias_variance(self) -> Hyperparameter:
        """That of the output's bias."""
        return self._hyperparameter("output_bias_variance")

    @property
    def hyperparameter_output_weight_variance(self) -> Hyperparameter:
        """That of the output's weights."""
        return self._hyperparameter("output_weight_variance")

    @property
    def hyperparameter_weight_variance(self) -> Hyperparameter:
        """That of the hidden weights."""
        return self._hyperparameter("weight_variance")

    def _hyperparameter(self, name: str) -> Hyperparameter:
        """A variance, fixed where it has no logarithm."""
        return Hyperparameter(name, "numeric", getattr(self, f"{name}_bounds") if getattr(self, name) else "fixed")

    @property
    def architecture(self) -> Architecture:
        """The network."""
        return Architecture(
            self.activation,
            self.depth,
            self.weight_variance,
            self.bias_variance,
            self.input_variance,
            self.output_weight_variance,
            self.output_bias_variance,
        )

    def __call__(self, X: Doubles, Y: Doubles | None = None, eval_gradient: bool = False) -> Any:
        """Kernel matrix, and its gradient in the logarithms of the variances that are not fixed.

        Parameters
        ----------
        X
            Shape (n, d).
        Y
            Shape (m, d); none takes `X`, and only then there is a gradient.
        eval_gradient
            Whether to return it, by `log_derivative`.

        Returns
        -------
        ndarray of shape (n, m), or with a second one of shape (n, n, p)

        Raises
        ------
        ValueError
            If a gradient is asked for between two matrices.
        """
        if not eval_gradient:
            return self._matrix(self.architecture, X, Y)
        if Y is not None:
            raise ValueError("there is a gradient only where Y is not given")
        names = [parameter.name for parameter in self.hyperparameters if not parameter.fixed]
        gradient = np.empty((len(X), len(X), len(names)))
        for number, name in enumerate(names):
            gradient[:, :, number] = self._derivative(name, X)
        return self._matrix(self.architecture, X, None), gradient

    def _matrix(self, architecture: Architecture, X: Doubles, Y: Doubles | None) -> Doubles:
        """Kernel matrix of some network."""
        return gram_matrix(
            np.atleast_2d(X),
            None if Y is None else np.atleast_2d(Y),
            kernel=self.kernel,
            architecture=architecture,
            normalise=self.normalise,
            threads=self.threads,
        )

    def _derivative(self, name: str, X: Doubles) -> Doubles:
        """Derivative in the logarithm of one variance."""

        def at(shift: float) -> Doubles:
            """The matrix for a variance times exp(shift)."""
            moved = self.clone_with_theta(self.theta)
            moved.set_params(**{name: getattr(self, name) * np.exp(shift)})
            return moved(X)  # type: ignore[no-any-return]

        return log_derivative(at, STEP / (self.depth + 1))

    def diag(self, X: Doubles) -> Doubles:
        """The kernel of every row with itself, shape (n,)."""
        network = fully_connected(np.atleast_2d(X), [(self.kernel, self.architecture)], normalise=self.normalise)
        count = network.shape[0]
        spans = [slice(start, min(start + DIAGONAL_SIDE, count)) for start in range(0, count, DIAGONAL_SIDE)]
        return np.concatenate([np.diagonal(next(network.block(span, span))) for span in spans])

    def is_stationary(self) -> bool:
        """Whether it depends on differences of inputs alone: no."""
        return False

    def modules(self) -> tuple[str, ...]:
        """Modules whose code makes the values, as `initatlas.kernels.kernel.Kernel.modules`."""
        given = self.activation
        return (__name__, ACTIVATIONS.module_of(given) if isinstance(given, str) else type(given).__module__)


def log_derivative(function: Callable[[float], Doubles], step: float) -> Doubles:
    """Derivative at 0 of an analytic function, by a central difference of eighth order.

    Parameters
    ----------
    function
        Takes a number, gives an array.
    step
        Distance of neighbouring points. For exp(L s) the relative error is (L step)^8 / 630: with L step = 0.05 that is 6e-14,
        beside the rounding of `function` over the step.
    """
    parts = [
        weight * (function(order * step) - function(-order * step)) / step
        for order, weight in enumerate(WEIGHTS, start=1)
    ]
    total: Doubles = np.sum(parts, axis=0)
    return total
