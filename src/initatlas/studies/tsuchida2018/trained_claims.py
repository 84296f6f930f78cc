"""Claims about the weights of trained networks: section 7."""

from collections.abc import Mapping
from functools import partial

import xarray as xr

from initatlas.studies.claim import Finding, Parts, measured
from initatlas.studies.evidence import Evidence
from initatlas.studies.judge import Measure
from initatlas.studies.statistics import by_part, positive_mean_interval, root_mean_square_interval


def _by_layer(cube: xr.Dataset, name: str, trained: int) -> Parts:
    """A score of the matrices of each layer, over networks; root mean squares of scores that have a sign."""
    interval = positive_mean_interval if name == "outlier" else root_mean_square_interval
    scores = cube[name].sel(trained=trained)
    return by_part({f"layer {int(layer)}": scores.sel(layer=layer).values for layer in cube.layer.values}, interval)


def _scores(evidence: Evidence, name: str, what: str) -> Finding:
    """A score after training; the control is the same before it."""
    cube = evidence.cubes["trained_weights"]
    return measured(
        _by_layer(cube, name, 1),
        f"{what}, matrices between the hidden layers of {cube.sizes['seed']} trained networks.",
        controls={"start": _by_layer(cube, name, 0)},
    )


CLAIMS: Mapping[str, Measure] = {
    "trained_not_iid": partial(
        _scores, name="outlier", what="Largest singular value over its mean in random orders of the entries"
    ),
    "trained_mean": partial(
        _scores,
        name="mean",
        what="Root mean square over networks of the mean entry, 1 for independent ones of mean zero",
    ),
    "trained_asymmetric": partial(
        _scores,
        name="skewness",
        what="Root mean square over networks of the skewness, 1 for independent normal entries",
    ),
}
