"""Tables of Tsuchida, Roosta-Khorasani, Gallagher 2018."""

from initatlas.studies.evidence import Evidence
from initatlas.studies.product import Column, Table
from initatlas.studies.tsuchida2018.deviations import deviation, rms, width

DEEP_FIGURES = ("fig4a", "fig4b", "fig4c", "fig4d")


def deviations(evidence: Evidence) -> Table:
    """Root mean square distance between samples and theory, by figure, distribution and depth."""
    cubes = evidence.cubes
    depths = cubes["fig4a"].depth.values.tolist()
    columns = [Column("figure"), Column("weights"), Column("width")]
    columns += [Column(f"depth {depth}", 4) for depth in depths]
    rows: list[list[str | int | float]] = []
    for name in DEEP_FIGURES:
        distances = rms(deviation(cubes[name], cubes["theory"]), "weights", "depth")
        rows.extend(
            [name, str(label), width(cubes[name]), *distances.sel(weights=label).values.tolist()]
            for label in distances.weights.values
        )
    return Table(columns, rows)
