"""Cut the points of a grid into batches, none of which is made before it runs."""

from collections.abc import Hashable, Iterator, Sequence
from typing import NamedTuple, overload

import numpy as np

from initatlas.sweeps.batches import MEGABYTES_PER_BATCH, Batch, Task, seconds_per_batch, shape_of
from initatlas.sweeps.combinations import ByCombination
from initatlas.sweeps.keys import GridKeys, written_keys
from initatlas.sweeps.packing import packed, unpacked
from initatlas.sweeps.places import GridPlaces, Places, PlaceSet

POINTS_AT_A_TIME = 4096
"""So many are added up before a look at where the batch ends."""


class Cut(NamedTuple):
    """Points of a batch before they are made.

    Attributes
    ----------
    places, points
        Where they stand in the grid, packed, and how many they are.
    seconds, megabytes
        As in `Batch`.
    """

    places: bytes
    points: int
    seconds: float
    megabytes: float


class Cutter:
    """Cuts points of one shape, as they come, into batches of at most `longest` and `MEGABYTES_PER_BATCH`.

    A point beyond these stands alone. The composition depends on the points alone, never on the workers; results do not depend on
    it at all.

    Parameters
    ----------
    longest
        Seconds of a batch, from `seconds_per_batch`.
    """

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self._places: list[np.ndarray] = []
        self._seconds = self._megabytes = 0.0

    def add(self, places: np.ndarray, seconds: np.ndarray, megabytes: np.ndarray) -> Iterator[Cut]:
        """Take further points, with the cost of each; give the batches that they fill."""
        start = 0
        while start < places.size:
            seen = slice(start, start + POINTS_AT_A_TIME)
            sums = np.cumsum(np.concatenate(([self._seconds], seconds[seen])))[1:]
            memory = np.cumsum(np.concatenate(([self._megabytes], megabytes[seen])))[1:]
            beyond = (sums > self._longest) | (memory > MEGABYTES_PER_BATCH)
            fitting = int(beyond.argmax()) if beyond.any() else beyond.size
            if not self._places:
                fitting = max(fitting, 1)
            if fitting == 0:
                yield from self.rest()
                continue
            self._places.append(places[start : start + fitting])
            self._seconds, self._megabytes = float(sums[fitting - 1]), float(memory[fitting - 1])
            start += fitting

    def rest(self) -> Iterator[Cut]:
        """The batch that is not full, if there is one."""
        if self._places:
            yield Cut(packed(np.concatenate(self._places)), sum(map(len, self._places)), self._seconds, self._megabytes)
        self._places, self._seconds, self._megabytes = [], 0.0, 0.0


def batches_of(grid: GridPlaces, keys: GridKeys, settled: PlaceSet, suspects: set[int]) -> list[Batch]:
    """Batches of the points that are not settled: the suspect ones, then the longest first."""
    seconds, megabytes = (ByCombination(grid, cost) for cost in (grid.experiment.seconds, grid.experiment.megabytes))
    shapes = ByCombination(grid, shape_of(grid.experiment))
    longest = seconds_per_batch(sum(float(seconds.reals_at(places).sum()) for places in grid.blocks(settled)))
    groups: dict[tuple[bool, Hashable], _Group] = {}
    batches: list[Batch] = []
    for places in grid.blocks(settled):
        costs, memory = seconds.reals_at(places), megabytes.reals_at(places)
        for alike, members in _grouped(shapes, places, suspects):
            if alike not in groups:
                groups[alike] = _Group(grid, keys, places[members[:1]], longest, suspect=alike[0])
            batches += groups[alike].add(places[members], costs[members], memory[members])
    batches += [batch for group in groups.values() for batch in group.rest()]
    return sorted(batches, key=lambda batch: (not batch.suspect, -batch.seconds))


class _Group:
    """Points that may share batches.

    Parameters
    ----------
    grid, keys
        The grid, and the keys of its points.
    first
        The place of one of them.
    longest
        As in `Cutter`.
    suspect
        Whether they are suspect.
    """

    def __init__(self, grid: GridPlaces, keys: GridKeys, first: Places, longest: float, *, suspect: bool) -> None:
        (point,) = grid.points(first)
        self._grid = grid
        self._keys = keys
        self._dataset: str | None = getattr(point, "dataset", None)
        self._suspect = suspect
        self._cutter = Cutter(longest)

    def add(self, places: Places, seconds: np.ndarray, megabytes: np.ndarray) -> Iterator[Batch]:
        """Take further points, with the cost of each; give the batches that they fill."""
        return map(self._batch, self._cutter.add(places, seconds, megabytes))

    def rest(self) -> Iterator[Batch]:
        """The batch that is not full, if there is one."""
        return map(self._batch, self._cutter.rest())

    def _batch(self, cut: Cut) -> Batch:
        """A batch, its tasks not made yet."""
        tasks = GridTasks(self._grid, self._keys, cut.places, cut.points)
        return Batch(tasks, self._dataset, cut.seconds, cut.megabytes, self._suspect)


def _grouped(
    shapes: ByCombination[Hashable], places: Places, suspects: set[int]
) -> Iterator[tuple[tuple[bool, Hashable], np.ndarray]]:
    """Points that may share a batch: whether they are suspect, their shape, and which of the places they are at."""
    values, numbers = shapes.at(places)
    alike: dict[Hashable, int] = {}
    same = np.array([alike.setdefault(value, len(alike)) for value in values])
    suspect = np.isin(places, [*suspects]) if suspects else np.zeros(places.size, dtype=bool)
    codes = 2 * same[numbers] + suspect
    order = np.argsort(codes, kind="stable")
    found, starts = np.unique(codes[order], return_index=True)
    shape_of_number = [*alike]
    for code, members in zip(found.tolist(), np.split(order, starts[1:]), strict=True):
        yield (bool(code % 2), shape_of_number[code // 2]), members


class GridTasks(Sequence[Task]):
    """Tasks that are made when somebody looks at them; they travel to other processes as a tuple of them.

    Parameters
    ----------
    grid, keys
        The grid, and the keys of its points.
    places, count
        Places of the points, packed, and how many they are.
    """

    __slots__ = ("_count", "_grid", "_keys", "_places")

    def __init__(self, grid: GridPlaces, keys: GridKeys, places: bytes, count: int) -> None:
        self._grid = grid
        self._keys = keys
        self._places = places
        self._count = count

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, number: int) -> Task: ...

    @overload
    def __getitem__(self, number: slice) -> "GridTasks": ...

    def __getitem__(self, number: int | slice) -> "Task | GridTasks":
        """One task, or tasks that are not made yet."""
        places = unpacked(self._places)[number]
        if isinstance(number, slice):
            return GridTasks(self._grid, self._keys, packed(places), places.size)
        return self._made(places[np.newaxis])[0]

    def __iter__(self) -> Iterator[Task]:
        return iter(self._made(unpacked(self._places)))

    def _made(self, places: Places) -> list[Task]:
        """The tasks at some places."""
        keys = written_keys(self._keys.at(places))
        return [*map(Task, keys, self._grid.points(places), places.tolist())]

    def __reduce__(self) -> tuple[type[tuple[Task, ...]], tuple[list[Task]]]:
        return tuple, ([*self],)
