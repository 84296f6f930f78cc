"""Smoothness of a labelled data set, seen through the kernel of a random network.

The labels are expanded in the eigenvectors of a Gram matrix; the decay of the tail sums of squared coefficients,
T_i = sum over k >= i of c_k^2 ~ i^-slope, tells how smooth they are (Chen, Li, Lin 2024, appendix G and table 1). Beside the
slopes stands an estimate that needs no window (`initatlas.smoothness.effective_ridge`).
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakKeyDictionary

from pydantic import Field

from initatlas.datasets.traits import SAMPLES, DataNeeds
from initatlas.kernels.arguments import MOST_LAYERS
from initatlas.sweeps.experiment import Coordinate, Experiment, Output, Parameters

if TYPE_CHECKING:
    import numpy as np

    from initatlas.datasets.samples import Samples
    from initatlas.kernels.spectrum import EigenCoefficients
    from initatlas.smoothness.targets import Coding

WINDOWS = (270, 400, 600, 1000, 2700)
"""Fit windows i < w, stated for 3000 samples and scaled to the number of samples; 2700 is the paper's own."""

CODINGS: tuple["Coding", ...] = ("class_index", "class_index_centred", "one_hot", "parity", "first_or_rest")
"""Codings of the labels as numbers."""

SHUFFLED, INITIAL = "shuffled", "initial_functions"
"""Targets beside the labels: the centred class index, shuffled among the images, and random networks' values on them."""

FUNCTIONS = 16
"""Random networks behind `INITIAL`, whose tail sums are added."""


class SmoothnessParameters(Parameters):
    """One sample of one data set, and one kernel."""

    dataset: str = Field(default="digits", description="data set")
    samples: int = Field(default=3000, ge=30, description="number of images drawn; a smaller data set is used whole")
    kernel: Literal["ntk", "nngp"] = Field(default="ntk", description="kernel of the random network")
    depth: int = Field(default=1, ge=1, le=MOST_LAYERS, description="number of hidden layers")
    normalise: bool = Field(default=True, description="whether images are projected to the unit sphere")
    bias: bool = Field(default=False, description="whether the first layer has a bias")
    precision: Literal["float64", "float32"] = Field(
        default="float64",
        description="type of the kernel matrix and of its eigenvectors; float32 takes half of time and memory",
    )
    draws: int = Field(default=1000, ge=100, description="draws of the bootstrap")


def _coordinates(parameters: SmoothnessParameters) -> Mapping[str, Coordinate]:
    """Targets, indices of the coefficients, and the fit windows as stated for 3000 samples."""
    return {
        "target": Coordinate((*CODINGS, SHUFFLED, INITIAL), "labels in a coding, or what stands in their place"),
        "index": Coordinate(range(1, parameters.samples + 1), "index of the eigenvalue, in decreasing order"),
        "window": Coordinate(WINDOWS, "fit window i < w for 3000 samples, scaled to the number of samples"),
    }


def _run(
    points: Sequence[SmoothnessParameters], rngs: Sequence["np.random.Generator"], data: "Samples"
) -> list[dict[str, Any]]:
    """Each point has its own Gram matrix."""
    return [_measure(point, rng, data) for point, rng in zip(points, rngs, strict=True)]


def _measure(point: SmoothnessParameters, rng: "np.random.Generator", data: "Samples") -> dict[str, Any]:
    """Spectrum, tail sums and slopes of one point."""
    from initatlas.smoothness.slopes import null_slope, scaled_window
    from initatlas.smoothness.tail_sums import tail_sums

    chosen = _chosen(point, data, rng)
    images = data.features()[chosen]
    targets = _targets(point, images, data.targets()[chosen], rng)
    coefficients = _coefficients(point, data, images)
    squared = {name: coefficients.squared(values) for name, values in targets.items()}
    windows = [scaled_window(window, len(chosen)) for window in WINDOWS]
    slopes = [
        _slopes(squared[name], windows, degrees=_degrees(name, values), draws=point.draws, rng=rng)
        for name, values in targets.items()
    ]
    eigenvalues = coefficients.eigenvalues
    exponents = _exponents(eigenvalues, [(squared[name], _degrees(name, values)) for name, values in targets.items()])
    return {
        "sample_size": len(chosen),
        "population": len(data.targets()),
        "eigenvalue": eigenvalues,
        "tail_sum": [tail_sums(row) for row in squared.values()],
        "null_slope": [null_slope(len(chosen), window, inclusive=False) for window in windows],
        **{name: [row[name] for row in slopes] for name in ("slope", "slope_low", "slope_high")},
        **dict(zip(("exponent", "exponent_low", "exponent_high"), exponents.T, strict=True)),
    }


def _chosen(point: SmoothnessParameters, data: "Samples", rng: "np.random.Generator") -> "np.ndarray":
    """Which images are used: a draw, or all of them in their own order."""
    import numpy as np

    images = len(data.targets())
    return rng.choice(images, size=point.samples, replace=False) if point.samples < images else np.arange(images)


_WHOLE: "WeakKeyDictionary[Any, tuple[Any, EigenCoefficients]]" = WeakKeyDictionary()
"""The last kernel matrix of all images of a data set, and what its eigenvectors give: the same for all seeds."""


def _coefficients(point: SmoothnessParameters, data: "Samples", images: "np.ndarray") -> "EigenCoefficients":
    """Eigenvalues and coefficients in the kernel of the images; those of a whole data set are found once in a process."""
    from initatlas.kernels.spectrum import EigenCoefficients

    def found() -> EigenCoefficients:
        return EigenCoefficients(_gram(point, images, point.kernel, point.precision))

    if point.samples < len(data.targets()):
        return found()
    kernel = (point.kernel, point.depth, point.normalise, point.bias, point.precision)
    if data not in _WHOLE or _WHOLE[data][0] != kernel:
        _WHOLE[data] = kernel, found()
    return _WHOLE[data][1]


def _targets(
    point: SmoothnessParameters, images: "np.ndarray", labels: "np.ndarray", rng: "np.random.Generator"
) -> dict[str, "np.ndarray"]:
    """All targets on some images, in the order of the coordinate."""
    from initatlas.smoothness.targets import initial_functions, target_coding

    coded: dict[str, np.ndarray] = {coding: _coded(labels, coding) for coding in CODINGS}
    shuffled = target_coding(rng.permutation(labels), "class_index_centred")
    return {**coded, SHUFFLED: shuffled, INITIAL: initial_functions(_gram(point, images, "nngp"), FUNCTIONS, rng=rng)}


def _coded(labels: "np.ndarray", coding: "Coding") -> "np.ndarray":
    """Labels in a coding; NaN in one that takes no notice of these classes."""
    import numpy as np

    from initatlas.smoothness.targets import target_coding

    features = {"parity": labels % 2, "first_or_rest": labels == 0}
    if coding in features and len(np.unique(features[coding])) == 1:
        return np.full((len(labels), 1), np.nan)
    return target_coding(labels, coding)


def _gram(
    point: SmoothnessParameters,
    images: "np.ndarray",
    kernel: Literal["ntk", "nngp"],
    dtype: Literal["float64", "float32"] = "float64",
) -> "np.ndarray":
    """Kernel matrix of the images."""
    from initatlas.activations.relu import Relu
    from initatlas.kernels.architecture import Architecture
    from initatlas.kernels.gram import gram_matrix

    architecture = Architecture(Relu().dual, point.depth)
    return gram_matrix(
        images, kernel=kernel, architecture=architecture, normalise=point.normalise, bias=point.bias, dtype=dtype
    )


def _degrees(target: str, values: "np.ndarray") -> int:
    """Number of independent coefficients that each square sums; indicators of all classes add up to 1."""
    columns = int(values.shape[1])
    return columns - 1 if target == "one_hot" else columns


def _slopes(
    squared: "np.ndarray", windows: Sequence[int], *, degrees: int, draws: int, rng: "np.random.Generator"
) -> dict[str, list[float]]:
    """Fitted and bootstrapped slopes of one target at every window."""
    from initatlas.smoothness.bootstrap import slope_intervals
    from initatlas.smoothness.slopes import decay_exponents
    from initatlas.smoothness.tail_sums import tail_sums

    intervals = slope_intervals(squared, windows, inclusive=False, degrees=degrees, draws=draws, rng=rng)
    return {
        "slope": decay_exponents(tail_sums(squared), windows, inclusive=False).tolist(),
        "slope_low": intervals[:, 0].tolist(),
        "slope_high": intervals[:, 1].tolist(),
    }


def _exponents(eigenvalues: "np.ndarray", targets: Sequence[tuple["np.ndarray", int]]) -> "np.ndarray":
    """Estimates without a window, a row per target; NaN where the kernel matrix is singular to rounding."""
    import numpy as np

    from initatlas.smoothness.effective_ridge import EffectiveRidges

    try:
        ridges = EffectiveRidges(eigenvalues)
    except ValueError:
        return np.full((len(targets), 3), np.nan)
    missing = (np.nan, np.nan, np.nan)
    return np.array(
        [
            ridges.fit(squared, degrees=degrees) if np.isfinite(squared).all() else missing
            for squared, degrees in targets
        ]
    )


def _seconds(parameters: SmoothnessParameters) -> float:
    """The eigenvalue problem (2.9 s for 3000 samples, 1.2 s in single precision), both kernel matrices, and the bootstrap."""
    size, targets = parameters.samples / 3000, len(CODINGS) + 2
    eigenvalues = 2.9 if parameters.precision == "float64" else 1.2
    factor_of_the_process = 0.35
    bootstrap = 4e-8 * parameters.samples * parameters.draws * targets
    return (eigenvalues + factor_of_the_process) * size**3 + 0.7 * size**2 + bootstrap + 0.1


def _megabytes(parameters: SmoothnessParameters) -> float:
    """Gram matrix, reflectors, the eigenvectors of the tridiagonal matrix and the solver's work space."""
    width = 8e-6 if parameters.precision == "float64" else 4e-6
    return 4 * width * parameters.samples**2 + 200.0


_FEWER_IMAGES = "the data set has fewer images than were asked for"
_NO_CODING = "the coding gives all images the same number"
_NO_EXPONENT = f"{_NO_CODING}, or half of the eigenvalues are zero to rounding"

EXPERIMENT = Experiment(
    summary="Decay of the tail sums of the labels' coefficients in the eigenbasis of a network's kernel.",
    parameters=SmoothnessParameters,
    outputs=(
        Output("sample_size", "number of images used"),
        Output("population", "number of images that they were drawn from"),
        Output(
            "eigenvalue",
            "eigenvalue of the kernel matrix over the sample size",
            dims=("index",),
            shorter_means=_FEWER_IMAGES,
        ),
        Output(
            "tail_sum",
            "sum of squared coefficients from the index on",
            dims=("target", "index"),
            nan_means=_NO_CODING,
            shorter_means=_FEWER_IMAGES,
        ),
        Output(
            "slope",
            "decay of the tail sums: minus the slope of log T against log i",
            dims=("target", "window"),
            nan_means=_NO_CODING,
        ),
        Output(
            "slope_low",
            "lower end of the 95 % interval of the slope over random coefficients, by the bootstrap",
            dims=("target", "window"),
            nan_means=_NO_CODING,
        ),
        Output(
            "slope_high",
            "upper end of the 95 % interval of the slope over random coefficients, by the bootstrap",
            dims=("target", "window"),
            nan_means=_NO_CODING,
        ),
        Output(
            "exponent",
            "smoothness by averages over effective ridges, without a window, from 0 to 2",
            dims=("target",),
            nan_means=_NO_EXPONENT,
        ),
        Output(
            "exponent_low",
            "lower end of the 95 % interval of the smoothness without a window",
            dims=("target",),
            nan_means=_NO_EXPONENT,
        ),
        Output(
            "exponent_high",
            "upper end of the 95 % interval of the smoothness without a window",
            dims=("target",),
            nan_means=_NO_EXPONENT,
        ),
        Output("null_slope", "slope that labels without information give", dims=("window",)),
    ),
    run=_run,
    static=("samples",),
    coordinates=_coordinates,
    seconds=_seconds,
    megabytes=_megabytes,
    data_needs=DataNeeds(holds=SAMPLES, labels=True, classes=2),
)
