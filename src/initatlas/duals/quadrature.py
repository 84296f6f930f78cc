"""Expectations over Gaussian numbers and pairs by quadrature, for functions that are smooth but for a kink at zero.

A pair (u, v) at an angle theta is (sqrt(p) r cos a, sqrt(q) r cos(a - theta)) in polar coordinates, so that the kinks of
f(u) g(v) lie on four rays. Between the rays the integrand is smooth, for every theta: a sector that shrinks with theta
takes its nodes along, and nothing is lost where the two inputs nearly coincide.
"""

from collections.abc import Callable
from functools import lru_cache, partial
from math import pi, sqrt

import numpy as np
from numpy.polynomial.legendre import leggauss

from initatlas.arrays import Doubles

Function = Callable[[Doubles], Doubles]
PairFunction = Callable[[Doubles, Doubles], Doubles]
Rule = Callable[[int, int], tuple[Doubles | float, float]]
"""Mean, and the size that its error is relative to, by numbers of angles per sector and of radii."""

_REACH = 12.0  # standard deviations; far enough for exp(2.5 z) times the Gaussian density to fall below 1e-17
_RULES = ((32, 48), (64, 80), (128, 128), (256, 192), (512, 256))  # angles per sector, radii
_TOLERANCE = 1e-13


def pair_mean(f: PairFunction, p: float, q: float, theta: float) -> float:
    """E[f(u, v)] for centred Gaussian u and v of variances p and q whose correlation is cos theta.

    Parameters
    ----------
    f
        Function of two arrays, analytic but for kinks where one of its arguments is zero.
    p, q
        Variances, 0 or more.
    theta
        Angle in [0, pi].

    Returns
    -------
    float
        Two rules of about doubled size agree to 1e-13 relative to E|f|.

    Raises
    ------
    ValueError
        If 512 angles a sector do not suffice, or the function returns nan.
    """
    where = f"at variances {p:g} and {q:g}, angle {theta:g}"
    value, _ = _converged(lambda angles, radii: _polar_rule(f, p, q, theta, angles, radii), where)
    return float(value)


def grid_means(f: Function, deviations: Doubles, angles: Doubles, *, symmetric: bool = False) -> Doubles:
    """E[f(u) f(v)] for centred Gaussian u and v, for some angles and all pairs of standard deviations.

    Parameters
    ----------
    f
        Function of an array, analytic but for a kink at 0.
    deviations
        Shape (m,), 0 or more.
    angles
        Shape (k,), in [0, pi]; neighbours should be alike, since the rule that suffices for one is tried first for the next.
    symmetric
        Whether f is even or odd, which halves the work.

    Returns
    -------
    ndarray, shape (k, m, m)
        Errors as in `pair_mean`, relative to the largest E[f(u)^2].

    Raises
    ------
    ValueError
        As in `pair_mean`.
    """
    means = np.empty((len(angles), len(deviations), len(deviations)))
    enough = 0
    for number, theta in enumerate(angles.tolist()):
        rule = partial(_grid_rule, f, deviations, theta, symmetric)
        where = f"up to the deviation {deviations.max():g}, angle {theta:g}"
        means[number], enough = _converged(rule, where, first=max(enough - 1, 0))
    return means


def gaussian_mean(f: Function, variance: float, *, mean: float = 0.0) -> float:
    """E[f(u)] for a Gaussian u, by Gauss-Legendre nodes on both sides of 0; errors as in `pair_mean`."""

    def rule(_: int, count: int) -> tuple[float, float]:
        """The mean, and the mean of the absolute value."""
        x, weights = _line_nodes(count, _kink(mean, variance))
        values = f(mean + sqrt(variance) * x) * weights
        return float(np.sum(values)), float(np.sum(np.abs(values)))

    value, _ = _converged(rule, f"at variance {variance:g}")
    return float(value)


def hermite_coefficients(f: Function, degree: int, *, variance: float = 1.0, mean: float = 0.0) -> Doubles:
    """Coefficients of f(mean + sqrt(variance) x) in Hermite polynomials h_k with E[h_k(Z)^2] = 1.

    Parameters
    ----------
    f
        Function of an array, smooth but for a kink at 0.
    degree
        Largest degree, 0 or more.
    variance, mean
        Of the argument.

    Returns
    -------
    ndarray, shape (degree + 1,)
        a_k = E[f(mean + sqrt(variance) Z) h_k(Z)], so that E[f(u) f(v)] of a pair with correlation c is sum a_k^2 c^k: the dual,
        for mean 0 (Daniely et al. 2016, section 8 and O'Donnell's "Analysis of Boolean functions", section 11.2).
    """
    x, weights = _line_nodes(max(192, 4 * degree), _kink(mean, variance))
    terms = weights * f(mean + sqrt(variance) * x)
    before, current = np.zeros_like(x), np.ones_like(x)
    coefficients = np.empty(degree + 1)
    for k in range(degree + 1):
        coefficients[k] = terms @ current
        before, current = current, (x * current - sqrt(k) * before) / sqrt(k + 1.0)
    return coefficients


def _kink(mean: float, variance: float) -> float:
    """Where mean + sqrt(variance) x is 0, if that is within reach."""
    return min(max(-mean / sqrt(variance), -_REACH), _REACH) if mean and variance > 0.0 else 0.0


def _line_nodes(count: int, kink: float) -> tuple[Doubles, Doubles]:
    """Nodes on (-12, 12) and weights for the density of a standard normal number, `count` on each side of a kink."""
    x, weights = _crowded_nodes(count)
    left, right = _REACH + kink, _REACH - kink
    nodes = np.concatenate([kink - left * x[::-1], kink + right * x])
    lengths = np.concatenate([left * weights[::-1], right * weights])
    return nodes, lengths * np.exp(-0.5 * nodes * nodes) / sqrt(2.0 * pi)


@lru_cache(maxsize=16)
def _unit_nodes(count: int) -> tuple[Doubles, Doubles]:
    """Gauss-Legendre nodes and weights on (0, 1)."""
    x, weights = leggauss(count)
    return 0.5 * (x + 1.0), 0.5 * weights


@lru_cache(maxsize=16)
def _crowded_nodes(count: int) -> tuple[Doubles, Doubles]:
    """The same nodes crowded towards both ends: a function that varies fast near a kink, as tanh at a large variance does,
    is resolved to the square of the width.
    """
    x, weights = _unit_nodes(count)
    return x * x * (3.0 - 2.0 * x), weights * 6.0 * x * (1.0 - x)


@lru_cache(maxsize=16)
def _radii(count: int) -> tuple[Doubles, Doubles]:
    """Nodes on (0, 12) and weights for the density r exp(-r^2 / 2)."""
    x, weights = _crowded_nodes(count)
    r = _REACH * x
    return r, _REACH * weights * r * np.exp(-0.5 * r * r)


def _polar_rule(f: PairFunction, p: float, q: float, theta: float, angles: int, radii: int) -> tuple[float, float]:
    """The mean, and the mean of the absolute value, by one rule."""
    nodes, node_weights = _crowded_nodes(angles)
    r, r_weights = _radii(radii)
    mean = size = 0.0
    for cos_u, cos_v, width in _sectors(nodes, theta):
        values = f(sqrt(p) * cos_u[:, None] * r, sqrt(q) * cos_v[:, None] * r)
        mean += width * float(node_weights @ values @ r_weights)
        size += width * float(node_weights @ np.abs(values) @ r_weights)
    return mean / (2.0 * pi), size / (2.0 * pi)


def _converged(rule: Rule, where: str, *, first: int = 0) -> tuple[Doubles | float, int]:
    """The mean by the first rule that agrees with the one before, and that rule's number; `first` is tried first."""
    before: Doubles | float = np.nan
    for number in range(first, len(_RULES)):
        value, size = rule(*_RULES[number])
        if np.max(np.abs(value - before)) <= _TOLERANCE * size:
            return value, number
        before = value
    raise ValueError(f"no convergence {where}: is the function smooth but for a kink at 0?")


def _grid_rule(
    f: Function, deviations: Doubles, theta: float, symmetric: bool, angles: int, radii: int
) -> tuple[Doubles, float]:
    """The means, and the largest mean of a square, by one rule: a matrix product per sector."""
    nodes, node_weights = _crowded_nodes(angles)
    r, r_weights = _radii(radii)
    weights = np.outer(node_weights, r_weights).ravel() / (2.0 * pi)
    means, squares = np.zeros((len(deviations), len(deviations))), np.zeros(len(deviations))
    for cos_u, cos_v, width in _sectors(nodes, theta)[: 2 if symmetric else 4]:
        left, right = (f(np.outer(deviations, np.outer(cosines, r))) for cosines in (cos_u, cos_v))
        means += width * (left * weights) @ right.T
        squares += width * (left * left) @ weights
    twice = 2.0 if symmetric else 1.0
    return twice * means, twice * float(squares.max())


def _sectors(nodes: Doubles, theta: float) -> list[tuple[Doubles, Doubles, float]]:
    """Cosines of the angles to u's and to v's axis, and the width, of the sectors between the kinks.

    As sines of the angle to the nearest kink, which keep their digits in a narrow sector.
    """
    narrow, rest = theta * nodes, (pi - theta) * nodes
    u_only = np.sin(narrow), -np.sin(theta - narrow)
    both = np.sin(theta + rest), np.sin(rest)
    return [
        (u_only[0], u_only[1], theta),
        (both[0], both[1], pi - theta),
        (-u_only[0], -u_only[1], theta),
        (-both[0], -both[1], pi - theta),
    ]
