"""Claims on figures 3 and 5: roughness by layer, and roughness in a gap of the data."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from initatlas.arrays import Doubles
from initatlas.studies.claim import Estimate, Finding, Parts, measured
from initatlas.studies.evidence import Evidence
from initatlas.studies.judge import Measure
from initatlas.studies.sahs2020.measures import TITLES, at_end, at_start, kept
from initatlas.studies.statistics import confidence, exponent_interval, log_ratio_interval, mean_interval, scaled

COMPLEX = "sine"
"""The function of figure 3 that is called complex."""


def _initial(evidence: Evidence) -> Finding:
    """Roughness of the first and of the last layer before training."""
    start = at_start(evidence.cubes["fig3"]["roughness_by_layer"])
    first, last = start.isel(layer=0), start.isel(layer=-1)
    half = first.sizes["seed"] // 2
    ratio = log_ratio_interval(kept(first), kept(last))
    means = ", ".join(f"{float(start.isel(layer=layer).mean()):.3g}" for layer in range(start.sizes["layer"]))
    return measured(
        ratio,
        f"Means of {first.size} networks from the first to the last layer: {means}.",
        controls={
            "halves": log_ratio_interval(kept(first.isel(seed=slice(half))), kept(first.isel(seed=slice(half, None))))
        },
    )


def later_share(roughness: xr.DataArray) -> xr.DataArray:
    """Share of the second half of the layers; none where a network is straight."""
    total, middle = roughness.sum("layer"), roughness.sizes["layer"] // 2
    share: xr.DataArray = roughness.isel(layer=slice(middle, None)).sum("layer") / total.where(total > 0)
    return share


def _later(evidence: Evidence) -> Finding:
    """Share of the later layers after training."""
    cube = evidence.cubes["fig3"]["roughness_by_layer"]
    shares = {
        target: later_share(at_end(cube.sel(target=target)).dropna("seed")) for target in cube.target.values.tolist()
    }
    before = later_share(at_start(cube.sel(target=COMPLEX)))
    others = ", ".join(f"{float(share.mean()):.2f} ({TITLES[target]})" for target, share in shares.items())
    return measured(
        mean_interval(kept(shares[COMPLEX])),
        f"Share of the last two layers after training: {others}; before it {float(before.mean()):.2f}.",
        controls={"before": mean_interval(kept(before))},
    )


def _slope(x: Doubles, rows: Doubles, sign: float, level: float) -> Estimate:
    """Slope of the logarithm of a mean over networks against that of `x`; rows (networks, x)."""
    return scaled(exponent_interval(x, rows, level), sign)


def shuffled(rows: Doubles) -> Doubles:
    """Every network's row turned by one place more than that of the network before it; means of as many rows as there are places.

    So each mean has every place once in each column.
    """
    places = rows.shape[1]
    blocks = len(rows) // places
    turned = np.stack([np.roll(row, place) for place, row in enumerate(rows[: blocks * places])])
    means: Doubles = turned.reshape(blocks, places, places).mean(axis=1)
    return means


def _gap(sweep: str, axis: str, sign: float) -> Measure:
    """How the roughness in the gap goes with the width or the scale."""

    def measure(evidence: Evidence) -> Finding:
        cube = evidence.cubes[sweep]
        roughness = at_end(cube["roughness_inner"]).transpose("target", "seed", axis)
        x, level = cube[axis].values.astype(float), confidence(roughness.sizes["target"])
        rows = {
            TITLES[target]: _whole_rows(roughness.sel(target=target)) for target in roughness.target.values.tolist()
        }
        slopes, turned = _slopes(x, rows, sign, level), {name: shuffled(one) for name, one in rows.items()}
        ends = ", ".join(
            f"{one.mean(axis=0)[0]:.3g} to {one.mean(axis=0)[-1]:.3g} ({name})" for name, one in rows.items()
        )
        return measured(
            slopes,
            f"Mean roughness in the gap from {axis} {x[0]:g} to {x[-1]:g}: {ends}, over {roughness.sizes['seed']} networks.",
            controls={"shuffled": _slopes(x, turned, sign, level)},
        )

    return measure


def _slopes(x: Doubles, rows: Mapping[str, Doubles], sign: float, level: float) -> Parts:
    """Slopes by function."""
    return {name: _slope(x, one, sign, level) for name, one in rows.items()}


def _whole_rows(values: xr.DataArray) -> Doubles:
    """The rows of a function in which no network diverged."""
    numbers: Doubles = values.dropna("seed").values
    return numbers


CLAIMS: Mapping[str, Measure] = {
    "fig3_initial": _initial,
    "fig3_later": _later,
    "fig5_width": _gap("fig5_width", "width", -1.0),
    "fig5_variance": _gap("fig5_variance", "scale", 1.0),
}
