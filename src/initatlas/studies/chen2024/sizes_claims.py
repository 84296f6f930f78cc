"""Claims on what the number of images does to the smoothness of their labels."""

from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise

import numpy as np
import xarray as xr

from initatlas.arrays import Doubles
from initatlas.studies.chen2024.sizes import drawn_by_size, per_doubling, sizes_cube
from initatlas.studies.chen2024.smoothness import (
    DATASETS,
    PAPER_WINDOW,
    PRIMARY,
    SHORT_WINDOW,
    SHUFFLED,
    over_images,
    published_slope,
    share,
    title,
)
from initatlas.studies.claim import Estimate, Finding, absent, measured
from initatlas.studies.evidence import Evidence
from initatlas.studies.judge import Measure
from initatlas.studies.statistics import confidence, subsample_interval

Number = Callable[[xr.Dataset, str], Doubles]
"""What of one data set and size is looked at: the cube and a target to one number per seed."""


def _slope(window: int) -> Number:
    """Slope over a window."""
    return lambda part, target: np.asarray(part["slope"].sel(target=target, window=window).values)


def _exponent(part: xr.Dataset, target: str) -> Doubles:
    """Estimate without a window."""
    return np.asarray(part["exponent"].sel(target=target).values)


def _steady(number: Number, evidence: Evidence) -> Finding:
    """Changes of a number with every doubling of n, on all data sets."""
    cube = sizes_cube(evidence)
    parts = {name: drawn_by_size(cube, name) for name in cube.dataset.values.tolist()}
    level = confidence(len(parts))
    means = {name: {n: float(number(part, PRIMARY).mean()) for n, part in of.items()} for name, of in parts.items()}
    shown = "; ".join(
        f"{title(name)} {', '.join(f'{value:.3f} ({n})' for n, value in of.items())}" for name, of in means.items()
    )
    return measured(
        {title(name): _change(of, number, level) for name, of in parts.items()},
        f"Means by the number of images: {shown}.",
        controls={"shuffled_few": {title(name): _change(of, number, level, mixed=True) for name, of in parts.items()}},
    )


def _change(parts: Mapping[int, xr.Dataset], number: Number, level: float, *, mixed: bool = False) -> Estimate:
    """Change with every doubling of n; `mixed` takes shuffled labels at the smaller half of the sizes."""
    shuffled = len(parts) // 2 if mixed else 0
    numbers = {
        n: number(part, SHUFFLED if place < shuffled else PRIMARY) for place, (n, part) in enumerate(parts.items())
    }
    return subsample_interval(per_doubling(numbers), max(map(share, parts.values())), level)


def _order(evidence: Evidence) -> Finding:
    """Slopes of each data set of the paper less those of the next one, at every number of images."""
    cube = sizes_cube(evidence)
    names = [name for name in DATASETS if name in cube.dataset.values]
    if len(names) < 2:
        return _absent()
    parts = {name: drawn_by_size(cube, name) for name in names}
    pairs = [(first, second, n) for first, second in pairwise(names) for n in parts[first] if n in parts[second]]
    level = confidence(len(pairs))

    def less(pair: tuple[str, str, int], target: str, number: Number) -> Estimate:
        first, second, n = pair
        numbers = [number(parts[name][n], target) for name in (first, second)]
        return subsample_interval(
            numbers[0] - numbers[1], max(share(parts[name][n]) for name in (first, second)), level
        )

    short = _slope(SHORT_WINDOW)
    titles = {pair: f"{title(pair[0])} and {title(pair[1])}, n = {pair[2]}" for pair in pairs}
    found = {titles[pair]: less(pair, PRIMARY, short) for pair in pairs}
    without = min((less(pair, PRIMARY, _exponent) for pair in pairs), key=lambda estimate: estimate.value)
    return measured(
        found,
        f"Differences: {'; '.join(f'{estimate.value:+.3f} ({part})' for part, estimate in found.items())}. Without a window the "
        f"least one is {without.value:+.3f} ({without.low:+.3f} to {without.high:+.3f}).",
        controls={"shuffled": {titles[pair]: less(pair, SHUFFLED, short) for pair in pairs}},
    )


def _any_size(evidence: Evidence) -> Finding:
    """Slopes over the printed window less the printed numbers, at the number of images where each is nearest."""
    cube = sizes_cube(evidence)
    names = [name for name in DATASETS if name in cube.dataset.values]
    if not names:
        return _absent()
    parts = {name: drawn_by_size(cube, name) for name in names}
    level = confidence(sum(map(len, parts.values())))

    def nearest(name: str, target: str) -> tuple[int, Estimate]:
        printed = published_slope(evidence, name) or 0.0
        errors = {n: part["slope"].sel(target=target, window=PAPER_WINDOW) - printed for n, part in parts[name].items()}
        best = min(errors, key=lambda n: abs(float(errors[n].mean())))
        return best, over_images(parts[name][best], errors[best], level)

    found = {name: nearest(name, PRIMARY) for name in names}
    return measured(
        {title(name): estimate for name, (_, estimate) in found.items()},
        f"Nearest at {', '.join(f'n = {n} ({title(name)})' for name, (n, _) in found.items())}, of "
        f"{', '.join(map(str, next(iter(parts.values()))))}.",
        controls={"shuffled": {title(name): nearest(name, SHUFFLED)[1] for name in names}},
    )


def _absent() -> Finding:
    """What to do where the paper's data sets are missing."""
    return absent(
        "The files of the paper's data sets are not there; put them into the raw data folder, or download them."
    )


CLAIMS: Mapping[str, Measure] = {
    "sizes_printed_window": partial(_steady, _slope(PAPER_WINDOW)),
    "sizes_short_window": partial(_steady, _slope(SHORT_WINDOW)),
    "sizes_without_window": partial(_steady, _exponent),
    "sizes_order": _order,
    "sizes_any": _any_size,
}
