"""Segmented regression: against ruptures, pwlf and piecewise-regression on little data, and alone on much."""

import logging
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np

from benchmarks.result import Case, FigureTable, Outcome, TimingTable, make_case
from benchmarks.timing import time_competitors
from initatlas.piecewise.arrays import Doubles
from initatlas.piecewise.segments import greedy_merge, segment, segment_continuous

NOISE = 0.3
LITTLE, PIECES = 200, 4
MUCH, MANY_PIECES = {100_000: 3, 3_000_000: 1}, 15
"""Numbers of points, and the rounds of each."""

ROUNDS = 3

Points = tuple[Doubles, Doubles]
Competitors = dict[str, Callable[[], Doubles]]


def run() -> Outcome:
    """Time all; the sums of squares say whether they found the same."""
    rng = np.random.default_rng(0)
    little = {jumps: noisy_lines(LITTLE, PIECES, jumps=jumps, rng=rng) for jumps in (True, False)}
    small = {"lines that need not meet": _apart(little[True]), "continuous": _meeting(little[False])}
    cases = [
        make_case(f"{name}, n {LITTLE}, {PIECES} pieces", time_competitors(competitors, rounds=ROUNDS, rng=rng))
        for name, competitors in small.items()
    ]
    return Outcome(
        settings={"noise": NOISE, "rounds": ROUNDS, "threads": 1},
        timings=[
            *(TimingTable(title=case.name, measure="s", cases=[case]) for case in cases),
            TimingTable(title="All numbers of pieces up to 15", measure="s", cases=[_long(n, rng=rng) for n in MUCH]),
        ],
        figures=[
            FigureTable(
                title="Sum of squared residuals",
                columns=["", "sum"],
                rows=[
                    [f"{name}, {competitor}", float(call()[-1])]
                    for name, competitors in small.items()
                    for competitor, call in competitors.items()
                ],
            )
        ],
    )


def noisy_lines(n: int, pieces: int, *, jumps: bool, rng: np.random.Generator) -> Points:
    """A zigzag on [0, 1] with random knots and heights, and noise."""
    inner = (np.arange(1, pieces) + rng.uniform(-0.3, 0.3, pieces - 1)) / pieces
    heights = rng.uniform(0.5, 1.0, pieces + 1) * (-1.0) ** np.arange(pieces + 1)
    x = np.linspace(0.0, 1.0, n)
    y = np.interp(x, np.concatenate([[0.0], inner, [1.0]]), heights)
    steps = rng.uniform(-0.5, 0.5, pieces) * jumps
    return x, y + steps[np.searchsorted(inner, x, side="right")] + NOISE * rng.normal(size=n)


def _apart(data: Points) -> Competitors:
    """Lines that need not meet: all give the optimum but greedy merging, which has up to 17 pieces."""
    x, y = data
    found: Competitors = {
        "initatlas": lambda: segment(x, y, pieces=PIECES).squares,
        "initatlas, greedy": lambda: np.array([greedy_merge(x, y, pieces=PIECES, noise_variance=NOISE**2).squares]),
    }
    if find_spec("ruptures"):
        found["ruptures, Dynp, jump 1"] = partial(_ruptures, x, y)
    return found


def _ruptures(x: Doubles, y: Doubles) -> Doubles:
    """Dynamic programming of ruptures with its linear cost."""
    ruptures: Any = __import__("ruptures")
    signal = np.stack([y, np.ones_like(x), x], axis=1)
    search = ruptures.Dynp(model="linear", min_size=2, jump=1).fit(signal)
    return np.array([search.cost.sum_of_costs(search.predict(n_bkps=PIECES - 1))])


def _meeting(data: Points) -> Competitors:
    """Continuous functions: ours have their knots at data points, the others' lie anywhere, by local or random search."""
    x, y = data
    found: Competitors = {"initatlas": lambda: segment_continuous(x, y, pieces=PIECES).squares}
    if find_spec("pwlf"):
        found["pwlf"] = partial(_pwlf, x, y)
    if find_spec("piecewise_regression"):
        found["piecewise-regression"] = partial(_piecewise_regression, x, y)
    return found


def _pwlf(x: Doubles, y: Doubles) -> Doubles:
    """Differential evolution over the knots, from a fixed seed."""
    pwlf: Any = __import__("pwlf")
    model = pwlf.PiecewiseLinFit(x, y, seed=0)
    model.fit(PIECES)
    return np.array([model.ssr])


def _piecewise_regression(x: Doubles, y: Doubles) -> Doubles:
    """Muggeo's iteration with restarts; nan where it does not converge."""
    library: Any = __import__("piecewise_regression")
    logging.getLogger().setLevel(logging.WARNING)
    np.random.seed(0)  # noqa: NPY002  # it has no generator of its own
    fit = library.Fit(list(x), list(y), n_breakpoints=PIECES - 1)
    return np.array([fit.best_muggeo.best_fit.residual_sum_squares if fit.best_muggeo else np.nan])


def _long(n: int, *, rng: np.random.Generator) -> Case:
    """Much data with as many pieces as are asked for, and jumps."""
    x, y = noisy_lines(n, MANY_PIECES, jumps=True, rng=rng)

    def fit(function: Callable[..., object], **options: object) -> object:
        return function(x, y, pieces=MANY_PIECES, **options)

    competitors = {
        "segment": partial(fit, segment),
        "greedy_merge": partial(fit, greedy_merge, noise_variance=NOISE**2),
        "segment_continuous, 60 places": partial(fit, segment_continuous, places=60),
    }
    return make_case(f"n {n}", time_competitors(competitors, rounds=MUCH[n], rng=rng))
