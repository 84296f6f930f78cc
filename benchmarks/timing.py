"""Time competitors side by side: all in one run, in shuffled rounds, so that a busy machine slows them all alike."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

Competitors = Mapping[str, Callable[[], object]]


@dataclass(frozen=True)
class Timings:
    """What came of timing competitors.

    Attributes
    ----------
    seconds
        Competitor to the wall time of its call in each round.
    first_call
        Competitor to the wall time of a call before the first round: compilation, imports and start-up included.
    """

    seconds: dict[str, list[float]]
    first_call: dict[str, float]


def time_competitors(
    competitors: Competitors,
    *,
    rounds: int,
    rng: np.random.Generator,
    clock: Callable[[], float] = time.perf_counter,
) -> Timings:
    """Call every competitor once to warm up, then once in each round.

    Parameters
    ----------
    competitors
        Name to a function of no arguments.
    rounds
        Number of timed calls of each, at least 1.
    rng
        Shuffles the order within each round.
    clock
        Gives the time in seconds.
    """
    first_call = {name: elapsed(call, clock) for name, call in competitors.items()}
    seconds: dict[str, list[float]] = {name: [] for name in competitors}
    for name in shuffled_rounds(list(competitors), rounds, rng=rng):
        seconds[name].append(elapsed(competitors[name], clock))
    return Timings(seconds, first_call)


def per_unit(timings: Timings, works: Mapping[str, float]) -> Timings:
    """Times of competitors that each do another amount of work, per unit of it; the first calls stay as they are."""
    seconds = {name: [second / works[name] for second in found] for name, found in timings.seconds.items()}
    return Timings(seconds, timings.first_call)


def shuffled_rounds(names: Sequence[str], rounds: int, *, rng: np.random.Generator) -> Iterator[str]:
    """Yield every name once per round, in a new order each time."""
    for _ in range(rounds):
        yield from (names[position] for position in rng.permutation(len(names)))


def elapsed(call: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Wall time of one call, in seconds."""
    start = clock()
    call()
    return clock() - start


def medians(seconds: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Median wall time of each competitor."""
    return {name: median(values) for name, values in seconds.items()}


def ratios(values: Mapping[str, float]) -> dict[str, float]:
    """Each value relative to the first."""
    first = next(iter(values.values()))
    return {name: value / first for name, value in values.items()}
