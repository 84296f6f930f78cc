"""What the empirical kernels of a network tend to as its width grows: the limits that its kernels before training lie around.

With v_l and b_l the variances of a weight and of a bias of layer l, n_l its units and G_0 = <x, x'>, the pre-activations of
hidden layer l have the covariance

    S_l = v_l G_(l-1) + b_l (residual: + S_(l-1)),      G_l = n_l E[phi(u) phi(v)],  (u, v) Gaussian of covariance S_l,

where G_l is the limit of <h_l, h'_l>. The products of the gradients delta_l = df / dz_l have the limits

    D_L = v_(L+1) n_L E[phi'(u) phi'(v)],               D_l = v_(l+1) n_l E[phi'(u) phi'(v)] D_(l+1) (residual: + D_(l+1)).

The kernel that gradient descent sees is then the sum over the layers of (c_l G_(l-1) + c'_l) D_l, with D_(L+1) = 1 and the
factors c and c' of the learning rates of weights and biases (`initatlas.networks.parametrisations`). In the NTK parametrisation
that is the NTK of Jacot et al. (2018), whatever the width. In the standard one it grows with the width, and the ratio tends to 1.
"""

from dataclasses import dataclass

import numpy as np

from initatlas.activations.base import activation_of
from initatlas.arrays import Doubles
from initatlas.duals.base import Dual
from initatlas.duals.tabulated import tabulated
from initatlas.networks.parametrisations import layer_rates, layer_variances
from initatlas.networks.training_settings import NetworkSettings, TrainingSettings


@dataclass(frozen=True)
class LimitKernels:
    """Limits of infinite width, each of shape (n, n).

    Attributes
    ----------
    kernel
        Of `initatlas.networks.probes.training_kernel`.
    signal_kernel
        Of the products of the last signals, <h(x), h(x')>, summed over the halves of a mirrored network; without hidden layers as
        `kernel`.
    """

    kernel: Doubles
    signal_kernel: Doubles


def limit_kernels(settings: TrainingSettings, network: NetworkSettings, inputs: Doubles) -> LimitKernels:
    """Limits of the kernels of a network before training.

    Parameters
    ----------
    settings
        Shape, activation, parametrisation, residual connections and optimiser. The width is that of its factors.
    network
        sigma_w^2 and sigma_b^2.
    inputs
        Shape (n, d).

    Raises
    ------
    ValueError
        If the dual of the activation has neither a closed form nor a table (`initatlas.duals.tabulated`).

    Notes
    -----
    The module's text has the formulas. Whatever the distribution of the weights is, the limit is that of its variance.
    """
    variances = layer_variances(settings, network, inputs.shape[1])
    rates = layer_rates(settings, inputs.shape[1])
    residual, width = settings.residual != "none", settings.width
    dual = _affordable(activation_of(settings.activation).dual, np.square(inputs).sum(1), variances, residual, width)
    products = [inputs @ inputs.T]
    slopes: list[Doubles] = []
    covariance = np.zeros_like(products[0])
    for weight, bias in variances[:-1]:
        covariance = weight * products[-1] + bias + (covariance if residual else 0.0)
        p, q, theta = _pairs(covariance)
        products.append(width * dual.product(p, q, theta))
        slopes.append(width * dual.derivative(p, q, theta))
    terms = [weight * product + bias for product, (weight, bias) in zip(products, rates, strict=True)]
    kernel, gradients = terms[-1], np.ones_like(covariance)
    for layer in reversed(range(settings.depth)):
        kept = gradients if residual and layer < settings.depth - 1 else 0.0
        gradients = variances[layer + 1][0] * slopes[layer] * gradients + kept
        kernel = kernel + terms[layer] * gradients
    return LimitKernels(kernel, settings.halves * products[-1] if settings.depth else kernel)


def _pairs(covariance: Doubles) -> tuple[Doubles, Doubles, Doubles]:
    """Variances, as a column and as a row, and angles; a pair with a silent input counts as orthogonal."""
    variance = np.diag(covariance)
    norms = np.sqrt(variance[:, np.newaxis] * variance)
    cosines = np.divide(covariance, norms, out=np.zeros_like(covariance), where=norms > 0.0)
    return variance[:, np.newaxis], variance[np.newaxis], np.arccos(np.clip(cosines, -1.0, 1.0))


def _affordable(dual: Dual, squares: Doubles, variances: list[tuple[float, float]], residual: bool, width: int) -> Dual:
    """The dual, or a table of it where each pair would take a quadrature, for inputs of these squared norms."""
    deviations: list[Doubles] = []
    product, variance = squares, np.zeros_like(squares)
    for weight, bias in variances[:-1]:
        variance = weight * product + bias + (variance if residual else 0.0)
        product = width * dual.moment(variance)
        deviations.append(np.sqrt(variance))
    if not deviations or dual.in_closed_form(float(np.max(deviations)) ** 2):
        return dual
    return tabulated(dual, float(np.min(deviations)), float(np.max(deviations)))
