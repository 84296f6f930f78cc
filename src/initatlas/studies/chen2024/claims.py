"""Claims of Chen, Li, Lin 2024."""

from collections.abc import Mapping
from functools import partial

import xarray as xr

from initatlas.studies.chen2024 import generalisation_claims, known_claims, limit_claims, sizes_claims
from initatlas.studies.chen2024.smoothness import (
    DATASETS,
    INITIAL,
    PAPER_SAMPLES,
    PAPER_WINDOW,
    PRIMARY,
    SHORT_WINDOW,
    SHUFFLED,
    floor,
    over_coefficients,
    over_images,
    samples,
    share,
    slopes_by_window,
    table_cube,
    title,
)
from initatlas.studies.claim import Estimate, Finding, absent, measured
from initatlas.studies.evidence import Evidence
from initatlas.studies.judge import Measure
from initatlas.studies.statistics import CONFIDENCE, confidence, log_slope, mean_interval, scaled, shifted, widened

NUMBERS = {"mnist": 784, "fashion_mnist": 784, "cifar10": 3072}
"""Numbers that an image of each consists of."""

OTHER_CODINGS = ("class_index_centred", "one_hot", "parity", "first_or_rest")

SHORTEST_WINDOW, LONGER_WINDOW = 270, 1000

ROUNDING = 0.005
"""Of the printed numbers."""


def _present(evidence: Evidence) -> list[str]:
    """The paper's data sets that are there."""
    return [name for name in DATASETS if name in table_cube(evidence).dataset.values]


def _missing(evidence: Evidence) -> str:
    """A sentence on those that are not; empty if all are."""
    names = [title(name) for name in DATASETS if name not in _present(evidence)]
    return f" Without {' and '.join(names)}, whose files are not there." if names else ""


def _absent(*names: str) -> Finding:
    """What to do where files are missing."""
    return absent(
        f"The files of {', '.join(map(title, names))} are not there; put them into the raw data folder, or download them."
    )


def _printed(evidence: Evidence, name: str) -> float:
    """A number of table 1."""
    value = evidence.published[f"table1_{name}"].value
    if value is None:
        raise ValueError(f"table1_{name} has no published number")
    return value


def _drawn(cube: xr.Dataset) -> list[str]:
    """Data sets with as many images as the sweep asks for, and more."""
    most = samples(cube)
    chosen = (cube.sel(dataset=name) for name in cube.dataset.values.tolist())
    return [str(one.dataset.item()) for one in chosen if samples(one) == most and share(one) < 1.0]


def _window(evidence: Evidence) -> Finding:
    """The printed numbers less the slope of labels without information."""
    cube = table_cube(evidence)
    names = _drawn(cube)
    if not names:
        return absent("Every data set that is there is used whole; add a larger one.")
    level = confidence(len(DATASETS))
    null = {window: _null(cube, window, level) for window in (PAPER_WINDOW, SHORTEST_WINDOW)}
    printed = {name: _printed(evidence, name) for name in DATASETS}
    shuffled = null[PAPER_WINDOW]
    return measured(
        {title(name): _above(value, shuffled) for name, value in printed.items()},
        f"With i < {PAPER_WINDOW} of {PAPER_SAMPLES} (n = {samples(cube)} here), shuffled labels have the slope "
        f"{shuffled.value:.3f} (mean over {shuffled.samples} samples of {len(names)} data sets), as the sums end at n; "
        f"printed are {', '.join(f'{value:.2f}' for value in printed.values())}. With i < {SHORTEST_WINDOW} it is "
        f"{null[SHORTEST_WINDOW].value:.3f}. So the printed rule cannot give the printed numbers. "
        "Our reading: a shorter window was used than the text states.",
        controls={"flat": _above(0.0, shuffled)},
        references={
            "short_window": {title(name): _above(value, null[SHORTEST_WINDOW]) for name, value in printed.items()}
        },
    )


def _null(cube: xr.Dataset, window: int, level: float = CONFIDENCE) -> Estimate:
    """Mean slope of shuffled labels over the samples of all data sets.

    Every sample is shuffled anew, and by theory the law of the slope depends on the size of the sample alone: the slopes are
    independent, although the images overlap.
    """
    slopes = cube["slope"].sel(dataset=_drawn(cube), target=SHUFFLED, window=window)
    return mean_interval(slopes.values.ravel(), level)


def _above(printed: float, null: Estimate) -> Estimate:
    """A printed number, known to its rounding, less a slope."""
    return widened(shifted(scaled(null, -1.0), printed), ROUNDING)


def _smoothness(name: str, window: int, evidence: Evidence) -> Finding:
    """Slope of one data set over one window."""
    if name not in _present(evidence):
        return _absent(name)
    cube = table_cube(evidence).sel(dataset=name)

    def slope(over: int) -> Estimate:
        return over_images(cube, cube["slope"].sel(target=PRIMARY, window=over))

    controls = {"shuffled": _null(table_cube(evidence), window)}
    if window != PAPER_WINDOW:
        controls["long_window"] = slope(LONGER_WINDOW)
    return measured(slope(window), _setting(cube, window) + _reached(evidence, name), controls=controls)


def _without_window(name: str, evidence: Evidence) -> Finding:
    """Smoothness of one data set by the estimate that has no window."""
    if name not in _present(evidence):
        return _absent(name)
    cube = table_cube(evidence).sel(dataset=name)
    labels = cube.sel(target=PRIMARY)
    low, high = (float(labels[end].mean()) for end in ("exponent_low", "exponent_high"))
    shuffled = cube["exponent"].sel(target=SHUFFLED)
    return measured(
        over_images(cube, labels["exponent"]),
        f"{cube.sizes['seed']} draws of {samples(cube)} of {int(cube['population'].max())} images; the interval is that of the "
        f"draw of images. That of one sample is {low:.3f} to {high:.3f}. Shuffled labels have {float(shuffled.mean()):.3f}. "
        "A slope is a smoothness times the decay of the eigenvalues, which the paper takes as "
        f"{_theory_decay(name):.3f}; here they fall as i^-{_eigenvalue_decay(cube):.2f} from i = 10 to {samples(cube) // 3}.",
        controls={"shuffled": over_images(cube, shuffled)},
    )


def _theory_decay(name: str) -> float:
    """Power by which eigenvalues fall on the sphere in as many dimensions as images of a data set have numbers."""
    return 1.0 + 1.0 / NUMBERS[name]


def _eigenvalue_decay(cube: xr.Dataset) -> float:
    """The same of the kernel matrix of one data set, from the 10th eigenvalue to that of a third of the images."""
    middle = cube["eigenvalue"].sel(index=slice(10, samples(cube) // 3)).mean("seed")
    return -log_slope(middle.index.values, middle.values)


def _setting(cube: xr.Dataset, window: int) -> str:
    """What was fitted, and the other interval."""
    n, chosen = samples(cube), cube.sel(target=PRIMARY, window=window)
    coefficients = over_coefficients(chosen)
    return (
        f"{cube.sizes['seed']} draws of {n} of {int(cube['population'].max())} images, i < {round(window * n / PAPER_SAMPLES)}; "
        f"the interval is that of the draw of images, and more draws bring it to {floor(cube, chosen['slope']):.3f} on each side "
        f"at best. Over random coefficients it would be {coefficients.low:.3f} to {coefficients.high:.3f}."
    )


def _reached(evidence: Evidence, name: str) -> str:
    """Which windows give the printed number, in a sentence."""
    slopes = slopes_by_window(table_cube(evidence).sel(dataset=name, target=PRIMARY)).mean("seed")
    margin = evidence.published[f"table1_{name}"].reach
    near = slopes.window[(abs(slopes - _printed(evidence, name)) <= margin).values].values
    if near.size == 0:
        return f" No window comes within {margin:g} of the printed number."
    return f" Windows from i < {near.min()} to i < {near.max()} come within {margin:g} of the printed number."


def _one_window(evidence: Evidence) -> Finding:
    """Slopes less the printed numbers, at the window where the farthest is nearest."""
    names = _present(evidence)
    if len(names) < 2:
        return _absent(*(name for name in DATASETS if name not in names))
    window, parts = _best_window(evidence, names, PRIMARY)
    return measured(
        parts,
        f"The best window is i < {window} of {samples(table_cube(evidence))}.{_missing(evidence)}",
        controls={"shuffled": _best_window(evidence, names, SHUFFLED)[1]},
    )


def _best_window(evidence: Evidence, names: list[str], target: str) -> tuple[int, dict[str, Estimate]]:
    """The window where the slope that is farthest from its printed number is nearest, and what is left there."""
    cubes = {name: table_cube(evidence).sel(dataset=name, target=target) for name in names}
    errors = {name: slopes_by_window(cube) - _printed(evidence, name) for name, cube in cubes.items()}
    farthest = xr.concat([abs(error.mean("seed")) for error in errors.values()], "dataset", join="inner").max("dataset")
    best = int(farthest.idxmin())
    level = confidence(len(names))
    return best, {title(name): over_images(cube, errors[name].sel(window=best), level) for name, cube in cubes.items()}


def _less(cube: xr.Dataset, name: str, target: str, other: str, level: float) -> Estimate:
    """Slope of one target less that of another on the same images, over the short window."""
    chosen = cube.sel(dataset=name)
    slopes = chosen["slope"].sel(window=SHORT_WINDOW)
    return over_images(chosen, slopes.sel(target=target) - slopes.sel(target=other), level)


def _coding(evidence: Evidence) -> Finding:
    """Slopes of other codings less that of the class index."""
    cube = table_cube(evidence)
    names = _drawn(cube)
    if not names:
        return absent("Every data set that is there is used whole; add a larger one.")
    level = confidence(len(names) * len(OTHER_CODINGS))
    parts = {
        f"{title(name)}, {coding.replace('_', ' ')}": _less(cube, name, coding, PRIMARY, level)
        for name in names
        for coding in OTHER_CODINGS
    }
    ranges = ", ".join(_range(parts, coding.replace("_", " ")) for coding in OTHER_CODINGS)
    return measured(
        parts,
        f"Differences over the data sets: {ranges}.",
        controls={"shuffled": {title(name): _less(cube, name, SHUFFLED, PRIMARY, level) for name in names}},
    )


def _range(parts: Mapping[str, Estimate], coding: str) -> str:
    """Least and largest difference of a coding over the data sets."""
    values = [estimate.value for part, estimate in parts.items() if part.endswith(f", {coding}")]
    return f"{coding} {min(values):+.3f} to {max(values):+.3f}"


def _smoother(evidence: Evidence) -> Finding:
    """Slopes of centred labels less those of the functions that random networks start from."""
    cube, names = table_cube(evidence), _present(evidence)
    if not names:
        return _absent(*DATASETS)
    level = confidence(len(names))
    return measured(
        {title(name): _less(cube, name, "class_index_centred", INITIAL, level) for name in names},
        f"The slope of initial functions is {_listed(cube, names, INITIAL)}, that of labels "
        f"{_listed(cube, names, 'class_index_centred')}, and that of shuffled labels {_listed(cube, names, SHUFFLED)}."
        + _missing(evidence),
        controls={"shuffled": {title(name): _less(cube, name, SHUFFLED, INITIAL, level) for name in names}},
    )


def _listed(cube: xr.Dataset, names: list[str], target: str) -> str:
    """Mean slopes over the short window, by data set."""
    slopes = cube["slope"].sel(target=target, window=SHORT_WINDOW).mean("seed")
    return ", ".join(f"{float(slopes.sel(dataset=name)):.3f} ({title(name)})" for name in names)


CLAIMS: Mapping[str, Measure] = {
    "table1_window": _window,
    **{f"table1_{name}": partial(_smoothness, name, PAPER_WINDOW) for name in DATASETS},
    **{f"table1_{name}_short": partial(_smoothness, name, SHORT_WINDOW) for name in DATASETS},
    **{f"table1_{name}_without_window": partial(_without_window, name) for name in DATASETS},
    "one_window": _one_window,
    "coding": _coding,
    "smoother_than_initial": _smoother,
    **known_claims.CLAIMS,
    **sizes_claims.CLAIMS,
    **generalisation_claims.CLAIMS,
    **limit_claims.CLAIMS,
}
