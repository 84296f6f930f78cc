"""The kernel of an infinitely wide layer as an integral over the density of its weights, and as the solution of an ODE.

Tsuchida, Roosta-Khorasani, Gallagher 2018, equations 2, 4 and 5. The inputs are unit vectors in the plane of the first two
coordinates, so that only these two weights of a neuron matter: w = r (cos b, sin b) with a joint density f. Rectifiers are
homogeneous, and so everything follows from the moment G(b) = int_0^inf r^3 f(r cos b, r sin b) dr of a direction b.
"""

from collections.abc import Callable, Sequence
from functools import partial
from math import exp, gamma, lgamma, pi, sqrt

import numpy as np
from numpy.polynomial.legendre import leggauss

from initatlas.arrays import Doubles
from initatlas.vocabulary import parse_label
from initatlas.weights.base import family_of

PairDensity = Callable[[Doubles, Doubles], Doubles]
Moment = Callable[[Doubles], Doubles]

_LOG_RADII = np.arange(-10.0, 64.0, 1.0 / 16.0)  # r^4 f has fallen below 1e-13 at both ends, for t with nu = 2.5 too
_NEGLIGIBLE = 1e-17  # share of r^4 f of its largest value; most distributions need a quarter of the radii
_BLOCK = 256  # directions at a time


def pair_density(label: str) -> PairDensity:
    """Joint density of two weights of one neuron, at variance one.

    Parameters
    ----------
    label
        A label of `initatlas.weights.base.WEIGHTS` whose density is continuous.

    Raises
    ------
    ValueError
        If there is no such density here.
    """
    family_of(label)  # refuses what is no label
    name, parameters = parse_label(label)
    match name:
        case "gaussian":
            return partial(_generalized_normal, 2.0)
        case "laplace":
            return partial(_generalized_normal, 1.0)
        case "generalized_normal":
            return partial(_generalized_normal, parameters["beta"])
        case "student_t":
            return partial(_student_t, parameters["nu"])
        case "multivariate_t":
            return partial(_multivariate_t, parameters["nu"])
    raise ValueError(f"weights = {label!r}: no continuous density of this family is known here")


def _generalized_normal(beta: float, u: Doubles, v: Doubles) -> Doubles:
    """Two independent weights of density c exp(-|w / alpha|^beta)."""
    alpha = exp(0.5 * (lgamma(1.0 / beta) - lgamma(3.0 / beta)))
    constant = beta / (2.0 * alpha * gamma(1.0 / beta))
    density: Doubles = constant**2 * np.exp(-(np.abs(u / alpha) ** beta) - np.abs(v / alpha) ** beta)
    return density


def _student_t(nu: float, u: Doubles, v: Doubles) -> Doubles:
    """Two independent weights of Student's t."""
    constant = exp(lgamma(0.5 * nu + 0.5) - lgamma(0.5 * nu)) / sqrt(pi * (nu - 2.0))
    density: Doubles = constant**2 * ((1.0 + u * u / (nu - 2.0)) * (1.0 + v * v / (nu - 2.0))) ** (-0.5 * nu - 0.5)
    return density


def _multivariate_t(nu: float, u: Doubles, v: Doubles) -> Doubles:
    """Bivariate t of identity covariance: its shape is (nu - 2) / nu times the identity."""
    density: Doubles = (1.0 + (u * u + v * v) / (nu - 2.0)) ** (-0.5 * nu - 1.0) * nu / (2.0 * pi * (nu - 2.0))
    return density


def radial_moment(density: PairDensity, directions: Doubles) -> Doubles:
    """G(b): integral of r^3 f(r cos b, r sin b) over r, by the trapezoidal rule in log r.

    Parameters
    ----------
    directions
        Angles b from the first axis in radians, shape (k,).

    Returns
    -------
    ndarray, shape (k,)
    """
    radii = np.exp(_LOG_RADII)
    ends = density(np.outer([1.0, sqrt(0.5)], radii), np.outer([0.0, sqrt(0.5)], radii)) * radii**4
    # an axis or the direction between has the longest tail
    radii = radii[(ends > _NEGLIGIBLE * ends.max()).any(axis=0)]
    step = float(_LOG_RADII[1] - _LOG_RADII[0])
    blocks = np.split(directions, range(_BLOCK, len(directions), _BLOCK))
    values = [density(np.outer(np.cos(b), radii), np.outer(np.sin(b), radii)) @ radii**4 for b in blocks]
    return step * np.concatenate(values)


def forcing_term(moment: Moment, angles: Doubles, turn: float) -> Doubles:
    """F(theta) of equation 5 for ReLU: G in the direction that is at a right angle to the second input, times sin theta.

    Parameters
    ----------
    moment
        G, a function of directions.
    angles
        Angles theta between the inputs in radians, shape (k,).
    turn
        Angle from the first axis to the first input, in radians.
    """
    return moment(turn + angles - 0.5 * pi) * np.sin(angles)


def kernel_integrals(moment: Moment, angle: float, turn: float, slopes: Sequence[float], nodes: int) -> list[float]:
    """E[s(w.x) s(w.y)] of equation 2 for leaky ReLUs s, by quadrature over the direction of w.

    Parameters
    ----------
    slopes
        Of the leaky ReLUs, which have the moments of the directions in common.
    nodes
        Gauss-Legendre nodes on each arc between two kinks: of s, and of G on the axes.
    """
    rays = np.array([-0.5 * pi, 0.5 * pi, angle - 0.5 * pi, angle + 0.5 * pi])
    axes = 0.5 * pi * np.arange(4) - turn
    edges = np.unique(np.mod(np.concatenate([rays, axes]), 2.0 * pi).round(14))
    places, weights = _panels([*edges, edges[0] + 2.0 * pi], nodes)
    masses = weights * moment(places + turn)
    first, second = np.cos(places), np.cos(places - angle)
    return [float(masses @ (np.maximum(first, a * first) * np.maximum(second, a * second))) for a in slopes]


def ode_solution(moment: Moment, angle: float, turn: float, nodes: int) -> float:
    """Solution of k'' + k = F, k(pi) = k'(pi) = 0 (equation 4): the integral of sin(t - theta) F(t) from theta to pi."""
    axes = np.mod(0.5 * pi * np.arange(5) - turn + 0.5 * pi, 2.0 * pi)
    inner = axes[(axes > angle) & (axes < pi)]
    places, weights = _panels(np.unique([angle, *inner, pi]), nodes)
    return float(weights @ (np.sin(places - angle) * forcing_term(moment, places, turn)))


def _panels(edges: Sequence[float] | Doubles, nodes: int) -> tuple[Doubles, Doubles]:
    """Nodes and weights between neighbouring edges; both crowd at the edges, where a density may have a cusp."""
    points, weights = leggauss(nodes)
    inside = 0.5 * (1.0 + points)
    crowded, stretch = inside**2 * (3.0 - 2.0 * inside), 3.0 * inside * (1.0 - inside)
    low, length = np.asarray(edges[:-1])[:, None], np.diff(edges)[:, None]
    return (low + length * crowded).ravel(), (length * stretch * weights).ravel()
