"""The spec of a sweep: what the YAML may say, and what it resolves to."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from initatlas.sweeps.limits import NO_LIMITS, Limits

Scale = Literal["smoke", "quick", "paper"]


class Strict(BaseModel):
    """A part of the config: unknown keys are errors, and nothing is read as another type than it is written."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _check_seeds(seeds: Any) -> Any:
    """Admit a count or a list."""
    numbers = seeds if isinstance(seeds, list) else [seeds]
    if seeds is not None and not all(isinstance(number, int) and not isinstance(number, bool) for number in numbers):
        raise ValueError("give a count, or a list of seeds, in whole numbers")
    return seeds


Seeds = Annotated[int | list[int] | None, BeforeValidator(_check_seeds)]


def _check_explored(explored: Any) -> Any:
    """Admit yes, no, or names."""
    if isinstance(explored, bool) or (isinstance(explored, list) and all(isinstance(name, str) for name in explored)):
        return explored
    raise ValueError("give true, or a list of names of outputs")


Explored = Annotated[bool | list[str], BeforeValidator(_check_explored)]


class ScaleOverlay(Strict):
    """What a scale changes in a sweep; whatever is not named stays."""

    axes: dict[str, Any] = Field(default={}, description="Axes to replace, by name.")
    fixed: dict[str, Any] = Field(default={}, description="Fixed parameters to replace, by name.")
    seeds: Seeds = Field(default=None, description="Replicates instead of the sweep's own.")


class SweepConfig(Strict):
    """One sweep as written in `config/sweeps/<study>.yaml`."""

    experiment: str = Field(
        description="Name of a module in `initatlas.experiments`, or the dotted path of a module of your own."
    )
    description: str = Field(default="", description="One sentence for listings and the cube.")
    axes: dict[str, Any] = Field(
        default={},
        description=(
            "Parameter to values, in the order of the cube's dimensions. Values: a list; `{linspace: [start, stop, count]}`; "
            "`{logspace: [first exponent, last exponent, count]}`; `{geomspace: [start, stop, count]}`; "
            "`{zip: {a: [...], b: [...]}}` for parameters that move together along one dimension; "
            "`{available: [...]}` for the data sets whose files are there. A list item may be "
            "`{name: multivariate_t, nu: [3, 5]}`, which stands for one labelled value per parameter."
        ),
    )
    fixed: dict[str, Any] = Field(default={}, description="Parameters that all points share.")
    seeds: Seeds = Field(
        default=None, description="Number of replicates (seeds 0, 1, ...) or a list of seeds; adds the axis `seed`."
    )
    exclude: list[dict[str, Any]] = Field(
        default=[],
        description=(
            "Points to leave out: each entry names parameters with a value or a list of values, and matches the points "
            "that agree in all."
        ),
    )
    limits: Limits = Field(
        default=NO_LIMITS,
        description="`seconds` for a point and `megabytes` for a batch; a point beyond them is recorded as failed.",
    )
    backend: Literal["serial", "ray", "auto"] | None = Field(
        default=None, description="Overrides the backend of `config.yaml` for this sweep."
    )
    explore: Explored = Field(
        default=False,
        description=(
            "Outputs that the reader of the report can draw (docs/explorer.md): a list of their names, or `true` for all."
        ),
    )
    scales: dict[Scale, ScaleOverlay] = Field(
        default={}, description="What the scales `smoke`, `quick` and `paper` change in this sweep."
    )


class Axis(Strict):
    """One dimension of a sweep: one parameter, or several that move together.

    Attributes
    ----------
    name
        Dimension in the cube.
    values
        Parameter to its values; all lists have the length of the axis.
    """

    name: str
    values: dict[str, list[Any]]

    @property
    def size(self) -> int:
        """Number of positions along the axis."""
        return len(next(iter(self.values.values())))


class Sweep(Strict):
    """A resolved sweep: what a stage of the workflow gets, as one canonical JSON string."""

    study: str
    name: str
    scale: Scale
    experiment: str
    description: str = ""
    axes: list[Axis]
    fixed: dict[str, Any]
    exclude: list[dict[str, list[Any]]] = []
    limits: Limits = NO_LIMITS
    root_seed: int

    @property
    def title(self) -> str:
        """``study/name``."""
        return f"{self.study}/{self.name}"

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the axes, in order."""
        return tuple(axis.size for axis in self.axes)

    @property
    def datasets(self) -> list[str]:
        """Names of the data sets that its points ask for."""
        along = [value for axis in self.axes for value in axis.values.get("dataset", [])]
        fixed = [self.fixed["dataset"]] if "dataset" in self.fixed else []
        return [*dict.fromkeys([*fixed, *along])]
