"""Tables of the atlas's own chapter."""

from initatlas.studies.atlas.trainability import accuracy, best_variance, critical_variance
from initatlas.studies.evidence import Evidence
from initatlas.studies.product import Column, Table


def best_variances(evidence: Evidence) -> Table:
    """The weight variance that trains best, by data set, weight distribution and depth."""
    columns = [
        Column("data set"),
        Column("weights"),
        Column("depth"),
        Column("best test accuracy", 3),
        Column("accuracy at the norm-preserving variance", 3),
        Column("best weight variance", 2),
        Column("within 0.02 of it: from", 2),
        Column("to", 2),
    ]
    critical = critical_variance(evidence)
    rows = []
    for sweep in ("trainability", "trainability_digits"):
        accuracies = accuracy(evidence, sweep)
        for label in accuracies.weights.values.tolist():
            for depth in accuracies.depth.values.tolist():
                chosen = accuracies.sel(weights=label, depth=depth)
                at_critical = float(chosen.sel(weight_variance=critical, method="nearest"))
                rows.append(
                    [accuracies.dataset.item(), label, depth, float(chosen.max()), at_critical, *best_variance(chosen)]
                )
    return Table(columns, rows)
