"""Tables of the study."""

from initatlas.studies.evidence import Evidence
from initatlas.studies.product import Column, Table
from initatlas.studies.statistics import CONFIDENCE
from my_studies.hanin_nica2019.measures import beta, norm_moment, ntk_moment, shapes, widths
from my_studies.hanin_nica2019.theory import norm_second_moment, ntk_second_moment


def second_moments(evidence: Evidence) -> Table:
    """Measured and exact second moments, by shape."""
    cube = evidence.cubes["moments"]
    columns = [Column("depth"), Column("width"), Column("beta", 4)]
    for name in ("squared norm", "NTK"):
        columns += [Column(f"{name}: measured", 3), Column("from", 3), Column("to", 3), Column("exact", 3)]
    rows = []
    for shape in shapes(cube):
        norm, ntk = norm_moment(cube, shape, CONFIDENCE), ntk_moment(cube, shape, CONFIDENCE)
        layers = widths(shape)
        theory = norm_second_moment(layers), ntk_second_moment(layers)
        rows.append([*shape, beta(shape), *norm.numbers, theory[0], *ntk.numbers, theory[1]])
    return Table(columns, rows)
