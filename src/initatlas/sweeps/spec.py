"""The spec of a sweep: what the YAML may say, and the grid that it resolves to."""

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice, product
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from initatlas.errors import UserError
from initatlas.names import check_names, did_you_mean
from initatlas.sweeps.experiment import Experiment, Parameters, Scalar
from initatlas.sweeps.limits import NO_LIMITS, Limits
from initatlas.validation import fault_text, first_fault, shown
from initatlas.vocabulary import format_label

Scale = Literal["smoke", "quick", "paper"]

MOST_POINTS = 1_000_000
"""Points of a sweep, and values of an axis: what is beyond is a slip of the pen, and would not fit in memory."""

LARGEST_WHOLE = 2**53
"""Whole numbers up to it are exact in double precision, and fit into a coordinate of a cube."""

POINTS_CHECKED = 20_000
"""So many points of a sweep are checked for contradictions whenever the config is read; the plan checks them all."""


class Strict(BaseModel):
    """A part of the config: unknown keys are errors, and nothing is read as another type than it is written."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Rule = Mapping[str, frozenset[Any]]
"""An exclusion: parameter to the values that it matches."""


def _check_seeds(seeds: Any) -> Any:
    """Admit a count or a list."""
    numbers = seeds if isinstance(seeds, list) else [seeds]
    if seeds is not None and not all(isinstance(number, int) and not isinstance(number, bool) for number in numbers):
        raise ValueError("give a count, or a list of seeds, in whole numbers")
    return seeds


Seeds = Annotated[int | list[int] | None, BeforeValidator(_check_seeds)]


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


def grid(
    sweep: Sweep, experiment: Experiment, positions: Iterable[tuple[int, ...]] | None = None
) -> Iterator[tuple[tuple[int, ...], Parameters | None]]:
    """All positions of a sweep's grid, or some of them, with their parameters; None where the point is excluded.

    Raises
    ------
    UserError
        If the parameters of a point contradict each other.
    """
    rules = _rules(sweep)
    for index, values in _combinations(sweep, positions):
        excluded = any(_matches(values, rule) for rule in rules)
        yield index, None if excluded else _parameters(experiment, values, f"sweep {sweep.title}")


def has_point(sweep: Sweep, experiment: Experiment, wanted: Mapping[str, Scalar]) -> bool:
    """Whether one of the points, exclusions aside, has these values; a parameter that the sweep does not name has its default."""
    rules = _rules(sweep)
    defaults = {name: experiment.parameters.model_fields[name].default for name in wanted}
    return any(
        all({**defaults, **values}[name] == value for name, value in wanted.items())
        and not any(_matches(values, rule) for rule in rules)
        for _, values in _combinations(sweep)
    )


def _combinations(
    sweep: Sweep, positions: Iterable[tuple[int, ...]] | None = None
) -> Iterator[tuple[tuple[int, ...], dict[str, Any]]]:
    """All positions of the grid, or some of them, with the values there."""
    for index in product(*map(range, sweep.shape)) if positions is None else positions:
        values = dict(sweep.fixed)
        for axis, position in zip(sweep.axes, index, strict=True):
            values |= {parameter: column[position] for parameter, column in axis.values.items()}
        yield index, values


def _rules(sweep: Sweep) -> list[Rule]:
    """The exclusions, quick to look up in."""
    return [{parameter: frozenset(allowed) for parameter, allowed in rule.items()} for rule in sweep.exclude]


def _parameters(experiment: Experiment, values: Mapping[str, Any], where: str) -> Parameters:
    """Validate the parameters of one point."""
    try:
        return experiment.parameters(**values)
    except ValidationError as error:
        raise UserError(f"{where}: {first_fault(error, experiment.parameters.model_json_schema())}") from None


def _matches(values: Mapping[str, Scalar], rule: Rule) -> bool:
    """Whether a point agrees with every entry of an exclusion."""
    return all(values.get(parameter) in allowed for parameter, allowed in rule.items())


def resolve(
    config: SweepConfig,
    *,
    study: str,
    name: str,
    scale: Scale,
    root_seed: int,
    experiment: Experiment,
    where: str,
    datasets: Collection[str] | None = None,
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
    datasets
        The data sets that there can be; None admits any name.

    Raises
    ------
    UserError
        For an unknown parameter, a wrong type, an empty axis, a duplicated value, or one that the experiment refuses.
    """
    overlay = config.scales.get(scale, ScaleOverlay())
    checker = _Checker(experiment, where, datasets)
    axes = [_axis(key, value, place, checker) for key, (value, place) in _written_axes(config, scale, where).items()]
    _check_size(axes, where, scale)
    prefix = f"scales.{scale}."
    fixed = {
        key: checker.value(f"{prefix if key in overlay.fixed else ''}fixed.{key}", key, value)
        for key, value in {**config.fixed, **overlay.fixed}.items()
    }
    _no_parameter_twice(axes, fixed, f"{where} at scale {scale}" if scale in config.scales else where)
    if "dataset" in checker.adapters.keys() - fixed.keys() and not any("dataset" in axis.values for axis in axes):
        default = experiment.parameters.model_fields["dataset"].get_default()
        fixed["dataset"] = checker.value("fixed.dataset (by default)", "dataset", default)
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
        scale=scale,
        experiment=config.experiment,
        description=config.description,
        axes=axes,
        fixed=fixed,
        exclude=exclude,
        limits=config.limits,
        root_seed=root_seed,
    )
    if exclude and nothing_is_left(sweep):
        raise UserError(f"{where}.exclude: no point is left at scale {scale}; exclude less")
    _check_points(sweep, experiment, f"{where} at scale {scale}" if scale in config.scales else where)
    return sweep


def _written_axes(config: SweepConfig, scale: Scale, where: str) -> dict[str, tuple[Any, str]]:
    """Axes as written, each with the place where it is written: in the sweep, or in the overlay of the scale."""
    overlay = config.scales.get(scale, ScaleOverlay())
    prefix = f"scales.{scale}."
    written = {key: (value, f"axes.{key}") for key, value in config.axes.items()}
    written |= {key: (value, f"{prefix}axes.{key}") for key, value in overlay.axes.items()}
    seeds, place = (config.seeds, "seeds") if overlay.seeds is None else (overlay.seeds, f"{prefix}seeds")
    if seeds is None:
        return written
    if "seed" in written:
        raise UserError(f"{where}.{place}: there is an axis seed as well; keep one of the two")
    if isinstance(seeds, int) and not 1 <= seeds <= MOST_POINTS:
        raise UserError(f"{where}.{place} = {seeds}: give a count from 1 to {MOST_POINTS}, or a list of seeds")
    return written | {"seed": (list(range(seeds)) if isinstance(seeds, int) else seeds, place)}


def _check_size(axes: Sequence[Axis], where: str, scale: Scale) -> None:
    """Refuse more points than can be planned."""
    points = math.prod(axis.size for axis in axes)
    if points > MOST_POINTS:
        sizes = " x ".join(f"{axis.name} {axis.size}" for axis in axes)
        raise UserError(
            f"{where}.axes: {sizes} are {points} points at scale {scale}; at most {MOST_POINTS} are allowed"
        )


def _no_parameter_twice(axes: Sequence[Axis], fixed: Mapping[str, Any], where: str) -> None:
    """A parameter may be an axis or fixed, once."""
    seen = set(fixed)
    for axis in axes:
        for parameter in axis.values:
            if parameter in seen:
                raise UserError(f"{where}: {parameter} is given twice; keep it either under axes or under fixed")
            seen.add(parameter)


def _check_points(sweep: Sweep, experiment: Experiment, where: str) -> None:
    """Parameters of a point that contradict each other, where the experiment knows any that could.

    Replicates of a point, which differ by the seed alone, are looked at once.
    """
    if not experiment.parameters.__pydantic_decorators__.model_validators:
        return
    rules = _rules(sweep)
    looked_at = sweep if any("seed" in rule for rule in rules) else _without_replicates(sweep)
    for _, values in islice(_combinations(looked_at), POINTS_CHECKED):
        if not any(_matches(values, rule) for rule in rules):
            _parameters(experiment, values, where)


def _without_replicates(sweep: Sweep) -> Sweep:
    """The sweep with the first seed alone, where seeds are an axis of their own."""
    axes = [
        axis.model_copy(update={"values": {"seed": axis.values["seed"][:1]}})
        if axis.values.keys() == {"seed"}
        else axis
        for axis in sweep.axes
    ]
    return sweep.model_copy(update={"axes": axes})


def nothing_is_left(sweep: Sweep) -> bool:
    """Whether the exclusions match every point.

    Positions of an axis that the same exclusions can match are looked at once, so the grid is never walked through.
    """
    rules = _rules(sweep)
    signatures = [
        {tuple(_matches_along(axis, position, rule) for rule in rules) for position in range(axis.size)}
        for axis in sweep.axes
    ]
    by_fixed = tuple(_matches_fixed(sweep, rule) for rule in rules)
    return all(any(map(all, zip(by_fixed, *chosen, strict=True))) for chosen in product(*signatures))


def idle_exclusions(sweep: Sweep) -> list[int]:
    """Numbers of the exclusions that match no point."""
    return [
        number
        for number, rule in enumerate(_rules(sweep))
        if not _matches_fixed(sweep, rule)
        or not all(any(_matches_along(axis, i, rule) for i in range(axis.size)) for axis in sweep.axes)
    ]


def _matches_along(axis: Axis, position: int, rule: Rule) -> bool:
    """Whether a position of an axis agrees with what an exclusion says of its parameters."""
    return all(column[position] in rule[parameter] for parameter, column in axis.values.items() if parameter in rule)


def _matches_fixed(sweep: Sweep, rule: Rule) -> bool:
    """Whether what all points share agrees with an exclusion; a parameter that is neither an axis nor fixed never does."""
    along = {parameter for axis in sweep.axes for parameter in axis.values}
    return all(sweep.fixed.get(parameter) in allowed for parameter, allowed in rule.items() if parameter not in along)


@cache
def _adapters(parameters: type[Parameters]) -> Mapping[str, TypeAdapter[Any]]:
    """What checks a single value of each parameter."""
    config = ConfigDict(strict=True, allow_inf_nan=False)
    return {
        name: TypeAdapter(cast(Any, Annotated[field.annotation, field]), config=config)
        for name, field in parameters.model_fields.items()
    }


class _Checker:
    """Checks single values against the parameters of an experiment, and brings them to canonical form."""

    def __init__(self, experiment: Experiment, where: str, datasets: Collection[str] | None) -> None:
        self.where = where
        self.datasets = datasets
        self.adapters = _adapters(experiment.parameters)
        self.taken = {output.name for output in experiment.outputs} | {
            dimension for output in experiment.outputs for dimension in output.dims
        }

    def known(self, place: str, parameter: str) -> None:
        """Refuse a parameter that the experiment does not have."""
        if parameter not in self.adapters:
            near = did_you_mean(parameter, self.adapters)
            raise UserError(
                f"{self.where}.{place}: unknown parameter {parameter!r}{near}; allowed: {', '.join(self.adapters)}"
            )

    def value(self, place: str, parameter: str, value: Any) -> Any:
        """One value of one parameter, as the experiment's model understands it."""
        self.known(place, parameter)
        return self.fitting(parameter, value, lambda: place)

    def fitting(self, parameter: str, value: Any, place: Callable[[], str]) -> Any:
        """One value of a parameter that is known; its place is put into words only where it is refused."""
        try:
            checked = self.adapters[parameter].validate_python(value)
        except ValidationError as error:
            raise UserError(f"{self.where}.{place()} = {shown(value)}: {fault_text(error)}") from None
        if parameter == "dataset" and self.datasets is not None and checked not in self.datasets:
            raise UserError(
                f"{self.where}.{place()} = {shown(value)}: there is no such data set{did_you_mean(value, self.datasets)}; "
                f"config/datasets.yaml has: {', '.join(self.datasets)}"
            )
        if not isinstance(checked, bool | int | float | str | None):
            raise UserError(f"{self.where}.{place()} = {shown(value)}: give one number, text, true, false or null")
        if isinstance(checked, int) and abs(checked) > LARGEST_WHOLE:
            raise UserError(
                f"{self.where}.{place()} = {shown(value)}: whole numbers are allowed up to 2^53 = {LARGEST_WHOLE}"
            )
        return checked

    def column(self, place: str, parameter: str, values: Sequence[Any]) -> list[Any]:
        """All values of a parameter along an axis."""
        self.known(place, parameter)
        return [self.fitting(parameter, value, lambda i=i: f"{place}[{i}]") for i, value in enumerate(values)]  # type: ignore[misc]

    def values(self, place: str, parameter: str, values: Sequence[Any]) -> list[Any]:
        """All values along an axis: at least one, none twice."""
        if not values:
            raise UserError(f"{self.where}.{place} is empty; give at least one value")
        checked = self.column(place, parameter, values)
        seen = set()
        for position, value in enumerate(checked):
            if value in seen:
                raise UserError(f"{self.where}.{place}[{position}] = {shown(value)} is there twice; remove one")
            seen.add(value)
        if parameter == "device" and "auto" in seen:
            raise UserError(
                f"{self.where}.{place}: auto is decided once for a whole sweep; list cpu and cuda, or put device under fixed"
            )
        return checked


def _axis(name: str, written: Any, place: str, checker: _Checker) -> Axis:
    """One axis from its YAML."""
    if isinstance(written, dict) and set(written) == {"zip"}:
        return _zipped_axis(name, written["zip"], f"{place}.zip", checker)
    checker.known(place, name)
    expanded = _expanded(place, written, checker)
    return Axis(name=name, values={name: checker.values(place, name, expanded)})


def _zipped_axis(name: str, columns: Any, place: str, checker: _Checker) -> Axis:
    """An axis along which several parameters move together."""
    if not isinstance(columns, dict) or not columns:
        raise UserError(f"{checker.where}.{place}: give a mapping of parameters to lists of equal length")
    _check_zip_name(name, columns, place, checker)
    values = {
        parameter: checker.column(
            f"{place}.{parameter}", parameter, _expanded(f"{place}.{parameter}", written, checker)
        )
        for parameter, written in columns.items()
    }
    lengths = {parameter: len(column) for parameter, column in values.items()}
    if len(set(lengths.values())) > 1 or 0 in lengths.values():
        raise UserError(f"{checker.where}.{place}: the lists must have one length, not {lengths}")
    if "auto" in values.get("device", []):
        raise UserError(f"{checker.where}.{place}.device: auto is decided once for a whole sweep; list cpu and cuda")
    rows = [*zip(*values.values(), strict=True)]
    if len(set(rows)) < len(rows):
        raise UserError(f"{checker.where}.{place}: the same combination is there twice; remove one")
    return Axis(name=name, values=values)


def _check_zip_name(name: str, columns: Mapping[str, Any], place: str, checker: _Checker) -> None:
    """The dimension of a zip has a name of its own, or that of a parameter that moves along it."""
    check_names([name], f"{checker.where}.{place}")
    for parameter in columns:
        checker.known(f"{place}.{parameter}", parameter)
    if name in checker.adapters and name not in columns:
        raise UserError(
            f"{checker.where}.{place}: the axis is named after the parameter {name!r}, which does not move along it; rename it"
        )
    if name in checker.taken | {"status", "error"}:
        raise UserError(
            f"{checker.where}.{place}: {name!r} is a variable or a dimension of the cube already; rename the axis"
        )


@dataclass(frozen=True)
class _Rule:
    """How an axis can be written in three numbers."""

    values: Callable[[float, float, int], list[float]]
    needs: str


def _sequence(place: str, written: Any, checker: _Checker) -> list[Any]:
    """The values of an axis: a list as it is, or a rule such as linspace."""
    if isinstance(written, list):
        return written
    if isinstance(written, dict) and len(written) == 1 and next(iter(written)) in _RULES:
        ((name, arguments),) = written.items()
        rule = _RULES[name]
        try:
            return rule.values(*_rule_arguments(arguments))
        except (TypeError, ValueError, OverflowError):
            raise UserError(
                f"{checker.where}.{place}.{name} = {shown(arguments)}: give [start, stop, count], {rule.needs}, "
                f"and a count from 1 to {MOST_POINTS}"
            ) from None
    raise UserError(
        f"{checker.where}.{place} = {shown(written)}: give a list, or one of linspace, logspace, geomspace, zip, available"
    )


def _rule_arguments(arguments: Any) -> tuple[float, float, int]:
    """The three numbers of a rule, checked before any list is made.

    Raises
    ------
    TypeError, ValueError, OverflowError
        If they are not two finite numbers and a count.
    """
    start, stop, count = arguments
    if any(isinstance(number, bool) or not math.isfinite(number) for number in arguments):
        raise TypeError("no finite number")
    if not isinstance(count, int) or not 1 <= count <= MOST_POINTS:
        raise ValueError("no count")
    return float(start), float(stop), count


def _expanded(place: str, written: Any, checker: _Checker) -> list[Any]:
    """The values of an axis, records as labels."""
    expanded: list[Any] = []
    for number, value in enumerate(_sequence(place, written, checker)):
        try:
            expanded += _records(value) if isinstance(value, dict) else (value,)
        except (TypeError, ValueError, OverflowError):
            raise UserError(
                f"{checker.where}.{place}[{number}] = {shown(value)}: give a name, and a number or a list of numbers "
                f"per parameter, for at most {MOST_POINTS} labels"
            ) from None
    return expanded


def _records(value: Any) -> Iterator[Any]:
    """Expand ``{name: multivariate_t, nu: [3, 5]}`` into one label per combination; other values pass."""
    if not isinstance(value, dict) or "name" not in value:
        yield value
        return
    parameters = {key: entry if isinstance(entry, list) else [entry] for key, entry in value.items() if key != "name"}
    if math.prod(map(len, parameters.values())) > MOST_POINTS:
        raise ValueError("too many labels")
    for combination in product(*parameters.values()):
        yield format_label(value["name"], dict(zip(parameters, combination, strict=True)))


_LARGEST_EXPONENT = 300


def linspace(start: float, stop: float, count: int) -> list[float]:
    """`count` evenly spaced numbers, both ends included."""
    steps = max(count - 1, 1)
    return [_rounded(start + (stop - start) * i / steps) for i in range(count)]


def logspace(first: float, last: float, count: int) -> list[float]:
    """`count` powers of ten with evenly spaced exponents, both ends included."""
    if max(abs(first), abs(last)) > _LARGEST_EXPONENT:
        raise OverflowError("beyond the range of numbers")
    return [_rounded(10.0**exponent) for exponent in linspace(first, last, count)]


def geomspace(start: float, stop: float, count: int) -> list[float]:
    """`count` numbers with a constant ratio, both ends included."""
    if start <= 0 or stop <= 0:
        raise ValueError("geomspace needs positive ends")
    return [_rounded(math.exp(value)) for value in linspace(math.log(start), math.log(stop), count)]


def _rounded(value: float) -> float:
    """Twelve significant digits, so that a grid value reads as written; a whole number becomes an int."""
    short = float(f"{value:.12g}")
    if not math.isfinite(short):
        raise OverflowError("beyond the range of numbers")
    return int(short) if short.is_integer() else short


_RULES = {
    "linspace": _Rule(linspace, "two finite numbers"),
    "logspace": _Rule(logspace, "two exponents of powers of ten from -300 to 300"),
    "geomspace": _Rule(geomspace, "two positive, finite numbers"),
}
