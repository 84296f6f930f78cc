"""Claims on table 3 and figures 4 and 6: what a spiky start leaves."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from initatlas.arrays import Doubles
from initatlas.studies.claim import Estimate, Finding, Parts, measured
from initatlas.studies.evidence import Evidence
from initatlas.studies.judge import Measure
from initatlas.studies.sahs2020.measures import (
    AS_IN_THE_TABLE,
    TITLES,
    at_end,
    at_start,
    choices,
    halves,
    kept,
    mean_log_ratio,
    mean_of,
    spread_text,
)
from initatlas.studies.statistics import by_part, confidence, log_ratio_interval, mean_interval

FUNCTIONS: Mapping[str, str] = {
    "sine": "sine",
    "arctan": "arctan",
    "sawtooth": "triangle(peaks=4)",
    "cubic": "polynomial(c1=-0.5, c2=0.5, c3=0.25)",
    "quadratic": "polynomial(c2=0.5)",
    "exp": "exp(scale=0.5)",
}
"""The rows of table 3, by their names in the claims."""

CHOICES = ("biases", "scheme", "knots", "norms")
"""What `table3_choices` changes."""

COLUMNS: Mapping[str, tuple[str, str]] = {
    "shallow": ("table3_shallow", "drawn"),
    "spiky_shallow": ("table3_shallow", "spiky"),
    "deep": ("table3_deep", "drawn"),
    "spiky_deep": ("table3_deep", "spiky"),
}
"""The columns: sweep and start."""


def sums_of_squares(evidence: Evidence, column: str, target: str) -> xr.DataArray:
    """Test losses of a cell as sums of squares, (seed, record)."""
    sweep, start = COLUMNS[column]
    losses: xr.DataArray = 2.0 * evidence.cubes[sweep]["test_loss"].sel(target=target, start=start)
    return losses


def _cell(column: str, target: str) -> Measure:
    """The mean test loss of a cell."""

    def measure(evidence: Evidence) -> Finding:
        losses = sums_of_squares(evidence, column, target)
        trained = at_end(losses)
        more = _elsewhere(evidence, column, target)
        return measured(
            mean_of(trained),
            f"{spread_text(trained)} over {losses.sizes['seed']} networks, median {np.median(kept(trained)):.3g}; as half the "
            f"sum {kept(trained).mean() / 2:.3g}.{more}",
            controls={"untrained": mean_of(at_start(losses))},
        )

    return measure


def _elsewhere(evidence: Evidence, column: str, target: str) -> str:
    """What other choices give, where they were tried."""
    cube, start = evidence.cubes["table3_choices"], COLUMNS[column][1]
    by_choice = {}
    if column.endswith("shallow") and target in cube.target.values:
        for name, one in choices(cube.sel(target=target, start=start), CHOICES):
            by_choice[name] = 2.0 * at_end(one["test_loss"])
        by_choice.pop(AS_IN_THE_TABLE)
    if target == "sine":
        by_choice["sin(x)"] = at_end(sums_of_squares(evidence, column, "sin"))
    other = "; ".join(f"{name}: {spread_text(losses)}" for name, losses in by_choice.items())
    return f" With other choices: {other}." if other else ""


def _ratios(values: xr.DataArray) -> dict[str, Doubles]:
    """Logarithm of what spiky starts give over what standard ones give, by function."""
    end = at_end(values)
    return {
        TITLES[target]: mean_log_ratio(
            *(end.sel(target=target, start=start, drop=True) for start in ("spiky", "drawn"))
        )
        for target in FUNCTIONS.values()
    }


def _mean_ratios(values: xr.DataArray) -> Parts:
    """Logarithm of the mean that spiky starts give over that of standard ones, by function; some losses are 0."""
    end = at_end(values)
    level = confidence(len(FUNCTIONS))
    return {
        TITLES[target]: log_ratio_interval(
            kept(end.sel(target=target, start="spiky")), kept(end.sel(target=target, start="drawn")), level
        )
        for target in FUNCTIONS.values()
    }


def _standard_halves(values: xr.DataArray) -> Parts:
    """One half of the standard starts against the other, all functions of the table together."""
    chosen = at_end(values).sel(target=list(FUNCTIONS.values()), start="drawn", drop=True)
    return {"": mean_interval(halves(chosen))}


def _relative_halves(values: xr.DataArray) -> Estimate:
    """The same of the means, each function relative to its own mean; some functions are straight."""
    chosen = at_end(values).sel(target=list(FUNCTIONS.values()), start="drawn")
    relative, half = chosen / chosen.mean("seed"), chosen.sizes["seed"] // 2
    return log_ratio_interval(kept(relative.isel(seed=slice(half))), kept(relative.isel(seed=slice(half, 2 * half))))


def _in_words(ratios: Parts) -> str:
    """Factors of means by function."""
    return ", ".join(f"{np.exp(part.value):.2g} ({name})" for name, part in ratios.items())


def _factors(ratios: Mapping[str, Doubles]) -> str:
    """Geometric means of ratios by function."""
    return ", ".join(f"{np.exp(ratio.mean()):.2g} ({name})" for name, ratio in ratios.items())


def _worse(sweep: str) -> Measure:
    """Test losses from spiky and from standard starts."""

    def measure(evidence: Evidence) -> Finding:
        losses = evidence.cubes[sweep]["test_loss"]
        ratios = _ratios(losses)
        return measured(
            by_part(ratios, mean_interval),
            f"A spiky start multiplies the test loss by {_factors(ratios)}.",
            controls={"halves": _standard_halves(losses)},
        )

    return measure


def _remembered(sweep: str) -> Measure:
    """Roughness of the trained functions from both starts."""

    def measure(evidence: Evidence) -> Finding:
        roughness = evidence.cubes[sweep]["roughness_within"]
        ratios = _mean_ratios(roughness)
        return measured(
            ratios,
            f"A spiky start multiplies the mean roughness after training by {_in_words(ratios)}.",
            controls={"halves": _relative_halves(roughness)},
        )

    return measure


def _training(sweep: str) -> Measure:
    """Training losses from both starts."""

    def measure(evidence: Evidence) -> Finding:
        cube = evidence.cubes[sweep]
        sine = at_end(cube["train_loss"]).sel(target="sine")
        means = [kept(sine.sel(start=start)).mean() for start in ("spiky", "drawn")]
        ratios = _mean_ratios(cube["train_loss"])
        return measured(
            ratios,
            f"A spiky start multiplies the mean training loss by {_in_words(ratios)}; on the sine it is {means[0]:.3g} (spiky) "
            f"and {means[1]:.3g} (standard), as half the sum.",
            controls={"test": _mean_ratios(cube["test_loss"])},
        )

    return measure


CLAIMS: Mapping[str, Measure] = {
    **{f"table3_{name}_{column}": _cell(column, target) for name, target in FUNCTIONS.items() for column in COLUMNS},
    "table3_spiky_worse_shallow": _worse("table3_shallow"),
    "table3_spiky_worse_deep": _worse("table3_deep"),
    "fig4_remembered": _remembered("table3_shallow"),
    "fig6_remembered": _remembered("table3_deep"),
    "fig4_training": _training("table3_shallow"),
    "fig6_training": _training("table3_deep"),
}
