"""Misprints that numbers can decide: each claim is what is printed, held against the truth as the right formula is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from math import pi, radians

import numpy as np
import xarray as xr

from initatlas.studies.claim import Estimate, Finding, measured
from initatlas.studies.evidence import Evidence
from initatlas.studies.judge import Measure
from initatlas.studies.statistics import exact, mean_interval, scaled, shifted
from initatlas.studies.tsuchida2018 import printed
from initatlas.studies.tsuchida2018.depth_claims import LEAKY, RELU, ROUNDING, definiteness, turned_kernels

SLOPE = 0.2
LAYER, ANGLE = 4, 120.0
"""Where the composition as printed and the right one are compared."""

Truth = Callable[[Evidence], Estimate]


@dataclass(frozen=True)
class Erratum:
    """A printed formula, the right one, what else must not pass, and the truth, which uses none of them.

    Attributes
    ----------
    what
        The quantity.
    printed, right
        What the formulas give.
    wrong
        By the names of the contract's controls.
    truth
        The same quantity from the cubes.
    """

    what: str
    printed: float
    right: float
    wrong: Mapping[str, float]
    truth: Truth


def _layer_cosine(evidence: Evidence) -> Estimate:
    """Cosine of leaky ReLU networks with Gaussian weights, over networks."""
    where = {"activation": LEAKY[0], "weights": "gaussian", "layer": LAYER, "angle": ANGLE}
    return mean_interval(evidence.cubes["cor9"]["cosine"].sel(where).values)


def _gaussian_integrals(evidence: Evidence) -> xr.Dataset:
    """Kernels of one layer by their definition, an integral over the density of Gaussian weights."""
    return evidence.cubes["weight_integral"].sel(weights="gaussian", turn=0)


def _opposite_cosine(evidence: Evidence) -> Estimate:
    """Cosine of opposite inputs behind one leaky ReLU layer, by the integral over the weights."""
    cube = _gaussian_integrals(evidence)
    kernel, error = cube["leaky_kernel"], float(cube["quadrature_error"].max())
    equal = float(kernel.sel(angle=0.0))
    return exact(float(kernel.sel(angle=180.0)) / equal, 2.0 * error / equal)


def _opposite_kernel(evidence: Evidence) -> Estimate:
    """ReLU kernel of opposite unit inputs at a weight variance of one, by the integral over the weights."""
    cube = _gaussian_integrals(evidence)
    return exact(float(cube["kernel"].sel(angle=180.0)), float(cube["quadrature_error"].max()))


def _elu_cosine(evidence: Evidence) -> Estimate:
    """The kernel of ELU with Laplace weights at the largest number of inputs, over samples of the weights."""
    cube = evidence.cubes["thm6"].sel(activation="elu", weights="laplace", angle=90.0)
    return mean_interval(cube["cosine"].isel(m=-1).values)


def _composition(layers: int, *, as_printed: bool) -> float:
    """The composed cosine at the angle of the comparison."""
    return printed.composed_cosine(radians(ANGLE), layers, SLOPE, as_printed=as_printed)


ERRATA: Mapping[str, Erratum] = {
    "erratum_composition": Erratum(
        f"Cosine behind {LAYER} leaky ReLU layers at {ANGLE:.0f} degrees",
        _composition(LAYER, as_printed=True),
        _composition(LAYER, as_printed=False),
        {"layer_less": _composition(LAYER - 1, as_printed=False)},
        _layer_cosine,
    ),
    "erratum_derivative": Erratum(
        "Cosine of opposite inputs behind one leaky ReLU layer, T(-1), to which T' has to integrate",
        printed.opposite_cosine(printed.printed_strength(SLOPE)),
        printed.opposite_cosine(printed.right_strength(SLOPE)),
        {"without": printed.opposite_cosine(1.0)},
        _opposite_cosine,
    ),
    "erratum_integral": Erratum(
        "Cosine of opposite inputs behind one leaky ReLU layer",
        printed.opposite_cosine_of_supplement(SLOPE, last=-0.5),
        printed.opposite_cosine_of_supplement(SLOPE, last=0.0),
        {"without": printed.opposite_cosine_of_supplement(SLOPE, mixed=0.0, last=0.0)},
        _opposite_cosine,
    ),
    "erratum_initial_value": Erratum(
        "ReLU kernel of opposite inputs over |x| |y| E[W^2]; 1/2 is its value at angle 0",
        0.5,
        0.0,
        {"right_angle": 0.5 / pi},
        _opposite_kernel,
    ),
    "erratum_elu": Erratum(
        "Normalised ELU kernel at a right angle, Laplace weights, most inputs",
        printed.elu_right_angle("sum"),
        printed.elu_right_angle("product"),
        {"without": printed.elu_right_angle("none")},
        _elu_cosine,
    ),
}


def _erratum(evidence: Evidence, name: str) -> Finding:
    """The printed formula less the truth."""
    erratum = ERRATA[name]
    truth = erratum.truth(evidence)
    return measured(
        _less(erratum.printed, truth),
        f"{erratum.what}: as printed {erratum.printed:.4f}, right {erratum.right:.4f}, measured {truth.value:.4f} "
        f"[{truth.low:.4f}, {truth.high:.4f}].",
        controls={control: _less(value, truth) for control, value in erratum.wrong.items()},
        references={"right": _less(erratum.right, truth)},
    )


def _less(number: float, truth: Estimate) -> Estimate:
    """A number less an estimate."""
    return shifted(scaled(truth, -1.0), number)


SHALLOW, DEEP = 512, 4096
"""Layers behind which the rate of the decay is compared, each over as many layers again."""


def rate_ratio(gaps: xr.DataArray, shallow: int, deep: int) -> float:
    """Rate per layer at which a gap decays from a deep layer to twice that, over the rate from a shallow one to twice that.

    With ``|T'| <= q < 1`` every rate is at least -log q, and tends to a constant. A power law has rates that fall like the
    inverse of the layer.
    """
    rates = [-np.log(float(gaps.sel(layer=2 * layer) / gaps.sel(layer=layer))) / layer for layer in (shallow, deep)]
    return float(rates[1] / rates[0])


def _contraction(evidence: Evidence) -> Finding:
    """Rate of the decay of 1 - cos theta, deep over shallow, beside a power law and a geometric decay."""
    gaps = evidence.cubes["theory"]["one_minus_cosine"].sel(activation=RELU, angle=90.0)
    cosines = 1.0 - evidence.cubes["fixed_points"]["one_minus_cosine"].sel(activation="gelu", angle=90.0)
    kept = {layer: float(gaps.sel(layer=2 * layer) / gaps.sel(layer=layer)) for layer in (SHALLOW, DEEP)}
    end = 2 * DEEP
    return measured(
        exact(rate_ratio(gaps, SHALLOW, DEEP), ROUNDING),
        f"From layer {SHALLOW} to {2 * SHALLOW} 1 - cos theta_j keeps the share {kept[SHALLOW]:.3f}, from {DEEP} to {end} "
        f"{kept[DEEP]:.3f}: {np.exp(np.log(kept[DEEP]) / DEEP):.6f} per layer. j^2 (1 - cos theta_j) is "
        f"{float(gaps.sel(layer=end)) * end**2:.1f} at the end; by theory it tends to {printed.rate_constant(0.0):.1f}.",
        controls={"inverse_square": exact(rate_ratio(1.0 / gaps.layer.astype(float) ** 2, SHALLOW, DEEP), ROUNDING)},
        references={"gelu": exact(rate_ratio(abs(cosines - cosines.isel(layer=-1)), 32, 64), ROUNDING)},
    )


def _definite(evidence: Evidence) -> Finding:
    """Smallest eigenvalue of the Gram matrix of one leaky ReLU layer on a circle."""
    cosines = evidence.cubes["theory"]["cosine"].sel(layer=1)
    return measured(
        {name: definiteness(cosines.sel(activation=name)) for name in LEAKY},
        f"Smallest over largest eigenvalue of the Gram matrix on {2 * (cosines.sizes['angle'] - 1)} points of a circle.",
        controls={"relu": definiteness(cosines.sel(activation=RELU))},
        references={"turned": turned_kernels(evidence)},
    )


CLAIMS: Mapping[str, Measure] = {
    **{name: partial(_erratum, name=name) for name in ERRATA},
    "erratum_contraction": _contraction,
    "erratum_definite": _definite,
}
