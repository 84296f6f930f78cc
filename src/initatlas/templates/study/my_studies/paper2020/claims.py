"""Claims: what was measured for each that is published in config/published/paper2020.yaml, where its contract is."""

from collections.abc import Callable, Mapping

from initatlas.studies.claim import Finding, measured
from initatlas.studies.evidence import Evidence
from my_studies.paper2020.measures import exponent, mean_squares


def _mean_square(evidence: Evidence) -> Finding:
    """Mean square at the largest width, behind and, as a control, before the activation."""
    cube = evidence.cubes["layers"]
    behind, before = (mean_squares(cube, name)[-1] for name in ("behind", "before"))
    reason = f"Mean over {behind.samples} layers of width {int(cube.width[-1])}."
    return measured(behind, reason, controls={"identity": before})


def _spread(evidence: Evidence) -> Finding:
    """Exponent of the standard deviation and, as a control, of the mean."""
    cube = evidence.cubes["layers"]
    reason = f"Fit over {cube.width.size} widths, {int(cube.width[0])} to {int(cube.width[-1])}."
    return measured(exponent(cube, "std"), reason, controls={"mean": exponent(cube, "mean")})


CLAIMS: Mapping[str, Callable[[Evidence], Finding]] = {"mean_square": _mean_square, "spread": _spread}
