"""Figures: a function of the evidence for each that is declared."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from initatlas.studies.evidence import Evidence
from my_studies.paper2020.measures import mean_squares


def curve(evidence: Evidence) -> Figure:
    """Mean square against the width."""
    cube = evidence.cubes["layers"]
    value, low, high = np.array([estimate.numbers for estimate in mean_squares(cube, "behind")]).T
    figure, axes = plt.subplots()
    axes.errorbar(cube.width, value, yerr=[value - low, high - value], fmt="o", label="measured")
    axes.axhline(0.5, color="0.4", ls="--", label="published")
    axes.set_xscale("log", base=2)
    axes.set_xlabel("width")
    axes.set_ylabel("mean square")
    axes.legend()
    return figure
