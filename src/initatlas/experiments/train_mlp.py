"""Train fully connected networks on classes or on real targets: does the initialisation let them learn?

Networks of one shape are trained together in one batch; each draws its weights, and the order of its images, from its own
generator. The grey levels of images are shifted and scaled to mean 0 and variance 1; vectors are taken as they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import nan
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, model_validator

from initatlas.datasets.traits import BOTH_SPLITS, SAMPLES, DataNeeds
from initatlas.experiments.activation_labels import ActivationLabel, check_trainable
from initatlas.experiments.weights_labels import WeightsLabel
from initatlas.networks.training_cost import networks_at_once, training_megabytes, training_seconds
from initatlas.networks.training_settings import LossName, Parametrisation, Residual, TrainingSettings
from initatlas.sweeps.experiment import Coordinate, Experiment, Output, Parameters

if TYPE_CHECKING:
    import numpy as np

    from initatlas.datasets.samples import Samples, Split
    from initatlas.networks.probes import Probe
    from initatlas.networks.training import NetworkRecord

CLASSES = 10
"""Outputs, for the estimates of cost."""

_MNIST, _DIGITS = (784, 6000, 2000), (64, 1438, 359)
"""Inputs, training and test samples, for the estimates: a point does not know the size of its data set, only its name."""


class TrainMlpParameters(Parameters):
    """One network and its training."""

    dataset: str = Field(default="glyphs", description="data set")
    width: int = Field(default=64, ge=1, description="neurons per hidden layer")
    depth: int = Field(default=2, ge=1, description="number of hidden layers")
    activation: ActivationLabel = Field(default="relu", description="activation of every hidden layer")
    weights: WeightsLabel = Field(default="gaussian", description="weight distribution")
    weight_variance: float = Field(
        default=2.0,
        gt=0,
        description="weight variance times fan-in, in the hidden layers (scaled branches: before their factor)",
    )
    bias_variance: float = Field(default=0.0, ge=0, description="bias variance in the hidden layers")
    optimiser: Literal["sgd", "adam"] = Field(default="sgd", description="optimiser")
    learning_rate: float = Field(default=0.01, gt=0, description="step size of the optimiser")
    momentum: float = Field(default=0.0, ge=0, lt=1, description="heavy-ball momentum of sgd")
    steps: int = Field(default=500, ge=1, description="minibatch updates")
    batch_size: int = Field(default=64, ge=1, description="samples per minibatch")
    evaluations: int = Field(default=9, ge=1, description="points of the training curve; 1: after training alone")
    loss: LossName = Field(
        default="cross_entropy",
        description=(
            "cross entropy, of classes; or the squared error of real targets, one-hot for classes: mean, sum or half the sum "
            "over a minibatch"
        ),
    )
    parametrisation: Parametrisation = Field(
        default="standard",
        description=(
            "how variances and learning rates go with the width: standard, ntk (a rate over the fan-in under sgd), "
            "or mup (features learn alike at every width; equal to standard at `base_width`)"
        ),
    )
    base_width: int = Field(default=64, ge=1, description="width at which mup is the standard parametrisation")
    residual: Residual = Field(
        default="none",
        description="whether a hidden layer adds to those before; scaled: as a branch times 1 / sqrt(depth)",
    )
    mirrored: bool = Field(
        default=False,
        description="whether a network is (g_1 - g_2) / sqrt(2), with halves g that start equal: its output starts at 0",
    )
    device: Literal["cpu", "cuda", "auto"] = Field(default="cpu", description="where the network is trained")

    @model_validator(mode="after")
    def _can_be_trained(self) -> Self:
        """Refuse an activation that cannot be trained, and more points of the curve than there are steps."""
        check_trainable(self.activation)
        if self.evaluations > self.steps + 1:
            raise ValueError(
                f"evaluations = {self.evaluations} with steps = {self.steps}: the curve has at most steps + 1 points; "
                "take fewer evaluations or more steps"
            )
        return self


STATIC = (
    *("width", "depth", "activation", "steps", "batch_size", "optimiser", "momentum", "evaluations", "loss", "device"),
    *("parametrisation", "base_width", "residual", "mirrored"),
)
"""Parameters that the networks of a batch share."""


def coordinates(parameters: TrainMlpParameters) -> Mapping[str, Coordinate]:
    """Hidden layers, and the points of the training curve."""
    return {
        "layer": Coordinate(range(1, parameters.depth + 1), "hidden layer"),
        "evaluation": Coordinate(range(parameters.evaluations), "point of the training curve"),
    }


def _run(
    points: Sequence[TrainMlpParameters], rngs: Sequence["np.random.Generator"], data: "Samples"
) -> list[dict[str, Any]]:
    """Train the networks of a batch together."""
    return [outputs_of(record, classes=data.traits.labels) for record in train_points(points, rngs, data)]


def train_points(
    points: Sequence[TrainMlpParameters],
    rngs: Sequence["np.random.Generator"],
    data: "Samples",
    probe: "Probe | None" = None,
) -> list["NetworkRecord"]:
    """Train the networks of a batch of points; with a probe, follow what happens inside."""
    from initatlas.networks.training import NetworkSettings, train_networks

    names = ("weights", "weight_variance", "bias_variance", "learning_rate")
    networks = [NetworkSettings(**{name: getattr(point, name) for name in names}) for point in points]
    targets = _targets(data, points[0].loss)
    settings = settings_of(points[0], targets.shape[1] if targets.ndim == 2 else int(targets.max()) + 1)
    splits: tuple[Split, ...] = ("train", "test")
    train, test = ((inputs_of(data, split), targets[data.rows(split)]) for split in splits)
    return train_networks(settings, networks, train, test, rngs=rngs, probe=probe)


def outputs_of(record: "NetworkRecord", *, classes: bool) -> dict[str, Any]:
    """What the cube gets of a record; real targets have no accuracy."""
    outputs = {output.name: getattr(record, output.name) for output in OUTPUTS}
    accuracies = [name for name in outputs if "accuracy" in name and not classes]
    return outputs | {name: outputs[name] * nan for name in accuracies}


def _targets(data: "Samples", loss: LossName) -> "np.ndarray":
    """Classes; numbers for a squared error: those of the data set, or 1 for the class and 0 for all others."""
    import numpy as np

    targets = data.targets()
    if loss == "cross_entropy" or targets.ndim == 2:
        return targets if targets.dtype.kind == "i" else targets.astype(np.float32)
    one_hot: np.ndarray = np.eye(int(targets.max()) + 1, dtype=np.float32)[targets]
    return one_hot


def settings_of(point: TrainMlpParameters, outputs: int) -> TrainingSettings:
    """What the networks of a batch share."""
    shared = {name: getattr(point, name) for name in STATIC}
    return TrainingSettings(outputs=outputs, **shared)


def inputs_of(data: "Samples", split: "Split") -> "np.ndarray":
    """Features of a split; those of images shifted and scaled so that training images have mean 0 and variance 1."""
    features = data.features(split)
    if data.traits.holds == "images":
        train = data.features("train")
        features = (features - train.mean(dtype="float64")) / train.std(dtype="float64")
    return features.astype("float32")


def form(parameters: TrainMlpParameters) -> tuple[int, int, int]:
    """Inputs, training and test samples that the estimates take: the small digits are known, all else is like MNIST."""
    return _DIGITS if parameters.dataset == "digits" else _MNIST


def seconds(parameters: TrainMlpParameters) -> float:
    """Time to train one network of a full group."""
    sizes = form(parameters)
    return training_seconds(_as_planned(parameters), *sizes, images=sizes == _MNIST)


def _as_planned(parameters: TrainMlpParameters) -> TrainingSettings:
    """The settings with a device that is named: nobody knows yet what ``auto`` will find, and a CPU is everywhere."""
    return replace(settings_of(parameters, CLASSES), device="cuda" if parameters.device == "cuda" else "cpu")


def megabytes(parameters: TrainMlpParameters) -> float:
    """One network's share: only so many are held in memory at once."""
    settings = _as_planned(parameters)
    inputs, train, test = form(parameters)
    return training_megabytes(settings, inputs, train, test) / networks_at_once(settings, inputs)


def gpus(parameters: TrainMlpParameters) -> float:
    """A few batches share a GPU: the networks are small."""
    return 0.25 if parameters.device == "cuda" else 0.0


DIVERGED = "the network diverged"
_NO_CLASSES = "the targets are no classes"

OUTPUTS = (
    Output("train_loss", "loss on the training samples after training (cross entropy: nats)", nan_means=DIVERGED),
    Output("test_loss", "loss on the test samples after training (cross entropy: nats)", nan_means=DIVERGED),
    Output("train_accuracy", "fraction of training samples classified correctly", nan_means=_NO_CLASSES),
    Output("test_accuracy", "fraction of test samples classified correctly", nan_means=_NO_CLASSES),
    Output("diverged", "whether the loss stopped being finite", dtype="int8"),
    Output(
        "norm_ratio",
        "norm of a layer's signal over the norm of the input, at initialisation; of a mirrored network's halves",
        dims=("layer",),
        nan_means="the signal of a layer before is beyond single precision",
        inf_means="the signal is beyond single precision",
    ),
    Output("curve_step", "minibatch updates done", dims=("evaluation",), dtype="int32"),
    Output(
        "curve_train_loss",
        "loss on training samples during training (cross entropy: nats)",
        dims=("evaluation",),
        nan_means=DIVERGED,
    ),
    Output(
        "curve_test_accuracy",
        "fraction of test samples classified correctly during training",
        dims=("evaluation",),
        nan_means=_NO_CLASSES,
    ),
)

EXPERIMENT = Experiment(
    summary="Fully connected networks trained from a random initialisation on classes or real targets.",
    parameters=TrainMlpParameters,
    outputs=OUTPUTS,
    run=_run,
    static=STATIC,
    coordinates=coordinates,
    seconds=seconds,
    megabytes=megabytes,
    gpus=gpus,
    data_needs=DataNeeds(holds=SAMPLES, targets=True, splits=BOTH_SPLITS, classes=2),
    point_needs={"loss": {"cross_entropy": DataNeeds(labels=True)}},
)
