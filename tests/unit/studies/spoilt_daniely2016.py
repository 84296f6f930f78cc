"""Spoilt cubes of daniely2016: those of scale smoke, with synthetic numbers where they are random."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import xarray as xr
from claim_cubes import ROOT, Trial, both, changed, contracted, copied
from toy.sweeps import run

from initatlas.config import load_workflow
from initatlas.cubes import open_cube
from initatlas.studies.daniely2016 import replication_claims

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
    """The same, with simulations, networks and layers that came out as they should, and scatter a little."""
    found = computed()
    right = found["errata"]["right"]
    return {
        **found,
        "errata": found["errata"].assign(simulated=right, standard_error=1e-3 * right),
        "replication": replication(found["replication"]),
        "bounded": bounded(found["bounded"]),
        "initialisations": initialisations(found["initialisations"]),
        "approximation": approximation(found["approximation"]),
        "worst_target": found["worst_target"].map(lambda v: v if v.dtype == object else 0 * v + 0.3 / v.width),
        "neuron": neuron(found["neuron"]),
        "universality": universality(found["universality"]),
    }


def scatter(v, seed=0):
    """Standard normal numbers in the shape of a variable."""
    return xr.zeros_like(v) + np.random.default_rng(seed).standard_normal(v.shape)


def replication(cube):
    """Errors that fall as r^-1/2, and deviations that grow as the layer^0.6; other weights have another limit."""
    error = (1.0 + 0.02 * scatter(cube.max_error)) * cube.layer / cube.width**0.5
    fault = abs(np.log(cube.weight_scale)) * cube.layer**1.5
    sign = (-1.0) ** cube.seed * (1.0 + 0.02 * scatter(cube.pair_deviation))
    deviation = 0.03 * sign * cube.layer**0.6 / cube.width**0.5 + 5.0 * fault
    there = cube.max_error.notnull()
    dims = cube.max_error.dims
    return cube.assign(
        max_error=(error + 5.0 * fault).where(there).transpose(*dims),
        pair_deviation=deviation.where(there).transpose(*dims),
    )


def bounded(cube):
    """Many networks whose kernels are twice as far from the limit as the root of the width says."""
    many = cube.isel(seed=[0] * 120).assign_coords(seed=np.arange(120))
    return many.assign(pair_deviation=0.0 * many.pair_deviation + 2.0 / float(many.width[0]) ** 0.5)


def initialisations(cube):
    """The kernel of Gaussian weights whatever the distribution, and another one at a larger variance."""
    deviation = 0.005 * scatter(cube.pair_deviation) + 0.2 * (cube.weight_scale - 1.0)
    there = cube.pair_deviation.notnull()
    return cube.assign(pair_deviation=deviation.where(there).transpose(*there.dims))


def approximation(cube):
    """The law of unbiased weights, with a floor where the features are too large."""
    floor = 0.1 * (cube.feature_scale - 1.0)
    noisy = (1.0 + 0.02 * scatter(cube.unbiased_error)) / cube.width
    dims, there = cube.unbiased_error.dims, cube.unbiased_error.notnull()
    return cube.assign(
        unbiased_error=(noisy + floor).where(there).transpose(*dims),
        shuffled_error=(noisy + 0.6).transpose(*dims),
        fitted_error=(0.2 * noisy / cube.width**0.5).transpose(*dims),
        mean_square=xr.zeros_like(cube.mean_square) + 0.6,
    )


def neuron(cube):
    """The rate of theory."""
    error = 0.2 * (1.0 + 0.02 * scatter(cube.fitted_error)) * cube.width**-0.75
    return cube.assign(fitted_error=error.transpose(*cube.fitted_error.dims))


def universality(cube):
    """Kernels that depth first makes better, then worse, in both respects."""
    bowl = np.exp(0.3 * abs(np.log(cube.layers / 4.0)))
    return cube.assign(
        {
            name: (bowl * np.exp(0.02 * scatter(cube[name]))).transpose(*cube[name].dims)
            for name in ("condition", "mixture_error", "degree_error")
        }
    )


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


def unscaled(share):
    """Kernels of the ReLU's first two layers that are a share of those of infinite width."""
    first = replication_claims._relu_limits(2)

    def deviation(v):
        limits = xr.DataArray([first.get(layer, 1.0) for layer in v.layer.values], {"layer": v.layer}, "layer")
        return limits * (share(v) - 1.0) + 0.0 * v

    return changed("replication", "pair_deviation", deviation, activation="relu")


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
    "replication_rate": Trial(
        "holds",
        changed("replication", "max_error", lambda v: v * v.width**0.07, weight_scale=1.0),
        "differs",
        copied("replication", "max_error", of={"weight_scale": 1.0}, to={"weight_scale": 0.98}),
    ),
    "replication_limit": Trial(
        "holds",
        changed("replication", "pair_deviation", lambda v: v + 0.07, activation="sin", weight_scale=1.0),
        "fails",
        copied("replication", "pair_deviation", of={"weight_scale": 1.0}, to={"weight_scale": 0.98}),
    ),
    "replication_bounded": Trial(
        "holds",
        changed("bounded", "pair_deviation", lambda v: v + 0.5, seed=list(range(30)), activation="sin"),
        "fails",
        changed("bounded", "pair_deviation", lambda v: 0.1 * v),
    ),
    "replication_relu": Trial(
        "holds",
        changed("replication", "pair_deviation", lambda v: v * v.layer**0.5, activation="relu", weight_scale=1.0),
        "fails",
        copied("replication", "pair_deviation", of={"weight_scale": 1.0}, to={"weight_scale": 1.1}),
    ),
    "approximation_rate": Trial(
        "holds",
        changed("approximation", "unbiased_error", lambda v: v * v.width**0.07, feature_scale=1.0),
        "differs",
        copied("approximation", "unbiased_error", of={"feature_scale": 1.0}, to={"feature_scale": 1.1}),
    ),
    "approximation_bound": Trial(
        "holds",
        changed("worst_target", "fitted_error", lambda v: 4.0 * v, activation="erf", width=32),
        "fails",
        changed("approximation", "shuffled_error", lambda v: 0.01 * v),
    ),
    "approximation_only_if": Trial(
        "fails",
        changed("neuron", "fitted_error", lambda v: 0.0 * v + 0.1),
        "holds",
        changed("approximation", "mean_square", lambda v: 0.001 * v),
    ),
    "approximation_only_if_rate": Trial(
        "holds",
        changed("neuron", "fitted_error", lambda v: v * v.width**-0.2),
        "fails",
        changed("approximation", "fitted_error", lambda v: v * v.width),
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
    "summary_scaling": Trial(
        "fails",
        unscaled(lambda v: v.width ** -(1.0 * v.layer)),
        "holds",
        unscaled(lambda v: 1.0 / v.width),
    ),
    "summary_initialisations": Trial(
        "fails",
        changed("initialisations", "pair_deviation", lambda v: v + 0.05, weights=["uniform", "laplace"]),
        "holds",
        changed("initialisations", "pair_deviation", lambda v: v + 0.05, weights="gaussian", weight_scale=1.0),
    ),
    "summary_conditioning": Trial(
        "fails",
        changed("universality", "condition", lambda v: v / v.layers**2.0),
        "holds",
        changed("universality", "condition", lambda v: 0.0 * v + v.layers),
    ),
    "summary_depth_rate": Trial(
        "fails",
        both(
            *(
                changed("universality", name, lambda v: v * np.exp(-0.5 * v.layers))
                for name in ("mixture_error", "degree_error")
            )
        ),
        "holds",
        contracted("summary_depth_rate", value=0.5),
    ),
}
