"""The kernel of an infinitely wide layer with m inputs and independent weights: how fast it forgets their distribution.

Tsuchida, Roosta-Khorasani, Gallagher 2018, theorem 6 and corollaries 7, 13, 14. The inputs are flat, x_i = 1 and y_i = +-1, which
meets hypothesis 5 as well as any input can. Then w.x = A + B and w.y = A - B with two independent sums of weights, over the
equal and over the opposite coordinates, and their laws are powers of one characteristic function.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from math import ceil, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

from initatlas.activations.base import activation_of
from initatlas.arrays import Doubles, Floats
from initatlas.caches import compiled
from initatlas.weights.base import family_of

_SPACING = 0.04  # of the lattice on which the law of one weight is kept, in its standard deviations
_STEP = 0.005  # largest step of an integral over a sum, in standard deviations: a kink costs a twentieth of its square
_SMOOTH = 64  # from so many inputs on, the density of a sum is smooth enough to skip points of the lattice
_BROAD = ((256, 0.1), (16, 0.05))
"""Steps of the integral over the second sum, by the number of inputs from which on. The integral over the first one takes the
kinks; what is left is so smooth with some terms that few points change less than the kinks cost."""

_NEGLIGIBLE = 1e-12
_CELL = 0.03  # of the lattice on which two laws of a product are compared, in standard deviations
_CELLS = 166  # to each side: 7 standard deviations of A


@dataclass(frozen=True)
class WeightLaw:
    """The law of one weight on a lattice around zero, symmetric.

    Attributes
    ----------
    masses
        Probabilities of the points -k, ..., k, shape (2 k + 1,).
    spacing
        Distance of the points at which the standard deviation is one.
    """

    masses: Doubles
    spacing: float


def sampled_law(label: str, *, samples: int, rng: np.random.Generator) -> WeightLaw:
    """The law of a weight, from samples of it.

    A sample is split between its two neighbours on the lattice, and between both signs. Then mean and third moment are exactly
    zero, and the spacing is set so that the variance is exactly one: what is left of the sampling error is mostly that of the
    fourth moment.

    Parameters
    ----------
    label
        A label of `initatlas.weights.base.WEIGHTS` with independent weights.
    samples
        How many weights are drawn.
    rng
        Source of randomness.
    """
    sizes = np.abs(family_of(label).draw((samples, 1), variance=1.0, rng=rng)[:, 0])
    half = np.zeros(int(float(sizes.max()) / _SPACING) + 2)
    _spread(sizes, half)
    masses = np.concatenate([half[:0:-1], [2.0 * half[0]], half[1:]]) / (2.0 * samples)
    points = np.arange(len(masses)) - len(masses) // 2
    return WeightLaw(masses, 1.0 / sqrt(float(masses @ points**2)))


@compiled()
def _spread(sizes: Floats, half: Doubles) -> None:
    """Add one to the points of a lattice for each number, split between its two neighbours by its distances."""
    for size in sizes:
        place = np.float64(size) / _SPACING
        below = int(place)
        share = place - below
        half[below] += 1.0 - share
        half[below + 1] += share


def excess_kurtosis(law: WeightLaw) -> float:
    """Fourth moment minus that of a normal distribution."""
    points = (np.arange(len(law.masses)) - len(law.masses) // 2) * law.spacing
    return float(law.masses @ points**4) - 3.0


def flat_cosines(law: WeightLaw, activation: str, inputs: int, opposite: Any) -> Doubles:
    """Normalised kernel of the infinitely wide layer for flat inputs, at pre-activations of variance one.

    Parameters
    ----------
    law
        The law of a weight.
    activation
        A label of `initatlas.activations.base.ACTIVATIONS`.
    inputs
        Number m of inputs.
    opposite
        How many coordinates of x and y have opposite signs, shape (k,): the cosine of their angle is 1 - 2 opposite / m.

    Returns
    -------
    ndarray, shape (k,)
    """
    stride = max(1, int(_STEP * sqrt(inputs) / law.spacing)) if inputs >= _SMOOTH else 1
    step = stride * law.spacing / sqrt(inputs)
    parts = [(inputs - int(other), int(other)) for other in opposite]
    sums = _all_sum_masses(law, {inputs, *(terms for pair in parts for terms in pair)}, stride)
    mean_square = float(sums[inputs] @ activation_of(activation).phi(step * _lattice(sums[inputs])) ** 2)
    broad = next((size for fewest, size in _BROAD if inputs >= fewest), 0.0)
    skip = max(1, int(broad / step))
    return np.array([_product_mean(sums[a], sums[b], activation, step, skip) for a, b in parts]) / mean_square


def _all_sum_masses(law: WeightLaw, numbers: Iterable[int], stride: int) -> dict[int, Doubles]:
    """Probabilities of the sums of some numbers of independent weights on every `stride`-th point of the lattice.

    Powers of one spectrum, on the lattice of the longest sum. Far tails are cut off.
    """
    largest = len(law.masses) // 2
    reaches = {terms: _reach(law, terms) for terms in numbers}
    length = next_fast_len(2 * max(reaches.values()) + 1, real=True)
    padded = np.zeros(length)
    padded[: largest + 1] = law.masses[largest:]
    padded[length - largest :] = law.masses[:largest]
    spectrum = rfft(padded).real  # the law is symmetric
    sums = {}
    for terms, reach in reaches.items():
        half = np.maximum(irfft(_power(spectrum, terms), length)[: reach + 1 : stride], 0.0)
        sums[terms] = _without_tails(np.concatenate([half[:0:-1], half]))
    return sums


def _power(spectrum: Doubles, terms: int) -> Doubles:
    """A whole power by squaring, which is many times faster than NumPy's."""
    result, square = np.ones_like(spectrum), spectrum
    while terms:
        if terms & 1:
            result = result * square
        square, terms = square * square, terms >> 1
    return result


def _reach(law: WeightLaw, terms: int) -> int:
    """Points of the lattice to each side that the sum of some weights needs."""
    largest = len(law.masses) // 2
    return min(terms * largest, ceil(12.0 * sqrt(terms) / law.spacing) + 4 * largest)


def _without_tails(masses: Doubles) -> Doubles:
    """Probabilities without those far out that hardly add to the second moment, made to sum to one."""
    tail = np.cumsum(masses * _lattice(masses) ** 2)
    cut = min(int(np.searchsorted(tail, _NEGLIGIBLE * tail[-1])), len(masses) // 2)
    kept = masses[cut : len(masses) - cut]
    return np.asarray(kept / kept.sum())


def _lattice(masses: Doubles) -> NDArray[np.int64]:
    """Points of a symmetric lattice."""
    return np.arange(len(masses)) - len(masses) // 2


def _product_mean(first: Doubles, second: Doubles, activation: str, step: float, skip: int) -> float:
    """E[phi(A + B) phi(A - B)] for independent symmetric A and B on the lattice, and B on every `skip`-th of its points."""
    reach = len(first) // 2 + len(second) // 2
    values = activation_of(activation).phi(step * np.arange(-reach, reach + 1))
    weights = second[len(second) // 2 :: skip].copy()
    weights[1:] *= 2.0  # B and -B give the same product
    return float(_weighted_products(first, weights / weights.sum(), values, len(second) // 2, skip))


@compiled(fastmath={"reassoc", "contract", "nsz"})
def _weighted_products(first: Doubles, weights: Doubles, values: Doubles, half: int, skip: int) -> float:
    """Sum over a and b of first[a] weights[b] values[half + a + skip b] values[half + a - skip b]."""
    total = 0.0
    for b in range(len(weights)):
        above, below = values[half + skip * b :], values[half - skip * b :]
        mean = 0.0
        for a in range(len(first)):
            mean += first[a] * above[a] * below[a]
        total += weights[b] * mean
    return total


def product_distance(law: WeightLaw, activation: str, inputs: int) -> float:
    """Kolmogorov distance between the laws of phi(w.x) phi(w.y) and of its Gaussian limit, for flat inputs at a right angle.

    With two inputs these are sparse ones: two coordinates of any number that are not zero.

    Parameters
    ----------
    law, activation
        As in `flat_cosines`.
    inputs
        Number m of inputs, even.

    Returns
    -------
    float
        Largest difference of the distribution functions. Both laws are kept on the same cells, 0.03 standard deviations wide.
    """
    terms = inputs // 2
    spacing = law.spacing / sqrt(2.0 * terms)
    first, limit = (
        _cell_masses(_all_sum_masses(law, [terms], 1)[terms], spacing),
        _cell_masses(_normal_masses(spacing), spacing),
    )
    order, ends = _ordered_products(activation)
    excess = np.cumsum((np.outer(first, first) - np.outer(limit, limit)).ravel()[order])
    return float(np.abs(excess[ends]).max())


@cache
def _ordered_products(activation: str) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The order of the cells of A and B by the product of the signals, and where in it a run of equal products ends.

    The same for all laws and numbers of inputs; to sort is most of the work.
    """
    values = activation_of(activation).phi(_CELL * np.arange(-2 * _CELLS, 2 * _CELLS + 1))
    place = np.arange(-_CELLS, _CELLS + 1)
    product = (values[place[:, None] + place + 2 * _CELLS] * values[place[:, None] - place + 2 * _CELLS]).ravel()
    order = np.argsort(product)
    return order, np.append(np.diff(product[order]) > 0.0, True)


def _normal_masses(spacing: float) -> Doubles:
    """A normal law of variance 1/2 on a lattice, up to the outermost cells: the limit of a sum on the same lattice."""
    reach = ceil(_CELL * (_CELLS + 1) / spacing)
    masses = np.exp(-((spacing * np.arange(-reach, reach + 1)) ** 2))
    return np.asarray(masses / masses.sum())


def _cell_masses(masses: Doubles, spacing: float) -> Doubles:
    """A law on a lattice, by the cells in which its points lie; the outermost cells hold the tails."""
    cells = np.rint(_lattice(masses) * (spacing / _CELL)).astype(np.int64)
    inside = np.clip(cells, -_CELLS, _CELLS) + _CELLS
    return np.bincount(inside, masses, minlength=2 * _CELLS + 1).astype(np.float64)
