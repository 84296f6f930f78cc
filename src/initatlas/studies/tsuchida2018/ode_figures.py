"""Figure of propositions 1 and 2: the forcing term and the kernel that it drives."""

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from initatlas.studies.evidence import Evidence
from initatlas.studies.tsuchida2018.drawing import angle_axis, weights_text

_SHOWN = ("multivariate_t(nu=2.5)", "student_t(nu=5)", "laplace")
"""Rotation-invariant, independent with heavy tails, independent with light ones."""


def fig3(evidence: Evidence) -> Figure:
    """Forcing term against the angle (left), and the kernel by its definition and as the solution of the ODE (right)."""
    cube = evidence.cubes["weight_integral"]
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.8, 3.6))
    for place, label in enumerate(_SHOWN):
        for dashes, turn in zip(("-", "--"), cube.turn.values, strict=True):
            _curves(left, right, cube.sel(weights=label, turn=turn), f"C{place}", dashes)
    for axes, name in ((left, r"forcing term $F(\theta_0)$"), (right, r"kernel $k(\theta_0)$")):
        angle_axis(axes)
        axes.set_ylabel(name)
    handles = [Line2D([], [], color=f"C{place}", label=weights_text(label)) for place, label in enumerate(_SHOWN)]
    turns = [_turn(d, t) for d, t in zip(("-", "--"), cube.turn.values, strict=True)]
    figure.legend(handles=[*handles, *turns], loc="outside upper center", ncols=5)
    kinds = [
        Line2D([], [], color="0.4", label="solution of the ODE"),
        Line2D([], [], color="0.4", marker="o", ms=3.4, lw=0, label="integral over the density"),
    ]
    right.legend(handles=kinds)
    return figure


def _curves(left: Axes, right: Axes, cube: xr.Dataset, colour: str, dashes: str) -> None:
    """One distribution in one plane; the forcing term near 0 and 180 degrees is what its factor sin leaves."""
    left.plot(cube.angle, cube["forcing"], color=colour, ls=dashes, lw=1.2)
    right.plot(cube.angle, cube["solution"], color=colour, ls=dashes, lw=1.0)
    right.plot(
        cube.angle, cube["kernel"], "o", color=colour, ms=3.4, mew=0.8, fillstyle="full" if dashes == "-" else "none"
    )


def _turn(dashes: str, turn: np.floating) -> Line2D:
    """Legend entry of a plane."""
    return Line2D([], [], color="0.4", ls=dashes, label=f"first input turned by {float(turn):.0f}°")
