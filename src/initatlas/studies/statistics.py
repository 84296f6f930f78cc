"""Intervals that the claims of all studies are judged by.

Each kind of interval has a test that simulates how often it covers the truth: at least 93 % of the time where 95 % is promised.
Who needs scipy imports it: many figures and tables do without, and it takes a tenth of their time; scipy.stats would take half.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike

from initatlas.arrays import Doubles
from initatlas.studies.claim import Estimate

CONFIDENCE = 0.95

_DRAWS = 4000
_SEED = 2018


def confidence(parts: int = 1) -> float:
    """Confidence of each interval where a statement has many parts and the worst decides (Bonferroni).

    Parameters
    ----------
    parts
        Number of parts, at least 1.
    """
    return 1.0 - (1.0 - CONFIDENCE) / parts


def exact(value: float, error: float = 0.0) -> Estimate:
    """A computed number with a bound of its error in the place of an interval.

    Parameters
    ----------
    error
        Largest distance from the truth: rounding, the end of a series, or the step of a grid.
    """
    return Estimate(float(value), float(value) - error, float(value) + error)


def mean_interval(values: ArrayLike, level: float = CONFIDENCE) -> Estimate:
    """Mean over independent networks, with Student's interval.

    For numbers that are near normal. For positive and skewed ones, as squared norms are, use `positive_mean_interval`.

    Parameters
    ----------
    values
        One number per network, shape (networks,), at least 2.
    level
        Confidence, see `confidence`.
    """
    numbers = np.asarray(values, dtype=np.float64)
    mean = float(numbers.mean())
    reach = student_quantile(numbers.size, level) * float(numbers.std(ddof=1)) / np.sqrt(numbers.size)
    return Estimate(mean, mean - reach, mean + reach, numbers.size)


def student_quantile(networks: int, level: float = CONFIDENCE) -> float:
    """How many standard errors the interval of a mean over networks reaches to each side."""
    from scipy import special

    return float(special.stdtrit(networks - 1, 0.5 * (1.0 + level)))


def subsample_interval(values: ArrayLike, share: float, level: float = CONFIDENCE) -> Estimate:
    """Mean of a statistic over random subsamples of one data set, with the interval for the draw of that data set too.

    Student's interval with the variance (1 / k + share / (1 - share)) s^2 for k subsamples, which overlap and so agree more than
    samples of the population would (Nadeau and Bengio 2003, equation 9). Unbounded where the share is 1. More subsamples make it
    narrower down to a floor only, so the estimate does not count them as `samples`.

    Parameters
    ----------
    values
        One number per subsample, shape (subsamples,), at least 2.
    share
        Size of a subsample over that of the data set, above 0 and at most 1.
    level
        Confidence, see `confidence`.
    """
    numbers = np.asarray(values, dtype=np.float64)
    mean, subsamples = float(numbers.mean()), numbers.size
    if share >= 1.0:
        return Estimate(mean, -np.inf, np.inf)
    error = float(numbers.std(ddof=1)) * np.sqrt(1.0 / subsamples + share / (1.0 - share))
    reach = student_quantile(subsamples, level) * error
    return Estimate(mean, mean - reach, mean + reach)


def positive_mean_interval(values: ArrayLike, level: float = CONFIDENCE) -> Estimate:
    """Mean of positive numbers, with the bootstrap-t interval of its logarithm.

    The logarithm makes the law of the mean more symmetric, the studentised bootstrap takes account of the skewness that is left
    (Efron and Tibshirani 1993, chapter 12).

    Parameters
    ----------
    values
        One positive number per independent network, shape (networks,), at least 8.
    level
        Confidence, see `confidence`.
    """
    numbers = np.asarray(values, dtype=np.float64)
    rng = np.random.default_rng(_SEED)
    draws = numbers[rng.integers(numbers.size, size=(_DRAWS, numbers.size))]
    mean, error = float(numbers.mean()), float(_relative_error(numbers))
    errors = _relative_error(draws)
    with np.errstate(divide="ignore", invalid="ignore"):  # a draw of one network alone has no spread
        pivots = (np.log(draws.mean(axis=-1)) - np.log(mean)) / errors
    tail = 0.5 * (1.0 - level)
    low, high = np.quantile(pivots[errors > 0], [tail, 1.0 - tail]) if error > 0 else (0.0, 0.0)
    return Estimate(mean, mean * float(np.exp(-high * error)), mean * float(np.exp(-low * error)), numbers.size)


def _relative_error(values: Doubles) -> Doubles:
    """Standard error of the mean over the last axis, relative to the mean: that of its logarithm."""
    errors: Doubles = values.std(axis=-1, ddof=1) / np.sqrt(values.shape[-1]) / values.mean(axis=-1)
    return errors


def difference_interval(above: ArrayLike, below: ArrayLike, level: float = CONFIDENCE) -> Estimate:
    """Difference of two means over independent networks, with Welch's interval: the spreads may differ.

    Parameters
    ----------
    above, below
        Numbers that are near normal, shape (networks,), at least 2 each.
    level
        Confidence, see `confidence`.
    """
    from scipy import special

    first, second = np.asarray(above, dtype=np.float64), np.asarray(below, dtype=np.float64)
    parts = np.array([one.var(ddof=1) / one.size for one in (first, second)])
    with np.errstate(invalid="ignore"):  # without any spread the interval has no width
        freedom = parts.sum() ** 2 / (parts**2 / [first.size - 1, second.size - 1]).sum()
    value = float(first.mean() - second.mean())
    reach = float(special.stdtrit(freedom, 0.5 * (1.0 + level)) * np.sqrt(parts.sum())) if parts.any() else 0.0
    return Estimate(value, value - reach, value + reach, min(first.size, second.size))


def log_ratio_interval(above: ArrayLike, below: ArrayLike, level: float = CONFIDENCE) -> Estimate:
    """Logarithm of the ratio of two means of positive numbers, of independent networks.

    The intervals of the two means are put together by the squares of their reaches (Zou and Donner 2008).

    Parameters
    ----------
    above, below
        Positive numbers, shape (networks,), at least 8 each.
    """
    first, second = positive_mean_interval(above, level), positive_mean_interval(below, level)
    one, other = np.log(first.numbers), np.log(second.numbers)
    value = float(one[0] - other[0])
    low, high = (
        value - np.hypot(one[0] - one[1], other[2] - other[0]),
        value + np.hypot(one[2] - one[0], other[0] - other[1]),
    )
    return Estimate(value, float(low), float(high), min(np.size(above), np.size(below)))


def root_mean_square_interval(values: ArrayLike, level: float = CONFIDENCE) -> Estimate:
    """Root of the mean square over independent networks, by `positive_mean_interval` of the squares.

    Parameters
    ----------
    values
        One number per network, shape (networks,), or a row per network, shape (networks, parts), whose mean square is taken.
    """
    numbers = np.asarray(values, dtype=np.float64)
    return transformed(positive_mean_interval((numbers.reshape(len(numbers), -1) ** 2).mean(axis=1), level), np.sqrt)


def median_interval(values: ArrayLike, level: float = CONFIDENCE) -> Estimate:
    """Median of independent numbers, with the interval between two order statistics: exact whatever their law.

    Unbounded where there are too few numbers for the confidence.

    Parameters
    ----------
    values
        Shape (networks,).
    """
    from scipy import special

    numbers = np.sort(np.asarray(values, dtype=np.float64))
    below = special.bdtr(np.arange(numbers.size + 1), numbers.size, 0.5)
    # P(Binomial(n, 1/2) < cut) is at most half of what may be missed
    cut = int(np.searchsorted(below, 0.5 * (1.0 - level)))
    median = float(np.median(numbers))
    if cut == 0:
        return Estimate(median, -np.inf, np.inf, numbers.size)
    return Estimate(median, float(numbers[cut - 1]), float(numbers[-cut]), numbers.size)


def share_interval(count: int, total: int, level: float = CONFIDENCE) -> Estimate:
    """A share of independent trials, with the exact interval of Clopper and Pearson.

    Parameters
    ----------
    count, total
        Successes and trials, 0 <= count <= total, total at least 1.
    """
    from scipy import special

    tail = 0.5 * (1.0 - level)
    low = float(special.betaincinv(count, total - count + 1, tail)) if count else 0.0
    high = float(special.betaincinv(count + 1, total - count, 1.0 - tail)) if count < total else 1.0
    return Estimate(count / total, low, high, total)


def distribution_distance_interval(distance: float, samples: int, level: float = CONFIDENCE) -> Estimate:
    """Largest distance between a true distribution function and a formula, from that of independent samples and the formula.

    The samples' distribution function lies in a band about the true one (Dvoretzky, Kiefer and Wolfowitz 1956, Massart 1990), so
    the two distances differ by no more than its width. The interval covers more often than `level`.

    Parameters
    ----------
    distance
        Of samples and formula: the statistic of Kolmogorov and Smirnov.
    samples
        Their number.
    """
    reach = float(np.sqrt(np.log(2.0 / (1.0 - level)) / (2.0 * samples)))
    return Estimate(float(distance), max(float(distance) - reach, 0.0), float(distance) + reach, samples)


def jackknife_interval(statistic: Callable[[Doubles], float], values: Doubles, level: float = CONFIDENCE) -> Estimate:
    """A smooth statistic of independent networks, with Student's interval of the jackknife.

    Parameters
    ----------
    statistic
        What is computed from rows.
    values
        One row per network, shape (networks, ...), at least 8 networks.
    """
    value, networks = float(statistic(values)), len(values)
    others = np.array([statistic(np.delete(values, left_out, axis=0)) for left_out in range(networks)])
    error = np.sqrt((networks - 1) * np.mean((others - others.mean()) ** 2))
    reach = student_quantile(networks, level) * float(error)
    return Estimate(value, value - reach, value + reach, networks)


def correlation_interval(x: ArrayLike, y: ArrayLike, level: float = CONFIDENCE) -> Estimate:
    """Correlation of two numbers over independent networks, with Fisher's interval.

    Parameters
    ----------
    x, y
        One number per network, shape (networks,), at least 4; near normal.
    """
    from scipy import special

    first, second = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    correlation = float(np.corrcoef(first, second)[0, 1])
    centre = np.arctanh(np.clip(correlation, -1.0 + 1e-15, 1.0 - 1e-15))
    reach = float(special.ndtri(0.5 * (1.0 + level))) / np.sqrt(first.size - 3)
    return Estimate(correlation, float(np.tanh(centre - reach)), float(np.tanh(centre + reach)), first.size)


def exponent_interval(x: ArrayLike, values: ArrayLike, level: float = CONFIDENCE) -> Estimate:
    """Exponent p of a mean that goes like x^p, with Student's interval of the jackknife.

    Parameters
    ----------
    x
        Positive abscissae, shape (k,), k at least 2.
    values
        Positive numbers, one row per network, shape (networks, k), at least 8 rows. What stands in a row may be one network, or
        independent ones.
    level
        Confidence, see `confidence`.
    """
    rows = np.asarray(values, dtype=np.float64)
    return jackknife_interval(lambda left: log_slope(x, left.mean(axis=0)), rows, level)


def shifted(estimate: Estimate, by: float) -> Estimate:
    """An estimate plus a known number."""
    return Estimate(estimate.value + by, estimate.low + by, estimate.high + by, estimate.samples)


def scaled(estimate: Estimate, by: float) -> Estimate:
    """An estimate times a known number, which may be negative."""
    low, high = sorted((estimate.low * by, estimate.high * by))
    return Estimate(estimate.value * by, low, high, estimate.samples)


def widened(estimate: Estimate, by: float) -> Estimate:
    """An estimate whose interval reaches so much farther to each side."""
    return Estimate(estimate.value, estimate.low - by, estimate.high + by, estimate.samples)


def transformed(estimate: Estimate, function: Callable[[Doubles], Doubles]) -> Estimate:
    """An increasing function of an estimate, such as the exponential of a mean logarithm."""
    value, low, high = function(np.array(estimate.numbers)).tolist()
    return Estimate(value, low, high, estimate.samples)


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
        The p-value. Below 0.05, samples and theory disagree.
    """
    from scipy import special

    numbers = np.asarray(values, dtype=np.float64)
    error = numbers.std(ddof=1) / np.sqrt(numbers.size)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(2.0 * special.stdtr(numbers.size - 1, -abs(numbers.mean() - expected) / error))


def log_slope(x: ArrayLike, y: ArrayLike) -> float:
    """Least-squares slope of log y against log x."""
    return float(np.polyfit(np.log(np.asarray(x)), np.log(np.asarray(y)), 1)[0])


def by_part(values: Mapping[str, ArrayLike], interval: Callable[[ArrayLike, float], Estimate]) -> dict[str, Estimate]:
    """Intervals of the parts of a statement, each at the confidence that their number asks for.

    Parameters
    ----------
    values
        Part to its numbers.
    interval
        One of the intervals here: numbers and confidence to an estimate.
    """
    return {part: interval(numbers, confidence(len(values))) for part, numbers in values.items()}
