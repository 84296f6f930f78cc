"""Claims of Daniely, Frostig, Singer 2016, and of a summary of the paper."""

from collections.abc import Callable, Mapping

import numpy as np
import xarray as xr
from scipy import stats

from initatlas.studies.claim import Finding, Verdict
from initatlas.studies.daniely2016 import depth_claims, dual_claims, summary_claims
from initatlas.studies.daniely2016.measures import (
    FAILURES,
    Estimate,
    exponent,
    jackknife,
    theorem_accuracy,
    title,
    typical,
)
from initatlas.studies.evidence import Evidence
from initatlas.studies.uncontracted import Measurement, below, within

CLAIMS: Mapping[str, Callable[[Evidence], Finding]] = {
    "duals_closed_form": dual_claims.printed,
    "duals_further": dual_claims.further,
    "duals_derivative": dual_claims.derivative,
    "duals_shape": dual_claims.shape,
    "duals_exponential": dual_claims.exponential,
    "depth_contains": depth_claims.contains,
    "depth_contains_inputs": depth_claims.contains_inputs,
    "depth_strict_relu": depth_claims.strict_relu,
    "depth_strict_erf": depth_claims.strict_erf,
    "depth_decay": depth_claims.decay,
    "depth_odd": depth_claims.odd,
    "separation": depth_claims.separation,
    "separation_exists": depth_claims.separation_exists,
    "universality_limit": depth_claims.limit,
    "universality_fixed": depth_claims.fixed,
    "erratum_erf": summary_claims.erf,
    "erratum_first_listing": summary_claims.first_listing,
    "erratum_first_listing_returns": summary_claims.returns,
    "erratum_second_listing": summary_claims.second_listing,
    "erratum_normalised": summary_claims.normalised,
    "text_relu": summary_claims.text,
}
"""What is measured for each claim with a contract, by its name."""


def measure(evidence: Evidence) -> dict[str, Measurement]:
    """Measure the claims without a contract."""
    return {
        "replication_rate": _replication_rate(evidence),
        "replication_bounded": _replication_bounded(evidence),
        "replication_relu": _replication_relu(evidence),
        "approximation_rate": _approximation_rate(evidence),
        "approximation_bound": _approximation_bound(evidence),
        "approximation_only_if": _only_if(evidence),
    }


def _replication_rate(evidence: Evidence) -> Measurement:
    """Exponent of the width in the largest error, mean over activations and layers."""
    cube = evidence.cubes["replication"]

    def rate(errors: xr.DataArray) -> float:
        return float(exponent(typical(errors), "width").mean())

    found, spectral = jackknife(rate, cube["max_error"]), jackknife(rate, cube["spectral_error"])
    single = exponent(typical(cube["max_error"]), "width")
    holds = within(found.value, evidence.published["replication_rate"], low=found.low, high=found.high)
    return Measurement(
        "holds" if holds else "differs",
        f"Largest entry, widths {int(cube.width.min())} to {int(cube.width.max())}, {cube.sizes['seed']} networks each; single "
        f"layers and activations from {float(single.min()):.2f} to {float(single.max()):.2f}. Spectral error: "
        f"{spectral.value:.3f} ({spectral.low:.3f} to {spectral.high:.3f}).",
        *found,
    )


def _replication_bounded(evidence: Evidence) -> Measurement:
    """Share of networks of which a layer is farther from the limit than the theorem allows."""
    cube = evidence.cubes["replication"]
    allowed = theorem_accuracy(cube)
    ratio = (abs(cube["pair_deviation"]) / allowed).where(np.isfinite(allowed)).dropna("activation", how="all")
    worst = ratio.max("layer")
    failed, networks = int((worst > 1.0).sum()), worst.size
    found = _binomial(failed, networks)
    needed = float(worst.max()) ** 2
    generous = "The bound is generous: the" if needed < 1.0 else "The"
    return Measurement(
        "holds" if found.low <= FAILURES else "fails",
        f"{failed} of {networks} networks ({', '.join(title(name) for name in ratio.activation.values)}) fail in some layer. "
        f"{generous} worst network needs {needed:.2g} times the width of the bound.",
        *found,
    )


def _binomial(count: int, total: int) -> Estimate:
    """A share with the interval of Clopper and Pearson."""
    low = float(stats.beta.ppf(0.025, count, total - count + 1)) if count else 0.0
    high = float(stats.beta.ppf(0.975, count + 1, total - count)) if count < total else 1.0
    return Estimate(count / total, low, high)


def _replication_relu(evidence: Evidence) -> Measurement:
    """Exponent of the layer in the root mean square deviation of the pair, times the root of the width."""
    cube = evidence.cubes["replication"]

    def growth(deviations: xr.DataArray) -> float:
        return float(0.5 * exponent((deviations**2 * deviations.width).mean(("seed", "width")), "layer"))

    deviations = cube["pair_deviation"]
    found = jackknife(growth, deviations.sel(activation="relu"))
    others = ", ".join(
        f"{title(name)} {growth(deviations.sel(activation=name)):.2f}"
        for name in deviations.activation.values
        if name != "relu"
    )
    holds = found.low <= (evidence.published["replication_relu"].value or 0.0)
    return Measurement(
        "holds" if holds else "fails",
        f"Exponent of the layer, 1 to {int(cube.layer.max())}, in the deviation of the fixed pair. For comparison {others}, "
        "whose bound is exponential in the depth.",
        *found,
    )


def _approximation_rate(evidence: Evidence) -> Measurement:
    """Exponent of the width in the mean squared error of the unbiased weights."""
    errors = evidence.cubes["approximation"]["unbiased_error"].sel(target="kernel_sum")
    found = jackknife(lambda samples: float(exponent(samples.mean("seed"), "width").mean()), errors)
    fitted = exponent(evidence.cubes["approximation"]["fitted_error"].mean("seed"), "width").sel(target="kernel_sum")
    holds = within(found.value, evidence.published["approximation_rate"], low=found.low, high=found.high)
    return Measurement(
        "holds" if holds else "differs",
        f"Weights whose mean over the layer is the target, {errors.sizes['seed']} layers per width. The exponents of fitted "
        f"weights: {', '.join(f'{value:.2f} ({title(name)})' for name, value in _by_activation(fitted))}.",
        *found,
    )


def _by_activation(values: xr.DataArray) -> list[tuple[str, float]]:
    """Activations with their values."""
    return [(str(name), float(values.sel(activation=name))) for name in values.activation.values]


def _approximation_bound(evidence: Evidence) -> Measurement:
    """Largest of m times the mean error of the fitted weights, over the widths and activations; R is 1."""
    cube = evidence.cubes["approximation"].sel(target="kernel_sum")
    scaled, unbiased = cube["fitted_error"] * cube.width, (cube["unbiased_error"] * cube.width).mean("seed")
    found = jackknife(lambda samples: float(samples.mean("seed").max()), scaled)
    keep = "always keep the bound" if float(unbiased.max()) <= 1.0 else "do not always keep the bound"
    return Measurement(
        "holds" if found.low <= 1.0 else "fails",
        f"Fitted weights; a single layer has at most {float(scaled.max()):.2f}. The unbiased weights of the usual proof "
        f"{keep}: their mean is up to "
        f"{', '.join(f'{value:.2f} ({title(name)})' for name, value in _by_activation(unbiased.max('width')))}; by theory "
        "the proof wants features of at most 1, and for the ReLU the exact mean is (d + 2) / d less the target's mean square.",
        *found,
    )


def _only_if(evidence: Evidence) -> Measurement:
    """Exponent of the width in the error for a target of infinite norm."""
    cube = evidence.cubes["approximation"].sel(target="neuron", activation="relu")
    relative = cube["fitted_error"] / cube["mean_square"].mean()
    found = jackknife(lambda samples: float(exponent(samples.mean("seed"), "width")), relative)
    last = relative.mean("seed").isel(width=-1)
    falls = below(0.0, low=found.low, high=found.high)
    verdict: Verdict = "fails" if falls == "holds" else "holds" if falls == "fails" else falls
    trend = {"holds": "falls", "fails": "does not fall"}.get(falls, "may fall or not")
    return Measurement(
        verdict,
        "Exponent of the width in the error for a single ReLU neuron. By theory its norm is infinite, for each harmonic of its "
        f"degrees adds the same. At width {int(last.width)} the error is {float(last):.2%} of its mean square; it {trend} with "
        "the width.",
        *found,
    )
