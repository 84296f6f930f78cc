"""Fill the variables of a cube slab by slab, so that memory depends on the slab and not on the cube."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from initatlas.sweeps.execute import Execution
from initatlas.sweeps.experiment import Coordinate, Experiment, Output
from initatlas.sweeps.located import Located
from initatlas.sweeps.places import GridPlaces
from initatlas.sweeps.points import canonical_json
from initatlas.sweeps.spec import Sweep
from initatlas.sweeps.store import read_batch

if TYPE_CHECKING:
    import netCDF4

OK, FAILED, EXCLUDED = 0, 1, 2

NOT_RUN = "not run: an earlier point failed"

BYTES_OF_A_SLAB = 1 << 24
"""Its arrays take as much together; one place alone may take more."""

CHUNK_BYTES = 1 << 20

CHUNKS_IN_MEMORY = 2
"""Of each variable. Slabs go through the grid in the order of the chunks, so a slab leaves only its last chunk unfinished."""

MARKS_TRIED = 1 << 16
"""So many values are tried as the mark of what is missing."""


@dataclass(frozen=True)
class Contents:
    """What goes into a cube.

    Attributes
    ----------
    sweep, experiment
        What was asked for.
    inner
        Coordinates of the inner dimensions, the longest over all points.
    located
        Where the results are.
    errors
        Place to reason, of the points that failed. Any other without a result, but for the excluded ones, did not run.
    """

    sweep: Sweep
    experiment: Experiment
    inner: Mapping[str, Coordinate]
    located: Located
    errors: Mapping[int, str]

    @property
    def dims(self) -> tuple[str, ...]:
        """The axes of the sweep."""
        return tuple(axis.name for axis in self.sweep.axes)

    @cached_property
    def grid(self) -> GridPlaces:
        """The places of the sweep."""
        return GridPlaces(self.sweep, self.experiment)

    def lengths(self, output: Output) -> tuple[int, ...]:
        """Lengths of the inner dimensions of an output."""
        return tuple(len(self.inner[name].values) for name in output.dims)


class Kind(NamedTuple):
    """How an output is kept: its type, and the value that marks what is missing, if anything is."""

    dtype: "np.dtype[Any]"
    mark: float | int | None


class Slab(NamedTuple):
    """A part of the grid: a box of it that holds all places from `start` to before `stop`."""

    box: tuple[int | slice, ...]
    shape: tuple[int, ...]
    start: int
    stop: int

    @property
    def size(self) -> int:
        """Number of its places."""
        return self.stop - self.start


def slabs(shape: Sequence[int], most: int) -> Iterator[Slab]:
    """Boxes of a grid, in order, of at most so many places each: whole along the last axes, parts of the one before them."""
    axis, whole = len(shape), 1
    while axis > 0 and whole * shape[axis - 1] <= most:
        axis -= 1
        whole *= shape[axis]
    if axis == 0:
        yield Slab((), tuple(shape), 0, whole)
        return
    cut, step = axis - 1, max(most // whole, 1)
    for number, index in enumerate(np.ndindex(*shape[:cut])):
        for start in range(0, shape[cut], step):
            stop = min(start + step, shape[cut])
            first = (number * shape[cut] + start) * whole
            yield Slab(
                (*index, slice(start, stop)),
                (stop - start, *shape[axis:]),
                first,
                first + (stop - start) * whole,
            )


class _Variable:
    """A variable of a cube over the axes of its sweep.

    Parameters
    ----------
    group
        The file, or a group of it.
    name, dims, dtype, attributes
        Of the variable.
    mark
        What stands where it is missing.
    """

    def __init__(
        self,
        group: "netCDF4.Dataset",
        name: str,
        dims: Sequence[str],
        dtype: "np.dtype[Any]",
        attributes: Mapping[str, Any],
        mark: float | int | None = None,
    ) -> None:
        shape = [_dimension(group, dim) for dim in dims]
        flag = dtype.kind == "b"
        stored = np.dtype(np.int8) if flag else dtype
        chunks = _chunks(shape, stored.itemsize)
        packed: dict[str, Any] = {"zlib": True, "complevel": 4, "chunksizes": chunks} if shape else {}
        self._variable = group.createVariable(name, stored, tuple(dims), fill_value=mark, **packed)
        if shape:
            size = CHUNKS_IN_MEMORY * math.prod(chunks) * stored.itemsize
            self._variable.set_var_chunk_cache(size, preemption=1.0)  # by itself netCDF4 keeps 64 MB
        self._variable.setncatts({**attributes, **({"dtype": "bool"} if flag else {})})
        self._stored = stored

    def put(self, slab: Slab, values: np.ndarray) -> None:
        """Lay the values of a slab, one row for each place, where they belong."""
        self._variable[(*slab.box, Ellipsis)] = values.astype(self._stored, copy=False).reshape(
            slab.shape + values.shape[1:]
        )


class _Text:
    """A variable of texts, as characters: unlike strings of any length, netCDF4 can compress these.

    Parameters
    ----------
    group, name, dims, attributes
        As in `_Variable`.
    texts
        All texts that there will be.
    """

    def __init__(
        self,
        group: "netCDF4.Dataset",
        name: str,
        dims: Sequence[str],
        attributes: Mapping[str, str],
        texts: Iterable[str],
    ) -> None:
        self.length = max([1, *(len(text.encode()) for text in texts)])
        dim = f"string{self.length}"
        if dim not in group.dimensions:
            group.createDimension(dim, self.length)
        self._variable = _Variable(group, name, (*dims, dim), np.dtype("S1"), {**attributes, "_Encoding": "utf-8"})

    def empty(self, size: int) -> np.ndarray:
        """So many empty texts."""
        return np.zeros(size, dtype=f"S{self.length}")

    def put(self, slab: Slab, texts: np.ndarray) -> None:
        """Lay the texts of a slab where they belong."""
        self._variable.put(slab, texts.view("S1").reshape(slab.size, self.length))


def fill_cube(
    file: "netCDF4.Dataset", contents: Contents, environments: Mapping[str, int], named: Mapping[str, Sequence[str]]
) -> None:
    """Make the variables of a cube, and fill them.

    Parameters
    ----------
    file
        With the dimensions and coordinates of the cube.
    contents
        What goes into it.
    environments
        Number of each environment, by its canonical JSON.
    named
        Coordinates that have not the name of a dimension, with the dimensions of each.
    """
    outputs = contents.experiment.outputs
    kinds = {output.name: _kind(output, contents) for output in outputs}
    variables = {output.name: _output_variable(file, contents, output, kinds[output.name], named) for output in outputs}
    status = _Status(file, contents, named)
    execution = _Bookkeeping(file, contents, environments)

    def fill(slab: Slab) -> None:
        """Fill a slab; on return none of its arrays is left."""
        values = {output.name: Values(output, contents, slab.size) for output in outputs}
        behind = execution.empty(slab.size)
        without = np.ones(slab.size, dtype=bool)
        for source, rows, places in contents.located.within(slab.start, slab.stop):
            stored, numbers = read_batch(source.path).outputs, places - slab.start
            for name, of_output in values.items():
                of_output.lay(numbers, stored[name][rows])
            execution.lay(behind, numbers, source.execution)
            without[numbers] = False
        for name, of_output in values.items():
            variables[name].put(slab, of_output.marked(kinds[name]))
        status.put(slab, without)
        execution.put(slab, behind)

    for slab in slabs(contents.sweep.shape, _places_of_a_slab(contents, kinds)):
        fill(slab)


class Values:
    """The values of one output in a slab.

    Parameters
    ----------
    output, contents
        The output, and the cube that it is of.
    size
        Number of places.
    """

    def __init__(self, output: Output, contents: Contents, size: int) -> None:
        shape = (size, *contents.lengths(output))
        self.values = np.zeros(shape, dtype=output.dtype)
        self.missing = np.ones(shape, dtype=bool)

    def lay(self, numbers: np.ndarray, results: np.ndarray) -> None:
        """Lay results into the fronts of their places; shorter ones leave the rest missing."""
        front: Any = (numbers, *(slice(length) for length in results.shape[1:]))
        self.values[front] = results
        self.missing[front] = False

    def marked(self, kind: Kind) -> np.ndarray:
        """The values in the type in which they are kept, with the mark where they are missing."""
        values = self.values.astype(kind.dtype, copy=False)
        if kind.mark is not None:
            values[self.missing] = kind.mark
        return values


def _kind(output: Output, contents: Contents) -> Kind:
    """How an output is kept.

    What is missing is NaN among real numbers. Whole numbers and flags have a mark only where something is missing, since whoever
    reads the cube gets real numbers then.
    """
    dtype = np.dtype(output.dtype)
    if dtype.kind == "f":
        return Kind(dtype, np.nan)
    if not output.dims and contents.located.places == contents.grid.size:
        return Kind(dtype, None)
    whole = np.dtype(np.int8) if dtype.kind == "b" else dtype
    marks, any_missing = marks_of(whole), False
    for slab in slabs(contents.sweep.shape, max(BYTES_OF_A_SLAB // _bytes_of(whole, contents.lengths(output)), 1)):
        values = Values(output, contents, slab.size)
        for file, rows, places in contents.located.within(slab.start, slab.stop):
            values.lay(places - slab.start, read_batch(file.path).outputs[output.name][rows])
        any_missing = any_missing or bool(values.missing.any())
        marks = marks[~np.isin(marks, values.values[~values.missing].astype(whole))]
    return kind_with(marks, whole) if any_missing else Kind(dtype, None)


def marks_of(whole: "np.dtype[Any]") -> np.ndarray:
    """Values of a type of whole numbers, the best mark first."""
    least, most = np.iinfo(whole).min, np.iinfo(whole).max
    first = [-1] if least < 0 else []
    return np.array([*first, most, *range(least, min(most, least + MARKS_TRIED))], dtype=whole)


def kind_with(marks: np.ndarray, whole: "np.dtype[Any]") -> Kind:
    """A type with the first of the marks that are left; where all values of a small type occur, a wider one."""
    if marks.size:
        return Kind(whole, int(marks[0]))
    if whole.itemsize < 4:
        return Kind(np.dtype(np.int32), int(np.iinfo(np.int32).max))
    return Kind(np.dtype(np.float64), np.nan)


def _output_variable(
    file: "netCDF4.Dataset", contents: Contents, output: Output, kind: Kind, named: Mapping[str, Sequence[str]]
) -> _Variable:
    """The variable of an output."""
    notes = {"long_name": output.long_name, "units": output.units}
    notes |= {key: getattr(output, key) for key in ("nan_means", "inf_means", "shorter_means") if getattr(output, key)}
    dims = (*contents.dims, *output.dims)
    return _Variable(file, output.name, dims, kind.dtype, notes | _seen(named, dims), kind.mark)


def _seen(named: Mapping[str, Sequence[str]], dims: Sequence[str]) -> dict[str, str]:
    """The attribute by which a variable names further coordinates along its dimensions."""
    names = sorted(name for name, along in named.items() if {*along} <= {*dims})
    return {"coordinates": " ".join(names)} if names else {}


class _Status:
    """The variables ``status`` and ``error``."""

    def __init__(self, file: "netCDF4.Dataset", contents: Contents, named: Mapping[str, Sequence[str]]) -> None:
        seen = _seen(named, contents.dims)
        notes = {
            "long_name": "what became of the point",
            "flag_values": np.array([OK, FAILED, EXCLUDED], dtype=np.int8),
            "flag_meanings": "ok failed excluded",
        }
        self._contents = contents
        self._status = _Variable(file, "status", contents.dims, np.dtype(np.int8), notes | seen)
        told = {"long_name": "why the point failed"} | seen
        texts = {*contents.errors.values(), NOT_RUN} if contents.errors else set()
        self._error = _Text(file, "error", contents.dims, told, texts)

    def put(self, slab: Slab, without: np.ndarray) -> None:
        """Write a slab, some of whose places have no result."""
        excluded = self._contents.grid.excluded(np.arange(slab.start, slab.stop))
        failed = np.flatnonzero(without & ~excluded)
        status = np.where(excluded, EXCLUDED, OK)
        status[failed] = FAILED
        self._status.put(slab, status)
        if failed.size:
            reasons = self._error.empty(slab.size)
            errors = self._contents.errors
            reasons[failed] = [errors.get(place, NOT_RUN).encode() for place in (failed + slab.start).tolist()]
            self._error.put(slab, reasons)


_BOOKKEEPING = {
    "seconds": (np.float64, np.nan, {"long_name": "wall time of the batch that held the point", "units": "s"}),
    "peak_memory": (np.float64, np.nan, {"long_name": "largest resident memory of the worker so far", "units": "MiB"}),
    "attempt": (np.int16, 0, {"long_name": "attempt that succeeded; 0 where there is no result", "units": "1"}),
    "environment": (
        np.int16,
        -1,
        {
            "long_name": "position of what computed the point in the attribute environments; -1 where there is no result",
            "units": "1",
        },
    ),
}
"""Variables of the group ``execution`` but for the host: type, value without a result, attributes."""


class _Bookkeeping:
    """The variables of the group ``execution``: what computed the points."""

    def __init__(self, file: "netCDF4.Dataset", contents: Contents, environments: Mapping[str, int]) -> None:
        group = file.createGroup("execution")
        group.set_auto_maskandscale(False)
        for axis in contents.sweep.axes:
            group.createDimension(axis.name, axis.size)
        self._environments = environments
        self._numbers = {
            name: _Variable(group, name, contents.dims, np.dtype(kind), notes, np.nan if kind is np.float64 else None)
            for name, (kind, _, notes) in _BOOKKEEPING.items()
        }
        hosts = {file.execution.host for file, _ in contents.located.used()}
        self._host = _Text(group, "host", contents.dims, {"long_name": "machine that computed the point"}, hosts)

    def empty(self, size: int) -> dict[str, np.ndarray]:
        """The bookkeeping of so many places without results."""
        numbers = {name: np.full(size, without, dtype=kind) for name, (kind, without, _) in _BOOKKEEPING.items()}
        return {**numbers, "host": self._host.empty(size)}

    def lay(self, behind: dict[str, np.ndarray], numbers: np.ndarray, execution: Execution) -> None:
        """Note what computed some of the places."""
        behind["seconds"][numbers] = execution.seconds
        behind["peak_memory"][numbers] = execution.peak_megabytes
        behind["attempt"][numbers] = execution.attempt
        behind["environment"][numbers] = self._environments[canonical_json(execution.environment)]
        behind["host"][numbers] = execution.host.encode()

    def put(self, slab: Slab, behind: Mapping[str, np.ndarray]) -> None:
        """Write a slab."""
        for name, variable in self._numbers.items():
            variable.put(slab, behind[name])
        self._host.put(slab, behind["host"])


def _places_of_a_slab(contents: Contents, kinds: Mapping[str, Kind]) -> int:
    """How many places a slab has."""
    texts = {*contents.errors.values(), *(file.execution.host for file, _ in contents.located.used())}
    of_outputs = sum(
        _bytes_of(kinds[output.name].dtype, contents.lengths(output)) for output in contents.experiment.outputs
    )
    return max(BYTES_OF_A_SLAB // (of_outputs + 32 + 2 * max(map(len, texts), default=0)), 1)


def _bytes_of(dtype: "np.dtype[Any]", lengths: Sequence[int]) -> int:
    """What the values at one place take, with the note of which are missing."""
    return max((dtype.itemsize + 1) * math.prod(lengths), 1)


def _dimension(group: "netCDF4.Dataset", name: str) -> int:
    """Length of a dimension of a group, or of the file."""
    above = group if name in group.dimensions or group.parent is None else group.parent
    return len(above.dimensions[name])


def _chunks(shape: Sequence[int], itemsize: int) -> tuple[int, ...]:
    """Halve the leading dimensions until a chunk has a mebibyte at most; the inner ones stay whole."""
    chunks = [max(length, 1) for length in shape]
    for axis in range(len(chunks)):
        while chunks[axis] > 1 and math.prod(chunks) * itemsize > CHUNK_BYTES:
            chunks[axis] = -(-chunks[axis] // 2)
    return tuple(chunks)
