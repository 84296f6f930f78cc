"""Formulas of a printed summary of Daniely, Frostig, Singer 2016, beside the right ones and a simulation.

The kernel of `depth` layers with weights of variance 1 / fan-in, for two unit inputs. What is printed:

- ``first_listing``: after every layer the variances are set to those behind ONE layer; it gets them by calling itself with
  depth 1, which calls itself again, without end;
- ``second_listing``: the variances are halved per layer, and the norm is their root plus 1e-10;
- ``text``: the ReLU's recursion with the factor 1 / (2 pi), its variances by the same recursion;
- ``erf``: (2 / pi) asin(s / sqrt((1 + p) (1 + q))), without the factors 2 at s, p and q (Williams 1997).
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from initatlas.activations.base import Activation
from initatlas.activations.erf import Erf
from initatlas.activations.relu import Relu
from initatlas.kernels.arguments import MOST_LAYERS
from initatlas.sweeps.experiment import Experiment, Output, Parameters

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CHAINS = 20
"""Independent chains whose mean a simulated kernel is."""

Covariance = tuple[float, float, float]
"""Covariance of a pair and its two variances."""


class PrintedKernelParameters(Parameters):
    """One formula, at one depth and angle."""

    formula: Literal["first_listing", "second_listing", "text", "erf"] = Field(
        default="second_listing", description="which printed formula"
    )
    depth: int = Field(default=1, ge=1, le=MOST_LAYERS, description="number of hidden layers")
    angle: float = Field(default=60.0, ge=0, le=180, description="angle between the unit inputs in degrees")
    draws: int = Field(default=100_000, ge=1000, description="Gaussian pairs per layer of the simulation")


def _run(
    points: Sequence[PrintedKernelParameters], rngs: Sequence["np.random.Generator"], data: Any
) -> list[dict[str, float]]:
    """Printed, right and simulated value of each point."""
    return [
        {
            "printed": _printed(point),
            "right": _right(point),
            "returns": _returns(point),
            **_simulated(point, rng),
        }
        for point, rng in zip(points, rngs, strict=True)
    ]


def _activation(point: PrintedKernelParameters) -> Activation:
    """Activation that a formula is about."""
    return Erf() if point.formula == "erf" else Relu()


def _inputs(point: PrintedKernelParameters) -> Covariance:
    """Scalar products of the two inputs."""
    from math import cos, radians

    return cos(radians(point.angle)), 1.0, 1.0


def _printed_relu(s: float, p: float, q: float, *, added: float = 1e-10) -> float:
    """Covariance behind a ReLU layer, as both listings have it; the text adds nothing to the norm."""
    from math import acos, cos, pi, sin, sqrt

    norm = sqrt(p * q) + added
    theta = acos(min(max(s / norm, -1.0), 1.0))
    return norm * (sin(theta) + (pi - theta) * cos(theta)) / (2.0 * pi)


def _printed_erf(s: float, p: float, q: float) -> float:
    """Covariance behind a layer of erf units, as printed."""
    from math import asin, pi, sqrt

    return 2.0 / pi * asin(s / sqrt((1.0 + p) * (1.0 + q)))


def _printed(point: PrintedKernelParameters) -> float:
    """The printed recursion; the first listing with its call to itself replaced by the one layer that it is meant to give."""
    s, p, q = _inputs(point)
    if point.formula == "first_listing":
        return _first_listing((s, p, q), point.depth, lambda norm: _printed_relu(norm, norm, norm))
    for _ in range(point.depth):
        if point.formula == "erf":
            s, p, q = _printed_erf(s, p, q), _printed_erf(p, p, p), _printed_erf(q, q, q)
        elif point.formula == "text":
            s, p, q = (_printed_relu(*covariance, added=0.0) for covariance in ((s, p, q), (p, p, p), (q, q, q)))
        else:
            s, p, q = _printed_relu(s, p, q), p / 2.0, q / 2.0
    return s


def _first_listing(inputs: Covariance, depth: int, one_layer: Callable[[float], float]) -> float:
    """The first listing: variances come from the inputs again in every layer."""
    s, p, q = inputs
    for _ in range(depth):
        s = _printed_relu(s, p, q)
        p, q = one_layer(inputs[1]), one_layer(inputs[2])
    return s


def _returns(point: PrintedKernelParameters) -> int:
    """Whether the function comes to an end as printed: the first listing calls itself with depth 1."""
    if point.formula != "first_listing":
        return 1

    def one_layer(norm: float) -> float:
        return _first_listing((norm, norm, norm), 1, one_layer)

    try:
        _first_listing(_inputs(point), point.depth, one_layer)
    except RecursionError:
        return 0
    return 1


def _right(point: PrintedKernelParameters) -> float:
    """The recursion of `initatlas.kernels`."""
    import numpy as np

    from initatlas.kernels.angles import kernels_at_angle
    from initatlas.kernels.architecture import Architecture

    architecture = Architecture(_activation(point).dual, point.depth, weight_variance=1.0)
    return float(kernels_at_angle(architecture, np.deg2rad(point.angle))[0])


def _simulated(point: PrintedKernelParameters, rng: "np.random.Generator") -> dict[str, float]:
    """Gaussian pairs of the last layer's covariance, through the activation, layer by layer; no closed form.

    The draws are split into independent chains, whose scatter gives the standard error. One chain after the other, in single
    precision: what comes between the draws and their means stays in the cache, and its rounding is far below their scatter.
    """
    import numpy as np

    from initatlas.weights.gaussian import Gaussian

    phi, size = _activation(point).phi, point.draws // CHAINS

    def drawn() -> "NDArray[np.float32]":
        """Standard normal numbers of one chain."""
        numbers: NDArray[np.float32] = Gaussian().draw((1, size), variance=1.0, rng=rng)[0]
        return numbers

    chains = [_inputs(point)] * CHAINS
    for _ in range(point.depth):
        chains = [_next_layer(phi, chain, drawn) for chain in chains]
    simulated = np.array([s for s, _, _ in chains])
    return {"simulated": float(simulated.mean()), "standard_error": float(simulated.std(ddof=1) / CHAINS**0.5)}


def _next_layer(
    phi: "Callable[[NDArray[np.float32]], NDArray[np.float32]]",
    covariance: Covariance,
    drawn: "Callable[[], NDArray[np.float32]]",
) -> Covariance:
    """Covariance behind one more layer, from standard normal numbers. Equal signals stay equal, and take one draw."""
    from math import sqrt

    s, p, q = covariance
    x = drawn()
    u = phi(sqrt(p) * x)
    if s == p == q:
        square = _mean_product(u, u)
        return square, square, square
    v = phi(s / sqrt(p) * x + sqrt(max(q - s * s / p, 0.0)) * drawn())
    return _mean_product(u, v), _mean_product(u, u), _mean_product(v, v)


def _mean_product(u: "NDArray[np.float32]", v: "NDArray[np.float32]") -> float:
    """Mean of the products, summed in double precision."""
    import numpy as np

    return float(np.mean(u * v, dtype=np.float64))


def _seconds(parameters: PrintedKernelParameters) -> float:
    """The simulation, which takes one draw in the place of two where the inputs are equal."""
    return 1e-3 + (8e-9 if parameters.angle else 4e-9) * parameters.depth * parameters.draws


def _megabytes(parameters: PrintedKernelParameters) -> float:
    """A few vectors of one chain's draws."""
    return 5.0 + 4e-5 * parameters.draws / CHAINS


EXPERIMENT = Experiment(
    summary="Kernel of two unit inputs by a formula as printed in a summary, by the right one, and simulated.",
    parameters=PrintedKernelParameters,
    outputs=(
        Output("printed", "kernel by the printed formula"),
        Output("right", "kernel by the recursion"),
        Output("simulated", "kernel by Gaussian pairs, layer by layer"),
        Output("standard_error", "standard error of the simulated kernel"),
        Output("returns", "1 if the printed function comes to an end", dtype="int32"),
    ),
    run=_run,
    seconds=_seconds,
    megabytes=_megabytes,
)
