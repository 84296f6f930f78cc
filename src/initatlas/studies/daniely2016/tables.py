"""Tables of Daniely, Frostig, Singer 2016."""

from initatlas.studies.daniely2016.measures import series_error, standardised, title
from initatlas.studies.evidence import Evidence
from initatlas.studies.product import Column, Table


def dual_errors(evidence: Evidence) -> Table:
    """How far closed form, Hermite series and Monte Carlo are apart, by activation."""
    cube = evidence.cubes["duals"]
    columns = [Column("activation"), Column("mean square", 5), Column("its Monte Carlo mean", 5)]
    columns += [
        Column(text)
        for name in ("dual", "derivative")
        for text in (f"{name}: series error", f"{name}: Monte Carlo, standard errors")
    ]
    rows: list[list[str | float | None]] = []
    for label in cube.activation.values.tolist():
        chosen = cube.sel(activation=label)
        row: list[str | float | None] = [title(label)]
        row += [float(chosen[name]) for name in ("second_moment", "second_moment_sampled")]
        for name in ("dual", "derivative"):
            distance = standardised(chosen, name).max()
            row += [
                f"{float(series_error(chosen, name)):.0e}",
                f"{float(distance):.1f}" if distance.notnull() else None,
            ]
        rows.append(row)
    return Table(columns, rows)


def decay_exponents(evidence: Evidence) -> Table:
    """Decay exponents of the eigenvalues of ReLU kernels, by dimension and depth, beside d + 2."""
    cube = evidence.cubes["depth_spectrum"].sel(activation="relu")
    columns = [
        Column("dimension"),
        Column("depth"),
        Column("even degrees", 3),
        Column("odd degrees", 3),
        Column("theory"),
    ]
    rows = []
    for dimension in cube.dimension.values.tolist():
        for depth in cube.depth.values.tolist():
            even, odd = (cube[name].sel(dimension=dimension, depth=depth) for name in ("decay_even", "decay_odd"))
            rows.append([dimension, depth, float(even), float(odd) if odd.notnull() else None, dimension + 2])
    return Table(columns, rows)


def errata(evidence: Evidence) -> Table:
    """Printed, right and simulated kernels."""
    cube = evidence.cubes["errata"]
    names = ("printed", "right", "simulated", "standard_error")
    columns = [Column("formula"), Column("depth"), Column("angle (degrees)")]
    columns += [Column(name.replace("_", " ")) for name in names] + [Column("printed / right")]
    rows: list[list[str | int]] = []
    for formula in cube.formula.values.tolist():
        for angle in cube.angle.values.tolist():
            for depth in cube.depth.values.tolist():
                point = cube.sel(formula=formula, depth=depth, angle=angle)
                values = [f"{float(point[name]):.4g}" for name in names]
                ratio = f"{float(point['printed'] / point['right']):.4g}"
                rows.append([formula.replace("_", " "), depth, f"{angle:g}", *values, ratio])
    return Table(columns, rows)
