"""Tables of Chen, Li, Lin 2024."""

from math import isfinite

import xarray as xr

from initatlas.studies.chen2024.generalisation import (
    MIRRORED,
    STANDARD,
    local_exponents,
    settings,
    theory_exponents,
)
from initatlas.studies.chen2024.sizes import by_size, is_drawn, sizes_cube
from initatlas.studies.chen2024.smoothness import (
    PAPER_SAMPLES,
    PAPER_WINDOW,
    PRIMARY,
    SHORT_WINDOW,
    over_coefficients,
    over_images,
    published_slope,
    samples,
    table_cube,
    title,
)
from initatlas.studies.evidence import Evidence
from initatlas.studies.product import Column, Table


def table1(evidence: Evidence) -> Table:
    """Smoothness of every data set and target, with both intervals, beside the null and the published number.

    The primary coding of the labels at all windows, every other target at the short one and at the paper's.
    """
    columns = [
        Column("data set"),
        Column("target"),
        Column("n"),
        Column("window for n = 3000"),
        Column("slope", 3),
        Column("draw of images: from", 3),
        Column("to", 3),
        Column("random coefficients: from", 3),
        Column("to", 3),
        Column("null slope", 3),
        Column("published", 2),
    ]
    cube = table_cube(evidence)
    rows = [
        _row(cube.sel(dataset=name), target, window, published_slope(evidence, name))
        for name in cube.dataset.values.tolist()
        for target in cube.target.values.tolist()
        for window in cube.window.values.tolist()
        if target == PRIMARY or window in (SHORT_WINDOW, PAPER_WINDOW)
    ]
    return Table(columns, rows)


def _row(cube: xr.Dataset, target: str, window: float, published: float | None) -> list[str | float | int | None]:
    """One slope; the draw of images bounds nothing where a data set is used whole."""
    fitted = cube.sel(target=target, window=window)
    images, coefficients = over_images(cube, fitted["slope"]), over_coefficients(fitted)
    return [
        title(str(cube.dataset.item())),
        target.replace("_", " "),
        samples(cube),
        f"i < {window:.0f}",
        images.value,
        *(end if isfinite(end) else None for end in images.numbers[1:]),
        *coefficients.numbers[1:],
        float(fitted["null_slope"].mean()),
        published,
    ]


def without_window(evidence: Evidence) -> Table:
    """Smoothness of every data set and target without a window, with both intervals, beside the published number."""
    columns = [
        Column("data set"),
        Column("target"),
        Column("n"),
        Column("smoothness", 3),
        Column("draw of images: from", 3),
        Column("to", 3),
        Column("one sample: from", 3),
        Column("to", 3),
        Column("published", 2),
    ]
    cube = table_cube(evidence)
    rows = [
        _without_window(cube.sel(dataset=name, target=target), published_slope(evidence, name))
        for name in cube.dataset.values.tolist()
        for target in cube.target.values.tolist()
    ]
    return Table(columns, rows)


def _without_window(target: xr.Dataset, published: float | None) -> list[str | float | int | None]:
    """One estimate."""
    images = over_images(target, target["exponent"])
    return [
        title(str(target.dataset.item())),
        str(target.target.item()).replace("_", " "),
        samples(target),
        images.value,
        *(end if isfinite(end) else None for end in images.numbers[1:]),
        float(target["exponent_low"].mean()),
        float(target["exponent_high"].mean()),
        published,
    ]


def slopes_by_size(evidence: Evidence) -> Table:
    """Slopes of the labels at every window and number of images, their null, and the smoothness without a window."""
    columns = [
        Column("data set"),
        Column("n"),
        Column("window"),
        Column("slope or smoothness", 3),
        Column("draw of images: from", 3),
        Column("to", 3),
        Column("null", 3),
        Column("less the null", 3),
        Column("published", 2),
    ]
    cube = sizes_cube(evidence)
    rows = [
        row
        for name in cube.dataset.values.tolist()
        for n, part in by_size(cube, name).items()
        for row in _at_size(part.sel(target=PRIMARY), n, published_slope(evidence, name))
    ]
    return Table(columns, rows)


def _at_size(part: xr.Dataset, n: int, published: float | None) -> list[list[str | float | int | None]]:
    """The rows of one data set and number of images."""
    numbers = {f"i < {window / PAPER_SAMPLES:.2g} n": part.sel(window=window) for window in part.window.values.tolist()}
    nulls = {label: float(one["null_slope"].mean()) for label, one in numbers.items()} | {"none": 0.0}
    slopes = {label: one["slope"] for label, one in numbers.items()} | {"none": part["exponent"]}
    estimates = {label: over_images(part, slope) for label, slope in slopes.items()}
    return [
        [
            title(str(part.dataset.item())),
            n,
            label,
            estimate.value,
            *(estimate.numbers[1:] if is_drawn(part) else (None, None)),
            nulls[label],
            estimate.value - nulls[label],
            published,
        ]
        for label, estimate in estimates.items()
    ]


def fig1_limit_slopes(evidence: Evidence) -> Table:
    """Exponents between neighbouring numbers of samples at infinite width, beside those of theory."""
    columns = [
        Column("setting"),
        Column("start"),
        Column("n from"),
        Column("to"),
        Column("exponent", 2),
        Column("95 %: from", 2),
        Column("to", 2),
        Column("3/(d+3)", 2),
        Column("3/(d+2)", 2),
    ]
    rows: list[list[str | float | int | None]] = [
        [name, start, few, many, *estimate.numbers, *theory_exponents(int(part.dimension))]
        for name, part in settings(evidence.cubes["fig1_limit"]).items()
        for start in (MIRRORED, STANDARD)
        for few, many, estimate in local_exponents(part, start)
    ]
    return Table(columns, rows)
