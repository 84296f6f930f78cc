"""Claims of figure 1: how fast the test error falls from a mirrored and from a standard start."""

from collections.abc import Callable, Mapping
from functools import partial

import xarray as xr

from initatlas.arrays import Doubles
from initatlas.studies.chen2024.generalisation import (
    AGAIN,
    MIRRORED,
    STANDARD,
    exponents,
    local_exponents,
    log_errors,
    settings,
    theory_exponents,
)
from initatlas.studies.claim import Estimate, Finding, measured
from initatlas.studies.evidence import Evidence
from initatlas.studies.judge import Measure
from initatlas.studies.statistics import agreement, by_part, mean_interval

LIMIT = "fig1_limit"

Difference = Callable[[xr.Dataset, str, str], Doubles]


def _faster(cube: xr.Dataset, start: str, other: str) -> Doubles:
    """Exponent of one start less that of another, by trial."""
    return exponents(cube, start) - exponents(cube, other)


def _lower(cube: xr.Dataset, start: str, other: str) -> Doubles:
    """By how much the logarithm of the error of one start is below that of another at the largest n, by trial."""
    return log_errors(cube, other)[:, -1] - log_errors(cube, start)[:, -1]


def _of_mirrored(sweep: str, difference: Difference, evidence: Evidence) -> Finding:
    """Mirrored against standard; two standard starts of infinite width on the same data are the control."""
    parts = {name: difference(part, MIRRORED, STANDARD) for name, part in settings(evidence.cubes[sweep]).items()}
    alike = {name: difference(part, STANDARD, AGAIN) for name, part in settings(evidence.cubes[LIMIT]).items()}
    cube = evidence.cubes[sweep]
    p_values = ", ".join(f"{agreement(values, 0.0):.2g} ({name})" for name, values in parts.items())
    return measured(
        by_part(parts, mean_interval),
        f"{cube.sizes['seed']} trials, n from {int(cube.samples.min())} to {int(cube.samples.max())}. "
        f"Student's test against no difference: p = {p_values}.",
        controls={"alike": by_part(alike, mean_interval)},
    )


def _above_theory(cube: xr.Dataset, variable: str) -> Doubles:
    """Exponent of the standard start less the printed one, by trial."""
    return exponents(cube, STANDARD, variable) - theory_exponents(int(cube.dimension))[0]


def _rate(evidence: Evidence) -> Finding:
    """Exponents of standard starts against theory, over all n; and what they are between the largest."""
    parts = settings(evidence.cubes[LIMIT])
    trained = by_part({name: _above_theory(part, "test_error") for name, part in parts.items()}, mean_interval)
    untrained = by_part({name: _above_theory(part, "initial_error") for name, part in parts.items()}, mean_interval)
    return measured(
        trained,
        "The exponent less 3 / (d + 3). Between the two largest n it is "
        + "; ".join(f"{_last(part)} ({name})" for name, part in parts.items())
        + ".",
        controls={"untrained": untrained},
    )


def _last(cube: xr.Dataset) -> str:
    """The exponent between the two largest n, beside both of theory."""
    *_, estimate = local_exponents(cube, STANDARD)[-1]
    printed, without_bias = theory_exponents(int(cube.dimension))
    return f"{_shown(estimate)}, and theory's are {printed:.2f} and {without_bias:.2f}"


def _shown(estimate: Estimate) -> str:
    """An estimate with its interval."""
    return f"{estimate.value:.2f} [{estimate.low:.2f}, {estimate.high:.2f}]"


CLAIMS: Mapping[str, Measure] = {
    "fig1_order": partial(_of_mirrored, "fig1", _faster),
    "fig1_gap": partial(_of_mirrored, "fig1", _lower),
    "fig1_limit_order": partial(_of_mirrored, LIMIT, _faster),
    "fig1_limit_gap": partial(_of_mirrored, LIMIT, _lower),
    "fig1_limit_rate": _rate,
}
