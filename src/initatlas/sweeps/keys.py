"""Keys of the points of a grid in bulk: those of `initatlas.sweeps.points.point_key`, without a point being made.

The text that is hashed has a piece for each parameter that differs from its default, which depends on the value of that parameter
alone. So the pieces are made once per value of an axis. Where that does not hold, or a look at some of the points shows other
keys, they are made point by point.
"""

import hashlib
from collections.abc import Iterable, Mapping
from functools import cached_property
from itertools import repeat

import numpy as np
from pydantic import BaseModel

from initatlas.sweeps.code import named_code
from initatlas.sweeps.combinations import ByCombination
from initatlas.sweeps.experiment import Parameters
from initatlas.sweeps.functions.point import FunctionPoint
from initatlas.sweeps.places import GridPlaces, Places
from initatlas.sweeps.points import canonical_json, key_text, point_key
from initatlas.sweeps.reads import is_plain
from initatlas.sweeps.value_checks import adapters_of

Keys = np.ndarray
"""Keys of points: a row of 32 bytes for each."""

POINTS_COMPARED = 64
"""So many points of a grid have their keys made in both ways."""

_IDENTITIES = (Parameters.identity, FunctionPoint.identity)

_NO_PARAMETERS = '"parameters":{}'


class GridKeys:
    """The keys of the points of a grid.

    Parameters
    ----------
    grid
        The grid; its points do not contradict themselves.
    contents
        Hash of the content of each data set, by name.
    """

    def __init__(self, grid: GridPlaces, contents: Mapping[str, str]) -> None:
        self._grid = grid
        self._contents = contents
        self._frames = ByCombination(grid, self._frame)

    def at(self, places: Places) -> Keys:
        """The keys of the points at some places, none of which is excluded."""
        return self._from_pieces(places) if self.in_pieces else self._from_points(places)

    @cached_property
    def in_pieces(self) -> bool:
        """Whether keys are made of pieces. Then no two points have the same key."""
        model = self._grid.experiment.parameters
        if not (is_plain(model) and model.identity in _IDENTITIES and model.model_dump is BaseModel.model_dump):
            return False
        if any(field.exclude or field.alias for field in model.model_fields.values()) or not self._values_differ():
            return False
        places = np.unique(np.linspace(0, self._grid.size - 1, POINTS_COMPARED).astype(np.int64))
        compared = places[~self._grid.excluded(places)]
        return np.array_equal(self._from_pieces(compared), self._from_points(compared))

    def _values_differ(self) -> bool:
        """Whether no two positions of an axis have the same pieces."""
        return all(
            len(set(zip(*(self._pieces[name] for name in axis.values), strict=True))) == axis.size
            for axis in self._grid.sweep.axes
        )

    def _from_points(self, places: Places) -> Keys:
        """Keys, point by point."""
        return packed_keys(map(self._key, self._grid.points(places)))

    def _key(self, point: Parameters) -> str:
        """The key of a point, with the hash of its data set if it has one, and the code of the components that it names."""
        return point_key(
            point.identity(),
            root_seed=self._grid.sweep.root_seed,
            data_sha256=self._content(point),
            code=named_code(point),
        )

    def _content(self, point: Parameters) -> str:
        """The hash of the data set of a point; empty if it has none."""
        name = getattr(point, "dataset", None) if self._contents else None
        return self._contents[name] if name else ""

    def _from_pieces(self, places: Places) -> Keys:
        """Keys, each the hash of its pieces in their frame."""
        frames, numbers = self._frames.at(places)
        columns: list[Iterable[bytes]] = [repeat(b"", places.size)]
        positions = [self._grid.along(axis, places).tolist() for axis in range(len(self._grid.sweep.axes))]
        for name, pieces in sorted(self._pieces.items()):
            axis = self._axes.get(name)
            columns.append(repeat(pieces[0]) if axis is None else map(pieces.__getitem__, positions[axis]))
        digests = [
            hashlib.sha256(b"%b%b%b" % (frames[number][0], b"".join(row)[:-1], frames[number][1])).digest()
            for number, row in zip(numbers.tolist(), zip(*columns, strict=False), strict=True)
        ]
        return np.frombuffer(b"".join(digests), dtype=np.uint8).reshape(-1, 32)

    @cached_property
    def _axes(self) -> dict[str, int]:
        """The axis of each parameter that moves."""
        return {name: number for number, axis in enumerate(self._grid.sweep.axes) for name in axis.values}

    @cached_property
    def _pieces(self) -> dict[str, list[bytes]]:
        """For every parameter that the sweep names its pieces of the text, one for each position along its axis."""
        given = {name: [value] for name, value in self._grid.sweep.fixed.items()}
        given |= {name: values for axis in self._grid.sweep.axes for name, values in axis.values.items()}
        return {name: [self._piece(name, value) for value in values] for name, values in given.items()}

    def _piece(self, name: str, value: object) -> bytes:
        """What a value adds to the text, with a comma behind it; nothing if it is the default."""
        model = self._grid.experiment.parameters
        checked = adapters_of(model)[name].validate_python(value)
        if checked == model.model_fields[name].default:
            return b""
        return f"{canonical_json({name: checked})[1:-1]},".encode()

    def _frame(self, point: Parameters) -> tuple[bytes, bytes]:
        """The text around the parameters."""
        text = key_text(
            {}, root_seed=self._grid.sweep.root_seed, data_sha256=self._content(point), code=named_code(point)
        )
        head, _, tail = text.rpartition(_NO_PARAMETERS)
        return (head + _NO_PARAMETERS[:-1]).encode(), (_NO_PARAMETERS[-1] + tail).encode()


def packed_keys(keys: Iterable[str]) -> Keys:
    """Keys in hexadecimal digits as rows of bytes."""
    return np.frombuffer(bytes.fromhex("".join(keys)), dtype=np.uint8).reshape(-1, 32)


def written_keys(keys: Keys) -> list[str]:
    """Keys as 64 hexadecimal digits each."""
    text = keys.tobytes().hex()
    return [text[start : start + 64] for start in range(0, len(text), 64)]
