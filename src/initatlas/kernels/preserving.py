"""Weight variances that keep a mean square from layer to layer.

A layer of n inputs with weights of variance v / n turns signals of mean square s into pre-activations of variance q = v s, and
those into signals of mean square m(q) = E[phi(sqrt(q) Z)^2] with a standard normal Z. Both are kept where v = q / m(q). The two
functions differ in what is held: the variance q of the pre-activations, or the mean square m(q) of the signals. For homogeneous
activations it does not matter; elsewhere it does: for the GELU 2.352 keeps q = 1, and 2.155 keeps m = 1.
"""

import numpy as np

from initatlas.activations.base import activation_of
from initatlas.duals.base import Dual
from initatlas.errors import UserError

_NARROWEST, _WIDEST = 1e-4, 1e4


def preactivation_preserving_variance(dual: Dual, variance: float = 1.0) -> float:
    """Weight variance times fan-in at which pre-activations of the given variance keep it: q / E[phi(sqrt(q) Z)^2].

    This is what ``weight_variance: none`` means for kernels (`initatlas.kernels.architecture.Architecture`), at variance 1.

    References
    ----------
    Tsuchida et al. 2018, equation 10.
    """
    return variance / float(dual.moment(np.asarray(variance, dtype=np.float64)))


def signal_preserving_variance(activation: str, *, rms: float) -> float:
    """Weight variance times the number of neurons at which signals of root mean square `rms` keep it.

    This is what ``weight_variance: none`` means for random networks (`initatlas.networks.forward.RandomNetwork`), at the root
    mean square of the inputs: v with E[phi(sqrt(v) rms Z)^2] = rms^2. 1 for the identity, 2 for the ReLU, 2 / (1 + a^2) for a
    leaky ReLU of slope a, at any `rms`.

    Parameters
    ----------
    activation
        A label of `initatlas.activations.base.ACTIVATIONS`.
    rms
        Root mean square of the signals, above 0.

    Raises
    ------
    UserError
        If no variance does it.
    ValueError
        If there is no such activation.

    References
    ----------
    Tsuchida et al. 2018, corollary 10 and equation 10; Tsuchida et al. 2021 (arXiv 2002.08517) for ELU and GELU.
    """
    phi = activation_of(activation)
    if phi.rectifier_slope is not None:
        return 2.0 / (1.0 + phi.rectifier_slope**2)

    def growth(variance: float) -> float:
        """Relative change of the mean square in a layer."""
        return float(phi.dual.moment(np.asarray(variance * rms**2))) / rms**2 - 1.0

    low = high = _NARROWEST
    while growth(high) < 0.0:
        low, high = high, 2.0 * high
        if high > _WIDEST:
            raise UserError(
                f"activation {activation!r}: no weight variance keeps signals of root mean square {rms:g}; "
                "take smaller inputs, or give the weight variance as a number"
            )
    if low == high:
        return high
    from scipy.optimize import brentq  # whose import takes longer than many a sweep that gives its variances as numbers

    return float(brentq(growth, low, high, xtol=1e-14, rtol=1e-13))
