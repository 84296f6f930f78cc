"""Figure 1 left: training loss against pieces."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from initatlas.studies.evidence import Evidence
from initatlas.studies.sahs2020.fitting_claims import NETWORKS, losses

_FITS = {
    "separate": "dynamic programming, separate lines",
    "continuous": "dynamic programming, continuous",
    "merged": "greedy merging",
}


def loss_by_pieces(evidence: Evidence) -> Figure:
    """Fits as lines, trained networks with their ranges."""
    figure, axes = plt.subplots(figsize=(6.4, 4.2))
    segments = evidence.cubes["fig1_segments"]
    for place, (method, label) in enumerate(_FITS.items()):
        fits = segments.sel(algorithm=method)
        axes.plot(fits["pieces_taken"], fits["loss"], color=f"C{place}", marker="o", ms=3, lw=1.0, label=label)
    for place, (sweep, label) in enumerate(NETWORKS.items()):
        _networks(axes, evidence, sweep, label, f"C{place + len(_FITS)}")
    axes.set_xscale("log")
    axes.set_xticks([5, 10, 20, 40, 80], ["5", "10", "20", "40", "80"])
    axes.set_xticks([], minor=True)
    axes.set_yscale("log")
    axes.set_xlabel("pieces of a fit, or units of a network")
    axes.set_ylabel("half the sum of squares")
    figure.legend(loc="outside lower center", ncol=2)
    return figure


def _networks(axes: Axes, evidence: Evidence, sweep: str, label: str, colour: str) -> None:
    """Medians and ranges of the networks of a sweep that stayed finite."""
    loss = losses(evidence.cubes[sweep])
    low, middle, high = (loss.quantile(share, "seed").values for share in (0.0, 0.5, 1.0))
    reach = np.array([middle - low, high - middle])
    axes.errorbar(loss.width, middle, yerr=reach, color=colour, marker="s", ms=4, lw=1.0, ls="--", label=label)
