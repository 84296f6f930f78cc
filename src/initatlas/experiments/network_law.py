"""Parameters that random networks and their infinitely wide limits share."""

from collections.abc import Mapping
from typing import Self

from pydantic import Field, model_validator

from initatlas.experiments.activation_labels import ActivationLabel, check_norm_preserving
from initatlas.experiments.grids import angle_coordinate, layer_coordinate
from initatlas.kernels.arguments import MOST_LAYERS
from initatlas.sweeps.experiment import Coordinate, Parameters


class NetworkLawParameters(Parameters):
    """The law of a random network but for its width and the family of its weights, and the inputs that it is shown."""

    activation: ActivationLabel = Field(default="relu", description="activation of every layer")
    depth: int = Field(
        default=1, ge=1, le=MOST_LAYERS, description="number of layers; 1, 2, 4, 8, ... and the last are recorded"
    )
    angles: int = Field(default=37, ge=2, description="number of angles, evenly spaced from 0 to 180 degrees")
    weight_variance: float | None = Field(
        default=None,
        gt=0,
        description="weight variance times the number of neurons; none takes the one that preserves norms",
    )
    weight_mean: float = Field(default=0.0, description="mean of a weight times the number of neurons")
    bias_variance: float = Field(default=0.0, ge=0, description="variance of a Gaussian bias, not scaled")
    residual: bool = Field(
        default=False,
        description="whether layers add to their input, z + W phi(z) + b, behind a first layer W x + b; z is recorded",
    )
    input_rms: float = Field(
        default=1.0,
        gt=0,
        description="root mean square of an input's coordinates; it matters where the activation is not homogeneous",
    )

    @model_validator(mode="after")
    def _norms_can_be_preserved(self) -> Self:
        """Refuse a norm-preserving variance that does not exist."""
        check_norm_preserving(self.activation, weight_variance=self.weight_variance, rms=self.input_rms)
        return self


def kernel_coordinates(parameters: NetworkLawParameters) -> Mapping[str, Coordinate]:
    """The recorded layers and the angles of the input pairs."""
    return {"layer": layer_coordinate(parameters.depth), "angle": angle_coordinate(parameters.angles)}


def weight_variance(parameters: NetworkLawParameters) -> float:
    """The weight variance that is given, or the one that preserves the norm of the inputs."""
    from initatlas.kernels.preserving import signal_preserving_variance

    given = parameters.weight_variance
    return signal_preserving_variance(parameters.activation, rms=parameters.input_rms) if given is None else given
