"""Smoothness of a labelled data set, seen through the kernel of a random network.

The labels are expanded in the eigenvectors of a Gram matrix; the decay of the tail sums of squared coefficients,
T_i = sum over k >= i of c_k^2 ~ i^-slope, tells how smooth they are (Chen, Li, Lin 2024, appendix G and table 1).
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from initatlas.datasets.traits import SAMPLES, DataNeeds
from initatlas.kernels.arguments import MOST_LAYERS
from initatlas.sweeps.experiment import Coordinate, Experiment, Output, Parameters

if TYPE_CHECKING:
    import numpy as np

    from initatlas.datasets.samples import Samples

WINDOWS = (270, 400, 1000, 2700)
"""Fit windows i < w, stated for 3000 samples and scaled to the number of samples; 2700 is the paper's own."""


class SmoothnessParameters(Parameters):
    """One sample of one data set, one kernel and one coding of its labels."""

    dataset: str = Field(default="digits", description="data set")
    samples: int = Field(default=3000, ge=30, description="number of images drawn; a smaller data set is used whole")
    kernel: Literal["ntk", "nngp"] = Field(default="ntk", description="kernel of the random network")
    depth: int = Field(default=1, ge=1, le=MOST_LAYERS, description="number of hidden layers")
    normalise: bool = Field(default=True, description="whether images are projected to the unit sphere")
    bias: bool = Field(default=False, description="whether the first layer has a bias")
    coding: Literal["class_index", "class_index_centred", "one_hot", "parity"] = Field(
        default="class_index", description="coding of the labels as numbers"
    )
    draws: int = Field(default=1000, ge=100, description="draws of the bootstrap")


def _coordinates(parameters: SmoothnessParameters) -> Mapping[str, Coordinate]:
    """Indices of the coefficients, and the fit windows as stated for 3000 samples."""
    return {
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
    from initatlas.activations.relu import Relu
    from initatlas.kernels.architecture import Architecture
    from initatlas.kernels.gram import gram_matrix
    from initatlas.kernels.spectrum import eigen_coefficients
    from initatlas.smoothness.tail_sums import tail_sums
    from initatlas.smoothness.targets import target_coding

    labels = data.targets()
    total = len(labels)
    chosen = rng.choice(total, size=min(point.samples, total), replace=False)
    gram = gram_matrix(
        data.features()[chosen],
        kernel=point.kernel,
        architecture=Architecture(Relu().dual, point.depth),
        normalise=point.normalise,
        bias=point.bias,
    )
    eigenvalues, squared = eigen_coefficients(gram, target_coding(labels[chosen], point.coding))
    return {
        "sample_size": len(chosen),
        "eigenvalue": eigenvalues,
        "tail_sum": tail_sums(squared),
        **_slopes(squared, classes=len(set(labels[chosen].tolist())), point=point, rng=rng),
    }


def _slopes(
    squared: "np.ndarray", *, classes: int, point: SmoothnessParameters, rng: "np.random.Generator"
) -> dict[str, list[float]]:
    """Fitted, null and bootstrapped slopes at every window."""
    from initatlas.smoothness.bootstrap import slope_interval
    from initatlas.smoothness.slopes import decay_exponent, null_slope, scaled_window
    from initatlas.smoothness.tail_sums import tail_sums

    degrees = classes - 1 if point.coding == "one_hot" else 1
    windows = [scaled_window(window, len(squared)) for window in WINDOWS]
    intervals = [
        slope_interval(squared, window, inclusive=False, degrees=degrees, draws=point.draws, rng=rng)
        for window in windows
    ]
    return {
        "slope": [float(decay_exponent(tail_sums(squared), window, inclusive=False)) for window in windows],
        "slope_low": [low for low, _ in intervals],
        "slope_high": [high for _, high in intervals],
        "null_slope": [null_slope(len(squared), window, inclusive=False) for window in windows],
    }


def _seconds(parameters: SmoothnessParameters) -> float:
    """The eigenvalue problem (10 s for 3000 samples) and the bootstrap."""
    return 10.0 * (parameters.samples / 3000) ** 3 + 4e-8 * parameters.samples * parameters.draws * len(WINDOWS) + 0.5


def _megabytes(parameters: SmoothnessParameters) -> float:
    """Gram matrix, eigenvectors and the solver's work space."""
    return 4 * 8e-6 * parameters.samples**2 + 200.0


_FEWER_IMAGES = "the data set has fewer images than were asked for"

EXPERIMENT = Experiment(
    summary="Decay of the tail sums of the labels' coefficients in the eigenbasis of a network's kernel.",
    parameters=SmoothnessParameters,
    outputs=(
        Output("sample_size", "number of images used"),
        Output(
            "eigenvalue",
            "eigenvalue of the kernel matrix over the sample size",
            dims=("index",),
            shorter_means=_FEWER_IMAGES,
        ),
        Output(
            "tail_sum", "sum of squared coefficients from the index on", dims=("index",), shorter_means=_FEWER_IMAGES
        ),
        Output("slope", "decay of the tail sums: minus the slope of log T against log i", dims=("window",)),
        Output("slope_low", "lower end of the 95 % bootstrap interval of the slope", dims=("window",)),
        Output("slope_high", "upper end of the 95 % bootstrap interval of the slope", dims=("window",)),
        Output("null_slope", "slope that labels without information give", dims=("window",)),
    ),
    run=_run,
    static=("samples",),
    coordinates=_coordinates,
    seconds=_seconds,
    megabytes=_megabytes,
    data_needs=DataNeeds(holds=SAMPLES, labels=True, classes=2),
)
