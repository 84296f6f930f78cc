"""The spec of a sweep: what the YAML may say, and the grid that it resolves to."""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from initatlas.errors import UserError
from initatlas.sweeps.experiment import Experiment, Parameters, Scalar
from initatlas.sweeps.limits import NO_LIMITS, Limits
from initatlas.validation import fault_text, first_fault
from initatlas.vocabulary import format_label

Scale = Literal["smoke", "quick", "paper"]


class Strict(BaseModel):
    """A part of the config: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ScaleOverlay(Strict):
    """What a scale changes in a sweep; whatever is not named stays."""

    axes: dict[str, Any] = Field(default={}, description="Axes to replace, by name.")
    fixed: dict[str, Any] = Field(default={}, description="Fixed parameters to replace, by name.")
    seeds: int | list[int] | None = Field(default=None, description="Replicates instead of the sweep's own.")


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
    seeds: int | list[int] | None = Field(
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


def grid(sweep: Sweep, experiment: Experiment) -> Iterator[tuple[tuple[int, ...], Parameters | None]]:
    """All positions of a sweep's grid with their parameters; None where the point is excluded.

    Raises
    ------
    UserError
        If the parameters of a point contradict each other.
    """
    for index, values in _combinations(sweep):
        yield index, None if _is_excluded(sweep, values) else _parameters(sweep, experiment, values)


def expected_seconds(sweep: Sweep, experiment: Experiment) -> float:
    """Estimated cost of all points of a sweep, on one core; its data sets need not be there."""
    return sum(experiment.seconds(point) for _, point in grid(sweep, experiment) if point is not None)


def _combinations(sweep: Sweep) -> Iterator[tuple[tuple[int, ...], dict[str, Any]]]:
    """All positions of the grid with the values there."""
    for index in product(*(range(size) for size in sweep.shape)):
        values = dict(sweep.fixed)
        for axis, position in zip(sweep.axes, index, strict=True):
            values |= {parameter: column[position] for parameter, column in axis.values.items()}
        yield index, values


def _is_excluded(sweep: Sweep, values: Mapping[str, Any]) -> bool:
    """Whether an exclusion matches a combination."""
    return any(_matches(values, rule) for rule in sweep.exclude)


def _parameters(sweep: Sweep, experiment: Experiment, values: Mapping[str, Any]) -> Parameters:
    """Validate the parameters of one point."""
    try:
        return experiment.parameters(**values)
    except ValidationError as error:
        raise UserError(
            f"sweep {sweep.title}: {first_fault(error, experiment.parameters.model_json_schema())}"
        ) from None


def _matches(values: Mapping[str, Scalar], rule: Mapping[str, Sequence[Any]]) -> bool:
    """Whether a point agrees with every entry of an exclusion."""
    return all(values.get(parameter) in allowed for parameter, allowed in rule.items())


def resolve(
    config: SweepConfig, *, study: str, name: str, scale: Scale, root_seed: int, experiment: Experiment, where: str
) -> Sweep:
    """Turn a sweep as written into its grid: overlay of the scale, axes expanded, every value checked.

    Parameters
    ----------
    config
        The sweep as written, data set axes already narrowed to what is there.
    study, name
        The file's stem and the sweep's key in it.
    scale
        Which overlay to apply.
    root_seed
        Root of all random streams.
    experiment
        The declaration of the sweep's experiment.
    where
        Start of an error line: the file and the key of the sweep.

    Raises
    ------
    UserError
        For an unknown parameter, a wrong type, an empty axis, a duplicated value, or one that the experiment refuses.
    """
    overlay = config.scales.get(scale, ScaleOverlay())
    written = {**config.axes, **overlay.axes}
    seeds = overlay.seeds if overlay.seeds is not None else config.seeds
    if seeds is not None:
        if "seed" in written:
            raise UserError(f"{where}.seeds: there is an axis seed as well; keep one of the two")
        written["seed"] = list(range(seeds)) if isinstance(seeds, int) else seeds
    checker = _Checker(experiment, where)
    axes = [_axis(key, value, checker) for key, value in written.items()]
    fixed = {key: checker.value(f"fixed.{key}", key, value) for key, value in {**config.fixed, **overlay.fixed}.items()}
    _no_parameter_twice(axes, fixed, where)
    if "dataset" in checker.adapters and not any("dataset" in axis.values for axis in axes):
        fixed.setdefault("dataset", experiment.parameters.model_fields["dataset"].get_default())
    exclude = [
        {
            key: checker.values(f"exclude[{number}].{key}", key, value if isinstance(value, list) else [value])
            for key, value in rule.items()
        }
        for number, rule in enumerate(config.exclude)
    ]
    sweep = Sweep(
        study=study,
        name=name,
        experiment=config.experiment,
        description=config.description,
        axes=axes,
        fixed=fixed,
        exclude=exclude,
        limits=config.limits,
        root_seed=root_seed,
    )
    if exclude and all(_is_excluded(sweep, values) for _, values in _combinations(sweep)):
        raise UserError(f"{where}.exclude: no point is left")
    return sweep


def _no_parameter_twice(axes: Sequence[Axis], fixed: Mapping[str, Any], where: str) -> None:
    """A parameter may be an axis or fixed, once."""
    seen = set(fixed)
    for axis in axes:
        for parameter in axis.values:
            if parameter in seen:
                raise UserError(f"{where}: {parameter} is given twice; keep it either under axes or under fixed")
            seen.add(parameter)


class _Checker:
    """Checks single values against the parameters of an experiment, and brings them to canonical form."""

    def __init__(self, experiment: Experiment, where: str) -> None:
        self.where = where
        self.adapters: dict[str, TypeAdapter[Any]] = {
            name: TypeAdapter(cast(Any, Annotated[field.annotation, field]), config=ConfigDict(strict=True))
            for name, field in experiment.parameters.model_fields.items()
        }

    def value(self, place: str, parameter: str, value: Any) -> Any:
        """One value of one parameter, as the experiment's model understands it."""
        if parameter not in self.adapters:
            raise UserError(
                f"{self.where}.{place}: unknown parameter {parameter!r}; allowed: {', '.join(self.adapters)}"
            )
        try:
            return self.adapters[parameter].validate_python(value)
        except ValidationError as error:
            raise UserError(f"{self.where}.{place} = {value!r}: {fault_text(error)}") from None

    def values(self, place: str, parameter: str, values: Sequence[Any]) -> list[Any]:
        """All values along an axis: at least one, none twice."""
        if not values:
            raise UserError(f"{self.where}.{place} is empty; give at least one value")
        checked = [self.value(f"{place}[{i}]", parameter, value) for i, value in enumerate(values)]
        for position, value in enumerate(checked):
            if value in checked[:position]:
                raise UserError(f"{self.where}.{place}[{position}] = {value!r} is there twice; remove one")
        return checked


def _axis(name: str, written: Any, checker: _Checker) -> Axis:
    """One axis from its YAML."""
    place = f"axes.{name}"
    if isinstance(written, dict) and set(written) == {"zip"}:
        return _zipped_axis(name, written["zip"], checker)
    expanded = _expanded(place, written, checker)
    return Axis(name=name, values={name: checker.values(place, name, expanded)})


def _zipped_axis(name: str, columns: Any, checker: _Checker) -> Axis:
    """An axis along which several parameters move together."""
    place = f"axes.{name}.zip"
    if not isinstance(columns, dict) or not columns:
        raise UserError(f"{checker.where}.{place}: give a mapping of parameters to lists of equal length")
    values = {}
    for parameter, written in columns.items():
        expanded = _expanded(f"{place}.{parameter}", written, checker)
        values[parameter] = [checker.value(f"{place}.{parameter}[{i}]", parameter, v) for i, v in enumerate(expanded)]
    lengths = {parameter: len(column) for parameter, column in values.items()}
    if len(set(lengths.values())) > 1 or 0 in lengths.values():
        raise UserError(f"{checker.where}.{place}: the lists must have one length, not {lengths}")
    rows = [*zip(*values.values(), strict=True)]
    if len(set(rows)) < len(rows):
        raise UserError(f"{checker.where}.{place}: the same combination is there twice; remove one")
    return Axis(name=name, values=values)


def _sequence(place: str, written: Any, checker: _Checker) -> list[Any]:
    """The values of an axis: a list as it is, or a rule such as linspace."""
    if isinstance(written, list):
        return written
    rules = {"linspace": linspace, "logspace": logspace, "geomspace": geomspace}
    if isinstance(written, dict) and len(written) == 1 and next(iter(written)) in rules:
        ((rule, arguments),) = written.items()
        try:
            start, stop, count = arguments
            return rules[rule](start, stop, count)
        except (TypeError, ValueError, OverflowError):
            raise UserError(f"{checker.where}.{place}.{rule} = {arguments!r}: give [start, stop, count]") from None
    raise UserError(
        f"{checker.where}.{place} = {written!r}: give a list, or one of linspace, logspace, geomspace, zip, available"
    )


def _expanded(place: str, written: Any, checker: _Checker) -> list[Any]:
    """The values of an axis, records as labels."""
    expanded: list[Any] = []
    for number, value in enumerate(_sequence(place, written, checker)):
        try:
            expanded += _records(value)
        except (TypeError, ValueError):
            raise UserError(
                f"{checker.where}.{place}[{number}] = {value!r}: give a name, and a number or a list of numbers per parameter"
            ) from None
    return expanded


def _records(value: Any) -> Iterator[Any]:
    """Expand ``{name: multivariate_t, nu: [3, 5]}`` into one label per combination; other values pass."""
    if not isinstance(value, dict) or "name" not in value:
        yield value
        return
    parameters = {key: entry if isinstance(entry, list) else [entry] for key, entry in value.items() if key != "name"}
    for combination in product(*parameters.values()):
        yield format_label(value["name"], dict(zip(parameters, combination, strict=True)))


def linspace(start: float, stop: float, count: int) -> list[float]:
    """`count` evenly spaced numbers, both ends included."""
    steps = max(count - 1, 1)
    return [_rounded(start + (stop - start) * i / steps) for i in range(count)]


def logspace(first: float, last: float, count: int) -> list[float]:
    """`count` powers of ten with evenly spaced exponents, both ends included."""
    return [_rounded(10.0**exponent) for exponent in linspace(first, last, count)]


def geomspace(start: float, stop: float, count: int) -> list[float]:
    """`count` numbers with a constant ratio, both ends included."""
    if start <= 0 or stop <= 0:
        raise ValueError("geomspace needs positive ends")
    return [_rounded(math.exp(value)) for value in linspace(math.log(start), math.log(stop), count)]


def _rounded(value: float) -> float:
    """Twelve significant digits, so that a grid value reads as written; a whole number becomes an int."""
    short = float(f"{value:.12g}")
    return int(short) if short.is_integer() else short
