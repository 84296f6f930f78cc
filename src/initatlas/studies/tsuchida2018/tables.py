"""Tables of Tsuchida, Roosta-Khorasani, Gallagher 2018."""

from initatlas.studies.evidence import Evidence
from initatlas.studies.product import Column, Table
from initatlas.studies.tsuchida2018 import erratum_claims
from initatlas.studies.tsuchida2018.deviations import FIGURE_4, deviation, part, rms, width


def deviations(evidence: Evidence) -> Table:
    """Root mean square distance between samples and theory, by figure, distribution and layer."""
    cubes = evidence.cubes
    layers = cubes["fig4"].layer.values.astype(int).tolist()
    columns = [Column("figure"), Column("weights"), Column("width")]
    columns += [Column(f"layer {layer}", 4) for layer in layers]
    rows: list[list[str | int | float]] = []
    for name in FIGURE_4:
        cube = part(cubes["fig4"], name)
        distances = rms(deviation(cube, cubes["theory"]), "weights", "layer")
        rows.extend(
            [name, str(label), width(cube), *distances.sel(weights=label).values.tolist()]
            for label in distances.weights.values
        )
    return Table(columns, rows)


def errata(evidence: Evidence) -> Table:
    """What formulas give as printed and as they have to be, beside the measurement."""
    columns = [Column("claim"), Column("what")]
    columns += [Column(name, 4) for name in ("as printed", "right", "measured", "95 % low", "95 % high")]
    rows: list[list[str | float]] = []
    for name, erratum in erratum_claims.ERRATA.items():
        truth = erratum.truth(evidence)
        rows.append([name, erratum.what, erratum.printed, erratum.right, *truth.numbers])
    return Table(columns, rows)
