"""Figures of the atlas's own chapter."""

from matplotlib.figure import Figure

from initatlas.studies.atlas.boundary_figures import boundary_map
from initatlas.studies.atlas.chaos_figures import chaos_map
from initatlas.studies.atlas.invariance_figures import invariance_figure
from initatlas.studies.atlas.learning_rate_figures import kernel_limit_figure, learning_rate_figure
from initatlas.studies.atlas.smoothness_figures import smoothness_figure
from initatlas.studies.atlas.trainability_figures import accuracy_map
from initatlas.studies.evidence import Evidence


def trainability(evidence: Evidence) -> Figure:
    """Test accuracy on the glyphs over depth and weight variance, a panel per weight distribution."""
    return accuracy_map(evidence, "trainability")


def trainability_digits(evidence: Evidence) -> Figure:
    """The same on the digits."""
    return accuracy_map(evidence, "trainability_digits")


def invariance(evidence: Evidence) -> Figure:
    """Training with weights of several distributions of one variance."""
    return invariance_figure(evidence.cubes["invariance"])


def boundary(evidence: Evidence) -> Figure:
    """Which small networks train and which diverge, over learning rate and weight variance."""
    return boundary_map([evidence.cubes[name] for name in ("boundary", "boundary_near", "boundary_close")])


def learning_rate(evidence: Evidence) -> Figure:
    """Which learning rate is best over width and depth, in three parametrisations."""
    return learning_rate_figure(evidence)


def kernel_limit(evidence: Evidence) -> Figure:
    """How far the empirical NTK is from that of infinite width, over the width, in three parametrisations."""
    return kernel_limit_figure(evidence)


def init_to_smoothness(evidence: Evidence) -> Figure:
    """Bending and smoothness of the function, before and after training."""
    return smoothness_figure(evidence.cubes["init_to_smoothness"])


def trainability_tanh(evidence: Evidence) -> Figure:
    """Which tanh networks learn, over depth and both variances."""
    return chaos_map(evidence)
