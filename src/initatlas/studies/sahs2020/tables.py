"""Tables of Sahs et al. 2020, with what was printed beside what was measured."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from initatlas.studies.evidence import Evidence
from initatlas.studies.product import Column, Table
from initatlas.studies.sahs2020 import breakpoint_claims, critical_claims, density_claims, piece_claims, spiky_claims
from initatlas.studies.sahs2020.measures import TITLES, at_end, choices, kept, spread_text

Row = list[str | float | int | None]

STARTS = {"drawn": "standard", "uniform": "uniform", "spiky": "spiky"}


def printed(evidence: Evidence, claim: str) -> str:
    """Mean and standard deviation as printed."""
    contract = evidence.published[claim]
    return f"{contract.value:g} ± {contract.spread:g}"


def _measured(values: xr.DataArray) -> Row:
    """Mean with standard deviation, median, and number of networks."""
    numbers = kept(values)
    return [spread_text(values), float(np.median(numbers)) if numbers.size else None, values.sizes["seed"]]


def table1(evidence: Evidence) -> Table:
    """Test losses of standard and uniform breakpoints."""
    losses = at_end(evidence.cubes["table1"]["test_loss"])
    names = {cell: name for name, cell in breakpoint_claims.CELLS.items()}
    rows: list[Row] = []
    for target in losses.target.values.tolist():
        for start in losses.start.values.tolist():
            cell = losses.sel(target=target, start=start)
            name = names.get((target, start))
            in_print = printed(evidence, name) if name else None
            rows.append([TITLES[target], STARTS[start], in_print, *_measured(cell)])
    columns = ["function", "breakpoints", "printed", "measured"]
    return Table([*map(Column, columns), Column("median", 3), Column("networks")], rows)


def table1_choices(evidence: Evidence) -> Table:
    """Table 1 with other choices where the paper is silent."""
    cube = evidence.cubes["table1_choices"]
    rows: list[Row] = []
    for name, one in choices(cube, breakpoint_claims.CHOICES):
        losses = at_end(one["test_loss"])
        cells = [
            spread_text(losses.sel(target=target, start=start)) for target, start in breakpoint_claims.CELLS.values()
        ]
        rows.append([name, *cells])
    printed_row: Row = ["printed", *(printed(evidence, name) for name in breakpoint_claims.CELLS)]
    columns = [f"{TITLES[target]}, {STARTS[start]}" for target, start in breakpoint_claims.CELLS.values()]
    return Table([Column("choice"), *map(Column, columns)], [printed_row, *rows])


def table2(evidence: Evidence) -> Table:
    """Numbers of breakpoints and pieces by function and number of hidden layers."""
    cube = evidence.cubes["table2"]
    folded = at_end(piece_claims.counts(evidence.cubes["table2_folding"]))
    rows: list[Row] = []
    for place, depth in enumerate(cube.depth.values.tolist()):
        for name, target in piece_claims.FUNCTIONS.items():
            one = cube.sel(target=target).isel(shape=place)
            cells = [spread_text(at_end(values)) for values in _counted(one)]
            rows.append([depth, TITLES[target], printed(evidence, f"table2_{name}_{depth}"), *cells])
        rows.append([depth, "folding, untrained", None, f"{folded.isel(shape=place).item():g}", *[None] * 3])
    columns = ["hidden layers", "function", "printed", "breakpoints", "active breakpoints"]
    columns += ["breakpoints inside", "pieces inside"]
    return Table([*map(Column, columns)], rows)


def _counted(cube: xr.Dataset) -> list[xr.DataArray]:
    """The ways of counting."""
    by_layer = [cube[name].sum("layer", skipna=True, min_count=1) for name in ("active", "breakpoints_within")]
    return [piece_claims.counts(cube), *by_layer, cube["pieces_within"]]


def table2_choices(evidence: Evidence) -> Table:
    """Breakpoints of deep networks with other choices where the paper is silent."""
    cube = evidence.cubes["table2_choices"]
    targets: Sequence[str] = cube.target.values.tolist()
    rows: list[Row] = []
    for place, depth in enumerate(cube.depth.values.tolist()):
        for name, one in choices(cube.isel(shape=place), piece_claims.CHOICES):
            breakpoints = at_end(piece_claims.counts(one))
            rows.append([depth, name, *(spread_text(breakpoints.sel(target=target)) for target in targets)])
    return Table([Column("hidden layers"), Column("choice"), *(Column(TITLES[target]) for target in targets)], rows)


def table3(evidence: Evidence) -> Table:
    """Test losses of standard and spiky starts, as sums of squares."""
    rows: list[Row] = []
    for name, target in spiky_claims.FUNCTIONS.items():
        for column in spiky_claims.COLUMNS:
            cell = at_end(spiky_claims.sums_of_squares(evidence, column, target))
            in_print = printed(evidence, f"table3_{name}_{column}")
            rows.append([TITLES[target], column.replace("_", " "), in_print, *_measured(cell)])
    columns = ["function", "network", "printed", "measured"]
    return Table([*map(Column, columns), Column("median", 3), Column("networks")], rows)


def table3_choices(evidence: Evidence) -> Table:
    """Two rows of table 3, shallow, with other choices where the paper is silent."""
    cube = evidence.cubes["table3_choices"]
    cells = [(target, start) for target in cube.target.values.tolist() for start in ("drawn", "spiky")]
    rows: list[Row] = []
    for name, one in choices(cube, spiky_claims.CHOICES):
        losses = 2.0 * at_end(one["test_loss"])
        rows.append([name, *(spread_text(losses.sel(target=target, start=start)) for target, start in cells)])
    return Table([Column("choice"), *(Column(f"{TITLES[target]}, {STARTS[start]}") for target, start in cells)], rows)


def thm3_4(evidence: Evidence) -> Table:
    """Gradients of critical points and losses of global minima, with what breaks the condition of each theorem."""
    cube = evidence.cubes["thm3_4"]
    rows: list[Row] = []
    for place, width in enumerate(cube.width.values.tolist()):
        fits, other = (critical_claims.gradients(evidence, name).isel(width=place) for name in ("orthogonal", "free"))
        losses = cube.isel(width=place)
        numbers = fits.max(), other.min(), losses["lonely_loss"].max(), losses["crowded_loss"].min()
        rows.append([width, *(f"{float(number):.1e}" for number in numbers)])
    columns = ["breakpoints, or data points", "gradient, fits (largest)", "gradient, other data (smallest)"]
    columns += ["loss, lonely (largest)", "loss, three in a piece (smallest)"]
    return Table([*map(Column, columns)], rows)


def table4(evidence: Evidence) -> Table:
    """Correlations of breakpoint density and curvature, as printed and measured, with the changes in training."""
    cube = evidence.cubes["table4"]
    rows: list[Row] = []
    for depth in density_claims.DEPTHS:
        for name, target in density_claims.FUNCTIONS.items():
            one = density_claims.of_depth(cube["correlation"].sel(target=target), depth)
            contracts = [evidence.published[f"table4_{name}_{depth}_{when}"] for when in density_claims.TIMES]
            cells = [spread_text(one.sel(time=time)) for time in density_claims.TIMES.values()]
            moved = spread_text(one.sel(time="after", drop=True) - one.sel(time="before", drop=True))
            rows.append([depth, TITLES[target], *(f"{contract.value:g}" for contract in contracts), *cells, moved])
        simple = density_claims.of_depth(cube["correlation"].sel(target=density_claims.SIMPLE), depth)
        before, after = (simple.sel(time=time, drop=True) for time in density_claims.TIMES.values())
        title = TITLES[density_claims.SIMPLE]
        rows.append([depth, title, None, None, spread_text(before), spread_text(after), spread_text(after - before)])
    columns = ["hidden layers", "function", "printed, before", "printed, after", "before", "after", "change"]
    return Table([*map(Column, columns)], rows)
