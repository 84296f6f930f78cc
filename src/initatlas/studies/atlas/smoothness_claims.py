"""Claims on the smoothness of the function at initialisation, and on what mirroring does to it."""

from collections.abc import Mapping

import numpy as np

from initatlas.studies.atlas.smoothness import KINKED, SMOOTH, log_bends, start_smoothness
from initatlas.studies.claim import Finding, absent, measured
from initatlas.studies.evidence import Evidence
from initatlas.studies.judge import Measure
from initatlas.studies.statistics import by_part, difference_interval, mean_interval


def _mirrored(evidence: Evidence) -> Finding:
    """Logarithm of the bending of standard networks less that of mirrored ones."""
    cube = evidence.cubes["init_to_smoothness"]
    standard, mirrored = (log_bends(cube, mirrored=one) for one in (False, True))
    if min(standard.size, mirrored.size) < 4:
        return absent("Fewer than four seeds of a kind trained without diverging.")
    depths = ", ".join(map(str, cube.depth.values))
    return measured(
        difference_interval(standard, mirrored),
        f"{standard.size} and {mirrored.size} seeds, depths {depths}: bending {np.exp(standard.mean()):.2g}, mirrored "
        f"{np.exp(mirrored.mean()):.2g}.",
        controls={"others": difference_interval(mirrored[1::2], mirrored[0::2])},
    )


def _start(evidence: Evidence) -> Finding:
    """Smoothness at initialisation, by depth."""
    cube = evidence.cubes["init_to_smoothness"]
    rows = {name: start_smoothness(cube, name) for name in (KINKED, SMOOTH)}
    if not all(np.isfinite(row).all() for row in rows.values()):
        return absent("A function is straight along the lines.")
    estimates = {
        name: by_part({f"depth {int(one.depth)}": one.values for one in row}, mean_interval)
        for name, row in rows.items()
    }
    return measured(
        estimates[KINKED],
        f"{cube.sizes['seed']} seeds; tanh {', '.join(f'{one.value:.2f}' for one in estimates[SMOOTH].values())}.",
        controls={"tanh": estimates[SMOOTH]},
    )


CLAIMS: Mapping[str, Measure] = {"mirrored_bends_less": _mirrored, "start_smoothness": _start}
