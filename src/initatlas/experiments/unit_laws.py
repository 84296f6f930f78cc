"""Breakpoints and delta-slopes of random units, held against their laws in closed form.

Sahs et al. 2020, theorem 1 and corollary 1.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from initatlas.sweeps.experiment import Coordinate, Experiment, Output, Parameters

if TYPE_CHECKING:
    import numpy as np

    from initatlas.piecewise.densities import GaussianInitialisation, UniformInitialisation

REACH = 4.0
"""Histograms go so many scales of the law to each side."""


BLOCK = 128
"""Units whose probabilities are computed at a time."""


class UnitLawsParameters(Parameters):
    """Random units, and the laws that they are held against."""

    family: Literal["gaussian", "uniform"] = Field(default="gaussian", description="law of weights and biases")
    input_scale: float = Field(default=1.0, gt=0, description="standard deviation, or half-width, of the input weights")
    bias_scale: float = Field(default=1.0, gt=0, description="the same of the biases")
    output_scale: float = Field(default=1.0, gt=0, description="the same of the output weights")
    law_factor: float = Field(
        default=1.0, gt=0, description="factor of input and output scale in the laws alone; 1 is right"
    )
    law_family: Literal["same", "other"] = Field(
        default="same", description="the laws of the family, or of the other one with the same variances"
    )
    units: int = Field(default=100_000, ge=10, description="number of units")
    bins: int = Field(default=80, ge=2, description="bins of the histograms")


def _coordinates(parameters: UnitLawsParameters) -> Mapping[str, Coordinate]:
    """Middles of the bins, in scales of the law."""
    width = 2.0 * REACH / parameters.bins
    middles = [-REACH + (place + 0.5) * width for place in range(parameters.bins)]
    return {"bin": Coordinate(middles, "middle of the bin, in scales of the law")}


def _run(
    points: Sequence[UnitLawsParameters], rngs: Sequence["np.random.Generator"], data: Any
) -> list[dict[str, Any]]:
    """Each point is one set of units."""
    return [_laws(point, rng) for point, rng in zip(points, rngs, strict=True)]


def _laws(point: UnitLawsParameters, rng: "np.random.Generator") -> dict[str, Any]:
    """Distances, moments and histograms of the units of a point."""
    import numpy as np

    beta, mu = _initialisation(point.family, point).sample((point.units,), rng=rng)
    law = _held_against(point)
    spread, size = point.bias_scale / point.input_scale, point.input_scale * point.output_scale
    inside = np.clip(mu, -_largest(law), _largest(law))
    moments = (mu / size) ** 2
    return {
        "distance_breakpoint": largest_distance(in_blocks(law.breakpoint.cdf, beta)),
        "distance_delta_slope": largest_distance(in_blocks(law.delta_slope.cdf, mu)),
        "distance_delta_slope_given": largest_distance(
            in_blocks(lambda given, slopes: law.delta_slope_given(given).cdf(slopes), beta, mu)
        ),
        "distance_breakpoint_given": largest_distance(
            in_blocks(lambda given, places: law.breakpoint_given(given).cdf(places), inside, beta)
        ),
        "mean_square": float(moments.mean()),
        "mean_fourth_power": float((moments**2).mean()),
        "breakpoint_density": _histogram(beta / spread, point.bins),
        "delta_slope_density": _histogram(mu / size, point.bins),
    }


def _initialisation(family: str, point: UnitLawsParameters, factor: float = 1.0) -> Any:
    """Weights and biases of a family; the factor goes to the weights."""
    from initatlas.piecewise.densities import GaussianInitialisation, UniformInitialisation

    kind = GaussianInitialisation if family == "gaussian" else UniformInitialisation
    return kind(factor * point.input_scale, point.bias_scale, factor * point.output_scale)


def _held_against(point: UnitLawsParameters) -> "GaussianInitialisation | UniformInitialisation":
    """The laws that the units are held against."""
    if point.law_family == "same":
        return _initialisation(point.family, point, point.law_factor)  # type: ignore[no-any-return]
    other, factor = ("uniform", 3.0**0.5) if point.family == "gaussian" else ("gaussian", 3.0**-0.5)
    scaled = point.model_copy(update={"bias_scale": factor * point.bias_scale})
    return _initialisation(other, scaled, factor * point.law_factor)  # type: ignore[no-any-return]


def _largest(law: "GaussianInitialisation | UniformInitialisation") -> float:
    """The largest delta-slope that the law knows; where it is bounded, just inside."""
    from math import inf

    from initatlas.piecewise.densities import UniformInitialisation

    bounded = isinstance(law, UniformInitialisation)
    return float(law.delta_slope.scale) * (1.0 - 1e-12) if bounded else inf


def in_blocks(function: "Callable[..., np.ndarray]", *values: "np.ndarray") -> "np.ndarray":
    """A function of units, a block of them at a time: the nodes of the integrals of all would fill the memory."""
    import numpy as np

    blocks = range(0, values[0].size, BLOCK)
    return np.concatenate([function(*(part[first : first + BLOCK] for part in values)) for first in blocks])


def largest_distance(probabilities: "np.ndarray") -> float:
    """Largest distance between the distribution function of samples and that of a law, at whose values they are given."""
    import numpy as np

    ranks = np.arange(probabilities.size + 1) / probabilities.size
    ordered = np.sort(probabilities)
    return float(max((ranks[1:] - ordered).max(), (ordered - ranks[:-1]).max()))


def _histogram(values: "np.ndarray", bins: int) -> "np.ndarray":
    """Density by bin."""
    import numpy as np

    counts, edges = np.histogram(values, bins, range=(-REACH, REACH))
    density: np.ndarray = counts / values.size / np.diff(edges)
    return density


def _seconds(parameters: UnitLawsParameters) -> float:
    """Most of it goes to integrals of the laws; those of the Gaussian family take longer."""
    gaussian = (parameters.family == "gaussian") == (parameters.law_family == "same")
    return 0.01 + (1.2e-5 if gaussian else 3.5e-6) * parameters.units


def _megabytes(parameters: UnitLawsParameters) -> float:
    """The nodes of the integrals."""
    return 1.0 + 2e-3 * parameters.units


def _about(name: str, long_name: str) -> Output:
    """A distance between distribution functions."""
    return Output(name, f"largest distance between the distribution functions of samples and of the law, {long_name}")


EXPERIMENT = Experiment(
    summary="Breakpoints and delta-slopes of random units, held against their laws in closed form.",
    parameters=UnitLawsParameters,
    outputs=(
        _about("distance_breakpoint", "breakpoints"),
        _about("distance_delta_slope", "delta-slopes"),
        _about("distance_delta_slope_given", "delta-slopes given the breakpoint"),
        _about("distance_breakpoint_given", "breakpoints given the delta-slope"),
        Output("mean_square", "mean square of the delta-slopes, in squared scales of the weights"),
        Output("mean_fourth_power", "mean fourth power of the delta-slopes, in scales of the weights"),
        Output("breakpoint_density", "density of the breakpoints, in scales of the law", dims=("bin",)),
        Output("delta_slope_density", "density of the delta-slopes, in scales of the law", dims=("bin",)),
    ),
    run=_run,
    static=("bins",),
    coordinates=_coordinates,
    seconds=_seconds,
    megabytes=_megabytes,
)
