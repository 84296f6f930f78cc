"""Claims on table 1: standard breakpoints, and breakpoints all over the interval."""

from collections.abc import Mapping

import numpy as np

from initatlas.arrays import Doubles
from initatlas.studies.claim import Finding, measured
from initatlas.studies.evidence import Evidence
from initatlas.studies.judge import Measure
from initatlas.studies.sahs2020.measures import (
    AS_IN_THE_TABLE,
    at_end,
    choices,
    exchanged,
    kept,
    mean_log_ratio,
    mean_of,
    spread_text,
)
from initatlas.studies.statistics import mean_interval

SINE, QUADRATIC = "sine", "polynomial(c2=0.5)"
CHOICES = ("biases", "scheme", "loss", "knots", "norms", "noise")
"""What `table1_choices` changes."""

CELLS: Mapping[str, tuple[str, str]] = {
    "table1_sine_standard": (SINE, "drawn"),
    "table1_sine_uniform": (SINE, "uniform"),
    "table1_quadratic_standard": (QUADRATIC, "drawn"),
    "table1_quadratic_uniform": (QUADRATIC, "uniform"),
}
"""The cells of the table: function and start."""


def _cell(target: str, start: str) -> Measure:
    """The mean test loss of a cell."""

    def measure(evidence: Evidence) -> Finding:
        losses = evidence.cubes["table1"]["test_loss"].sel(target=target, start=start)
        other = evidence.cubes["table1_choices"].sel(target=target, start=start)
        elsewhere = [
            f"{name}: {spread_text(at_end(one['test_loss']))}"
            for name, one in choices(other, CHOICES)
            if name != AS_IN_THE_TABLE
        ]
        sine = evidence.cubes["table1"]["test_loss"].sel(target="sin", start=start)
        if target == SINE:
            elsewhere.append(f"sin(x): {spread_text(at_end(sine))}")
        return measured(
            mean_of(at_end(losses)),
            f"{spread_text(at_end(losses))} over {losses.sizes['seed']} networks, median {np.median(kept(at_end(losses))):.3g}. "
            f"With other choices: {'; '.join(elsewhere)}.",
            controls={"tenth": mean_of(losses.isel(record=1))},
        )

    return measure


def gains(evidence: Evidence, target: str) -> Doubles:
    """Logarithm of the standard test loss over the uniform one, pair by pair."""
    losses = at_end(evidence.cubes["table1"]["test_loss"].sel(target=target))
    return mean_log_ratio(losses.sel(start="drawn", drop=True), losses.sel(start="uniform", drop=True))


def _rescue(evidence: Evidence) -> Finding:
    """How much uniform breakpoints gain on the sine."""
    log_ratios = gains(evidence, SINE)
    return measured(
        mean_interval(log_ratios),
        f"Uniform breakpoints divide the test loss on the sine by {np.exp(log_ratios.mean()):.2f} (geometric mean of "
        f"{log_ratios.size} pairs); printed is {4.096 / 2.280:.2f}.",
        controls={"exchanged": mean_interval(exchanged(log_ratios))},
    )


def _less_effect(evidence: Evidence) -> Finding:
    """How much more they gain on the sine than on the quadratic."""
    sine, quadratic = gains(evidence, SINE), gains(evidence, QUADRATIC)
    pairs = min(sine.size, quadratic.size)
    differences = sine[:pairs] - quadratic[:pairs]
    return measured(
        mean_interval(differences),
        f"The test loss is divided by {np.exp(sine.mean()):.2f} on the sine and by {np.exp(quadratic.mean()):.2f} on x^2 / 2; "
        f"printed are {4.096 / 2.280:.2f} and {0.1032 / 0.1118:.2f}.",
        controls={"exchanged": mean_interval(exchanged(differences))},
    )


CLAIMS: Mapping[str, Measure] = {
    **{name: _cell(*cell) for name, cell in CELLS.items()},
    "table1_rescue": _rescue,
    "table1_less_effect": _less_effect,
}
