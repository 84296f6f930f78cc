"""The sweep explorer of the report: cubes as typed arrays, with all that is needed to draw a slice of them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from math import log
from typing import Any

import numpy as np
import xarray as xr

from initatlas.report.packing import pack, shortened

MOST_BYTES = 2_500_000
"""Room for the arrays of all sweeps, as text; kernels and the code around take the rest of 3 MB."""

_WIDE = 8.0
"""Ratio of the ends from which an axis of even ratios is drawn with a logarithmic scale."""


@dataclass(frozen=True)
class ExploredAxis:
    """A dimension of a cube that has more than one value.

    Attributes
    ----------
    name, title, units
        Dimension, what it means, and its units (``1``: none).
    values
        Increasing numbers; none where values are labels.
    labels
        One text per position.
    logarithmic
        Whether its numbers ask for a logarithmic scale.
    """

    name: str
    title: str
    units: str
    values: tuple[float, ...] | None
    labels: tuple[str, ...]
    logarithmic: bool


@dataclass(frozen=True)
class ExploredOutput:
    """An output of a sweep.

    Attributes
    ----------
    name, title, units
        Variable, what it means, and its units.
    axes
        Names of its axes, in the order of the array.
    missing, infinite
        What a value that is no number, or an infinite one, says; empty where that is not declared.
    data
        Numbers of single precision, packed.
    """

    name: str
    title: str
    units: str
    axes: tuple[str, ...]
    missing: str
    infinite: str
    data: str


@dataclass(frozen=True)
class ExploredSweep:
    """A cube in the explorer.

    Attributes
    ----------
    title, summary
        ``study/sweep``, and its description.
    held
        What all points share of the axes: dimension to value.
    axes, outputs
        What can be chosen.
    status_axes, status
        Axes of the sweep, and a packed byte per point: 0 computed, 1 failed, 2 excluded. Empty where all were computed.
    """

    title: str
    summary: str
    held: Mapping[str, str]
    axes: tuple[ExploredAxis, ...]
    outputs: tuple[ExploredOutput, ...]
    status_axes: tuple[str, ...]
    status: str

    @property
    def size(self) -> int:
        """Bytes of its arrays as text."""
        return len(self.status) + sum(len(output.data) for output in self.outputs)


def explorer_json(
    cubes: Mapping[str, xr.Dataset], outputs: Mapping[str, Sequence[str]], *, most_bytes: int = MOST_BYTES
) -> str:
    """The explored sweeps as JSON.

    Parameters
    ----------
    cubes
        By the title of their sweep.
    outputs
        Title to the outputs to show.
    most_bytes
        Room for all arrays. The smallest sweeps come first into it; for each that has no room there is a sentence.

    Returns
    -------
    str
        ``sweeps``, as `ExploredSweep`, and ``left_out``, sentences.
    """
    sentences: list[str] = []
    made = [explored_sweep(title, cubes[title], outputs[title], sentences) for title in outputs]
    sweeps = [sweep for sweep in made if sweep.outputs]
    room, kept = most_bytes, set[str]()
    for sweep in sorted(sweeps, key=lambda sweep: sweep.size):
        room -= sweep.size
        if room >= 0:
            kept.add(sweep.title)
        else:
            size = f"{sweep.size / 1e6:.1f} MB"
            sentences.append(
                f"{sweep.title} has no room on this page ({size}): name fewer outputs under its key explore."
            )
    shown = [asdict(sweep) for sweep in sweeps if sweep.title in kept]
    return json.dumps({"sweeps": shown, "left_out": sentences}, ensure_ascii=False)


def explored_sweep(title: str, cube: xr.Dataset, names: Sequence[str], sentences: list[str]) -> ExploredSweep:
    """A cube as the explorer takes it; an output that it cannot show is left out, with a sentence added to `sentences`."""
    written = {axis["name"]: axis["values"] for axis in json.loads(cube.attrs["spec"])["axes"]}
    axes = {str(name): _axis(cube, str(name), written.get(str(name), {})) for name in cube.sizes}
    held = {name: axis.labels[0] for name, axis in axes.items() if len(axis.labels) == 1 and name in written}
    cube = cube.squeeze(drop=True).sortby([name for name, axis in axes.items() if axis.values and len(axis.values) > 1])
    shown = tuple(_outputs(title, cube, names, sentences))
    used = {name for output in shown for name in output.axes}
    status = cube["status"]
    whole = not bool(status.any())
    return ExploredSweep(
        title=title,
        summary=cube.attrs["summary"],
        held=held,
        axes=tuple(axis for name, axis in axes.items() if name in used),
        outputs=shown,
        status_axes=() if whole else tuple(map(str, status.dims)),
        status="" if whole else pack(status.values.astype(np.uint8)),
    )


def _outputs(title: str, cube: xr.Dataset, names: Sequence[str], sentences: list[str]) -> Iterator[ExploredOutput]:
    """The outputs that can be drawn."""
    for name in names:
        variable = cube[name]
        try:
            data = pack(shortened(variable.values)) if variable.ndim else ""
        except OverflowError:
            data = ""
            sentences.append(f"{name} of {title} is left out: values are beyond single precision.")
        if data:
            notes = variable.attrs
            yield ExploredOutput(
                name=name,
                title=notes["long_name"],
                units=notes.get("units", "1"),
                axes=tuple(map(str, variable.dims)),
                missing=notes.get("nan_means") or notes.get("shorter_means") or "",
                infinite=notes.get("inf_means") or "",
                data=data,
            )


def _axis(cube: xr.Dataset, name: str, columns: Mapping[str, Sequence[Any]]) -> ExploredAxis:
    """A dimension, numbers increasing; of an axis along which parameters move together, the labels name those that change."""
    coordinate = cube.coords[name]
    title, units = coordinate.attrs.get("long_name", name), coordinate.attrs.get("units", "1")
    if columns and name not in columns:
        return ExploredAxis(name, name.replace("_", " "), "1", None, tuple(_moving_labels(columns)), False)
    values = coordinate.values
    if values.dtype.kind not in "iuf" or not np.isfinite(values).all():
        return ExploredAxis(name, title, units, None, tuple(map(_text, values.tolist())), False)
    numbers = tuple(sorted(map(float, values)))
    return ExploredAxis(name, title, units, numbers, tuple(map(_text, numbers)), is_geometric(numbers))


def _moving_labels(columns: Mapping[str, Sequence[Any]]) -> Iterator[str]:
    """What distinguishes the positions of an axis along which several parameters move."""
    moving = {name: values for name, values in columns.items() if len(set(values)) > 1}
    for row in zip(*moving.values(), strict=True):
        yield ", ".join(
            value if isinstance(value, str) else f"{name.replace('_', ' ')} {_text(value)}"
            for name, value in zip(moving, row, strict=True)
        )


def _text(value: Any) -> str:
    """A value as the config writes it, numbers with six digits."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.6g}" if isinstance(value, int | float) else str(value)


def is_geometric(values: Sequence[float]) -> bool:
    """Whether at least three increasing positive numbers reach far, and their ratios are more even than their differences."""
    if len(values) < 3 or values[0] <= 0.0 or values[-1] / values[0] < _WIDE:
        return False
    steps = [high - low for low, high in pairwise(values)]
    ratios = [log(high / low) for low, high in pairwise(values)]
    return max(ratios) / min(ratios) < max(steps) / min(steps)
