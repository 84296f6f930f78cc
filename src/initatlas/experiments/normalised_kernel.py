"""The normalised kernel of an infinitely wide rectifier network, against the angle between its inputs.

Tsuchida, Roosta-Khorasani, Gallagher 2018: corollaries 3 and 4 for one layer, section 6.1 for their composition.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field

from initatlas.experiments.grids import angle_coordinate
from initatlas.experiments.labels import RectifierLabel
from initatlas.sweeps.experiment import Coordinate, Experiment, Output, Parameters

if TYPE_CHECKING:
    import numpy as np


class NormalisedKernelParameters(Parameters):
    """One depth of one activation, at evenly spaced angles."""

    activation: RectifierLabel = Field(default="relu", description="activation of every layer")
    depth: int = Field(default=1, ge=1, description="number of hidden layers")
    angles: int = Field(default=37, ge=2, description="number of angles, evenly spaced from 0 to 180 degrees")


def _angles(parameters: NormalisedKernelParameters) -> Mapping[str, Coordinate]:
    """The angles of the input pairs."""
    return {"angle": angle_coordinate(parameters.angles)}


def _run(
    points: Sequence[NormalisedKernelParameters], rngs: Sequence["np.random.Generator"], data: Any
) -> list[dict[str, Any]]:
    """The recursion of the normalised kernel, point by point."""
    import numpy as np

    from initatlas.kernels.recursion import one_minus_cosine

    results = []
    for point in points:
        angles = np.deg2rad(_angles(point)["angle"].values)
        gap = one_minus_cosine(angles, point.depth, point.activation)
        results.append({"cosine": 1.0 - gap, "one_minus_cosine": gap})
    return results


EXPERIMENT = Experiment(
    summary="Cosine between the signals of two inputs in an infinitely wide rectifier network, against their angle.",
    parameters=NormalisedKernelParameters,
    outputs=(
        Output("cosine", "normalised kernel", dims=("angle",)),
        Output("one_minus_cosine", "one minus the normalised kernel, with full relative accuracy", dims=("angle",)),
    ),
    run=_run,
    static=("angles",),
    coordinates=_angles,
)
