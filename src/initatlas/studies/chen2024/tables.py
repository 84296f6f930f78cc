"""Tables of Chen, Li, Lin 2024."""

from initatlas.studies.chen2024.smoothness import published_slope, samples, slope, title
from initatlas.studies.evidence import Evidence
from initatlas.studies.product import Column, Table


def table1(evidence: Evidence) -> Table:
    """Smoothness of every data set at four windows, beside the null and the published number."""
    columns = [
        Column("data set"),
        Column("coding of the labels"),
        Column("n"),
        Column("window for n = 3000"),
        Column("slope", 3),
        Column("95 % from", 3),
        Column("to", 3),
        Column("null slope", 3),
        Column("slope - null", 3),
        Column("published", 2),
    ]
    cube = evidence.cubes["table1"]
    rows = []
    for name in cube.dataset.values.tolist():
        for coding in cube.coding.values.tolist():
            chosen = cube.sel(dataset=name, coding=coding)
            for window in cube.window.values.tolist():
                found = slope(chosen, window)
                rows.append(
                    [
                        title(name),
                        coding.replace("_", " "),
                        samples(chosen),
                        f"i < {window:.0f}",
                        found.value,
                        found.low,
                        found.high,
                        found.null,
                        found.value - found.null,
                        published_slope(evidence, name),
                    ]
                )
    return Table(columns, rows)
