"""Figures of Sahs et al. 2020."""

from matplotlib.figure import Figure

from initatlas.studies.evidence import Evidence
from initatlas.studies.sahs2020.spiky_figures import before_and_after


def fig4(evidence: Evidence) -> Figure:
    """Shallow networks from a spiky and from a standard start, before and after training."""
    return before_and_after(evidence.cubes["table3_shallow"], "one hidden layer of 21 units")


def fig6(evidence: Evidence) -> Figure:
    """Deep networks from a spiky and from a standard start, before and after training."""
    return before_and_after(evidence.cubes["table3_deep"], "four hidden layers of 8 units")
