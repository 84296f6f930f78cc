"""The top of the spectrum of a large Gram matrix, and the smoothness of the labels in it.

Like `smoothness`, with the k largest eigenpairs instead of all: some 10000 images take a minute. The matrix is held in
memory; larger ones have commands of their own, `initatlas kernel gram` and `initatlas kernel spectrum`, because an
experiment reads and writes no file.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, model_validator

from initatlas.datasets.traits import SAMPLES, DataNeeds
from initatlas.experiments.activation_labels import ActivationLabel, check_ntk
from initatlas.kernels.arguments import MOST_LAYERS
from initatlas.sweeps.experiment import Coordinate, Experiment, Output, Parameters

if TYPE_CHECKING:
    import numpy as np

    from initatlas.datasets.samples import Samples

WINDOWS = (100, 200, 400, 1000, 2000, 4000)
"""Fit windows i <= w; those up to the number of pairs are used."""

MOST_SAMPLES = 20000
"""A float64 matrix of 3.2 GB."""


class GramSpectrumParameters(Parameters):
    """One sample of one data set, one kernel and one coding of its labels."""

    dataset: str = Field(default="mnist", description="data set")
    samples: int = Field(default=10000, ge=200, description="number of images drawn; a smaller data set is used whole")
    pairs: int = Field(default=1000, ge=100, description="number of eigenpairs, at most half of the images")
    kernel: Literal["ntk", "nngp"] = Field(default="ntk", description="kernel of the random network")
    depth: int = Field(default=1, ge=1, le=MOST_LAYERS, description="number of hidden layers")
    activation: ActivationLabel = Field(default="relu", description="activation of every layer")
    weight_variance: float | None = Field(
        default=None, gt=0, description="weight variance times fan-in; none takes the norm-preserving one"
    )
    bias_variance: float = Field(default=0.0, ge=0, description="bias variance of the hidden layers")
    normalise: bool = Field(default=True, description="whether images are projected to the unit sphere")
    bias: bool = Field(
        default=False, description="whether every image gets a coordinate 1: a bias in the first layer alone"
    )
    coding: Literal["class_index", "class_index_centred", "one_hot", "parity", "first_or_rest"] = Field(
        default="class_index", description="coding of the labels as numbers"
    )
    draws: int = Field(default=1000, ge=100, description="draws of the bootstrap")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        """Refuse a kernel that there is not, what does not fit in memory, and pairs that the bootstrap cannot use."""
        check_ntk(self.kernel, self.activation)
        if self.samples > MOST_SAMPLES:
            raise ValueError(
                f"samples = {self.samples} is above {MOST_SAMPLES}, the most that is held in memory; "
                "use `initatlas kernel gram` and `initatlas kernel spectrum`"
            )
        if 2 * self.pairs > self.samples:
            raise ValueError(f"pairs = {self.pairs} is above half of samples = {self.samples}; take fewer pairs")
        return self


def windows_up_to(pairs: int) -> list[int]:
    """The fit windows that the given number of pairs reaches."""
    return [window for window in WINDOWS if window <= pairs]


def _coordinates(parameters: GramSpectrumParameters) -> Mapping[str, Coordinate]:
    """Indices of the eigenpairs, and the fit windows."""
    return {
        "index": Coordinate(range(1, parameters.pairs + 1), "index of the eigenvalue, in decreasing order"),
        "window": Coordinate(windows_up_to(parameters.pairs), "fit window i <= w"),
    }


def _run(
    points: Sequence[GramSpectrumParameters], rngs: Sequence["np.random.Generator"], data: "Samples"
) -> list[dict[str, Any]]:
    """Each point has its own Gram matrix."""
    return [_measure(point, rng, data) for point, rng in zip(points, rngs, strict=True)]


def _measure(point: GramSpectrumParameters, rng: "np.random.Generator", data: "Samples") -> dict[str, Any]:
    """Eigenpairs, tail sums and slopes of one point."""
    from initatlas.kernels.architecture import Architecture
    from initatlas.kernels.gram import gram_matrix
    from initatlas.kernels.top_pairs import top_eigenpairs
    from initatlas.smoothness.targets import target_coding
    from initatlas.smoothness.top import smoothness_from_top

    total = len(data.targets())
    chosen = rng.choice(total, size=min(point.samples, total), replace=False)
    if 2 * point.pairs > len(chosen):
        raise ValueError(f"pairs: {point.pairs} is above half of the {len(chosen)} images of {point.dataset}")
    gram = gram_matrix(
        data.features()[chosen],
        kernel=point.kernel,
        architecture=Architecture(point.activation, point.depth, point.weight_variance, point.bias_variance),
        normalise=point.normalise,
        bias=point.bias,
    )
    top = top_eigenpairs(gram, point.pairs, rng=rng)
    labels = data.targets()[chosen]
    smoothness = smoothness_from_top(
        top.vectors,
        target_coding(labels, point.coding),
        windows_up_to(point.pairs),
        degrees=len(set(labels.tolist())) - 1 if point.coding == "one_hot" else 1,
        draws=point.draws,
        rng=rng,
    )
    return {
        "sample_size": len(chosen),
        "eigenvalue": top.values,
        "residual": top.residuals,
        "tail_sum": smoothness.tail_sums,
        "slope": smoothness.slopes,
        "slope_low": smoothness.lows,
        "slope_high": smoothness.highs,
        "null_slope": smoothness.nulls,
    }


def _seconds(parameters: GramSpectrumParameters) -> float:
    """Gram matrix, products (some 3 vectors per pair), orthogonalisation, small eigenproblems, bootstrap; at 40 GFLOP/s."""
    n, basis = parameters.samples, 3.0 * parameters.pairs
    flops = 1600 * n**2 + 2 * n**2 * basis + 4 * n * basis**2 + 10 * basis**3
    return flops / 4e10 + 4e-8 * parameters.pairs * parameters.draws * len(windows_up_to(parameters.pairs)) + 0.5


def _megabytes(parameters: GramSpectrumParameters) -> float:
    """Gram matrix, basis and eigenvectors."""
    return 8e-6 * parameters.samples * (parameters.samples + 6 * parameters.pairs) + 300.0


EXPERIMENT = Experiment(
    summary="Largest eigenvalues of a network's kernel matrix, and the decay of the labels' tail sums in their eigenvectors.",
    parameters=GramSpectrumParameters,
    outputs=(
        Output("sample_size", "number of images used"),
        Output("eigenvalue", "eigenvalue of the kernel matrix over the sample size", dims=("index",)),
        Output(
            "residual", "norm of the eigenpair's residual: the error of the eigenvalue is not larger", dims=("index",)
        ),
        Output("tail_sum", "sum of squared coefficients from the index on", dims=("index",)),
        Output("slope", "decay of the tail sums: minus the slope of log T against log i", dims=("window",)),
        Output("slope_low", "lower end of the 95 % bootstrap interval of the slope", dims=("window",)),
        Output("slope_high", "upper end of the 95 % bootstrap interval of the slope", dims=("window",)),
        Output("null_slope", "slope that labels without information give", dims=("window",)),
    ),
    run=_run,
    static=("samples", "pairs"),
    coordinates=_coordinates,
    seconds=_seconds,
    megabytes=_megabytes,
    data_needs=DataNeeds(holds=SAMPLES, labels=True, classes=2),
)
