"""Random weights: our samplers, and the textbook recipe in NumPy."""

from collections.abc import Callable
from functools import partial
from math import gamma, sqrt

import numpy as np

from benchmarks.result import Case, Outcome, TimingTable, make_case
from benchmarks.timing import time_competitors
from initatlas.weights.base import family_of

SHAPE = (1000, 1000)
ROUNDS = 7
VARIANCE = 2.0 / SHAPE[1]

Recipe = Callable[[np.random.Generator], np.ndarray]


def run() -> Outcome:
    """Time every family."""
    rng = np.random.default_rng(0)
    cases = [_timed(label, recipe, rng=rng) for label, recipe in RECIPES.items()]
    return Outcome(
        settings={"shape": SHAPE, "rounds": ROUNDS, "threads": 1},
        timings=[TimingTable(title="Sampling a weight matrix", measure="ns per weight", cases=cases)],
    )


def _timed(label: str, recipe: Recipe, *, rng: np.random.Generator) -> Case:
    """Time one family: our generator is the one of a sweep's points, the recipe's is NumPy's default."""
    ours = np.random.Generator(np.random.SFC64(0))
    draw = partial(family_of(label).draw, SHAPE, variance=VARIANCE, rng=ours)
    competitors = {
        "initatlas, float32": partial(draw, dtype=np.float32),
        "initatlas, float64": partial(draw, dtype=np.float64),
        "NumPy recipe, float64": partial(recipe, np.random.default_rng(0)),
    }
    return make_case(label, time_competitors(competitors, rounds=ROUNDS, rng=rng), work=SHAPE[0] * SHAPE[1])


def _gaussian(rng: np.random.Generator) -> np.ndarray:
    """Normal entries."""
    return rng.normal(0.0, sqrt(VARIANCE), SHAPE)


def _uniform(rng: np.random.Generator) -> np.ndarray:
    """Uniform entries."""
    half_width = sqrt(3.0 * VARIANCE)
    return rng.uniform(-half_width, half_width, SHAPE)


def _laplace(rng: np.random.Generator) -> np.ndarray:
    """Laplace entries."""
    return rng.laplace(0.0, sqrt(VARIANCE / 2.0), SHAPE)


def _generalized_normal(beta: float, rng: np.random.Generator) -> np.ndarray:
    """Generalized normal entries: a random sign times Gamma(1 / beta)^(1 / beta)."""
    alpha = sqrt(VARIANCE * gamma(1.0 / beta) / gamma(3.0 / beta))
    signs = 2.0 * rng.integers(2, size=SHAPE) - 1.0
    return alpha * signs * rng.gamma(1.0 / beta, size=SHAPE) ** (1.0 / beta)


def _multivariate_t(nu: float, rng: np.random.Generator) -> np.ndarray:
    """Rows of a multivariate t: normal rows over the root of a chi-square."""
    scale = sqrt(VARIANCE * (nu - 2.0) / nu)
    return scale * rng.standard_normal(SHAPE) / np.sqrt(rng.chisquare(nu, (SHAPE[0], 1)) / nu)


RECIPES: dict[str, Recipe] = {
    "gaussian": _gaussian,
    "uniform": _uniform,
    "laplace": _laplace,
    "generalized_normal(beta=0.5)": partial(_generalized_normal, 0.5),
    "generalized_normal(beta=8.0)": partial(_generalized_normal, 8.0),
    "multivariate_t(nu=5.0)": partial(_multivariate_t, 5.0),
}
