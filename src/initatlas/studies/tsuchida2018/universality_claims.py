"""Claims about independent weights of any distribution: theorem 6, corollaries 7 and 11 to 14, and hypothesis 5."""

import numpy as np
import xarray as xr

from initatlas.studies.claim import Verdict
from initatlas.studies.evidence import Evidence
from initatlas.studies.tsuchida2018.kernel_claims import measurement
from initatlas.studies.tsuchida2018.statistics import Interval, bootstrap_interval, mean_interval, slope
from initatlas.studies.uncontracted import Measurement, below

COROLLARIES = {
    "cor7": "relu",
    "cor12": "erf",
    "cor13": "leaky_relu(slope=0.2)",
    "cor14": "elu",
}
FIRST_FITTED = 64
"""Number of inputs from which on the error is fitted by a power."""

SLOWEST = -0.5
"""An error whose exponent may exceed this one vanishes, but not at the rate that we expect."""

FEW = 0.25
"""A deviation below this share of another one counts as gone."""


def universality_claims(evidence: Evidence) -> dict[str, Measurement]:
    """Measure the claims about independent weights and about their inputs."""
    claims = {"thm6": _largest_error(evidence)}
    for name, activation in COROLLARIES.items():
        claims[name] = _convergence(evidence, activation)
    claims["thm6_sparse"] = _sparse(evidence)
    for name, datasets in {"fig6_photographs": ("kodak", "photographs"), "fig6_speech": ("speech",)}.items():
        claims[name] = _coordinate_share(evidence, datasets)
    return claims


def error_sizes(cube: xr.Dataset) -> xr.DataArray:
    """Root mean square of kernel minus limit over the angles."""
    sizes: xr.DataArray = (cube["departure"] ** 2).mean("angle") ** 0.5
    return sizes


def _largest_error(evidence: Evidence) -> Measurement:
    """Largest error at the largest number of inputs, over activations and weights."""
    cube = evidence.cubes["thm6"]
    sizes = error_sizes(cube).stack(case=("activation", "weights"))
    last = sizes.isel(m=-1)
    worst = int(last.mean("seed").argmax("case"))
    activation, weights = last.case.values[worst]
    found = mean_interval(last.isel(case=worst).values)
    first = float(sizes.isel(m=0, case=worst).mean())
    falls = bool((sizes.mean("seed").diff("m") < 0.0).all())
    reason = (
        f"Root mean square over three angles of the kernel with {int(cube.m.max())} inputs minus that of "
        "Gaussian weights, largest "
        f"for {activation} and {weights}; {first:.3f} with {int(cube.m.min())} inputs. "
        + (
            "It falls with every doubling, for every activation and distribution."
            if falls
            else "It does not always fall."
        )
    )
    return measurement(below(0.25 * first, low=found.low, high=found.high), reason, found)


def _convergence(evidence: Evidence, activation: str) -> Measurement:
    """Exponent of the error in the number of inputs, for the distribution that converges most slowly."""
    cube = evidence.cubes["thm6"]
    sizes = error_sizes(cube).sel(activation=activation).sel(m=slice(FIRST_FITTED, None))
    slopes = {
        str(label): mean_interval([slope(sizes.m, sizes.sel(weights=label, seed=seed)) for seed in cube.seed.values])
        for label in cube.weights.values
    }
    slowest = max(slopes, key=lambda label: slopes[label].value)
    found = slopes[slowest]
    reason = (
        f"Slope of log error against log m from {FIRST_FITTED} to {int(cube.m.max())} inputs, "
        f"{cube.sizes['seed']} samples of the "
        f"weights, slowest for {slowest}. The corollary says that the error vanishes; the rate is ours: 1/m, as the excess "
        "kurtosis of the sum."
    )
    vanishes = below(0.0, low=found.low, high=found.high)
    slowly = vanishes == "holds" and found.high >= SLOWEST
    return measurement("differs" if slowly else vanishes, reason, found)


def mean_deviations(evidence: Evidence) -> xr.DataArray:
    """Cosine minus theory behind one ReLU layer at a right angle: sparse and dense inputs."""
    cube, theory = evidence.cubes["thm6_sparse"], evidence.cubes["theory"]
    limit = theory["cosine"].sel(activation="relu", layer=1, angle=90.0)
    deviations: xr.DataArray = cube["cosine"].sel(layer=1, angle=90.0) - limit
    return deviations


def _sparse(evidence: Evidence) -> Measurement:
    """Deviation of sparse inputs at the largest dimension, against that of dense ones."""
    deviations = mean_deviations(evidence).isel(input_dimension=-1)
    sparse, dense = (deviations.sel(plane=plane) for plane in ("axes", "flat"))
    label = str(abs(sparse.mean("seed")).idxmax("weights").item())
    found = mean_interval(sparse.sel(weights=label).values)
    other = mean_interval(dense.sel(weights=label).values)
    apart, gone = not found.holds(0.0), abs(other.value) < FEW * abs(found.value)
    verdict: Verdict = "fails" if not apart else "holds" if gone else "differs"
    reason = (
        f"Mean of sample minus theory at a right angle for inputs with 2 of {int(deviations.input_dimension)} "
        "coordinates non-zero, "
        f"{label}: {'it does not vanish' if apart else 'it may vanish'}. With dense inputs it is {other.value:.4f} "
        f"[{other.low:.4f}, {other.high:.4f}]. By theory the mean vanishes for any weights in random planes, as in figures "
        "2 and 4: a random rotation makes them rotation-invariant."
    )
    return measurement(verdict, reason, found)


def coordinate_curve(cube: xr.Dataset) -> xr.Dataset:
    """The levels of one data set that were measured: dimension, and the number for every piece."""
    return cube[["dimension", "largest", "origin"]].dropna("level", subset=["dimension"])


def coordinate_slope(cube: xr.Dataset) -> Interval:
    """Slope of the log of the mean number against the log of the dimension.

    The bootstrap draws whole images or clips where there are at least 5 of them, else pieces: pieces of one image are alike.
    """
    curve = coordinate_curve(cube)
    pieces = curve["largest"].transpose("piece", "level").values
    origin = curve["origin"].values.astype(int)
    groups = [pieces[origin == source] for source in np.unique(origin)]
    by_group = len(groups) >= 5
    rows = np.stack([group.mean(axis=0) for group in groups]) if by_group else pieces
    return bootstrap_interval(rows, lambda chosen: slope(curve["dimension"], chosen.mean(axis=0)))


def _coordinate_share(evidence: Evidence, datasets: tuple[str, ...]) -> Measurement:
    """Slope of figure 6 for the first of some data sets that is there."""
    cube = evidence.cubes["fig6"]
    there = [name for name in datasets if name in cube.dataset.values]
    if not there:
        return Measurement(
            "not measured", f"The files of {' and '.join(datasets)} are not there; put them into the raw data folder."
        )
    chosen = cube.sel(dataset=there[0]).isel(centred=0)
    found = coordinate_slope(chosen)
    centred = coordinate_slope(cube.sel(dataset=there[0]).isel(centred=1))
    curve = coordinate_curve(chosen)
    sources = len(np.unique(curve["origin"].values))
    reason = (
        f"Slope of log of the mean of m max (x_i / |x|)^4 against log m, m from {int(curve['dimension'].min())} to "
        f"{int(curve['dimension'].max())}, {cube.sizes['piece']} pieces of {sources} of {there[0]}; -1 is the law of bounded "
        f"signals. Without their mean: {centred.value:.2f} [{centred.low:.2f}, {centred.high:.2f}]."
    )
    return measurement(below(0.0, low=found.low, high=found.high), reason, found)
