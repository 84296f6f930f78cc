"""The kernel of one infinitely wide layer by its definition, an integral over the density of the weights, and by an ODE.

Tsuchida, Roosta-Khorasani, Gallagher 2018: propositions 1 and 2 with figure 3, corollaries 3 and 4. The inputs lie in the plane
of two coordinates, where independent weights are told apart from rotation-invariant ones. Nothing is drawn.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field

from initatlas.experiments.grids import angle_coordinate
from initatlas.experiments.weights_labels import WeightsLabel
from initatlas.sweeps.experiment import Coordinate, Experiment, Output, Parameters

if TYPE_CHECKING:
    import numpy as np


class WeightIntegralParameters(Parameters):
    """One distribution of weights, and where the inputs lie."""

    weights: WeightsLabel = Field(default="gaussian", description="weight distribution, with a continuous density")
    turn: float = Field(
        default=0.0, ge=0, le=90, description="angle from the first coordinate to the first input, in degrees"
    )
    slope: float = Field(default=0.2, ge=0, lt=1, description="slope of the leaky ReLU beside the ReLU")
    angles: int = Field(default=13, ge=2, description="number of angles, evenly spaced from 0 to 180 degrees")
    nodes: int = Field(default=24, ge=8, description="nodes of the quadrature between two kinks")


def _coordinates(parameters: WeightIntegralParameters) -> Mapping[str, Coordinate]:
    """Angles between the inputs."""
    return {"angle": angle_coordinate(parameters.angles)}


def _run(
    points: Sequence[WeightIntegralParameters], rngs: Sequence["np.random.Generator"], data: Any
) -> list[dict[str, Any]]:
    """Point by point."""
    return [_integrals(point) for point in points]


def _integrals(point: WeightIntegralParameters) -> dict[str, Any]:
    """Kernels, forcing term and solution, with the change that three quarters of the nodes make."""
    from functools import partial
    from math import radians

    import numpy as np

    from initatlas.networks.weight_integrals import forcing_term, pair_density, radial_moment

    angles = np.deg2rad(_coordinates(point)["angle"].values)
    moment = partial(radial_moment, pair_density(point.weights))
    fine, coarse = (_by_quadrature(point, moment, angles, nodes) for nodes in (point.nodes, 3 * point.nodes // 4))
    errors = np.max([abs(fine[name] - coarse[name]) for name in fine], axis=0)
    return {**fine, "forcing": forcing_term(moment, angles, radians(point.turn)), "quadrature_error": errors}


def _by_quadrature(
    point: WeightIntegralParameters, moment: Any, angles: "np.ndarray", nodes: int
) -> dict[str, "np.ndarray"]:
    """The integrals over directions, with some number of nodes."""
    from math import radians

    import numpy as np

    from initatlas.networks.weight_integrals import kernel_integrals, ode_solution

    turn = radians(point.turn)
    slopes = (0.0, point.slope)
    plain, leaky = np.array([kernel_integrals(moment, angle, turn, slopes, nodes) for angle in angles]).T
    return {
        "kernel": plain,
        "leaky_kernel": leaky,
        "solution": np.array([ode_solution(moment, angle, turn, nodes) for angle in angles]),
    }


def _seconds(parameters: WeightIntegralParameters) -> float:
    """Densities on 1200 radii, up to 18 arcs of nodes per angle, twice."""
    return 1.3e-4 * parameters.angles * parameters.nodes


def _megabytes(parameters: WeightIntegralParameters) -> float:
    """A block of 256 directions on all radii, some times."""
    return 60.0


_ANGLES = ("angle",)

EXPERIMENT = Experiment(
    summary="Kernel of an infinitely wide layer as an integral over the density of its weights, and as solution of an ODE.",
    parameters=WeightIntegralParameters,
    outputs=(
        Output("kernel", "kernel of ReLU for unit inputs and weights of variance one", dims=_ANGLES),
        Output("leaky_kernel", "kernel of the leaky ReLU for unit inputs and weights of variance one", dims=_ANGLES),
        Output("forcing", "forcing term of the ODE of the ReLU's kernel", dims=_ANGLES),
        Output("solution", "solution of the ODE from 180 degrees downwards", dims=_ANGLES),
        Output(
            "quadrature_error", "largest change of the three integrals with three quarters of the nodes", dims=_ANGLES
        ),
    ),
    run=_run,
    static=("angles",),
    coordinates=_coordinates,
    seconds=_seconds,
    megabytes=_megabytes,
)
