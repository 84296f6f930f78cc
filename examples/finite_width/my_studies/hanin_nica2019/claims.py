"""What was measured for each claim; the contracts are in config/published/hanin_nica2019.yaml."""

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import xarray as xr

from initatlas.studies.claim import Estimate, Finding, absent, measured
from initatlas.studies.evidence import Evidence
from initatlas.studies.statistics import confidence, exact, mean_interval, scaled, shifted
from my_studies.hanin_nica2019.measures import (
    Shape,
    beta,
    log_mean,
    log_variance,
    norm_moment,
    ntk_moment,
    numbers,
    shape_name,
    shapes,
    widths,
)
from my_studies.hanin_nica2019.theory import norm_second_moment, ntk_second_moment

MOST_BETA = 1 / 8
"""Beyond, the square of a kernel has too heavy tails for its mean to be known from thousands of networks."""

RATE_WIDTH, RATE_BETAS = 256, (2, 4)
"""Layers and betas between which the rate of the recursion is taken."""

SMALL, LARGE, FIXED_DEPTH = (4, 32), (16, 128), (4, 128)
"""Shapes at one beta, and the one whose width alone has grown."""


def _log_variance(evidence: Evidence) -> Finding:
    """Variance of the log of the squared norm, per unit of beta."""
    return _log_moment(evidence, log_variance, "variance")


def _log_mean(evidence: Evidence) -> Finding:
    """Its mean."""
    return _log_moment(evidence, log_mean, "mean")


def _log_moment(evidence: Evidence, moment: Callable[..., Estimate], word: str) -> Finding:
    """A moment of the logs at the largest width, over all depths, and that of networks without an activation."""
    cube, linear = evidence.cubes["deep"], evidence.cubes["linear"]
    width, depths = int(cube.width.max()), cube.depth.values.tolist()
    found = moment(cube, depths, width)
    control = moment(linear, linear.depth.values.tolist(), int(linear.width.max()))
    reason = f"Sum of the {word}s over sum of the betas, at width {width} and depths {', '.join(map(str, depths))}."
    return measured(found, reason, controls={"linear": control})


def _norm_moment(evidence: Evidence) -> Finding:
    """E[q^2] over the product of 1 + 5 / n."""
    linear = evidence.cubes["linear"]
    chosen = [shape for shape in shapes(linear) if beta(shape) == MOST_BETA]
    return measured(
        _moment_ratios(evidence.cubes["moments"], norm_moment, norm_second_moment),
        "Measured second moments of the squared norm over the product.",
        controls={"linear": _ratios(linear, chosen, norm_moment, norm_second_moment)},
    )


def _ntk_moment(evidence: Evidence) -> Finding:
    """E[K^2] / E[K]^2 over that of the recursion."""
    cube = evidence.cubes["moments"]
    chosen = [shape for shape in shapes(cube) if beta(shape) == MOST_BETA]
    return measured(
        _moment_ratios(cube, ntk_moment, ntk_second_moment),
        "Measured second moments of the NTK's diagonal over the recursion's.",
        controls={
            "norms_alone": _ratios(cube, chosen, ntk_moment, norm_second_moment),
            "no_activation": _ratios(
                cube, chosen, ntk_moment, lambda layers: ntk_second_moment(layers, activation="identity")
            ),
        },
    )


def _moment_ratios(
    cube: xr.Dataset,
    moment: Callable[[xr.Dataset, Shape, float], Estimate],
    theory: Callable[[Iterable[int]], float],
) -> dict[str, Estimate]:
    """Measured over exact at all shapes whose tails allow a mean."""
    return _ratios(cube, [shape for shape in shapes(cube) if beta(shape) <= MOST_BETA], moment, theory)


def _ratios(
    cube: xr.Dataset,
    chosen: list[Shape],
    moment: Callable[[xr.Dataset, Shape, float], Estimate],
    theory: Callable[[Iterable[int]], float],
) -> dict[str, Estimate]:
    """Measured over exact at some shapes, each at the confidence that their number asks for."""
    level = confidence(len(chosen))
    return {shape_name(shape): scaled(moment(cube, shape, level), 1.0 / theory(widths(shape))) for shape in chosen}


def _rate(evidence: Evidence) -> Finding:
    """Growth of the log of the recursion's second moment per unit of beta."""
    low, high = RATE_BETAS
    reason = f"By the recursion, layers of width {RATE_WIDTH}, between beta = {low} and {high}."
    return measured(exact(_growth("relu"), 1e-9), reason, controls={"linear": exact(_growth("identity"), 1e-9)})


def _growth(activation: str) -> float:
    """Slope of the log of the second moment between two betas."""
    low, high = (ntk_second_moment([RATE_WIDTH] * RATE_WIDTH * times, activation) for times in RATE_BETAS)
    return float(np.log(high / low)) / (RATE_BETAS[1] - RATE_BETAS[0])


def _stays_random(evidence: Evidence) -> Finding:
    """Variance of log K at four times the depth and the width, over that before."""
    cube = evidence.cubes["deep"]
    if not {SMALL, LARGE, FIXED_DEPTH} <= {*shapes(cube)}:
        return absent(f"The sweep has no networks of {shape_name(LARGE)} and {shape_name(SMALL)} at this scale.")
    return measured(
        _variance_ratio(cube, LARGE, SMALL),
        f"Variance of log K at {shape_name(LARGE)} over that at {shape_name(SMALL)}.",
        controls={"fixed_depth": _variance_ratio(cube, FIXED_DEPTH, SMALL)},
    )


def _variance_ratio(cube: xr.Dataset, above: Shape, below: Shape) -> Estimate:
    """Ratio of the variances of log K of two shapes.

    Linearised: every network moves it by the ratio times its square's share in the one variance, less that in the other.
    """
    rows = np.stack([np.log(numbers(cube, "ntk", shape)) for shape in (above, below)], axis=1)
    squares = (rows - rows.mean(axis=0)) ** 2
    shares = squares / squares.mean(axis=0)
    ratio = float(squares[:, 0].mean() / squares[:, 1].mean())
    return shifted(mean_interval(ratio * (shares[:, 0] - shares[:, 1])), ratio)


CLAIMS: Mapping[str, Callable[[Evidence], Finding]] = {
    "log_norm_variance": _log_variance,
    "log_norm_mean": _log_mean,
    "norm_second_moment": _norm_moment,
    "ntk_second_moment": _ntk_moment,
    "ntk_rate": _rate,
    "ntk_stays_random": _stays_random,
}
