"""Intervals and tests over independent networks."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Doubles = NDArray[np.float64]

CONFIDENCE = 0.95
_DRAWS = 2000
_SEED = 2018


@dataclass(frozen=True)
class Interval:
    """An estimate and the ends of its 95 % interval."""

    value: float
    low: float
    high: float

    def holds(self, number: float, tolerance: float = 0.0) -> bool:
        """Whether the interval, widened by a tolerance, reaches a number."""
        return self.low - tolerance <= number <= self.high + tolerance


def student_quantile(networks: int) -> float:
    """How many standard errors the 95 % interval of a mean over networks reaches to each side."""
    return float(stats.t.ppf(0.5 * (1.0 + CONFIDENCE), networks - 1))


def mean_interval(values: ArrayLike) -> Interval:
    """Mean over independent networks, with Student's interval.

    Simulated coverage: 0.95 for normal numbers, however many; for chi-squares with 1 degree of freedom 0.83 with 4 networks, 0.84
    with 8 and 0.90 with 20.

    Parameters
    ----------
    values
        One number per network, shape (networks,), at least 2.
    """
    numbers = np.asarray(values, dtype=np.float64)
    mean = float(numbers.mean())
    error = student_quantile(numbers.size) * float(numbers.std(ddof=1)) / np.sqrt(numbers.size)
    return Interval(mean, mean - error, mean + error)


def bootstrap_interval(values: Doubles, statistic: Callable[[Doubles], float]) -> Interval:
    """A statistic of independent networks, with the percentile interval of the bootstrap.

    With few networks it covers too rarely. Simulated coverage for the root of the mean of chi-squares with 10 degrees of freedom:
    0.80 with 4 networks, 0.86 with 6, 0.94 with 20; with 1 degree of freedom 0.70, 0.77 and 0.88.

    Parameters
    ----------
    values
        One row per network, shape (networks, ...).
    statistic
        What is computed from rows.
    """
    rng = np.random.default_rng(_SEED)
    networks = len(values)
    draws = [statistic(values[rng.integers(networks, size=networks)]) for _ in range(_DRAWS)]
    low, high = np.quantile(draws, [0.5 * (1.0 - CONFIDENCE), 0.5 * (1.0 + CONFIDENCE)])
    return Interval(statistic(values), float(low), float(high))


def agreement(values: ArrayLike, expected: float) -> float:
    """Probability of a mean at least so far from the expected one, if that is right: Student's test over networks.

    Parameters
    ----------
    values
        One number per independent network, shape (networks,).
    expected
        What theory says of their mean.

    Returns
    -------
    float
        The p-value. Below 0.05, samples and theory disagree. With the squared norm ratios of 20 networks of 1000 units, a weight
        variance that is wrong by 2 % is always noticed (a test shows it).
    """
    return float(stats.ttest_1samp(np.asarray(values, dtype=np.float64), expected).pvalue)


def slope(x: ArrayLike, y: ArrayLike) -> float:
    """Least-squares slope of log y against log x."""
    return float(np.polyfit(np.log(np.asarray(x)), np.log(np.asarray(y)), 1)[0])
