"""Continuous segmented regression with knots anywhere: ours, exact, against pwlf, in time and in what is left."""

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np

from benchmarks.result import Case, FigureTable, Outcome, TimingTable, make_case
from benchmarks.segments import NOISE, noisy_lines
from benchmarks.timing import time_competitors
from initatlas.piecewise.arrays import Doubles
from initatlas.piecewise.segments import segment_many

SIZES, PIECES, SERIES, ROUNDS = (100, 200, 400), 4, 4, 2

Competitors = dict[str, Callable[[], Doubles]]


def run() -> Outcome:
    """Time all; the sums of squares say who found what."""
    rng = np.random.default_rng(0)
    cases: list[Case] = []
    rows: list[list[float | str]] = []
    for n in SIZES:
        made = [noisy_lines(n, PIECES, jumps=False, rng=rng) for _ in range(SERIES)]
        competitors = _competitors(made[0][0], np.stack([y for _, y in made]))
        name = f"n {n}, {PIECES} pieces, {SERIES} series"
        cases.append(make_case(name, time_competitors(competitors, rounds=ROUNDS, rng=rng)))
        rows += _rows(f"n {n}", {competitor: call() for competitor, call in competitors.items()})
    return Outcome(
        settings={"noise": NOISE, "rounds": ROUNDS, "threads": 1},
        timings=[TimingTable(title="Continuous, knots anywhere", measure="s", cases=cases)],
        figures=[
            FigureTable(
                title="Sum of squared residuals above the best one found",
                columns=["", "least", "largest"],
                rows=rows,
            )
        ],
    )


def _competitors(x: Doubles, series: Doubles) -> Competitors:
    """Each gives the sum of squares of every series."""

    def ours(*, between: bool) -> Doubles:
        fits = segment_many(x, series, pieces=PIECES, continuous=True, between=between)
        return np.array([fit.squares[-1] for fit in fits])

    found: Competitors = {
        "initatlas, knots anywhere": partial(ours, between=True),
        "initatlas, knots at data": partial(ours, between=False),
    }
    if find_spec("pwlf"):
        found["pwlf"] = partial(_pwlf, x, series)
    return found


def _pwlf(x: Doubles, series: Doubles) -> Doubles:
    """Differential evolution over the knots, from a fixed seed."""
    pwlf: Any = __import__("pwlf")
    models = [pwlf.PiecewiseLinFit(x, y, seed=0) for y in series]
    for model in models:
        model.fit(PIECES)
    return np.array([model.ssr for model in models])


def _rows(name: str, squares: dict[str, Doubles]) -> list[list[float | str]]:
    """How far above the best each one is, relative to that, in the series where it is least and most."""
    best = np.min(list(squares.values()), axis=0)
    excess = {competitor: found / best - 1.0 for competitor, found in squares.items()}
    return [[f"{name}, {competitor}", float(above.min()), float(above.max())] for competitor, above in excess.items()]
