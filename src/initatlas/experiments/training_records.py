"""What goes on inside fully connected networks while they train: signals, weights, kernel and function, at points of the curve.

The networks are those of `train_mlp`, with all of its parameters. They are followed on test inputs: neighbouring ones are the
pairs whose cosine is taken, and the ends of the lines along which the function is looked at. With `limit` the kernels are also
held against those of infinite width, which takes some seconds of each process where the activation's dual has no closed form.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field, model_validator

from initatlas.experiments import train_mlp
from initatlas.experiments.train_mlp import DIVERGED, TrainMlpParameters
from initatlas.sweeps.experiment import Coordinate, Output

if TYPE_CHECKING:
    import numpy as np

    from initatlas.datasets.samples import Samples


class TrainingRecordsParameters(TrainMlpParameters):
    """One network, its training, and the inputs that it is followed on."""

    probes: int = Field(default=32, ge=2, description="test inputs on which the network is followed, an even number")
    line_points: int = Field(default=65, ge=5, description="points of a line between two of them, ends included")
    limit: bool = Field(default=False, description="whether kernels are held against their limits of infinite width")

    @model_validator(mode="after")
    def _pairs(self) -> Self:
        """Refuse an input without a neighbour."""
        if self.probes % 2:
            raise ValueError(f"probes = {self.probes}: they come in pairs; take an even number")
        return self


def _coordinates(parameters: TrainingRecordsParameters) -> Mapping[str, Coordinate]:
    """Those of `train_mlp`, and the weight matrices."""
    matrices = Coordinate(range(1, parameters.depth + 2), "weight matrix, the read-out's last")
    return {**train_mlp.coordinates(parameters), "matrix": matrices}


def _run(
    points: Sequence[TrainingRecordsParameters], rngs: Sequence["np.random.Generator"], data: "Samples"
) -> list[dict[str, Any]]:
    """Train the networks of a batch together, and follow each."""
    from initatlas.errors import UserError
    from initatlas.networks.probes import Probe

    first = points[0]
    inputs = train_mlp.inputs_of(data, "test")
    if first.probes > len(inputs):
        raise UserError(f"probes = {first.probes}: the data set has {len(inputs)} test inputs; take fewer")
    probe = Probe(inputs[: first.probes].astype("float64"), first.line_points, first.limit)
    records = train_mlp.train_points(points, rngs, data, probe)
    return [{**train_mlp.outputs_of(record, classes=data.traits.labels), **vars(record.probed)} for record in records]


def _seconds(parameters: TrainingRecordsParameters) -> float:
    """Those of training, and of the passes that look inside, in double precision and for one network after the other."""
    passes = parameters.probes * (0.5 * parameters.line_points + train_mlp.CLASSES)
    weights = train_mlp.form(parameters)[0] * parameters.width + parameters.depth * parameters.width**2
    looks = (parameters.evaluations + 1) * train_mlp.settings_of(parameters, train_mlp.CLASSES).halves
    return train_mlp.seconds(parameters) + looks * (2e-3 + 1e-10 * passes * weights)


_SILENT = f"{DIVERGED}, or the layer was silent"

EXPERIMENT = replace(
    train_mlp.EXPERIMENT,
    summary="Signals, weights, kernel and function of fully connected networks while they train.",
    parameters=TrainingRecordsParameters,
    outputs=(
        *train_mlp.OUTPUTS,
        Output(
            "signal_ratio",
            "norm of a layer's signal over the norm of the input",
            dims=("evaluation", "layer"),
            nan_means=DIVERGED,
        ),
        Output(
            "signal_cosine",
            "cosine between a layer's signals for two inputs, mean over pairs",
            dims=("evaluation", "layer"),
            nan_means=_SILENT,
        ),
        Output(
            "signal_change",
            "distance of a layer's signals from those before training, over their norm",
            dims=("evaluation", "layer"),
            nan_means=_SILENT,
        ),
        Output(
            "weight_change",
            "distance of a layer's weights from those before training, over their norm",
            dims=("evaluation", "matrix"),
            nan_means=DIVERGED,
        ),
        Output(
            "kernel_change",
            "distance of the empirical NTK, with the factors of the learning rates, from that before training, over its norm",
            dims=("evaluation",),
            nan_means=DIVERGED,
        ),
        Output(
            "signal_kernel_change",
            "the same of the products of the last layer's signals",
            dims=("evaluation",),
            nan_means=_SILENT,
        ),
        Output(
            "kernel_distance",
            "distance of the empirical NTK, as in `kernel_change`, from its limit of infinite width, over the limit's norm",
            dims=("evaluation",),
            nan_means=f"{DIVERGED}, or `limit` is off",
        ),
        Output(
            "signal_kernel_distance",
            "the same of the products of the last layer's signals",
            dims=("evaluation",),
            nan_means=f"{DIVERGED}, or `limit` is off",
        ),
        Output("output_size", "root mean square of the outputs", dims=("evaluation",), nan_means=DIVERGED),
        Output(
            "bending",
            "total variation of an output's slope along a line between two inputs, whose length counts as 1",
            dims=("evaluation",),
            nan_means=DIVERGED,
        ),
        Output(
            "smoothness",
            "exponent s of the second differences along a line, which are of size lag^s: 2 for smooth functions, 3/2 for kinks",
            dims=("evaluation",),
            nan_means=f"{DIVERGED}, or the function is straight along the lines",
        ),
    ),
    run=_run,
    static=(*train_mlp.STATIC, "probes", "line_points", "limit"),
    coordinates=_coordinates,
    seconds=_seconds,
)
