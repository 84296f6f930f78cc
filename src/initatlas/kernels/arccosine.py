"""Arc-cosine kernels of the ReLU and leaky ReLU at any depth, with full relative accuracy at small angles.

All maps are written in z = (1 - rho) / 2 = sin(theta / 2)^2 instead of the cosine rho: where two inputs nearly
coincide, rho has lost the digits of their angle and z has not. Kernels are normalised: weights have the norm-preserving
variance (Tsuchida et al. 2018, equation 10), so every layer maps unit vectors to unit vectors and rho = 1 to rho = 1.
The ReLU is the leaky ReLU with slope 0.
"""

from math import factorial, pi

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

# sin t - t cos t = t^3 sum_k (-1)^k (2k + 2) t^(2k) / (2k + 3)!; below t = 1 these terms reach double precision.
_DEFECT_SERIES = tuple((-1) ** k * (2 * k + 2) / factorial(2 * k + 3) for k in range(10))


def relu_map(z: Doubles, slope: float = 0.0) -> Doubles:
    """One layer's normalised kernel in the variable z = (1 - cos theta) / 2.

    z' = z - (1 - a)^2 / (1 + a^2) (sin t - t cos t) / (2 pi) with t = 2 asin(sqrt z), the normalised form of
    Tsuchida et al. 2018, corollary 4.

    Parameters
    ----------
    z
        Any shape, in [0, 1].
    slope
        Slope a of the leaky ReLU for negative arguments, in [0, 1); 0 is the ReLU.

    Returns
    -------
    ndarray
        z of the next layer, same shape; relative error of a few units in the last place.
    """
    z = np.asarray(z, dtype=np.float64)
    return _next_z(z, _angle(z), slope)


def derivative_dual(z: Doubles, slope: float = 0.0) -> Doubles:
    """Normalised dual of the activation's derivative: kappa_0 for the ReLU.

    1 - (1 - a)^2 / (1 + a^2) t / pi. It is also the derivative of the layer's map of cosines.

    Parameters
    ----------
    z, slope
        As in `relu_map`.

    Returns
    -------
    ndarray
        In [0, 1], one at z = 0.
    """
    return _derivative_at_angle(_angle(np.asarray(z, dtype=np.float64)), slope)


def one_minus_cosine(angles: Doubles, depth: int, slope: float = 0.0) -> Doubles:
    """1 - cos theta_depth for two inputs at an angle theta_0, with full relative accuracy.

    Parameters
    ----------
    angles
        theta_0 in radians, any shape, in [0, pi].
    depth
        Number of hidden layers, 0 or more.
    slope
        Slope of the leaky ReLU; 0 is the ReLU.

    Returns
    -------
    ndarray
        Same shape as `angles`.
    """
    z, angle = _start(angles)
    for _ in range(depth):
        z = _next_z(z, angle, slope)
        angle = _angle(z)
    return 2.0 * z


def layerwise_one_minus_cosine(angles: Doubles, depth: int, slope: float = 0.0) -> Doubles:
    """1 - cos theta_j for every layer j = 0, ..., depth; parameters as in `one_minus_cosine`.

    Returns
    -------
    ndarray, shape (depth + 1, *angles.shape)
        Its rows fall as 1 / j^2 (slower than any geometric sequence): theta = 0 is the only fixed point (Tsuchida et
        al. 2018, corollary 8) and the map has slope 1 there.
    """
    z, angle = _start(angles)
    rows = np.empty((depth + 1, *z.shape))
    rows[0] = z
    for layer in range(depth):
        z = _next_z(z, angle, slope)
        angle = _angle(z)
        rows[layer + 1] = z
    return 2.0 * rows


def normalised_cosine(angles: Doubles, depth: int, slope: float = 0.0) -> Doubles:
    """Cosine of theta_depth for two inputs at an angle theta_0: the normalised kernel of a network of `depth` layers.

    Parameters are those of `one_minus_cosine` (Tsuchida et al. 2018, section 6.1 and figure 4; there theta_0 in the
    last term of the composition should read theta_{j-1}).
    """
    return 1.0 - one_minus_cosine(angles, depth, slope)


def nngp_ntk(z: Doubles, depth: int, slope: float = 0.0) -> tuple[Doubles, Doubles]:
    """NNGP and NTK of two unit inputs, as functions of z = (1 - cos theta) / 2.

    Parameters
    ----------
    z
        Any shape, in [0, 1].
    depth
        Number of hidden layers, 0 or more.
    slope
        Slope of the leaky ReLU; 0 is the ReLU.

    Returns
    -------
    nngp, ntk : ndarray
        Same shape as `z`; 1 and depth + 1 at z = 0. Kernels of inputs x and y without biases are |x| |y| times these;
        a bias of the first layer is an appended coordinate 1 of the inputs.

    Notes
    -----
    NNGP: S_0 = u, S_l = k1(S_{l-1}). NTK: H_0 = u, H_l = S_l + H_{l-1} k0(S_{l-1}). With one hidden layer, k1(u) and
    k1(u) + u k0(u) (Chen, Li and Lin 2024, appendix C.1, with k0 and k1 normalised to 1 at u = 1).
    """
    return nngp_ntk_at_angle(_angle(np.asarray(z, dtype=np.float64)), depth, slope)


def nngp_ntk_at_angle(angles: Doubles, depth: int, slope: float = 0.0) -> tuple[Doubles, Doubles]:
    """`nngp_ntk` as a function of the angle, in radians: accurate near pi too, where z = 1 has lost its digits."""
    z, angle = _start(angles)
    ntk = np.cos(angle)
    for _ in range(depth):
        gradient = _derivative_at_angle(angle, slope)
        z = _next_z(z, angle, slope)
        angle = _angle(z)
        ntk = (1.0 - 2.0 * z) + ntk * gradient
    # At depth 0 the cosine itself: 1 - 2 z would lose the digits near pi / 2.
    return (1.0 - 2.0 * z if depth else ntk), ntk


def _start(angles: Doubles) -> tuple[Doubles, Doubles]:
    """Give z and angle before the first layer."""
    angle = np.asarray(angles, dtype=np.float64)
    return np.sin(0.5 * angle) ** 2, angle


def _angle(z: Doubles) -> Doubles:
    """Angle in [0, pi] whose z is given."""
    angle: Doubles = 2.0 * np.arcsin(np.sqrt(z))
    return angle


def _strength(slope: float) -> float:
    """(1 - a)^2 / (1 + a^2): how far the leaky ReLU is from linear."""
    return (1.0 - slope) ** 2 / (1.0 + slope**2)


def _next_z(z: Doubles, angle: Doubles, slope: float) -> Doubles:
    """One layer, for a z and its angle."""
    return z - _strength(slope) / (2.0 * pi) * _sine_defect(angle)


def _derivative_at_angle(angle: Doubles, slope: float) -> Doubles:
    """Normalised dual of the derivative at an angle."""
    return 1.0 - _strength(slope) / pi * angle


def _sine_defect(t: Doubles) -> Doubles:
    """Difference sin t - t cos t on [0, pi]; by its series below 1, where the difference cancels."""
    square = np.minimum(t, 1.0) ** 2
    series: Doubles = np.full_like(square, _DEFECT_SERIES[-1])
    for coefficient in _DEFECT_SERIES[-2::-1]:
        series = series * square + coefficient
    return np.where(t < 1.0, t**3 * series, np.sin(t) - t * np.cos(t))
