"""Tables: a function of the evidence for each that is declared."""

from initatlas.studies.evidence import Evidence
from initatlas.studies.product import Column, Table
from my_studies.paper2020.measures import mean_squares


def numbers(evidence: Evidence) -> Table:
    """Mean squares, by width."""
    cube = evidence.cubes["layers"]
    columns = [Column("width"), Column("mean square", 4), Column("from", 4), Column("to", 4)]
    rows = zip(cube.width.values.tolist(), mean_squares(cube, "behind"), strict=True)
    return Table(columns, [[width, *estimate.numbers] for width, estimate in rows])
