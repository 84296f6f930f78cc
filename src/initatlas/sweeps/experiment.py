"""What an experiment declares, so that a sweep can run it.

An experiment is a pure function from a batch of points to arrays, with the names and units of what it returns. The module
that declares one is read whenever the workflow is parsed: import its heavy libraries inside the functions that use them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from initatlas.datasets.traits import ANY_DATA, DataNeeds

if TYPE_CHECKING:
    import numpy as np

Scalar = bool | int | float | str | None


class Parameters(BaseModel):
    """The parameters of one point. Subclasses add a typed, described field per parameter, each with a default."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    seed: int = Field(
        default=0, ge=0, description="Replicate; points that differ in it alone draw independent random numbers."
    )

    def identity(self) -> dict[str, Scalar]:
        """The parameters that differ from their defaults: what names the point in the store and in its random stream.

        A parameter at its default is left out, so a point stays the same point when an experiment learns a new parameter
        or when a sweep gains an axis over one.
        """
        return self.model_dump(exclude_defaults=True)


@dataclass(frozen=True)
class Output:
    """One variable that an experiment returns for every point.

    Attributes
    ----------
    name
        The variable's name in the cube.
    long_name, units
        CF attributes; units ``"1"`` for a pure number.
    dims
        Inner dimensions, behind the sweep's axes; their coordinates come from `Experiment.coordinates`.
    dtype
        The numpy type in the cube.
    nan_means, inf_means
        What a NaN or an infinity says, where it is a legitimate result. Empty: it makes the point a failure.
    shorter_means
        What it says that a point's values end before its coordinate does; the rest of their place in the cube is missing.
        Empty: a shorter result makes the point a failure. A longer one always does.
    """

    name: str
    long_name: str
    units: str = "1"
    dims: tuple[str, ...] = ()
    dtype: str = "float64"
    nan_means: str = ""
    inf_means: str = ""
    shorter_means: str = ""


@dataclass(frozen=True)
class Coordinate:
    """The values along an inner dimension, numbers or labels, with their CF attributes; labels have no units."""

    values: Sequence[float] | Sequence[str]
    long_name: str
    units: str = "1"


def _no_coordinates(parameters: Any) -> Mapping[str, Coordinate]:
    """Coordinates of an experiment without inner dimensions."""
    return {}


def _ten_milliseconds(parameters: Any) -> float:
    """Cost of an experiment that declares none, in seconds."""
    return 0.01


def _no_gpu(parameters: Any) -> float:
    """Share of a GPU of an experiment that declares none."""
    return 0.0


def _one_megabyte(parameters: Any) -> float:
    """Memory of an experiment that declares none."""
    return 1.0


@dataclass(frozen=True)
class Experiment:
    """One experiment.

    Attributes
    ----------
    summary
        One sentence, shown in the cube and in listings.
    parameters
        The model of one point. A field named ``dataset`` asks for the data set of that name.
    outputs
        The variables returned for every point.
    run
        ``run(points, rngs, data)``: the parameters of the points of one batch, a random generator for each (derived from the
        point alone), and the data set or None. Returns one mapping from output name to value or array per point, in
        order. The result of a point must not depend on its companions in the batch.
    static
        Parameters that must agree within a batch, because they fix the shape of the outputs or of the computation.
    coordinates
        The coordinates of the inner dimensions for a point. Where points differ in length, the cube takes the longest and
        fills the rest with NaN.
    seconds, megabytes
        Rough cost of one point on one core: seconds, and peak memory of the arrays that it needs.
    cpus
        Threads of the numerical libraries that one batch occupies.
    gpus
        Share of a GPU that a batch of points like the given one occupies.
    data_needs
        What the data set must have; a sweep over another one is refused before anything is computed.
    point_needs
        What it must have besides for points with a certain value of a parameter: parameter to value to needs.
    undeclared
        Whether it has no outputs before its results say what they are (`initatlas.sweeps.functions`).
    """

    summary: str
    parameters: type[Parameters]
    outputs: tuple[Output, ...]
    run: Callable[[Sequence[Any], Sequence["np.random.Generator"], Any], Sequence[Mapping[str, Any]]]
    static: tuple[str, ...] = ()
    coordinates: Callable[[Any], Mapping[str, Coordinate]] = _no_coordinates
    seconds: Callable[[Any], float] = _ten_milliseconds
    megabytes: Callable[[Any], float] = _one_megabyte
    cpus: int = 1
    gpus: Callable[[Any], float] = _no_gpu
    data_needs: DataNeeds = ANY_DATA
    point_needs: Mapping[str, Mapping[Scalar, DataNeeds]] = field(default_factory=dict)
    undeclared: bool = False
