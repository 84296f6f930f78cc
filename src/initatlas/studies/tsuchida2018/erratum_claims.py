"""Misprints that numbers can decide: each claim is what is printed, its measurement is the truth."""

from collections.abc import Callable
from dataclasses import dataclass
from math import radians

import numpy as np

from initatlas.studies.claim import Verdict
from initatlas.studies.evidence import Evidence
from initatlas.studies.tsuchida2018 import printed
from initatlas.studies.tsuchida2018.deviations import part
from initatlas.studies.tsuchida2018.statistics import Interval, mean_interval
from initatlas.studies.uncontracted import Measurement, misprint

SLOPE = 0.2
LAYER, ANGLE = 8, 120.0
"""Where the composition as printed and the right one are compared."""

SHALLOW, DEEP = 512, 4096
"""Layers behind which the rate of the decay is compared, each over as many layers again."""

ROUNDING = 1e-12


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
    """Which of the two formulas the interval of the measurement reaches."""
    found = erratum.measured(evidence)
    verdict, remark = misprint(erratum.printed, erratum.right, value=found.value, low=found.low, high=found.high)
    text = "nan: it has left [-1, 1]" if np.isnan(erratum.printed) else f"{erratum.printed:.4f}"
    return Measurement(
        verdict,
        f"{erratum.what}: as printed {text}, right {erratum.right:.4f}.{remark}",
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
    """Rate per layer at which 1 - cos theta decays, deep over shallow: a contraction keeps it away from 0.

    With ``|T'| <= q < 1`` every rate is at least -log q, and tends to a constant. A power law has rates that fall like the
    inverse of the layer.
    """
    gap = evidence.cubes["theory"]["one_minus_cosine"].sel(activation="relu", angle=90.0)
    kept = {layer: float(gap.sel(layer=2 * layer) / gap.sel(layer=layer)) for layer in (SHALLOW, DEEP)}
    shallow, deep = (-np.log(kept[layer]) / layer for layer in (SHALLOW, DEEP))
    value = float(deep / shallow)
    verdict: Verdict = "fails" if value < 0.5 else "holds" if value > 0.9 else "differs"
    meaning = {
        "fails": "The rate vanishes as for a power law, because T'(1) = 1; Banach's theorem does not apply as written "
        "(Edelstein's does).",
        "holds": "The decay is geometric.",
        "differs": "That is neither a power law nor a geometric decay.",
    }[verdict]
    end = 2 * DEEP
    return Measurement(
        verdict,
        f"Rate at which 1 - cos theta_j of ReLU decays per layer, j from {DEEP} to {end}, over that from {SHALLOW} to "
        f"{2 * SHALLOW}: a contraction with |T'| <= q < 1 has 1 in the limit, the power law j^-2 has {SHALLOW / DEEP:.3f}. In "
        f"the deeper range a step keeps the share {np.exp(-deep):.5f}, and all of them {kept[DEEP]:.3g}. {meaning} "
        f"j^2 (1 - cos theta_j) is {float(gap.sel(layer=end)) * end**2:.1f} at the end; by theory it tends to "
        f"{printed.rate_constant(0.0):.1f}.",
        value,
    )


def _definite(evidence: Evidence) -> Measurement:
    """Smallest eigenvalue of the Gram matrix of one leaky ReLU layer on a circle."""
    cosines = evidence.cubes["theory"]["cosine"].sel(activation=f"leaky_relu(slope={SLOPE})", layer=1).values
    smallest = printed.smallest_eigenvalue(cosines)
    definite = smallest > -ROUNDING
    meaning = (
        "not negative, as it has to be: the kernel is E[s(u) s(v)], a Gram matrix by itself, and a sum of the arc-cosine "
        "and the linear kernel."
        if definite
        else "negative, which no kernel E[s(u) s(v)] allows."
    )
    return Measurement(
        "fails" if definite else "holds",
        f"Smallest eigenvalue over the largest, Gram matrix on {2 * (len(cosines) - 1)} points of a circle: {meaning}",
        smallest,
    )
