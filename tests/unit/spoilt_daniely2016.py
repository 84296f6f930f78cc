"""Spoilt cubes of daniely2016: those of scale smoke, with synthetic numbers where they are random."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from claim_cubes import ROOT, Trial, both, changed, copied
from toy.sweeps import run

from initatlas.config import load_workflow
from initatlas.cubes import open_cube

STUDY = "daniely2016"


@cache
def computed():
    """The sweeps of scale smoke, as they come."""
    found = {}
    with TemporaryDirectory() as folder:
        for name, sweep in load_workflow(ROOT, {"scale": "smoke"}).sweeps[STUDY].items():
            report, path = run(sweep, Path(folder))
            assert not report.failures
            found[name] = open_cube(path).load()
    return found


def cubes():
    """The same, with simulations that came out as they should."""
    found = computed()
    right = found["errata"]["right"]
    return {**found, "errata": found["errata"].assign(simulated=right, standard_error=1e-3 * right)}


HERMITE = "hermite(degree=2)"


def printed_is_right(formula):
    """A listing without its mistake."""

    def spoil(evidence):
        right = evidence.cubes["errata"]["right"]
        return changed("errata", "printed", lambda _: right, formula=formula)(evidence)

    return spoil


def erratum(formula):
    """A printed formula is refuted; were it right, it would not be; a simulation that refutes the right one decides nothing."""
    return Trial(
        "fails", printed_is_right(formula), "holds", changed("errata", "simulated", lambda v: 2.0 * v, formula=formula)
    )


def flat(v):
    return 0.0 * v + (1.0 + v.degree) ** -2.0


def growing(v):
    """Eigenvalues that one more layer beyond the second multiplies by the degree."""
    return v * (1.0 + v.degree) ** (v.depth - 2.0).clip(min=0.0)


TRIALS = {
    "duals_closed_form": Trial(
        "holds",
        changed("duals", "dual_integral", lambda v: v + 2e-6, activation="step"),
        "fails",
        changed(
            "duals", "dual_integral", lambda v: v + 0.02 / np.pi * (1.0 - v.correlation**2) ** 0.5, activation="relu"
        ),
    ),
    "duals_further": Trial(
        "holds",
        changed("duals", "dual", lambda v: v + 2e-6, activation="gelu"),
        "fails",
        changed(
            "duals",
            "dual_integral",
            lambda v: 0.0 * v + np.arcsin(v.correlation / 2) / np.arcsin(0.5),
            activation="erf",
        ),
    ),
    "duals_derivative": Trial(
        "holds",
        changed("duals", "dual_slope", lambda v: v + 2e-6, activation="sin"),
        "fails",
        changed("duals", "second_moment_integral", lambda v: 0.0 * v + 1.0, activation="relu"),
    ),
    "duals_shape": Trial(
        "holds",
        changed("duals", "dual", lambda v: v - 0.1 * v.correlation**4, activation="relu"),
        "fails",
        changed("duals", "dual", lambda v: 0.0 * v + v.correlation),
    ),
    "duals_exponential": Trial(
        "fails",
        changed("duals", "second_moment_integral", lambda v: 0.0 * v + np.exp(4.0), activation="exp"),
        "holds",
        changed("duals", "second_moment_integral", lambda v: 0.0 * v + np.exp(2.02), activation="exp"),
    ),
    "depth_contains": Trial(
        "holds",
        changed("depth_spectrum", "eigenvalue", lambda v: v / (1.0 + v.degree) ** v.depth, activation="relu"),
        "fails",
        changed("depth_spectrum", "eigenvalue", flat, activation="erf"),
    ),
    "depth_contains_inputs": Trial(
        "fails",
        changed("depth_spectrum", "share", lambda v: v + 0.1, activation=HERMITE, degree=1, depth=1),
        "holds",
        changed("depth_spectrum", "share", lambda v: v + 0.1, activation="relu", degree=3, depth=1),
    ),
    "depth_strict_relu": Trial(
        "fails",
        changed("depth_spectrum", "eigenvalue", growing, activation="relu"),
        "holds",
        changed("depth_spectrum", "eigenvalue", lambda v: v / (1.0 + v.degree), activation="relu", depth=1),
    ),
    "depth_strict_erf": Trial(
        "holds",
        changed("depth_spectrum", "eigenvalue", flat, activation="erf"),
        "fails",
        changed("depth_spectrum", "eigenvalue", growing, activation="relu"),
    ),
    "depth_decay": Trial(
        "holds",
        changed("depth_spectrum", "decay_odd", lambda v: v + 0.15, dimension=5),
        "fails",
        both(*(changed("tangent_spectrum", f"decay_{parity}", lambda v: v + 2.0) for parity in ("even", "odd"))),
    ),
    "depth_odd": Trial(
        "holds",
        changed("depth_spectrum", "share", lambda v: v + 1e-8, activation="relu", depth=1, degree=5),
        "fails",
        changed("depth_spectrum", "share", lambda v: v * (v.degree % 2 == 0), activation="relu", depth=2),
    ),
    "separation": Trial(
        "fails",
        changed("separation", "eigenvalue", lambda v: v * v.dimension ** (4.0 / 3.0 * (v.depth - 1.0))),
        "holds",
        changed("separation", "eigenvalue", lambda v: v * v.dimension**8.0, depth=2),
    ),
    "separation_exists": Trial(
        "holds",
        copied("separation", "eigenvalue", of={"depth": 2, "degree": 3}, to={"depth": 1, "degree": 3}),
        "fails",
        changed("separation", "eigenvalue", lambda v: 0.0 * v, depth=1, degree=2),
    ),
    "universality_limit": Trial(
        "fails",
        changed("two_points", "distance", lambda v: 0.0 * v, activation=["relu", "erf"]),
        "holds",
        changed("two_points", "distance", lambda v: 0.0 * v, activation="identity"),
    ),
    "universality_fixed": Trial(
        "holds",
        changed("depth_spectrum", "eigenvalue", lambda v: 0.0 * v, activation="relu", depth=2, degree=7),
        "fails",
        copied("depth_spectrum", "eigenvalue", of={"depth": 2}, to={"depth": 1}),
    ),
    "erratum_erf": erratum("erf"),
    "erratum_first_listing": erratum("first_listing"),
    "erratum_first_listing_returns": Trial(
        "fails",
        changed("errata", "returns", lambda v: 0 * v + 1, formula="first_listing", angle=60),
        "holds",
        changed("errata", "returns", lambda v: 0 * v, formula="second_listing"),
    ),
    "erratum_second_listing": erratum("second_listing"),
    "text_relu": Trial(
        "holds",
        changed("errata", "printed", lambda v: 1.1 * v, formula="text"),
        "fails",
        changed("errata", "printed", lambda v: 0.5 * v, formula="text", depth=1, angle=0),
    ),
    "erratum_normalised": Trial(
        "fails",
        changed("errata", "simulated", lambda v: 0.0 * v + 1.0, formula="second_listing"),
        "holds",
        changed("errata", "simulated", lambda v: 0.0 * v + 1.0 / 2.04, formula="second_listing"),
    ),
}
