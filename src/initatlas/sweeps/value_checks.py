"""Values of a sweep, one at a time, held against the parameters of its experiment."""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from typing import Annotated, Any, cast

from pydantic import TypeAdapter, ValidationError

from initatlas.errors import UserError
from initatlas.names import did_you_mean
from initatlas.sweeps.code import label_fields
from initatlas.sweeps.experiment import Experiment, Parameters
from initatlas.validation import fault_text, shown

LARGEST_WHOLE = 2**53
"""Whole numbers up to it are exact in double precision, and fit into a coordinate of a cube."""


@cache
def adapters_of(parameters: type[Parameters]) -> Mapping[str, TypeAdapter[Any]]:
    """What checks a single value of each parameter."""
    return {
        name: TypeAdapter(cast(Any, Annotated[field.annotation, field]), config=parameters.model_config)
        for name, field in parameters.model_fields.items()
    }


class Checker:
    """Checks single values against the parameters of an experiment, and brings them to canonical form."""

    def __init__(self, experiment: Experiment, where: str, datasets: Collection[str] | None) -> None:
        self.where = where
        self.datasets = datasets
        self._model = experiment.parameters
        self.adapters = adapters_of(self._model)
        self.taken = {output.name for output in experiment.outputs} | {
            dimension for output in experiment.outputs for dimension in output.dims
        }

    def known(self, place: str, parameter: str) -> None:
        """Refuse a parameter that the experiment does not have."""
        if parameter not in self.adapters:
            raise UserError(
                f"{self.where}.{place}: unknown parameter {parameter!r}{self._nearest(parameter)}; "
                f"allowed: {', '.join(self.adapters)}"
            )

    def _nearest(self, parameter: str) -> str:
        """What was probably meant by an unknown parameter: that of a component, such as `nu`, stands with its name."""
        for field, room in label_fields(self._model):
            for component in room:
                if parameter in room[component].bounds:
                    return f" (did you mean {field}: [{{name: {component}, {parameter}: [...]}}]?)"
        return did_you_mean(parameter, self.adapters)

    def value(self, place: str, parameter: str, value: Any) -> Any:
        """One value of one parameter, as the experiment's model understands it."""
        self.known(place, parameter)
        return self.fitting(parameter, value, lambda: place)

    def fitting(self, parameter: str, value: Any, place: Callable[[], str]) -> Any:
        """One value of a parameter that is known; its place is put into words only where it is refused."""
        try:
            checked = self.adapters[parameter].validate_python(value)
        except ValidationError as error:
            said = fault_text(error).removeprefix(f"{shown(value)}: ")  # of a label that the line shows already
            raise UserError(f"{self.where}.{place()} = {shown(value)}: {said}") from None
        if parameter == "dataset" and self.datasets is not None and checked not in self.datasets:
            raise UserError(
                f"{self.where}.{place()} = {shown(value)}: there is no such data set{did_you_mean(value, self.datasets)}; "
                f"config/datasets.yaml has: {', '.join(self.datasets) or 'none'}"
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
