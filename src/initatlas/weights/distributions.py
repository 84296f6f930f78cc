"""Weight distributions with an exact variance, sampled in single precision where that is faster.

A distribution is named by a label of `initatlas.vocabulary.WEIGHTS`. A weight matrix has one row per neuron. Rows are
independent and identically distributed; entries of a row are independent, except for the multivariate t, whose entries
are uncorrelated but share one scale.
"""

from math import exp, lgamma, sqrt
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from initatlas.vocabulary import WEIGHTS, canonical_label, parse_label

Floats = NDArray[Any]


def unit_scale(label: str) -> float:
    """Scale parameter at which the distribution has variance one.

    The scale is the standard deviation (gaussian), the half-width (uniform), b in exp(-|w|/b) (laplace), alpha in
    exp(-|w/alpha|^beta) (generalized normal), or the square root of a diagonal entry of the shape matrix
    (multivariate t). For variance v multiply by sqrt(v).

    Parameters
    ----------
    label
        A label of `initatlas.vocabulary.WEIGHTS`.

    Raises
    ------
    ValueError
        If the label is not in the vocabulary.

    References
    ----------
    Tsuchida et al. 2018, section 5 (the two families) and section 6.2 (laplace, uniform).
    """
    name, parameters = parse_label(canonical_label(label, WEIGHTS))
    if name == "generalized_normal":
        return exp(_log_unit_alpha(parameters["beta"]))
    if name == "multivariate_t":
        return sqrt(1.0 - 2.0 / parameters["nu"])
    return {"gaussian": 1.0, "uniform": sqrt(3.0), "laplace": sqrt(0.5)}[name]


def sample_weights(
    label: str, shape: tuple[int, int], *, variance: float, rng: np.random.Generator, dtype: DTypeLike = np.float32
) -> Floats:
    """Draw a weight matrix whose entries have mean zero and exactly the given variance.

    Parameters
    ----------
    label
        A label of `initatlas.vocabulary.WEIGHTS`.
    shape
        (neurons, inputs): fan-out and fan-in of the layer.
    variance
        Variance of one entry, not scaled by any fan.
    rng
        Source of randomness.
    dtype
        float32 or float64: the precision of the draw itself.

    Returns
    -------
    ndarray, shape (neurons, inputs)

    Raises
    ------
    ValueError
        If the label is not in the vocabulary, the variance is negative or not finite, or the dtype is another one.
    """
    name, parameters = parse_label(canonical_label(label, WEIGHTS))
    if not 0.0 <= variance < np.inf:
        raise ValueError(f"a weight variance must be finite and not negative, got {variance}")
    precision = np.dtype(dtype)
    if precision not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise ValueError(f"weights are drawn as float32 or float64, not {precision}")
    weights: Floats = _SAMPLERS[name](shape, rng, precision, **parameters)
    weights *= sqrt(variance)
    return weights


def _log_unit_alpha(beta: float) -> float:
    """Log of the generalized normal's alpha at unit variance: alpha^2 = Gamma(1 / beta) / Gamma(3 / beta)."""
    return 0.5 * (lgamma(1.0 / beta) - lgamma(3.0 / beta))


def _gaussian(shape: tuple[int, int], rng: np.random.Generator, dtype: np.dtype[Any]) -> Floats:
    """Draw standard normal entries."""
    return rng.standard_normal(shape, dtype=dtype)


def _uniform(shape: tuple[int, int], rng: np.random.Generator, dtype: np.dtype[Any]) -> Floats:
    """Uniform entries on [-sqrt 3, sqrt 3]."""
    weights = _symmetric_uniform(shape, rng, dtype)
    weights *= sqrt(3.0)
    return weights


def _laplace(shape: tuple[int, int], rng: np.random.Generator, dtype: np.dtype[Any]) -> Floats:
    """Laplace entries of variance one: exponentials with random signs, one random bit per sign."""
    weights = rng.standard_exponential(shape, dtype=dtype)
    random_bytes = np.frombuffer(rng.bytes(-(-weights.size // 8)), dtype=np.uint8)
    flip = np.unpackbits(random_bytes, count=weights.size).view(np.bool_).reshape(shape)
    np.negative(weights, out=weights, where=flip)
    weights *= sqrt(0.5)
    return weights


def _generalized_normal(
    shape: tuple[int, int], rng: np.random.Generator, dtype: np.dtype[Any], *, beta: float
) -> Floats:
    """Generalized normal entries of variance one: G^(1 / beta) times U(-1, 1) with G ~ Gamma(1 + 1 / beta).

    Given G, |w / alpha|^beta < G with w uniform is the slice representation of the density exp(-|w / alpha|^beta).
    The scale goes in before the power, so that small beta does not overflow single precision.
    """
    if beta == 2.0:
        return _gaussian(shape, rng, dtype)
    if beta == 1.0:
        return _laplace(shape, rng, dtype)
    weights = rng.standard_gamma(1.0 + 1.0 / beta, shape, dtype=dtype)
    weights *= exp(beta * _log_unit_alpha(beta))
    np.power(weights, 1.0 / beta, out=weights)
    weights *= _symmetric_uniform(shape, rng, dtype)
    return weights


def _multivariate_t(shape: tuple[int, int], rng: np.random.Generator, dtype: np.dtype[Any], *, nu: float) -> Floats:
    """Rows of a multivariate t with identity covariance: normal rows over the root of ONE chi-square each.

    With identity shape matrix the covariance is nu / (nu - 2) times the identity; it is divided out.
    """
    weights = _gaussian(shape, rng, dtype)
    weights *= np.sqrt((nu - 2.0) / rng.chisquare(nu, (shape[0], 1))).astype(dtype)
    return weights


def _symmetric_uniform(shape: tuple[int, int], rng: np.random.Generator, dtype: np.dtype[Any]) -> Floats:
    """Uniform entries on [-1, 1)."""
    weights = rng.random(shape, dtype=dtype)
    weights *= 2.0
    weights -= 1.0
    return weights


_SAMPLERS: dict[str, Any] = {
    "gaussian": _gaussian,
    "uniform": _uniform,
    "laplace": _laplace,
    "generalized_normal": _generalized_normal,
    "multivariate_t": _multivariate_t,
}
