"""Claims of Daniely, Frostig, Singer 2016, and of a summary of the paper."""

import numpy as np
import xarray as xr
from scipy import stats

from initatlas.studies.claim import Verdict
from initatlas.studies.daniely2016.measures import (
    FAILURES,
    Estimate,
    exponent,
    jackknife,
    present,
    reach,
    resolved,
    separation_factor,
    series_error,
    shallow_over_deep,
    standardised,
    theorem_accuracy,
    title,
    typical,
    upper_half,
)
from initatlas.studies.evidence import Evidence
from initatlas.studies.uncontracted import Measurement, below, misprint, within

NORMAL_95 = 1.96

MOST_STANDARD_ERRORS = 5.0
"""The largest of some hundred standard normal numbers stays below it, but for a chance of about 1e-4."""

ROUNDING = 1e-12

GROWING = 0.1
"""A ratio grows with the dimension where its exponent exceeds this."""

LOST = 100.0
"""A harmonic counts as lost where one more layer leaves less than one part in this of its eigenvalue."""


def measure(evidence: Evidence) -> dict[str, Measurement]:
    """Measure all claims of the study."""
    return {
        "duals_closed_form": _closed_form(evidence, "dual"),
        "duals_derivative": _closed_form(evidence, "derivative"),
        "duals_shape": _shape(evidence),
        "duals_exponential": _exponential(evidence),
        "replication_rate": _replication_rate(evidence),
        "replication_bounded": _replication_bounded(evidence),
        "replication_relu": _replication_relu(evidence),
        "approximation_rate": _approximation_rate(evidence),
        "approximation_bound": _approximation_bound(evidence),
        "approximation_only_if": _only_if(evidence),
        "depth_contains": _contains(evidence),
        "depth_strict_relu": _strict(evidence, "relu", first_depth=2),
        "depth_strict_erf": _strict(evidence, "erf", first_depth=1),
        "depth_decay": _decay(evidence),
        "depth_odd": _odd(evidence),
        "separation": _separation(evidence),
        "universality_limit": _universality_limit(evidence),
        "universality_fixed": _universality_fixed(evidence),
        "erratum_erf": _erratum(evidence, "erf", depth=1, angle=60),
        "erratum_first_listing": _erratum(evidence, "first_listing", depth=3, angle=60),
        "erratum_first_listing_returns": _returns(evidence),
        "erratum_second_listing": _erratum(evidence, "second_listing", depth=40, angle=0),
        "erratum_normalised": _normalised(evidence),
    }


def _closed_form(evidence: Evidence, name: str) -> Measurement:
    """Largest distance between closed form and Monte Carlo, in standard errors."""
    cube = evidence.cubes["duals"]
    distances, series = standardised(cube, name), series_error(cube, name)
    value, worst = float(distances.max()), title(str(distances.max("correlation").idxmax().item()))
    step = "" if name == "dual" else " The step's derivative is no function: it has the series alone."
    return Measurement(
        "holds" if value < MOST_STANDARD_ERRORS else "fails",
        f"Largest distance of {int(distances.notnull().sum())} Monte Carlo means from the closed form, in standard errors "
        f"({worst}); below {MOST_STANDARD_ERRORS:.0f} is chance. The Hermite series is within {float(series.max()):.0e} at "
        f"correlations up to 0.9 ({title(str(series.idxmax().item()))}).{step}",
        value,
    )


def _shape(evidence: Evidence) -> Measurement:
    """Smallest first and second difference on [0, 1], and the largest absolute value."""
    dual = evidence.cubes["duals"]["dual"]
    right = dual.sel(correlation=slice(-ROUNDING, None))
    rise = float(right.diff("correlation").min())
    bend = float(right.diff("correlation", n=2).min())
    largest = float(abs(dual).max())
    holds = min(rise, bend) > -ROUNDING and largest < 1.0 + ROUNDING
    return Measurement(
        "holds" if holds else "fails",
        f"Largest absolute value, over {dual.sizes['activation']} activations; on [0, 1] the smallest first difference is "
        f"{rise:.1e}, the smallest second one {bend:.1e}.",
        largest,
    )


def _exponential(evidence: Evidence) -> Measurement:
    """Second moment of exp(x - 2): exp(-4) times that of exp(x)."""
    cube = evidence.cubes["duals"].sel(activation="exp")
    scale = np.exp(-4.0)
    value = scale * float(cube["second_moment_sampled"])
    margin = NORMAL_95 * scale * float(cube["second_moment_standard_error"])
    holds = within(value, evidence.published["duals_exponential"], low=value - margin, high=value + margin)
    return Measurement(
        "holds" if holds else "differs",
        f"Monte Carlo; exactly it is exp(-2) = {np.exp(-2.0):.4f}. The activation with the dual exp(rho - 1) is exp(x - 1).",
        value,
        value - margin,
        value + margin,
    )


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


def _contains(evidence: Evidence) -> Measurement:
    """Largest eigenvalue ratio between one depth and the next; it falls towards large degrees, and no degree is lost."""
    cube = evidence.cubes["depth_spectrum"]
    ratios = shallow_over_deep(cube)
    largest, endless = ratios.max("degree"), upper_half(ratios).sel(activation=["relu", "erf"])
    deeper = cube.isel(depth=slice(1, None)).assign_coords(depth=cube.depth.values[:-1])
    lost = deeper["eigenvalue"] + deeper["eigenvalue_error"] < resolved(cube) / LOST
    holds = float(endless.max()) < 1.0 and not bool(lost.any())
    by_activation = largest.max(("dimension", "depth"))
    degrees = {
        str(name): int(ratios.sel(activation=name).max(("dimension", "depth")).idxmax("degree"))
        for name in largest.activation.values
    }
    listed = ", ".join(
        f"{value:.2f} ({title(name)}, degree {degrees[name]})" for name, value in _by_activation(by_activation)
    )
    growth = exponent(largest.max("depth"), "dimension")
    grows = [title(str(name)) for name in growth.activation.values if float(growth.sel(activation=name)) > GROWING]
    missing = "some degree is lost with one more layer" if bool(lost.any()) else "no degree is lost with one more layer"
    return Measurement(
        "holds" if holds else "fails",
        f"Largest ratio of an eigenvalue to that of one more layer, by activation {listed}. In the upper half of the degrees "
        f"that ReLU and erf resolve it is at most {float(endless.max()):.2f}; {missing}. Where the ratio is bounded over all "
        "degrees, the space contains the shallower one's. The largest ratio "
        f"{'grows with the dimension for ' + ' and '.join(grows) if grows else 'does not grow with the dimension'}.",
        float(by_activation.max()),
    )


def _strict(evidence: Evidence, activation: str, *, first_depth: int) -> Measurement:
    """Smallest exponent of the degree in the ratio of eigenvalues of one more layer to those of a depth."""
    cube = evidence.cubes["depth_spectrum"].sel(activation=activation)
    growth = 1.0 / shallow_over_deep(cube).sel(depth=slice(first_depth, None))
    # each parity by itself: they have ratios of their own, and are resolved to different degrees
    parities = (growth.sel(degree=slice(first, None, 2)) for first in (1, 2))
    exponents = xr.concat([exponent(upper_half(ratios), "degree") for ratios in parities], "parity")
    value = float(exponents.min())
    verdict: Verdict = "holds" if value > 0.5 else "fails" if float(abs(exponents).max()) < 0.05 else "differs"
    meaning = {
        "holds": "The ratio grows; if it goes on so, the deeper space has functions that the shallower one lacks.",
        "fails": f"The ratio stays below {float(growth.max()):.2f}; if it goes on so, the spaces are equal, up to the norm.",
        "differs": "The ratio is neither clearly bounded nor clearly growing.",
    }[verdict]
    last = int(growth.degree.where(growth.notnull()).max())
    return Measurement(
        verdict,
        f"Smallest exponent of the degree in the ratio of eigenvalues, depth L + 1 over L, L from {first_depth} to "
        f"{int(growth.depth.max())}, upper half of the degrees resolved in double precision (up to {last}). {meaning}",
        value,
    )


def _decay(evidence: Evidence) -> Measurement:
    """Largest distance of a decay exponent from d + 2, from depth 2 on."""
    cube = evidence.cubes["depth_spectrum"].sel(activation="relu", depth=slice(2, None))
    distances = [abs(cube[name] - (cube.dimension + 2.0)) for name in ("decay_even", "decay_odd")]
    value = max(float(distance.max()) for distance in distances)
    return Measurement(
        "holds" if within(value, evidence.published["depth_decay"]) else "differs",
        f"Dimensions {', '.join(str(d) for d in cube.dimension.values)}, depths 2 to {int(cube.depth.max())}, degrees up to "
        f"{int(cube.degree.max())}; smallest distance {min(float(distance.min()) for distance in distances):.4f}.",
        value,
    )


def _odd(evidence: Evidence) -> Measurement:
    """Largest share of an odd degree from 3 on, at depth 1."""
    cube = evidence.cubes["depth_spectrum"].sel(activation="relu")
    odd = cube.sel(degree=cube.degree[3::2])
    first = odd.sel(depth=1)
    value = float(first["share"].max())
    missing = bool((abs(first["share"]) <= 10.0 * first["share_error"]).all())
    deep = cube.sel(depth=slice(2, None))
    there = bool(present(deep).sel(degree=odd.degree).all())
    return Measurement(
        "holds" if missing and there else "fails",
        "Largest share of the kernel's trace at one layer; "
        f"{'zero within' if missing else 'not zero within'} the numerical error. At two layers and more "
        f"{'all' if there else 'not all'} odd degrees are there as far as double precision resolves the even ones, up to "
        f"degree {int(reach(deep).min())} at least.",
        value,
    )


def _separation(evidence: Evidence) -> Measurement:
    """Exponent of the dimension in the largest ratio of norms."""
    cube = evidence.cubes["separation"]
    factors = separation_factor(cube)
    deepest = factors.sel(depth=4)
    value = float(exponent(deepest, "dimension"))
    norms = exponent(resolved(cube).sel(degree=2) ** -0.5, "dimension")
    return Measurement(
        "holds" if within(value, evidence.published["separation"]) else "fails",
        f"Exact law, d from {int(cube.dimension.min())} to {int(cube.dimension.max())}: the norm at depth 1 is at most "
        f"{float(deepest.max()):.2f} times that at depth 4, over all d and even degrees up to {int(cube.degree.max())}. By "
        "theory odd degrees from 3 on are not in the space of depth 1 at all, whatever d and L. The norm of the second harmonic "
        f"itself grows with d by exponents from {float(norms.min()):.2f} to {float(norms.max()):.2f} over the depths.",
        value,
    )


def _universality_limit(evidence: Evidence) -> Measurement:
    """Error of the deepest ReLU kernel, against the best depth."""
    cube = evidence.cubes["universality"]
    errors, erf = cube["mixture_error"].sel(activation="relu"), cube["degree_error"].sel(activation="erf", degree=3)
    best, best_erf = (int(found.mean("seed").idxmin()) for found in (errors, erf))
    found = jackknife(lambda samples: float(samples.isel(layers=-1).mean()), errors)
    loss = jackknife(lambda samples: float((samples.isel(layers=-1) - samples.sel(layers=best)).mean()), errors)
    return Measurement(
        "fails" if loss.low > 0.0 else "holds" if loss.value == 0.0 else "differs",
        f"Error of the ReLU kernel of depth {int(errors.layers.max())} for the sum of four harmonics of mean square 1; the best "
        f"depth is {best}, with {float(errors.sel(layers=best).mean()):.3f}. The erf learns the third harmonic best at depth "
        f"{best_erf}. By theory deep kernels tend to a constant (ReLU) or to a spike (erf), and as a statement on the spaces it "
        "does not depend on the depth: the ReLU's is dense from depth 2 on; the erf's, which is odd, is not at any depth.",
        *found,
    )


def _universality_fixed(evidence: Evidence) -> Measurement:
    """Smallest share of a degree at depth 2."""
    cube = evidence.cubes["depth_spectrum"].sel(activation="relu", depth=2)
    last = reach(cube)
    there = bool(present(cube).all())
    reaches = ", ".join(f"{int(last.sel(dimension=d))} (d = {int(d)})" for d in cube.dimension.values)
    return Measurement(
        "holds" if there else "fails",
        f"Smallest share of the trace over the degrees that double precision resolves, up to {reaches}: "
        f"{'all are there' if there else 'some are missing'}. By theory no later degree vanishes.",
        float(cube["share"].where(cube.degree <= last).min()),
    )


def _erratum(evidence: Evidence, formula: str, *, depth: int, angle: int) -> Measurement:
    """A printed formula and the right one against the simulation; deep kernels times 2^depth."""
    cube = evidence.cubes["errata"].sel(formula=formula)
    scale = 1.0 if formula == "erf" else 2.0**depth
    point = cube.sel(depth=depth, angle=angle)
    names = ("printed", "right", "simulated", "standard_error")
    printed, right, simulated, error = (scale * float(point[name]) for name in names)
    margin = NORMAL_95 * error
    farthest = MOST_STANDARD_ERRORS * error
    verdict, remark = misprint(printed, right, value=simulated, low=simulated - farthest, high=simulated + farthest)
    ratios = (cube["printed"] / cube["right"]).sel(angle=angle)
    return Measurement(
        verdict,
        f"Simulated kernel of unit inputs at {angle} degrees, depth {depth}{', times 2^depth' if scale > 1.0 else ''}: printed "
        f"{printed:.4g}, right {right:.4g}. Printed over right by depth: "
        f"{', '.join(f'{int(d)}: {float(ratios.sel(depth=d)):.3g}' for d in ratios.depth.values)}.{remark}",
        simulated,
        simulated - margin,
        simulated + margin,
    )


def _returns(evidence: Evidence) -> Measurement:
    """Share of the calls of the first listing that return."""
    returned = evidence.cubes["errata"]["returns"].sel(formula="first_listing")
    value = float(returned.mean())
    return Measurement(
        "holds" if value == 1.0 else "fails",
        f"Share of {returned.size} calls that return. As we read it, the function calls itself with depth 1 for the variances at "
        "every layer, and that call does the same: such a recursion has no end.",
        value,
    )


def _normalised(evidence: Evidence) -> Measurement:
    """What one layer of the second listing keeps of the mean square."""
    point = evidence.cubes["errata"].sel(formula="second_listing", depth=1, angle=0)
    value, margin = float(point["simulated"]), NORMAL_95 * float(point["standard_error"])
    holds = within(value, evidence.published["erratum_normalised"], low=value - margin, high=value + margin)
    return Measurement(
        "holds" if holds else "fails",
        "Share of the mean square that a layer keeps. By theory halving goes with weights of variance 1 / fan-in, and with the "
        "listing's factor 1 / (2 pi); the normalised initialisation, 2 / fan-in, keeps the variances and has 1 / pi.",
        value,
        value - margin,
        value + margin,
    )
