"""Claims on table 2: how many pieces trained networks have."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from initatlas.arrays import Doubles
from initatlas.studies.claim import Estimate, Finding, measured
from initatlas.studies.evidence import Evidence
from initatlas.studies.judge import Measure
from initatlas.studies.sahs2020.measures import (
    AS_IN_THE_TABLE,
    TITLES,
    at_end,
    at_start,
    choices,
    kept,
    spread_text,
)
from initatlas.studies.statistics import by_part, exact, jackknife_interval, mean_interval

FUNCTIONS: Mapping[str, str] = {
    "sine": "sine",
    "poly": "arches",
    "sawtooth": "sawtooth",
    "arctan": "arctan",
    "exp": "exp",
    "quadratic": "polynomial(c2=0.5)",
}
"""The columns of table 2, by their names in the claims."""

DEPTHS = (1, 2, 4, 5)

CHOICES = ("biases", "scheme", "samples")
"""What `table2_choices` changes."""

READ_OTHERWISE: Mapping[str, str] = {"sine": "sin", "sawtooth": "triangle(peaks=2)"}
"""Functions that the paper may have meant: sin(x), and a sawtooth without jumps."""


def counts(cube: xr.Dataset) -> xr.DataArray:
    """Breakpoints of all units on the whole line: what the paper counts, since one layer of 40 units has exactly 40."""
    return cube["breakpoints"].sum("layer", skipna=True, min_count=1)


def _of_depth(values: xr.DataArray, depth: int) -> xr.DataArray:
    """The networks of a number of layers."""
    return values.isel(shape=values.depth.values.tolist().index(depth))


def _one_layer(target: str) -> Measure:
    """A cell of the first row, where nothing varies."""

    def measure(evidence: Evidence) -> Finding:
        cube = evidence.cubes["table2"].sel(target=target)
        breakpoints = kept(_of_depth(at_end(counts(cube)), 1))
        inside = kept(_of_depth(at_end(cube["pieces_within"]), 1))
        return measured(
            _whole(breakpoints),
            f"Between {breakpoints.min():.0f} and {breakpoints.max():.0f} breakpoints in {breakpoints.size} networks; "
            f"{inside.mean():.1f} pieces inside the interval.",
            controls={"inside": mean_interval(inside)},
        )

    return measure


def _whole(breakpoints: Doubles) -> Estimate:
    """Mean of counts that need not vary, with their range."""
    return Estimate(float(breakpoints.mean()), float(breakpoints.min()), float(breakpoints.max()), breakpoints.size)


def _cell(target: str, depth: int) -> Measure:
    """A cell of the other rows."""

    def measure(evidence: Evidence) -> Finding:
        cube = evidence.cubes["table2"].sel(target=target)
        breakpoints = _of_depth(at_end(counts(cube)), depth)
        others = {
            name: kept(_of_depth(at_end(one), depth)).mean()
            for name, one in (
                ("active", cube["active"].sum("layer", skipna=True, min_count=1)),
                ("inside the interval", cube["breakpoints_within"].sum("layer", skipna=True, min_count=1)),
                ("pieces of the function inside", cube["pieces_within"]),
            )
        }
        folded = _of_depth(at_end(counts(evidence.cubes["table2_folding"])), depth)
        return measured(
            mean_interval(kept(breakpoints)),
            f"{spread_text(breakpoints)} breakpoints in {breakpoints.size} networks. Counted otherwise: "
            f"{', '.join(f'{name} {value:.1f}' for name, value in others.items())}.{_elsewhere(evidence, target, depth)}",
            controls={"folding": exact(folded.item())},
        )

    return measure


def _elsewhere(evidence: Evidence, target: str, depth: int) -> str:
    """What other choices give, where they were tried."""
    cube, other = evidence.cubes["table2_choices"], READ_OTHERWISE.get(target)
    depths, targets = cube.depth.values.tolist(), cube.target.values.tolist()
    if depth not in depths:
        return ""
    tried, by_choice = cube.isel(shape=depths.index(depth)), {}
    if target in targets:
        by_choice = {name: at_end(counts(one)) for name, one in choices(tried.sel(target=target), CHOICES)}
        by_choice.pop(AS_IN_THE_TABLE)
    if other in targets:
        by_choice[TITLES[str(other)]] = at_end(counts(tried.sel(target=other).isel(choice=0)))
    texts = "; ".join(f"{name}: {spread_text(breakpoints)}" for name, breakpoints in by_choice.items())
    return f" With other choices: {texts}." if texts else ""


def doublings(values: xr.DataArray) -> Doubles:
    """Doublings per hidden layer, fitted over the numbers of layers; one per row of the other dimension."""
    depth = values.depth.values.astype(float)
    logs = np.log2(values.transpose("shape", ...).values)
    slopes: Doubles = np.polyfit(depth, logs.reshape(depth.size, -1), 1)[0]
    return slopes


def _not_exponential(evidence: Evidence) -> Finding:
    """Growth of the number of breakpoints with depth, by function."""
    breakpoints = at_end(counts(evidence.cubes["table2"])).dropna("seed")
    growth = {
        TITLES[target]: doublings(breakpoints.sel(target=target)) for target in breakpoints.target.values.tolist()
    }
    folded = at_end(counts(evidence.cubes["table2_folding"]))
    smallest, largest = (pick(values.mean() for values in growth.values()) for pick in (min, max))
    return measured(
        by_part(growth, mean_interval),
        f"Between {smallest:.3f} and {largest:.3f} doublings per layer, by function, with 40 units in all; a network that folds "
        f"the interval has {doublings(folded)[0]:.2f}.",
        controls={"folding": exact(doublings(folded)[0])},
    )


def _mean_log_deviation(rows: Doubles) -> float:
    """Mean over functions of the logarithm of the standard deviation over networks; rows (networks, functions).

    A count is no finer than one: that variance, 1/12, is added, so that networks with one count have a logarithm too.
    """
    return float(0.5 * np.log(rows.var(axis=0, ddof=1) + 1.0 / 12.0).mean())


def _more_variable(rows: Doubles) -> float:
    """The same of the second half of the columns less that of the first half."""
    middle = rows.shape[1] // 2
    return _mean_log_deviation(rows[:, middle:]) - _mean_log_deviation(rows[:, :middle])


def _variability(evidence: Evidence) -> Finding:
    """How much more the number of breakpoints varies with five layers than with two."""
    breakpoints = at_end(counts(evidence.cubes["table2"])).dropna("seed").transpose("seed", "target", "shape")
    two, five = (_of_depth(breakpoints, depth).values for depth in (2, 5))
    half = len(two) // 2
    return measured(
        jackknife_interval(_more_variable, np.concatenate([two, five], axis=1)),
        f"The standard deviation over {len(two)} networks is {np.exp(_mean_log_deviation(two)):.2f} with two hidden layers and "
        f"{np.exp(_mean_log_deviation(five)):.2f} with five (geometric means over functions).",
        controls={"halves": _more_variable_apart(two[half : 2 * half], two[:half])},
    )


def _more_variable_apart(one: Doubles, other: Doubles) -> Estimate:
    """How much more other networks vary, which share nothing with the first ones; two networks or fewer say nothing."""
    if min(len(one), len(other)) < 3:
        return Estimate(0.0, -np.inf, np.inf, len(one) + len(other))
    parts = [jackknife_interval(_mean_log_deviation, rows) for rows in (one, other)]
    value = parts[0].value - parts[1].value
    reach = float(np.linalg.norm([part.high - part.value for part in parts]))
    return Estimate(value, value - reach, value + reach, sum(part.samples or 0 for part in parts))


def _once_per_unit(evidence: Evidence) -> Finding:
    """Breakpoints per unit before training, by depth."""
    start = at_start(counts(evidence.cubes["table2"])).dropna("seed")
    folded = at_end(counts(evidence.cubes["table2_folding"]))
    units = {depth: _of_depth(start, depth) for depth in DEPTHS}
    per_unit = {_layers(depth): values.values.ravel() / 40.0 for depth, values in units.items()}
    return measured(
        by_part(per_unit, mean_interval),
        f"Breakpoints per unit: {', '.join(f'{values.mean():.2f} ({name})' for name, values in per_unit.items())}.",
        controls={
            "folding": {_layers(depth): exact(_of_depth(folded, depth).item() / 40.0) for depth in DEPTHS if depth > 1}
        },
    )


def _layers(depth: int) -> str:
    """A number of layers in words."""
    return f"{depth} hidden layers" if depth > 1 else "1 hidden layer"


CLAIMS: Mapping[str, Measure] = {
    **{f"table2_{name}_1": _one_layer(target) for name, target in FUNCTIONS.items()},
    **{f"table2_{name}_{depth}": _cell(target, depth) for depth in DEPTHS[1:] for name, target in FUNCTIONS.items()},
    "table2_not_exponential": _not_exponential,
    "table2_variability": _variability,
    "table2_once_per_unit": _once_per_unit,
}
