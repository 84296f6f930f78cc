"""Hold what an experiment returned for a point against what it declares."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from reprlib import repr as short
from typing import Any

import numpy as np

from initatlas.sweeps.experiment import Experiment, Output

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Rows:
    """Results that agree in the names and the shapes of their outputs.

    Attributes
    ----------
    keys
        The points.
    outputs
        Output name to array; the first dimension runs over `keys`.
    places
        Where the points stand in the grid of their sweep.
    """

    keys: tuple[str, ...]
    outputs: Arrays
    places: tuple[int, ...] = ()


def one_row(key: str, result: Arrays, place: int = 0) -> Rows:
    """The result of one point."""
    return Rows((key,), {name: array[np.newaxis] for name, array in result.items()}, (place,))


def joined(rows: Iterable[Rows]) -> tuple[Rows, ...]:
    """Results, together where they agree in names and shapes."""
    alike: dict[tuple[tuple[str, tuple[int, ...]], ...], list[Rows]] = {}
    for part in rows:
        alike.setdefault(tuple((name, array.shape[1:]) for name, array in part.outputs.items()), []).append(part)
    return tuple(parts[0] if len(parts) == 1 else _joined(parts) for parts in alike.values())


def _joined(parts: Sequence[Rows]) -> Rows:
    """Results that agree in names and shapes, one behind the other."""
    outputs = {name: np.concatenate([part.outputs[name] for part in parts]) for name in parts[0].outputs}
    keys = tuple(chain.from_iterable(part.keys for part in parts))
    return Rows(keys, outputs, tuple(chain.from_iterable(part.places for part in parts)))


class OutputError(Exception):
    """An output is not what its experiment declares: one line that names it, what was got and what was expected."""


def checked_outputs(experiment: Experiment, point: Any, result: Any) -> Arrays:
    """The outputs of a point as contiguous arrays of the declared types.

    Parameters
    ----------
    experiment, point
        The declaration, and the point that was run.
    result
        What `Experiment.run` returned for it.

    Returns
    -------
    dict
        Output name to array, in the order of the declaration. A dimension has the length of the point's coordinate, or a
        smaller one where the output declares what that means.

    Raises
    ------
    OutputError
        For an output that is missing or unknown, of another shape or type, or not finite where that means nothing.
    """
    names = [output.name for output in experiment.outputs]
    if not isinstance(result, Mapping):
        raise OutputError(f"got {short(result)} for the point, expected a mapping with the outputs {', '.join(names)}")
    for unknown in (name for name in result if name not in names):
        raise OutputError(f"output {unknown}: got a value, expected none: declared are {', '.join(names)}")
    lengths = _lengths(experiment, point)
    return {output.name: _checked(output, result, lengths) for output in experiment.outputs}


def checked_together(experiment: Experiment, points: Sequence[Any], results: Sequence[Any]) -> Arrays | None:
    """The outputs of points that agree in everything, stacked: what `checked_outputs` gives one by one, in far less time.

    Returns
    -------
    dict or None
        None where points differ, or where a result is not what is declared: then each has to be looked at.
    """
    names = {output.name for output in experiment.outputs}
    if not all(type(result) is dict and result.keys() == names for result in results):
        return None
    lengths = [_lengths(experiment, point) for point in points] if any(out.dims for out in experiment.outputs) else [{}]
    if any(other != lengths[0] for other in lengths):
        return None
    outputs: Arrays = {}
    for output in experiment.outputs:
        column = _column([result[output.name] for result in results])
        if column is None or column.shape[1:] != tuple(lengths[0][name] for name in output.dims):
            return None
        try:
            _check_finite(output, column)
            outputs[output.name] = _converted(output, column)
        except OutputError:
            return None
    return outputs


_KINDS = {bool: "b", int: "iu", float: "f"}


def _column(values: Sequence[Any]) -> np.ndarray | None:
    """Values of one type and shape as an array of that type; None where they are of several types, or no numbers."""
    kinds = {(type(value), getattr(value, "dtype", None), getattr(value, "shape", None)) for value in values}
    first = values[0]
    if len(kinds) > 1 or not (type(first) in (*_KINDS, np.ndarray) or isinstance(first, np.generic)):
        return None
    column = np.array(values)
    expected = _KINDS.get(type(first)) or first.dtype.kind
    return column if column.dtype.kind in "biuf" and column.dtype.kind in expected else None


def _lengths(experiment: Experiment, point: Any) -> dict[str, int]:
    """Length of every inner dimension at a point."""
    if not any(output.dims for output in experiment.outputs):
        return {}
    return {name: len(coordinate.values) for name, coordinate in experiment.coordinates(point).items()}


def _checked(output: Output, result: Mapping[str, Any], lengths: Mapping[str, int]) -> np.ndarray:
    """One output in its declared shape and type."""
    if output.name not in result:
        raise OutputError(f"output {output.name}: got nothing, expected {_expected(output, lengths)}")
    array = _numbers(output, result[output.name], lengths)
    _check_shape(output, array, lengths)
    _check_finite(output, array)
    return _converted(output, array)


def _expected(output: Output, lengths: Mapping[str, int]) -> str:
    """The declared shape in words."""
    if not output.dims:
        return f"one {output.dtype}"
    return f"{output.dtype} of shape {_shape(output, [lengths[name] for name in output.dims])}"


def _shape(output: Output, lengths: Sequence[int]) -> str:
    """Lengths with the names of their dimensions."""
    return f"({', '.join(f'{name}: {length}' for name, length in zip(output.dims, lengths, strict=True))})"


def _numbers(output: Output, value: Any, lengths: Mapping[str, int]) -> np.ndarray:
    """The returned value as an array of real numbers or flags."""
    try:
        array = np.asarray(value)
    except ValueError:  # nested lists of unequal lengths
        array = np.asarray(None)
    if array.dtype.kind not in "biuf":
        raise OutputError(f"output {output.name}: got {short(value)}, expected {_expected(output, lengths)}")
    return array


def _check_shape(output: Output, array: np.ndarray, lengths: Mapping[str, int]) -> None:
    """The lengths of the coordinates; shorter ones where they mean something."""
    expected = tuple(lengths[name] for name in output.dims)
    if array.shape == expected:
        return
    shorter = array.ndim == len(expected) and all(got <= most for got, most in zip(array.shape, expected, strict=True))
    if shorter and output.shorter_means:
        return
    got = _shape(output, array.shape) if array.ndim == len(expected) else f"({', '.join(map(str, array.shape))})"
    hint = "; a shorter one needs shorter_means" if shorter else ""
    raise OutputError(f"output {output.name}: got shape {got}, expected {_expected(output, lengths)}{hint}")


def _check_finite(output: Output, array: np.ndarray) -> None:
    """NaN and infinity only where they mean something."""
    if array.dtype.kind != "f":
        return
    for wrong, word, key, means in (
        (np.isnan(array), "NaN", "nan_means", output.nan_means),
        (np.isinf(array), "infinity", "inf_means", output.inf_means),
    ):
        if not means and wrong.any():
            share = f" in {wrong.sum()} of {array.size} values" if array.ndim else ""
            raise OutputError(f"output {output.name}: got {word}{share}, expected numbers; {word} needs {key}")


def _converted(output: Output, array: np.ndarray) -> np.ndarray:
    """The array in the declared type, which must be able to hold it."""
    with np.errstate(all="ignore"):
        converted = np.asarray(array, dtype=output.dtype, order="C")
    fits = np.isfinite(converted) == np.isfinite(array) if converted.dtype.kind == "f" else converted == array
    if not np.all(fits):
        first = array[~fits].flat[0]
        raise OutputError(f"output {output.name}: got {first!s}, expected {output.dtype}, which cannot hold it")
    return converted
