"""Figures of Sahs et al. 2020."""

from matplotlib.figure import Figure

from initatlas.studies.evidence import Evidence
from initatlas.studies.sahs2020 import (
    density_figures,
    fitting_figures,
    motion_figures,
    partition_figures,
    regime_figures,
    roughness_figures,
    theory_figures,
)
from initatlas.studies.sahs2020.spiky_figures import before_and_after


def thm1(evidence: Evidence) -> Figure:
    """Laws of breakpoints and delta-slopes."""
    return theory_figures.laws(evidence.cubes["thm1"])


def thm2(evidence: Evidence) -> Figure:
    """Roughness of random networks."""
    return theory_figures.roughness(evidence.cubes["thm2"])


def remark1(evidence: Evidence) -> Figure:
    """Lonely partitions."""
    return theory_figures.lonely(evidence.cubes["remark1"])


def thm5(evidence: Evidence) -> Figure:
    """Laws of motion."""
    return theory_figures.motion(evidence.cubes["thm5"])


def fig4(evidence: Evidence) -> Figure:
    """Shallow networks from a spiky and from a standard start, before and after training."""
    return before_and_after(evidence.cubes["table3_shallow"], "one hidden layer of 21 units")


def fig6(evidence: Evidence) -> Figure:
    """Deep networks from a spiky and from a standard start, before and after training."""
    return before_and_after(evidence.cubes["table3_deep"], "four hidden layers of 8 units")


def fig3(evidence: Evidence) -> Figure:
    """Roughness by layer during training."""
    return roughness_figures.by_layer(evidence.cubes["fig3"])


def fig5(evidence: Evidence) -> Figure:
    """Roughness in gaps of the data."""
    return roughness_figures.in_gaps(evidence.cubes["fig5_width"], evidence.cubes["fig5_variance"])


def fig8(evidence: Evidence) -> Figure:
    """What networks make of gaps."""
    return roughness_figures.across_gaps(evidence.cubes["fig5_width"])


def fig2(evidence: Evidence) -> Figure:
    """Births, deaths and travel of breakpoints by layer."""
    return motion_figures.by_layer(evidence.cubes["fig2"])


def fig1_left(evidence: Evidence) -> Figure:
    """Training loss against pieces."""
    return fitting_figures.loss_by_pieces(evidence)


def fig7(evidence: Evidence) -> Figure:
    """Growth of the number of critical points."""
    return partition_figures.growth(evidence.cubes["fig7"])


def fig9(evidence: Evidence) -> Figure:
    """Density of the breakpoints before and after training."""
    return density_figures.densities(evidence.cubes["table4"])


def regimes(evidence: Evidence) -> Figure:
    """How far breakpoints travel, by width and initial scale."""
    return regime_figures.travelled(evidence.cubes["regimes"])


def frames(evidence: Evidence) -> Figure:
    """Breakpoints in motion."""
    return regime_figures.frames(evidence.cubes["frames"])
