"""From a sweep as written to its grid: the overlay of the scale, axes expanded, every value checked."""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from initatlas.errors import UserError
from initatlas.sweeps.contradictions import check_points
from initatlas.sweeps.exclusions import Exclusions
from initatlas.sweeps.experiment import Experiment
from initatlas.sweeps.spec import Axis, Scale, ScaleOverlay, Sweep, SweepConfig
from initatlas.sweeps.value_checks import Checker
from initatlas.sweeps.written_axes import MOST_VALUES, read_axis

MOST_POINTS = 10_000_000
"""Points of a sweep: what is beyond is a slip of the pen, or wants the design for more."""

POINTS_CHECKED = 20_000
"""So many combinations of values are checked for contradictions whenever the config is read; the plan checks them all."""


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
    checker = Checker(experiment, where, datasets)
    axes = [
        read_axis(key, value, place, checker) for key, (value, place) in _written_axes(config, scale, where).items()
    ]
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
    if exclude and Exclusions(sweep).completed({}) is None:
        raise UserError(f"{where}.exclude: no point is left at scale {scale}; exclude less")
    check_points(
        sweep, experiment, f"{where} at scale {scale}" if scale in config.scales else where, most=POINTS_CHECKED
    )
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
    if isinstance(seeds, int) and not 1 <= seeds <= MOST_VALUES:
        raise UserError(f"{where}.{place} = {seeds}: give a count from 1 to {MOST_VALUES}, or a list of seeds")
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
