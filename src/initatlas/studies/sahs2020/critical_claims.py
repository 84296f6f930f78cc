"""Claims on theorems 3 and 4: critical points and global minima."""

from collections.abc import Mapping

import xarray as xr

from initatlas.studies.claim import Finding, measured
from initatlas.studies.evidence import Evidence
from initatlas.studies.judge import Measure
from initatlas.studies.statistics import exact


def gradients(evidence: Evidence, residuals: str) -> xr.DataArray:
    """Relative sizes of gradients, by width and draw."""
    gradient: xr.DataArray = evidence.cubes["thm3_4"]["gradient"].sel(residuals=residuals)
    return gradient


def _critical(evidence: Evidence) -> Finding:
    """The largest gradient of functions whose pieces are least-squares fits."""
    largest, other = float(gradients(evidence, "orthogonal").max()), float(gradients(evidence, "free").min())
    return measured(
        exact(largest),
        f"The largest of {gradients(evidence, 'free').size} relative gradients is {largest:.1e}; with other data the smallest is "
        f"{other:.1e}.",
        controls={"other": exact(other)},
    )


def _global_minimum(evidence: Evidence) -> Finding:
    """The largest of the smallest losses of lonely partitions."""
    cube = evidence.cubes["thm3_4"]
    largest, crowded = float(cube["lonely_loss"].max()), float(cube["crowded_loss"].min())
    return measured(
        exact(largest),
        f"The largest of {cube['lonely_loss'].size} losses is {largest:.1e}, relative to that of 0; with three points in a piece "
        f"the smallest is {crowded:.1e}.",
        controls={"crowded": exact(crowded)},
    )


CLAIMS: Mapping[str, Measure] = {"thm3": _critical, "thm4": _global_minimum}
