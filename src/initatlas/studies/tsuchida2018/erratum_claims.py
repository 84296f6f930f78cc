"""Misprints that numbers can decide: each claim is what is printed, its measurement is the truth."""

from collections.abc import Callable
from dataclasses import dataclass
from math import radians

import numpy as np

from initatlas.studies.claim import Measurement
from initatlas.studies.evidence import Evidence
from initatlas.studies.tsuchida2018 import printed
from initatlas.studies.tsuchida2018.deviations import part
from initatlas.studies.tsuchida2018.statistics import Interval, mean_interval

SLOPE = 0.2
LAYER, ANGLE = 8, 120.0
"""Where the composition as printed and the right one are compared."""


@dataclass(frozen=True)
class Erratum:
    """A printed formula, the right one, and the measurement that tells them apart."""

    printed: float
    right: float
    measured: Callable[[Evidence], Interval]
    what: str


def erratum_claims(evidence: Evidence) -> dict[str, Measurement]:
    """Measure what the misprints are about."""
    claims = {name: _judged(evidence, erratum) for name, erratum in errata(evidence).items()}
    claims["erratum_contraction"] = _contraction(evidence)
    claims["erratum_definite"] = _definite(evidence)
    return claims


def errata(evidence: Evidence) -> dict[str, Erratum]:
    """The misprints by claim, with what is printed and what is right."""
    right = evidence.cubes["theory"]["cosine"].sel(activation=f"leaky_relu(slope={SLOPE})")
    opposite = "Cosine of opposite inputs behind one leaky ReLU layer"
    return {
        "erratum_composition": Erratum(
            printed.printed_composition(radians(ANGLE), LAYER, SLOPE),
            float(right.sel(layer=LAYER, angle=ANGLE)),
            lambda found: _leaky_samples(found, LAYER, ANGLE),
            f"Cosine behind {LAYER} leaky ReLU layers at {ANGLE:.0f} degrees",
        ),
        "erratum_derivative": Erratum(
            printed.opposite_cosine(printed.printed_strength(SLOPE)),
            printed.opposite_cosine(printed.right_strength(SLOPE)),
            lambda found: _leaky_samples(found, 1, 180.0),
            f"{opposite}, T(-1), to which T' has to integrate",
        ),
        "erratum_integral": Erratum(
            printed.opposite_cosine_of_supplement(SLOPE, as_printed=True),
            printed.opposite_cosine_of_supplement(SLOPE, as_printed=False),
            lambda found: _leaky_samples(found, 1, 180.0),
            opposite,
        ),
        "erratum_initial_value": Erratum(
            0.5,
            0.0,
            _relu_opposite,
            "ReLU kernel of opposite inputs over |x| |y| E[W^2]; 1/2 is its value at angle 0",
        ),
        "erratum_elu": Erratum(
            printed.elu_right_angle(as_printed=True),
            printed.elu_right_angle(as_printed=False),
            _elu_samples,
            "Normalised ELU kernel at a right angle, Laplace weights, most inputs",
        ),
    }


def _judged(evidence: Evidence, erratum: Erratum) -> Measurement:
    """Which of the two formulas the measurement is nearer to, and whether it excludes the printed one."""
    found = erratum.measured(evidence)
    nearer = abs(found.value - erratum.right) < abs(found.value - erratum.printed)
    excluded = not found.holds(erratum.printed)
    text = "nan: it has left [-1, 1]" if np.isnan(erratum.printed) else f"{erratum.printed:.4f}"
    return Measurement(
        "fails" if excluded and (nearer or np.isnan(erratum.printed)) else "holds",
        f"{erratum.what}: as printed {text}, right {erratum.right:.4f}.",
        found.value,
        found.low,
        found.high,
    )


def _leaky_samples(evidence: Evidence, layer: int, angle: float) -> Interval:
    """Mean cosine of leaky ReLU networks with Gaussian weights, over networks."""
    samples = part(evidence.cubes["fig4"], "fig4b")["cosine"].sel(
        weights="generalized_normal(beta=2)", layer=layer, angle=angle
    )
    return mean_interval(samples.values)


def _relu_opposite(evidence: Evidence) -> Interval:
    """h(x).h(-x) over |x|^2 n E[W^2] with n E[W^2] = 2: cosine times squared norm ratio over 2, over networks."""
    cube = evidence.cubes["fig2"].sel(layer=1, angle=180.0)
    return mean_interval((cube["cosine"] * cube["norm_ratio"] ** 2 / 2.0).values)


def _elu_samples(evidence: Evidence) -> Interval:
    """The kernel of ELU with Laplace weights at the largest number of inputs, over samples of the weights."""
    cube = evidence.cubes["thm6"].sel(activation="elu", weights="laplace", angle=90.0)
    return mean_interval(cube["cosine"].isel(m=-1).values)


def _contraction(evidence: Evidence) -> Measurement:
    """Ratio of 1 - cos theta at two depths: a contraction would make it vanish."""
    gap = evidence.cubes["theory"]["one_minus_cosine"].sel(activation="relu", angle=90.0)
    ratio = float(gap.sel(layer=8192) / gap.sel(layer=4096))
    step = float((gap.sel(layer=8192) / gap.sel(layer=4096)) ** (1.0 / 4096))
    constant = printed.rate_constant(0.0)
    reached = float(gap.sel(layer=8192)) * 8192**2
    return Measurement(
        "fails",
        "(1 - cos theta_8192) / (1 - cos theta_4096) of ReLU: a contraction with |T'| <= q < 1 would have q^4096, "
        f"practically 0. A step shrinks the distance by the factor {step:.5f}, because T'(1) = 1; Banach's "
        "theorem does not apply as "
        f"written (Edelstein's does). j^2 (1 - cos theta_j) is {reached:.1f} and tends to {constant:.1f}.",
        ratio,
    )


def _definite(evidence: Evidence) -> Measurement:
    """Smallest eigenvalue of the Gram matrix of one leaky ReLU layer on a circle."""
    cosines = evidence.cubes["theory"]["cosine"].sel(activation=f"leaky_relu(slope={SLOPE})", layer=1).values
    smallest = printed.smallest_eigenvalue(cosines)
    return Measurement(
        "fails" if smallest > -1e-12 else "holds",
        f"Smallest eigenvalue over the largest, Gram matrix on {2 * (len(cosines) - 1)} points of a circle: not "
        "negative. The kernel is "
        "E[s(u) s(v)], a Gram matrix by itself, and a sum of the arc-cosine and the linear kernel.",
        smallest,
    )
