"""Norms of many signals in the layers of one random network.

Tsuchida, Roosta-Khorasani, Gallagher 2018, figure 5 and corollary 10. The inputs are samples of N(0, I).
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, model_validator

from initatlas.experiments.activation_labels import ActivationLabel, check_norm_preserving
from initatlas.experiments.forward_kernel import drawing_seconds
from initatlas.experiments.grids import layer_coordinate
from initatlas.experiments.weights_labels import WeightsLabel
from initatlas.sweeps.experiment import Coordinate, Experiment, Output, Parameters

if TYPE_CHECKING:
    import numpy as np


class SignalNormsParameters(Parameters):
    """One random network and its inputs."""

    activation: ActivationLabel = Field(default="relu", description="activation of every layer")
    weights: WeightsLabel = Field(default="gaussian", description="weight distribution")
    weight_variance: float | None = Field(
        default=None,
        gt=0,
        description="weight variance times the number of neurons; none takes the one that preserves norms",
    )
    fan: Literal["out", "in"] = Field(
        default="out", description="number of neurons that scales the variance: of the layer, or of the one before it"
    )
    depth: int = Field(default=1, ge=1, description="number of layers; 1, 2, 4, 8, ... and the last are recorded")
    width: int = Field(default=1000, ge=2, description="neurons per layer")
    input_dimension: int = Field(default=1000, ge=2, description="number of inputs")
    signals: int = Field(default=1000, ge=2, description="number of input vectors")

    @model_validator(mode="after")
    def _norms_can_be_preserved(self) -> Self:
        """Refuse a norm-preserving variance that does not exist; the inputs have a root mean square of 1."""
        check_norm_preserving(self.activation, weight_variance=self.weight_variance, rms=1.0)
        return self


def _coordinates(parameters: SignalNormsParameters) -> Mapping[str, Coordinate]:
    """Recorded layers, and the inputs by number."""
    inputs = Coordinate(range(parameters.signals), "number of the input")
    return {"layer": layer_coordinate(parameters.depth), "input": inputs}


def _run(
    points: Sequence[SignalNormsParameters], rngs: Sequence["np.random.Generator"], data: Any
) -> list[dict[str, Any]]:
    """Each point is one network."""
    return [{"norm_ratio": _norm_ratios(point, rng)} for point, rng in zip(points, rngs, strict=True)]


def _norm_ratios(point: SignalNormsParameters, rng: "np.random.Generator") -> "np.ndarray":
    """Norms of the signals over those of their inputs, (layer, input)."""
    import numpy as np

    from initatlas.kernels.preserving import signal_preserving_variance
    from initatlas.networks.forward import RandomNetwork, forward_signals, row_norms

    given = point.weight_variance
    network = RandomNetwork(
        activation=point.activation,
        weights=point.weights,
        weight_variance=signal_preserving_variance(point.activation, rms=1.0) if given is None else given,
        depth=point.depth,
        width=point.width,
        fan=point.fan,
    )
    inputs = rng.standard_normal((point.signals, point.input_dimension), dtype=np.float32)
    wanted = set(layer_coordinate(point.depth).values)
    layers = enumerate(forward_signals(inputs, network, rng=rng), start=1)
    norms = [row_norms(signals)[:, 0] for layer, signals in layers if layer in wanted]
    return np.stack(norms) / row_norms(inputs)[:, 0]


def _seconds(parameters: SignalNormsParameters) -> float:
    """Drawing the weights, and the products with the signals."""
    return drawing_seconds(
        parameters.weights,
        vectors=parameters.signals,
        width=parameters.width,
        input_dimension=parameters.input_dimension,
        depth=parameters.depth,
    )


def _megabytes(parameters: SignalNormsParameters) -> float:
    """One layer of weights, and the signals."""
    widest = max(parameters.width, parameters.input_dimension)
    return 8e-6 * widest * (parameters.width + 3 * parameters.signals)


EXPERIMENT = Experiment(
    summary="Norms of the signals of many inputs in the layers of a random network.",
    parameters=SignalNormsParameters,
    outputs=(Output("norm_ratio", "norm of a signal over the norm of its input", dims=("layer", "input")),),
    run=_run,
    static=("depth", "signals"),
    coordinates=_coordinates,
    seconds=_seconds,
    megabytes=_megabytes,
)
