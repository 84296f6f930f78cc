"""The dual of an activation, four ways: closed form, by its definition as an integral, Hermite series, Monte Carlo.

Daniely, Frostig, Singer 2016, section 4: the dual of phi is E[phi(X) phi(Y)] for standard normal X and Y of correlation rho;
its derivative is the dual of phi'; with the Hermite coefficients a_k of phi it is sum_k a_k^2 rho^k. Everything is
divided by E[phi(Z)^2], which normalises the activation as the paper does.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field

from initatlas.experiments.activation_labels import ActivationLabel
from initatlas.sweeps.experiment import Coordinate, Experiment, Output, Parameters

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_STEP = 4e-3  # of the differences in the angle; their errors are of its fourth power, and rounding over it
_ROUNDING = 1e-11  # of differences over that step
_INFINITE = 1e12  # beyond it: the step's derivative at correlations 1 and -1, where the sine of the angle is rounding


class DualActivationParameters(Parameters):
    """One activation, at evenly spaced correlations."""

    activation: ActivationLabel = Field(default="relu", description="activation")
    correlations: int = Field(default=41, ge=3, description="number of correlations, evenly spaced from -1 to 1")
    degree: int = Field(default=100, ge=0, le=400, description="last degree of the Hermite series")
    draws: int = Field(default=100_000, ge=2, description="Gaussian pairs of the Monte Carlo estimates")


def _coordinates(parameters: DualActivationParameters) -> Mapping[str, Coordinate]:
    """The correlations of the pairs."""
    last = parameters.correlations - 1
    return {"correlation": Coordinate([2.0 * i / last - 1.0 for i in range(last + 1)], "correlation of the pair")}


def _run(
    points: Sequence[DualActivationParameters], rngs: Sequence["np.random.Generator"], data: Any
) -> list[dict[str, Any]]:
    """Each point has its own activation and draws."""
    return [_measure(point, rng) for point, rng in zip(points, rngs, strict=True)]


def _measure(point: DualActivationParameters, rng: "np.random.Generator") -> dict[str, Any]:
    """The dual and its derivative in three ways, and the second moment."""
    import numpy as np

    from initatlas.activations.base import activation_of

    correlations = np.array(_coordinates(point)["correlation"].values)
    dual, one = activation_of(point.activation).dual, np.ones(())
    moment = float(dual.moment(one))
    with np.errstate(divide="ignore"):
        derivative = dual.derivative(one, one, np.arccos(correlations)) / moment
    return {
        "dual": dual.product(one, one, np.arccos(correlations)) / moment,
        "derivative": np.where(derivative < _INFINITE, derivative, np.nan),
        "second_moment": moment,
        **_slopes(point, np.arccos(correlations), moment),
        **_integrals(point, np.arccos(correlations)),
        **_hermite_sums(point, correlations, moment),
        **_monte_carlo(point, correlations, moment, rng),
    }


def _slopes(point: DualActivationParameters, angles: "NDArray[np.float64]", moment: float) -> dict[str, Any]:
    """Slope of the closed form by differences in the angle, in which it is smooth, and a bound of its error.

    The bound is what a doubled step changes, which has 16 times the error.
    """
    import numpy as np

    fine, coarse = (_slope_in_angle(point.activation, angles, step) / moment for step in (_STEP, 2.0 * _STEP))
    inside = (angles > 4.0 * _STEP) & (angles < np.pi - 4.0 * _STEP)
    sines = np.where(inside, np.sin(angles), np.nan)
    return {"dual_slope": -fine / sines, "dual_slope_error": np.abs(fine - coarse) / sines + _ROUNDING}


def _slope_in_angle(activation: str, angles: "NDArray[np.float64]", step: float) -> "NDArray[np.float64]":
    """Derivative of E[phi phi] with respect to the angle, by differences of fourth order."""
    import numpy as np

    from initatlas.activations.base import activation_of

    one, product = np.ones(()), activation_of(activation).dual.product

    def difference(by: float) -> "NDArray[np.float64]":
        """Central difference; angles beyond the ends are reflected and not used."""
        ahead, behind = np.abs(angles + by), np.abs(angles - by)
        return product(one, one, np.minimum(ahead, 2.0 * np.pi - ahead)) - product(one, one, behind)

    return (8.0 * difference(step) - difference(2.0 * step)) / (12.0 * step)


def _integrals(point: DualActivationParameters, angles: "NDArray[np.float64]") -> dict[str, Any]:
    """The dual and that of the derivative by their definition, the integral over Gaussian pairs."""
    import numpy as np

    from initatlas.activations.base import activation_of

    phi = activation_of(point.activation)
    moment = _pair_means(phi.phi, np.zeros(1))[0]
    derivative = np.full(len(angles), np.nan)
    if not phi.undefined_derivative:
        derivative = _pair_means(phi.derivative, angles) / moment
    return {
        "dual_integral": _pair_means(phi.phi, angles) / moment,
        "derivative_integral": derivative,
        "second_moment_integral": moment,
    }


def _pair_means(function: "Callable[[NDArray[Any]], NDArray[Any]]", angles: "NDArray[np.float64]") -> "NDArray[Any]":
    """E[f(u) f(v)] for standard normal u and v at some angles."""
    import numpy as np

    from initatlas.duals.quadrature import pair_mean

    return np.array([pair_mean(lambda u, v: function(u) * function(v), 1.0, 1.0, float(angle)) for angle in angles])


def _hermite_sums(
    point: DualActivationParameters, correlations: "NDArray[np.float64]", moment: float
) -> dict[str, "NDArray[np.float64]"]:
    """Partial sums of the dual's power series and of its derivative."""
    from numpy.polynomial import Polynomial

    from initatlas.activations.base import activation_of
    from initatlas.duals.quadrature import hermite_coefficients

    squares = hermite_coefficients(activation_of(point.activation).phi, point.degree) ** 2 / moment
    series = Polynomial(squares)
    return {"dual_series": series(correlations), "derivative_series": series.deriv()(correlations)}


def _monte_carlo(
    point: DualActivationParameters,
    correlations: "NDArray[np.float64]",
    moment: float,
    rng: "np.random.Generator",
) -> dict[str, Any]:
    """Means over Gaussian pairs and their standard errors; all correlations share the draws."""
    import numpy as np

    from initatlas.activations.base import activation_of

    x, other = rng.standard_normal((2, point.draws))
    phi = activation_of(point.activation)
    functions = {"dual": phi.phi} | ({} if phi.undefined_derivative else {"derivative": phi.derivative})
    samples = {key: np.full(len(correlations), np.nan) for key in _SAMPLED}
    for name, function in functions.items():
        left = function(x) / moment
        for i, rho in enumerate(correlations):
            y = rho * x + np.sqrt(1.0 - rho * rho) * other
            products = left * function(y)
            samples[f"{name}_sampled"][i], samples[f"{name}_standard_error"][i] = _mean_and_error(products)
    squares = phi.phi(x) ** 2
    sampled, error = _mean_and_error(squares)
    return {**samples, "second_moment_sampled": sampled, "second_moment_standard_error": error}


_SAMPLED = ("dual_sampled", "dual_standard_error", "derivative_sampled", "derivative_standard_error")


def _mean_and_error(values: "NDArray[np.float64]") -> tuple[float, float]:
    """Mean and its standard error."""
    return float(values.mean()), float(values.std(ddof=1) / len(values) ** 0.5)


def _seconds(parameters: DualActivationParameters) -> float:
    """Two functions of every pair."""
    return 0.08 + 1.2e-8 * parameters.draws * parameters.correlations


def _megabytes(parameters: DualActivationParameters) -> float:
    """Half a dozen vectors of draws."""
    return 10.0 + 5e-5 * parameters.draws


_NO_DERIVATIVE = "the dual of the derivative is infinite"

EXPERIMENT = Experiment(
    summary="Normalised dual of an activation and of its derivative: closed form, quadrature, Hermite series, Monte Carlo.",
    parameters=DualActivationParameters,
    outputs=(
        Output("dual", "normalised dual activation in closed form", dims=("correlation",)),
        Output(
            "derivative",
            "normalised dual of the activation's derivative in closed form",
            dims=("correlation",),
            nan_means=_NO_DERIVATIVE,
        ),
        Output(
            "dual_slope",
            "derivative of the closed form with respect to the correlation, by differences",
            dims=("correlation",),
            nan_means="too near to an end for differences",
        ),
        Output(
            "dual_slope_error",
            "bound of the error of that derivative",
            dims=("correlation",),
            nan_means="too near to an end for differences",
        ),
        Output("dual_integral", "normalised dual by quadrature over Gaussian pairs", dims=("correlation",)),
        Output(
            "derivative_integral",
            "normalised dual of the derivative by quadrature over Gaussian pairs",
            dims=("correlation",),
            nan_means=_NO_DERIVATIVE,
        ),
        Output("second_moment_integral", "mean square of the activation of a standard normal number, by quadrature"),
        Output("dual_series", "partial sum of the dual's Hermite series", dims=("correlation",)),
        Output("derivative_series", "derivative of that partial sum", dims=("correlation",)),
        Output("dual_sampled", "Monte Carlo mean of the dual", dims=("correlation",)),
        Output("dual_standard_error", "standard error of that mean", dims=("correlation",)),
        Output(
            "derivative_sampled",
            "Monte Carlo mean of the dual of the derivative",
            dims=("correlation",),
            nan_means=_NO_DERIVATIVE,
        ),
        Output(
            "derivative_standard_error",
            "standard error of that mean",
            dims=("correlation",),
            nan_means=_NO_DERIVATIVE,
        ),
        Output("second_moment", "mean square of the activation of a standard normal number, closed form"),
        Output("second_moment_sampled", "Monte Carlo mean of the same"),
        Output("second_moment_standard_error", "standard error of that mean"),
    ),
    run=_run,
    static=("correlations",),
    coordinates=_coordinates,
    seconds=_seconds,
    megabytes=_megabytes,
)
