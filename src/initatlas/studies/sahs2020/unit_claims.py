"""Claims on theorems 1 and 2: laws of random units, and roughness of random networks."""

from collections.abc import Mapping

import xarray as xr

from initatlas.cubes import fixed_parameters
from initatlas.studies.claim import Estimate, Finding, Parts, measured
from initatlas.studies.evidence import Evidence
from initatlas.studies.judge import Measure
from initatlas.studies.statistics import (
    confidence,
    distribution_distance_interval,
    mean_interval,
    scaled,
    share_interval,
    shifted,
)

LAWS: Mapping[str, str] = {
    "distance_breakpoint": "breakpoints",
    "distance_delta_slope": "delta-slopes",
    "distance_delta_slope_given": "delta-slopes given the breakpoint",
    "distance_breakpoint_given": "breakpoints given the delta-slope",
}
"""The distances of the experiment, and what they are about."""

HELD_AGAINST = ("right", "ten_percent", "other")
"""The laws of the sweep `thm1`, in order."""

KURTOSIS_WIDTH = 21


def _distances(cube: xr.Dataset) -> Parts:
    """Distances from the laws, by law."""
    units = int(fixed_parameters(cube)["units"])
    return {
        text: distribution_distance_interval(float(cube[name].item()), units, confidence(len(LAWS)))
        for name, text in LAWS.items()
    }


def _laws(family: str) -> Measure:
    """Units of a family against laws."""

    def measure(evidence: Evidence) -> Finding:
        cube = evidence.cubes["thm1"].sel(family=family)
        by_law = {name: _distances(cube.isel(law=place)) for place, name in enumerate(HELD_AGAINST)}
        right = by_law.pop("right")
        texts = ", ".join(f"{part.value:.4f} ({name})" for name, part in right.items())
        return measured(right, f"Distances of {int(fixed_parameters(cube)['units'])} units: {texts}.", controls=by_law)

    return measure


def _of(cube: xr.Dataset, family: str, preset: str) -> xr.Dataset:
    """The networks of a family and an initialisation."""
    return cube.sel(family=family, preset=preset)


def _mean_by_width(values: xr.DataArray, factor: xr.DataArray | float = 1.0) -> Parts:
    """Means over the sets of networks times a known factor, by width."""
    level = confidence(values.sizes["width"])
    known = xr.zeros_like(values.width, dtype=float) + factor
    return {
        f"H = {width}": scaled(mean_interval(values.sel(width=width), level), float(known.sel(width=width)))
        for width in values.width.values.tolist()
    }


def _values(parts: Parts) -> str:
    """Values of parts in a sentence."""
    return ", ".join(f"{part.value:.4g} ({name})" for name, part in parts.items())


def _kurtosis(cube: xr.Dataset, family: str) -> Estimate:
    """Excess kurtosis of the delta-slopes, from the variance of the roughness H sigma^4 (kurtosis + 2)."""
    one = _of(cube, family, "he").sel(width=KURTOSIS_WIDTH)
    factor = KURTOSIS_WIDTH / float(one["theory_mean"].isel(seed=0)) ** 2
    return shifted(scaled(mean_interval(one["mean_squared_distance"]), factor), -2.0)


def _kurtosis_of(family: str, other: str) -> Measure:
    """The kurtosis of a family, and of the other one."""

    def measure(evidence: Evidence) -> Finding:
        kurtosis, control = (_kurtosis(evidence.cubes["thm2"], name) for name in (family, other))
        return measured(
            kurtosis,
            f"{kurtosis.value:.3f}, by {int(_networks(evidence).sel(width=KURTOSIS_WIDTH))} networks.",
            controls={"other": control},
        )

    return measure


def _networks(evidence: Evidence) -> xr.DataArray:
    """Networks by width."""
    cube = evidence.cubes["thm2"]
    networks: xr.DataArray = cube["networks"] * cube.sizes["seed"]
    return networks


def _in_words(evidence: Evidence) -> str:
    """How many networks there are of each width."""
    return f"{int(_networks(evidence).min())} networks or more"


def _he_mean(evidence: Evidence) -> Finding:
    """Mean roughness, by width."""
    cube = evidence.cubes["thm2"]
    means, other = (_mean_by_width(_of(cube, "gaussian", preset)["mean"]) for preset in ("he", "glorot"))
    return measured(means, f"Means of {_in_words(evidence)}: {_values(means)}.", controls={"glorot": other})


def _he_variance(evidence: Evidence) -> Finding:
    """Variance of the roughness times the width."""
    cube = evidence.cubes["thm2"]
    variances, other = (
        _mean_by_width(_of(cube, family, "he")["mean_squared_distance"], cube.width)
        for family in ("gaussian", "uniform")
    )
    text = f"Variance times width of {_in_words(evidence)}: {_values(variances)}."
    return measured(variances, text, controls={"uniform": other})


def _glorot(variable: str, power: int) -> Measure:
    """A moment over the printed one, and over that of variances 2 / H."""

    def measure(evidence: Evidence) -> Finding:
        cube = evidence.cubes["thm2"]
        width = cube.width.astype(float)
        values = _of(cube, "gaussian", "glorot")[variable]
        scale = 4.0 if variable == "mean" else 128.0
        ratios = _mean_by_width(values, (width + 1.0) ** power / (scale * width))
        wrong = _mean_by_width(values, width**power / (scale * width))
        text = f"Ratios to the printed ones by {_in_words(evidence)}: {_values(ratios)}."
        return measured(ratios, text, controls={"fan_in": wrong})

    return measure


def _tails(cube: xr.Dataset, variable: str, networks: xr.DataArray) -> Parts:
    """Shares beyond an excess less the bound."""
    counts, bounds = cube[variable].sum("seed"), cube["bound"].isel(seed=0)
    level = confidence(counts.size)
    parts = {}
    for preset in counts.preset.values.tolist():
        for width in counts.width.values.tolist():
            for excess in counts.excess.values.tolist():
                place = {"preset": preset, "width": width, "excess": excess}
                share = share_interval(int(counts.sel(place)), int(networks.sel(width=width)), level)
                parts[f"{preset}, H = {width}, {excess:g} standard deviations"] = shifted(
                    share, -float(bounds.sel(place))
                )
    return parts


def _tail(evidence: Evidence) -> Finding:
    """Tails of the roughness and their bound."""
    cube, networks = evidence.cubes["thm2"].sel(family="gaussian"), _networks(evidence)
    margins, appendix = (_tails(cube, variable, networks) for variable in ("beyond", "beyond_half"))
    nearest = max(margins.values(), key=lambda part: part.value)
    return measured(
        margins,
        f"The share beyond stays below the bound by {-nearest.value:.3f} or more, by {_in_words(evidence)} of each width.",
        controls={"appendix": appendix},
    )


CLAIMS: Mapping[str, Measure] = {
    "thm1_gaussian": _laws("gaussian"),
    "thm1_uniform": _laws("uniform"),
    "thm1_kurtosis_gaussian": _kurtosis_of("gaussian", "uniform"),
    "thm1_kurtosis_uniform": _kurtosis_of("uniform", "gaussian"),
    "thm2_he_mean": _he_mean,
    "thm2_he_mean_appendix": _he_mean,
    "thm2_he_variance": _he_variance,
    "thm2_glorot_mean": _glorot("mean", 2),
    "thm2_glorot_variance": _glorot("mean_squared_distance", 4),
    "thm2_tail": _tail,
}
