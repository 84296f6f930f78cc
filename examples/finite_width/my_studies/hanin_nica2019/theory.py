"""What theory says of a ReLU network of finite width with Gaussian weights and no biases, at any depth, exactly.

Widths n_1, ..., n_L, weight variance 2 over the fan-in, one input x, one output f. Write z_l for pre-activations,
h_l = relu(z_l), delta_l = df / dz_l, A_l = 2 |h_(l-1)|^2 / n_(l-1), B_l = |delta_l|^2. Then the diagonal of the NTK is

    K = sum_(l=1..L+1) A_l B_l.

Given all layers below, z_l = sqrt(A_l) g with a standard normal g. Three facts make the moments a recursion.

- k ~ Bin(n_l, 1/2) neurons are active, and A_(l+1) = A_l (2 / n_l) Q with Q = |relu(g)|^2 ~ chi^2_k, independent of all else. So
  the second moment of |h_L|^2 over its squared mean is the product of 1 + 5 / n_l (E Q^2 = E[k^2 + 2 k] = n (n + 5) / 4).
- f is homogeneous, f = <delta_l, z_l>. So C_l = <delta_l, g>^2 = f^2 / A_l follows C_l = (2 / n_l) Q C_(l+1).
- The rows of W_(l+1) are known along h_l, through z_(l+1), and free across it. So B_l = (2 / n_l) (C_(l+1) + R B_(l+1)) where any
  neuron is active, with R ~ chi^2_(k-1) independent of Q given k; else 0.

With T_l = sum_(m>=l) A_m B_m / A_l, and so K = A_1 T_1 with a constant A_1, T_l = B_l + (2 / n_l) Q T_(l+1). The second moments
of (B, C, T) at a layer are linear in those of the layer above. The start is B = T = 1, and C the square of a standard normal
number. E B = E C = 1 at every layer, so E K = (L + 1) A_1.

In the limit of wide layers at a fixed beta = sum_l 1 / n_l the recursion is a linear differential equation, whose solution is
`ntk_limit`. Hanin and Nica (2019), theorem 1, prove that the second moment is exp(5 beta) up to constants.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, polygamma
from scipy.stats import binom

RATE = 5.0
"""Growth of the log of a second moment per unit of beta: E[(2 relu(g)^2)^2] - 1 for a standard normal g."""


@dataclass(frozen=True)
class Layer:
    """Moments of one layer of n neurons: those of Q and R, times 1 / (E Q) per factor.

    Attributes
    ----------
    scale
        1 / E[Q].
    alive
        Probability that a neuron is active.
    q, qq, r, rr, qr
        E[Q], E[Q^2], E[R], E[R^2], E[Q R], where R is 0 without an active neuron.
    """

    scale: float
    alive: float
    q: float
    qq: float
    r: float
    rr: float
    qr: float


def relu_layer(width: int) -> Layer:
    """A layer of ReLUs: k ~ Bin(n, 1/2), E k = n / 2, E k^2 = n (n + 1) / 4."""
    n, alive = float(width), 1.0 - 0.5**width
    square = n * (n + 1.0) / 4.0
    return Layer(2.0 / n, alive, n / 2.0, square + n, n / 2.0 - alive, square - alive, square - n / 2.0)


def linear_layer(width: int) -> Layer:
    """A layer without an activation: k = n."""
    n = float(width)
    return Layer(1.0 / n, 1.0, n, n * (n + 2.0), n - 1.0, n * n - 1.0, n * (n - 1.0))


LAYERS = {"relu": relu_layer, "identity": linear_layer}
"""Activation to its layer."""


def norm_second_moment(widths: Iterable[int], activation: str = "relu") -> float:
    """E[|h_L|^4] / E[|h_L|^2]^2 for hidden layers of these widths: the product of 1 + 5 / n; 1 + 2 / n without an activation."""
    layers = map(LAYERS[activation], widths)
    return float(np.prod([layer.scale**2 * layer.qq for layer in layers]))


def ntk_second_moment(widths: Iterable[int], activation: str = "relu") -> float:
    """E[K^2] / E[K]^2 of the diagonal of the NTK, for hidden layers of these widths, from the first to the last."""
    layers = [LAYERS[activation](width) for width in widths]
    bb, bc, cc, bt, ct, tt = 1.0, 1.0, 3.0, 1.0, 1.0, 1.0
    for layer in reversed(layers):
        s = layer.scale
        bb_new = s**2 * (layer.alive * cc + 2.0 * layer.r * bc + layer.rr * bb)
        bc_new = s**2 * (layer.q * cc + layer.qr * bc)
        cc_new = s**2 * layer.qq * cc
        across = s**2 * (layer.q * ct + layer.qr * bt)  # E[B s Q T] with T of the layer above
        ct_new = bc_new + s**2 * layer.qq * ct
        tt = bb_new + 2.0 * across + s**2 * layer.qq * tt
        bb, bc, cc, bt, ct = bb_new, bc_new, cc_new, bb_new + across, ct_new
    return tt / (len(layers) + 1.0) ** 2


def ntk_limit(beta: float) -> float:
    """E[K^2] / E[K]^2 of ReLU networks in the limit of wide layers at a fixed beta > 0.

    exp(5 beta) (1/3 + 2 / (9 beta) - (1 - exp(-6 beta)) / (27 beta^2)): 1 + 11/3 beta where beta is small, a third of exp(5 beta)
    where it is large.
    """
    shape = 1.0 / 3.0 + 2.0 / (9.0 * beta) + np.expm1(-6.0 * beta) / (27.0 * beta**2)
    return float(np.exp(RATE * beta) * shape)


def log_norm_mean_and_variance(width: int) -> tuple[float, float]:
    """Mean and variance of log(2 Q / n) of a layer of ReLUs, given that a neuron is active.

    They are -5 / (2 n) and 5 / n up to O(1 / n^2).

    Q ~ chi^2_k, whose log has the mean digamma(k / 2) + log 2 and the variance trigamma(k / 2).
    """
    active = np.arange(1, width + 1)
    weights = binom.pmf(active, width, 0.5) / (1.0 - 0.5**width)
    logs = digamma(active / 2.0) + np.log(4.0 / width)
    mean = float(weights @ logs)
    return mean, float(weights @ polygamma(1, active / 2.0) + weights @ (logs - mean) ** 2)
