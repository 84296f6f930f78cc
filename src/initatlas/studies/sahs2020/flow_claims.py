"""Claims on remark 1 and theorem 5: lonely partitions, and how breakpoints and delta-slopes move."""

from collections.abc import Mapping
from itertools import product

import numpy as np
import xarray as xr

from initatlas.arrays import Doubles
from initatlas.cubes import fixed_parameters
from initatlas.studies.claim import Finding, Parts, measured
from initatlas.studies.evidence import Evidence
from initatlas.studies.judge import Measure
from initatlas.studies.sahs2020.measures import TITLES
from initatlas.studies.statistics import by_part, confidence, mean_interval, scaled, share_interval, shifted


def shares(cube: xr.Dataset, parts: int) -> Parts:
    """Shares of lonely partitions by number of data points and alpha, or whatever other axes there are."""
    draws, counts = int(fixed_parameters(cube)["draws"]), cube["lonely"]
    by_place = {}
    for values in product(*(counts[dim].values.tolist() for dim in counts.dims)):
        place = dict(zip(counts.dims, values, strict=True))
        name = ", ".join(str(value) if isinstance(value, str) else f"{dim} = {value:g}" for dim, value in place.items())
        by_place[name.replace("points", "N")] = share_interval(int(counts.sel(place)), draws, confidence(parts))
    return by_place


def _less(formula: xr.DataArray, measured_shares: Parts) -> Parts:
    """A formula less the shares, in their order."""
    numbers = formula.values.ravel()
    return {
        name: shifted(scaled(part, -1.0), float(number))
        for (name, part), number in zip(measured_shares.items(), numbers, strict=True)
    }


def _probability(evidence: Evidence) -> Finding:
    """The printed probability of a lonely partition."""
    cube = evidence.cubes["remark1"].sel(placing="even")
    cube = cube.sel(alpha=cube.alpha > 1.0)
    lonely = shares(cube, cube["lonely"].size)
    last = cube.isel(points=0).sel(alpha=[4, 16])
    draws = int(fixed_parameters(cube)["draws"])
    rows = ", ".join(
        f"{share / draws:.3f} where {printed:.3f} is printed (alpha = {alpha:g})"
        for alpha, share, printed in zip(last.alpha.values, last["lonely"].values, last["printed"].values, strict=True)
    )
    return measured(
        _less(cube["printed"], lonely),
        f"For N = {int(last.points)}: {rows}.",
        controls={"complement": _less(1.0 - cube["printed"], lonely)},
        references={"birthday": _less(cube["birthday"], lonely)},
    )


def _grows(evidence: Evidence) -> Finding:
    """Shares at the largest and at the smallest alpha of the remark."""
    cube = evidence.cubes["remark1"]
    largest, one = (
        shares(cube.sel(alpha=alpha, drop=True), cube.sizes["placing"] * cube.sizes["points"])
        for alpha in (float(cube.alpha.max()), 1.0)
    )
    text = ", ".join(f"{part.value:.3f} ({name})" for name, part in largest.items())
    return measured(largest, f"Shares at alpha = {float(cube.alpha.max()):g}: {text}.", controls={"one": one})


def exponents(cube: xr.Dataset) -> dict[str, Doubles]:
    """Exponents with which the distance from a law falls with the step, of each network, by law and function."""
    steps = np.log(cube.step.values)
    by_network = {}
    for variable, text in (("breakpoint", "breakpoints"), ("delta_slope", "delta-slopes")):
        for target in cube.target.values.tolist():
            logs = np.log(cube[variable].sel(target=target).transpose("step", "seed").values)
            by_network[f"{text}, {TITLES[target]}"] = np.polyfit(steps, logs, 1)[0]
    return by_network


def _motion(laws: str) -> Measure:
    """Exponents of some laws."""

    def measure(evidence: Evidence) -> Finding:
        cube = evidence.cubes["thm5"]
        by_laws = {name: by_part(exponents(cube.sel(laws=name)), mean_interval) for name in cube.laws.values.tolist()}
        smallest = cube.sel(laws=laws).isel(step=-1)
        far = max(float(smallest[name].median()) for name in ("breakpoint", "delta_slope"))
        return measured(
            by_laws[laws],
            f"At a step of {float(smallest.step):g} the relative distance is {far:.2g} (median over networks, the larger one).",
            controls={"no_correlation": by_laws["no_correlation"]},
            references={"right": by_laws["right"]} if laws != "right" else {},
        )

    return measure


CLAIMS: Mapping[str, Measure] = {
    "remark1_probability": _probability,
    "remark1_grows": _grows,
    "thm5_laws": _motion("right"),
    "thm5_gradient": _motion("gradient"),
}
