"""Claims about independent weights of any distribution: theorem 6, corollaries 7 and 11 to 14, and hypothesis 5."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from initatlas.studies.claim import Estimate, Finding, absent, measured
from initatlas.studies.evidence import Evidence
from initatlas.studies.judge import Measure
from initatlas.studies.statistics import by_part, log_slope, mean_interval, median_interval
from initatlas.studies.tsuchida2018.layer_claims import SPARSE
from initatlas.vocabulary import parse_label

COROLLARIES = {
    "cor7": "relu",
    "cor11": "symlog",
    "cor12": "erf",
    "cor13": "leaky_relu(slope=0.2)",
    "cor14": "elu",
}
FEWEST_LAW, FEWEST_KERNEL = 16, 256
"""Numbers of inputs from which on a power is fitted."""


def has_moment(label: str, order: int) -> bool:
    """Whether the absolute moment of some order exists; of the distributions here, only t ones lack any."""
    return parse_label(label)[1].get("nu", np.inf) > order


def _cases(values: xr.DataArray, order: int, *, with_moment: bool = True) -> dict[str, ArrayLike]:
    """Numbers over the seeds by activation and weights, of the weights with or without a moment."""
    return {
        f"{activation}, {weights}": values.sel(activation=activation, weights=weights).values
        for activation in map(str, values.activation.values)
        for weights in map(str, values.weights.values)
        if has_moment(weights, order) == with_moment
    }


def _in_law(evidence: Evidence) -> Finding:
    """Distance in law at the largest number of inputs, and with four inputs."""
    distance = evidence.cubes["thm6_law"]["distance"]
    distances = by_part(_cases(distance.isel(m=-1), 3), median_interval)
    return measured(
        distances,
        f"Kolmogorov distance with {int(distance.m.max())} inputs, median over {distance.sizes['seed']} samples of the weights, "
        f"for {len(distances)} pairs of activation and weights.",
        controls={"four_inputs": by_part(_cases(distance.sel(m=4), 3), median_interval)},
    )


def exponents(sizes: xr.DataArray, fewest: int) -> xr.DataArray:
    """Exponent of an error in the number of inputs, for each sample of the weights."""
    fitted = sizes.sel(m=slice(fewest, None))
    distances: xr.DataArray = xr.apply_ufunc(
        lambda row: log_slope(fitted.m, row), fitted, input_core_dims=[["m"]], vectorize=True
    )
    return distances


def _rate_in_law(evidence: Evidence) -> Finding:
    """Exponent of the distance in law, with and without a third moment."""
    distance = evidence.cubes["thm6_law"]["distance"]
    slopes = exponents(distance, FEWEST_LAW)
    return measured(
        by_part(_cases(slopes, 3), mean_interval),
        f"Exponent of the Kolmogorov distance from {FEWEST_LAW} to {int(distance.m.max())} inputs.",
        controls={"no_third_moment": by_part(_cases(slopes, 3, with_moment=False), mean_interval)},
    )


def error_sizes(cube: xr.Dataset) -> xr.DataArray:
    """Root mean square of kernel minus limit over the angles."""
    sizes: xr.DataArray = (cube["departure"] ** 2).mean("angle") ** 0.5
    return sizes


def _kernel_rate(evidence: Evidence) -> Finding:
    """Exponent of the kernel's error, with and without a fourth moment."""
    cube = evidence.cubes["thm6"]
    slopes = exponents(error_sizes(cube), FEWEST_KERNEL)
    return measured(
        by_part(_cases(slopes, 4), mean_interval),
        f"Exponent of kernel minus limit, root mean square over three angles, from {FEWEST_KERNEL} to {int(cube.m.max())} "
        f"inputs, {cube.sizes['seed']} samples of the weights.",
        controls={"no_fourth_moment": by_part(_cases(slopes, 4, with_moment=False), mean_interval)},
    )


def _corollary(activation: str) -> Measure:
    """Error of the kernel at the largest number of inputs over that with four, and the same with sixteen."""

    def measure(evidence: Evidence) -> Finding:
        sizes = error_sizes(evidence.cubes["thm6"]).sel(activation=[activation])
        shares = sizes / sizes.sel(m=4)
        last = sizes.isel(m=-1).mean("seed")
        return measured(
            by_part(_cases(shares.isel(m=-1), 3), median_interval),
            f"Kernel minus that of Gaussian weights with {int(sizes.m.max())} inputs over that with 4, root mean square over "
            f"three angles, median over {sizes.sizes['seed']} samples of the weights; {sizes.sizes['weights']} distributions. "
            f"The largest mean error is {float(last.max()):.4f}.",
            controls={"sixteen_inputs": by_part(_cases(shares.sel(m=16), 3), median_interval)},
        )

    return measure


def mean_deviations(evidence: Evidence) -> xr.DataArray:
    """Cosine minus theory behind one ReLU layer at a right angle: sparse, dense and graded inputs."""
    cube, theory = evidence.cubes["thm6_sparse"], evidence.cubes["theory"]
    limit = theory["cosine"].sel(activation="relu", layer=1, angle=90.0)
    deviations: xr.DataArray = cube["cosine"].sel(layer=1, angle=90.0) - limit
    return deviations


def _by_dimension(deviations: xr.DataArray) -> dict[str, Estimate]:
    """Mean deviations for every dimension of the inputs."""
    values = {f"{int(m)} inputs": deviations.sel(input_dimension=m).values for m in deviations.input_dimension.values}
    return by_part(values, mean_interval)


def _sparse(evidence: Evidence) -> Finding:
    """Deviation of sparse inputs at every dimension; of dense ones, and of Gaussian weights."""
    deviations = mean_deviations(evidence)
    sparse = deviations.sel(plane="axes")
    return measured(
        _by_dimension(sparse.sel(weights=SPARSE)),
        f"Mean of sample minus theory at a right angle with two non-zero inputs, {SPARSE}, {deviations.sizes['seed']} layers "
        f"of each of {deviations.sizes['input_dimension']} dimensions.",
        controls={
            "dense": mean_interval(deviations.sel(plane="flat", weights=SPARSE).isel(input_dimension=-1).values),
            "gaussian": _by_dimension(sparse.sel(weights="gaussian")),
        },
    )


def _graded(evidence: Evidence) -> Finding:
    """Deviation of inputs with coordinates of falling size at the largest dimension."""
    deviations = mean_deviations(evidence).isel(input_dimension=-1)
    graded = deviations.sel(plane="graded")
    independent = [label for label in map(str, deviations.weights.values) if label != "gaussian"]
    return measured(
        by_part({label: graded.sel(weights=label).values for label in independent}, mean_interval),
        f"Mean of sample minus theory at a right angle with {int(deviations.input_dimension)} inputs, {deviations.sizes['seed']} "
        "layers.",
        controls={"sparse": mean_interval(deviations.sel(plane="axes", weights=SPARSE).values)},
    )


def coordinate_curve(cube: xr.Dataset) -> xr.Dataset:
    """The levels of one data set that were measured: dimension, and the number for every piece."""
    return cube[["dimension", "largest", "origin"]].dropna("level", subset=["dimension"])


def by_source(curve: xr.Dataset) -> list[NDArray[np.float64]]:
    """Mean over the pieces of each image or clip, by level: pieces of one are alike, and count as one sample."""
    pieces = curve["largest"].transpose("piece", "level").values
    origin = curve["origin"].values.astype(int)
    return [pieces[origin == source].mean(axis=0) for source in np.unique(origin)]


def coordinate_slope(cube: xr.Dataset, *, zeros: bool = False) -> Estimate:
    """Slope of the log of the number against the log of the dimension: mean over images or clips, at least 2 of them.

    Parameters
    ----------
    zeros
        Whether the further coordinates are zeros in the place of those of a finer resolution: the shares of the coarsest
        one stay, and the number grows as the dimension.
    """
    curve = coordinate_curve(cube)
    dimension = curve["dimension"].values
    coarsest = int(np.argmin(dimension))
    rows = by_source(curve)
    if zeros:
        rows = [row[coarsest] / dimension[coarsest] * dimension for row in rows]
    return mean_interval([log_slope(dimension, row) for row in rows])


def _coordinate_share(datasets: tuple[str, ...], *, centred: bool) -> Measure:
    """Slope of figure 6 for the first of some data sets that is there."""

    def measure(evidence: Evidence) -> Finding:
        cube = evidence.cubes["fig6"]
        there = [name for name in datasets if name in cube.dataset.values]
        if not there:
            return absent(f"The files of {' and '.join(datasets)} are not there; put them into the raw data folder.")
        chosen = cube.sel(dataset=there[0]).isel(centred=int(centred))
        curve = coordinate_curve(chosen)
        sources = len(by_source(curve))
        if sources < 2:
            return absent(f"All pieces are of one recording or image of {there[0]}: no independent samples.")
        return measured(
            coordinate_slope(chosen),
            f"Slope of log of m max (x_i / |x|)^4 against log m, m from {int(curve['dimension'].min())} to "
            f"{int(curve['dimension'].max())}: mean over {sources} images or clips of {there[0]}, {cube.sizes['piece']} pieces "
            "in all.",
            controls={"zeros": coordinate_slope(chosen, zeros=True)},
        )

    return measure


CLAIMS: Mapping[str, Measure] = {
    "thm6": _in_law,
    "thm6_rate": _rate_in_law,
    "thm6_kernel_rate": _kernel_rate,
    **{name: _corollary(activation) for name, activation in COROLLARIES.items()},
    "thm6_sparse": _sparse,
    "thm6_graded": _graded,
    "fig6_photographs": _coordinate_share(("kodak", "photographs"), centred=False),
    "fig6_photographs_centred": _coordinate_share(("kodak", "photographs"), centred=True),
    "fig6_speech": _coordinate_share(("speech",), centred=False),
    "fig6_speech_centred": _coordinate_share(("speech",), centred=True),
}
