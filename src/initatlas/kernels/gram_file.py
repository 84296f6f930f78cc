"""Gram matrices in a file: their upper tiles, each with a checksum. For matrices that do not fit in memory.

The file is HDF5 (netCDF4). It grows under a draft's name, ``.<stem>.draft<suffix>`` beside its place, and takes its own
name when it is whole. All room is reserved at the start and no structure changes afterwards, so that a kill at any moment
leaves a readable draft. A tile counts only if its bytes have the checksum that is stored for them: the same call goes on
from whatever a kill, a power cut or a bad disk has left.

=========  ===========  ==========================  ==========================================================
variable   type         dimensions                  meaning
=========  ===========  ==========================  ==========================================================
tiles      float32/64   kernel, tile, row, column   K[rows, columns] of the upper tiles (`TilePlan.tiles`), padded
checksum   int64        kernel, tile                CRC-32 of the tile's bytes, without its padding; -1: not there
labels     int64        sample                      classes of the inputs; absent if there are none
=========  ===========  ==========================  ==========================================================

Attributes: ``key`` (hash of all that the matrices depend on), ``n``, ``kernels`` (their names), ``tiles_at`` (byte of the file at
which the tiles begin), and what the caller adds. Tiles are used where the system has the file in memory, without a copy.
"""

import hashlib
import logging
import os
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from mmap import ACCESS_READ, MADV_DONTNEED, mmap
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import netCDF4
import numpy as np
from filelock import FileLock, Timeout

from initatlas.arrays import Integers
from initatlas.errors import UserError
from initatlas.files import atomic_path, sync
from initatlas.kernels.kernel import Array, Kernel
from initatlas.kernels.tiles import Tile, TilePlan, TileRunner, serial_tiles

log = logging.getLogger(__name__)

Dtype = Literal["float32", "float64"]

_ABSENT = -1
_ALIGNMENT = 64


@dataclass(frozen=True)
class GramSpec:
    """What a file is to hold.

    Attributes
    ----------
    plan
        Size and tiles.
    dtype
        "float32" or "float64".
    key
        Hash of everything that the entries depend on; a draft with another key is not continued.
    attributes
        Texts that say what the matrix is, for people and for later commands.
    labels
        Classes of the inputs, shape (n,), or None.
    """

    plan: TilePlan
    dtype: Dtype
    key: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    labels: Integers | None = None


class GramFile:
    """An open file of a Gram matrix; use it in a `with` block.

    Parameters
    ----------
    path
        The file.
    mode
        "r", or "r+" to write tiles.

    Raises
    ------
    UserError
        If there is no such file, or it is none of ours.
    """

    def __init__(self, path: Path, mode: Literal["r", "r+"] = "r") -> None:
        self.path = path
        if not path.is_file():
            raise UserError(f"{path}: there is no such file; make it with `initatlas kernel gram`")
        try:
            self._file = netCDF4.Dataset(path, mode)
            self._file.set_auto_maskandscale(False)
            self._tiles, self._checksums = self._file["tiles"], self._file["checksum"]
            self.key = str(self._file.key)
            self.names = tuple(str(self._file.kernels).split())
            self.plan = TilePlan(int(self._file.n), self._tiles.shape[-1])
            with path.open("rb") as content:
                self._content = mmap(content.fileno(), 0, access=ACCESS_READ)
            self._mapped = np.ndarray(self._tiles.shape, self._tiles.dtype, self._content, int(self._file.tiles_at))
        except (OSError, RuntimeError, IndexError, AttributeError, ValueError, TypeError) as error:
            raise UserError(
                f"{path}: is no Gram matrix of this program ({error}); name another file, or delete this one"
            ) from None
        self.dtype: np.dtype[Any] = self._tiles.dtype
        self._sound: set[tuple[int, int]] = set()

    def __enter__(self) -> Self:
        """Give the file itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file; where that fails after another failure, the first one is told."""
        try:
            self._file.close()
        except RuntimeError as failure:
            if error is None:
                raise _refused(self.path, failure) from None

    @property
    def attributes(self) -> dict[str, Any]:
        """What the file says about itself."""
        return {name: self._file.getncattr(name) for name in self._file.ncattrs()}

    @property
    def labels(self) -> Integers | None:
        """Classes of the inputs, shape (n,), or None.

        Raises
        ------
        UserError
            If they are damaged.
        """
        if "labels" not in self._file.variables:
            return None
        labels = np.ascontiguousarray(self._file["labels"][:])
        if zlib.crc32(labels.data) != int(self._file["labels"].crc32):
            raise UserError(f"{self.path}: its labels are damaged; delete it and run `initatlas kernel gram` again")
        return labels

    def number_of(self, name: str | None) -> int:
        """Place of a kernel in the file; of its only one, if no name is given.

        Raises
        ------
        UserError
            If it is not there, or no name says which of several.
        """
        if name is None and len(self.names) == 1:
            return 0
        if name not in self.names:
            which = "holds several kernels" if name is None else f"has no kernel {name!r}"
            raise UserError(f"{self.path}: {which}; name one of: {', '.join(self.names)}")
        return self.names.index(name)

    def read(self, tile: Tile, number: int = 0) -> Array:
        """One tile of the kernel with this number, read-only. Its checksum is compared when it is read for the first time.

        Raises
        ------
        UserError
            If the tile is not there or damaged.
        """
        values = self._values(tile, number)
        if (number, tile.number) not in self._sound:
            if not self._is_sound(tile, number, values):
                raise UserError(f"{self.path}: tile {tile.number} is damaged; `initatlas kernel gram` mends it")
            self._sound.add((number, tile.number))
        return values

    def missing(self) -> list[Tile]:
        """The tiles that are not there for all kernels, or whose bytes do not have their checksum. Reads the whole file."""
        numbers = range(len(self.names))
        return [tile for tile in self.plan.tiles() if not all(self._is_sound(tile, number) for number in numbers)]

    def write(self, tile: Tile, values: Sequence[Array]) -> None:
        """Store one tile of all kernels and its checksums; they survive the end of this process.

        Raises
        ------
        UserError
            If the disk refuses.
        """
        rows, columns = tile.shape
        try:
            for number, block in enumerate(values):
                self._tiles[number, tile.number, :rows, :columns] = block
                self._checksums[number, tile.number] = zlib.crc32(block.data)
            self._file.sync()
        except RuntimeError as error:
            raise _refused(self.path, error) from None

    def _values(self, tile: Tile, number: int) -> Array:
        """A tile as it lies in the file; what was read before need no longer be in memory."""
        self._content.madvise(MADV_DONTNEED)
        rows, columns = tile.shape
        values: Array = self._mapped[number, tile.number, :rows, :columns]
        return values

    def _is_sound(self, tile: Tile, number: int, values: Array | None = None) -> bool:
        """Whether a tile is there and has its checksum."""
        stated = int(self._checksums[number, tile.number])
        if stated == _ABSENT:
            return False
        found = self._values(tile, number) if values is None else values
        return stated == zlib.crc32(np.ascontiguousarray(found).data)


def write_gram(
    path: Path,
    kernel: Kernel,
    spec: GramSpec,
    *,
    run: TileRunner = serial_tiles,
    started: Callable[[int, int], None] = lambda kept, total: None,
    advanced: Callable[[], None] = lambda: None,
) -> int:
    """Compute the Gram matrices of a symmetric kernel tile by tile into a file, or what is missing of them.

    Parameters
    ----------
    path
        The file. If it is there already, its damaged tiles are computed again.
    kernel
        Gives the tiles.
    spec
        What the file is to hold.
    run
        Where tiles are computed. This process alone writes.
    started, advanced
        Called when it is known how many tiles of how many are there already, and after every new one.

    Returns
    -------
    int
        Number of tiles computed.

    Raises
    ------
    UserError
        If the file holds another matrix, another process writes it, or the disk refuses.
    ValueError
        If the kernel is not symmetric, or its size is not that of the plan.

    Notes
    -----
    Memory beyond the kernel's data: what `run` holds; `serial_tiles` one tile and the kernel's own workspace.
    """
    if not kernel.symmetric or kernel.shape[0] != spec.plan.n:
        raise ValueError(f"a plan of {spec.plan.n} rows takes a symmetric kernel of as many, not one of {kernel.shape}")
    tiles = len(spec.plan.tiles())
    with _sole_writer(path):
        with _told_in_one_line(path):
            draft, missing = _draft_to_fill(path, kernel.names, spec)
        started(tiles - len(missing), tiles)
        if draft is not None:
            with GramFile(draft, "r+") as file:
                for tile, values in run(kernel, missing, file.dtype):
                    file.write(tile, values)
                    advanced()
            with _told_in_one_line(path):
                sync(draft)
                draft.replace(path)
                sync(path.parent)
    return len(missing)


def draft_path(path: Path) -> Path:
    """Where a matrix grows until it is whole."""
    return path.with_name(f".{path.stem}.draft{path.suffix}")


def _refused(path: Path, error: Exception) -> UserError:
    """What to tell when the disk refuses; HDF5 keeps the system's own reason to itself."""
    reason = (error.strerror if isinstance(error, OSError) else None) or error
    return UserError(f"{path}: cannot be written ({reason}); make room or give write access, then run again")


@contextmanager
def _told_in_one_line(path: Path) -> Iterator[None]:
    """Turn what the disk refuses into a line for the user."""
    try:
        yield
    except OSError as error:
        raise _refused(path, error) from None


@contextmanager
def _sole_writer(path: Path) -> Iterator[None]:
    """Keep a second process from the same file."""
    lock = FileLock(path.with_name(f".{path.stem}.lock"), timeout=0)
    with _told_in_one_line(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire()
        except Timeout:
            raise UserError(f"{path}: another process is computing it; wait for its end") from None
    try:
        yield
        Path(lock.lock_file).unlink(missing_ok=True)
    finally:
        lock.release()


def _draft_to_fill(path: Path, names: Sequence[str], spec: GramSpec) -> tuple[Path | None, list[Tile]]:
    """The draft to go on with, and its missing tiles; no draft if the file is there and whole."""
    draft = draft_path(path)
    if path.exists():
        with GramFile(path) as file:
            if (file.key, file.names) != (spec.key, tuple(names)):
                raise UserError(f"{path}: holds another Gram matrix; delete it, or name another file")
            missing = file.missing()
        if not missing:
            return None, missing
        log.warning("%s: %d tiles are damaged and are computed again", path, len(missing))
        path.replace(draft)
        return draft, missing
    if _is_draft_of(draft, names, spec):
        with GramFile(draft) as file:
            return draft, file.missing()
    _create(draft, names, spec)
    return draft, spec.plan.tiles()


def _is_draft_of(draft: Path, names: Sequence[str], spec: GramSpec) -> bool:
    """Whether there is a draft of the same matrix; another one is left aside, with a word."""
    if not draft.exists():
        return False
    try:
        with GramFile(draft) as file:
            same = (file.key, file.names) == (spec.key, tuple(names))
    except UserError:
        same = False
    if not same:
        log.warning("%s: is the beginning of another Gram matrix; begun anew", draft)
    return same


def _create(draft: Path, names: Sequence[str], spec: GramSpec) -> None:
    """Make a draft without tiles, with all its room on the disk."""
    with atomic_path(draft) as empty:
        try:
            with _aligned(), netCDF4.Dataset(empty, "w", format="NETCDF4") as file:
                _lay_out(file, names, spec)
            _note_where_tiles_begin(empty)
        except RuntimeError as error:
            raise _refused(draft, error) from None
        if hasattr(os, "posix_fallocate"):
            with empty.open("r+b") as handle:
                os.posix_fallocate(handle.fileno(), 0, empty.stat().st_size)


@contextmanager
def _aligned() -> Iterator[None]:
    """Let the content of new files begin at whole cache lines: BLAS takes tiles from there."""
    netCDF4.set_alignment(1, _ALIGNMENT)
    try:
        yield
    finally:
        netCDF4.set_alignment(1, 1)


def _lay_out(file: netCDF4.Dataset, names: Sequence[str], spec: GramSpec) -> None:
    """Dimensions, variables and attributes. A contiguous variable gets its room at its first write: now."""
    tiles = len(spec.plan.tiles())
    sizes = {
        "kernel": len(names),
        "tile": tiles,
        "row": spec.plan.side,
        "column": spec.plan.side,
        "sample": spec.plan.n,
    }
    for name, size in sizes.items():
        file.createDimension(name, size)
    stored: dict[str, Any] = {"contiguous": True, "fill_value": False}
    values = file.createVariable("tiles", spec.dtype, ("kernel", "tile", "row", "column"), **stored)
    values.setncatts({"long_name": "kernel between two inputs, tiles on and above the diagonal", "units": "1"})
    checksums = file.createVariable("checksum", "i8", ("kernel", "tile"), **stored)
    checksums.long_name = "CRC-32 of the tile, -1 where it is not there"
    if spec.labels is not None:
        labels = file.createVariable("labels", "i8", ("sample",), **stored)
        content = np.ascontiguousarray(spec.labels, dtype=np.int64)
        labels.setncatts({"long_name": "class of the input", "units": "1", "crc32": np.int64(zlib.crc32(content.data))})
        labels[:] = content
    about = {"key": spec.key, "n": np.int64(spec.plan.n), "kernels": " ".join(names), "tiles_at": np.int64(0)}
    file.setncatts({"Conventions": "CF-1.11", **about, **spec.attributes})
    checksums[:] = np.full((len(names), tiles), _ABSENT)
    values[0, 0, 0, 0] = 0.0


def _note_where_tiles_begin(path: Path) -> None:
    """Set the attribute ``tiles_at``, which netCDF does not tell: by a mark in the first entries, which is taken away again."""
    mark = hashlib.sha256(b"first entries").digest()
    with netCDF4.Dataset(path, "r+") as file:
        file.set_auto_maskandscale(False)
        tiles = file["tiles"]
        entries = np.frombuffer(mark, tiles.dtype)[: tiles.shape[-1]]
        tiles[0, 0, 0, : len(entries)] = entries
    with path.open("rb") as handle, mmap(handle.fileno(), 0, access=ACCESS_READ) as content:
        place = content.find(entries.tobytes())
    with netCDF4.Dataset(path, "r+") as file:
        file.set_auto_maskandscale(False)
        file["tiles"][0, 0, 0, : len(entries)] = 0.0
        file.tiles_at = np.int64(place)
