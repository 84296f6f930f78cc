"""Which points of a grid are stored, and where: a join by key whose memory does not grow with the points.

Keys are spread evenly. So both sides are parted by their keys into buckets of some hundred thousand, and one bucket at a time is
joined in memory. What is found is parted again, by the files of the store.
"""

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from initatlas.sweeps.keys import Keys, packed_keys
from initatlas.sweeps.located import Located
from initatlas.sweeps.places import BLOCK, Places
from initatlas.sweeps.spool import Spool
from initatlas.sweeps.store import StoredFile, StoredKeys

RECORDS_OF_A_BUCKET = 1 << 18
"""Records that are joined at a time, as long as there are no more than `MOST_BUCKETS`."""

MOST_BUCKETS = 128
"""Each may be an open file."""

_ASKED = np.dtype([("key", "<u8", (4,)), ("place", "<i8")])
_HELD = np.dtype([("key", "<u8", (4,)), ("file", "<i8"), ("row", "<i8")])
_FOUND = np.dtype([("file", "<i8"), ("row", "<i8"), ("place", "<i8")])

_NO_FILE = -1


@dataclass
class Found:
    """What is known of the points of a grid.

    Attributes
    ----------
    stored
        Whether the point at a place is stored.
    located
        Where, by files.
    suspects
        Places of the points that are suspect.
    repeats
        Place to further places with the same point.
    """

    stored: np.ndarray
    located: list[Located] = field(default_factory=list)
    suspects: set[int] = field(default_factory=set)
    repeats: dict[int, list[int]] = field(default_factory=dict)


def find(
    points: Iterable[tuple[Places, Keys]],
    files: Iterable[StoredKeys],
    suspects: Collection[str],
    *,
    size: int,
    repeated: bool,
    folder: Path,
) -> Found:
    """Look the points of a grid up.

    Parameters
    ----------
    points
        Places with their keys, a block at a time, in order.
    files
        Keys in the files of the store; of a key in several files the last one counts.
    suspects
        Keys of suspect points.
    size
        Number of places.
    repeated
        Whether places may have the same key.
    folder
        Where to keep on disk what is too large for memory; elsewhere, if that cannot be written.
    """
    found = Found(np.zeros(size, dtype=bool))
    disk = folder if os.access(folder, os.W_OK) else None
    buckets = _buckets(size)
    with Spool(_ASKED, buckets, disk) as asked, Spool(_HELD, buckets, disk) as held:
        for places, keys in points:
            asked.add(*_parted(_ASKED, keys, buckets, place=places))
        known = _held(files, suspects, held, buckets)
        numbers = max(len(known), 1)
        parts = _buckets(sum(file.size for file in known))
        with Spool(_FOUND, parts, disk) as places_by_file:
            for bucket in range(buckets):
                joined = _joined(asked.read(bucket), held.read(bucket), found, repeated=repeated)
                places_by_file.add(joined, joined["file"] * parts // numbers)
            for part in range(parts):
                found.located += _located(places_by_file.read(part), known)
    return found


def _buckets(records: int) -> int:
    """In how many buckets to part so many records."""
    return min(max(-(-records // RECORDS_OF_A_BUCKET), 1), MOST_BUCKETS)


def _parted(
    dtype: "np.dtype[Any]", keys: Keys, buckets: int, **columns: np.ndarray | int
) -> tuple[np.ndarray, np.ndarray]:
    """Records of keys, and the bucket of each."""
    records = np.empty(len(keys), dtype)
    records["key"] = keys.view("<u8")
    for name, values in columns.items():
        records[name] = values
    return records, (records["key"][:, 3] % np.uint64(buckets)).astype(np.int64)


def _held(files: Iterable[StoredKeys], suspects: Collection[str], held: Spool, buckets: int) -> list[StoredFile]:
    """Put what the store holds into its buckets, and suspect keys as if in a file of their own; give the files."""
    known: list[StoredFile] = []
    waiting: list[tuple[int, Sequence[str]]] = [(_NO_FILE, [*suspects])]
    for keys, file in files:
        waiting.append((len(known), keys))
        known.append(file)
        if sum(len(part) for _, part in waiting) > BLOCK:
            _add(waiting, held, buckets)
            waiting = []
    _add(waiting, held, buckets)
    return known


def _add(parts: Sequence[tuple[int, Sequence[str]]], held: Spool, buckets: int) -> None:
    """Put the keys of some files into their buckets."""
    lengths = [len(keys) for _, keys in parts]
    held.add(
        *_parted(
            _HELD,
            packed_keys(chain.from_iterable(keys for _, keys in parts)),
            buckets,
            file=np.repeat([number for number, _ in parts], lengths),
            row=np.concatenate([np.arange(length) for length in lengths] or [np.arange(0)]),
        )
    )


def _joined(asked: np.ndarray, held: np.ndarray, found: Found, *, repeated: bool) -> np.ndarray:
    """Join one bucket; note in `found` what is stored and suspect, and give rows of files with their places."""
    if repeated:
        asked = _first_places(asked, found)
    order = np.argsort(asked["key"][:, 0])
    at = _match(asked["key"][order], held["key"])
    held, places = held[at >= 0], asked["place"][order][at[at >= 0]]
    suspect = held["file"] == _NO_FILE
    found.suspects |= {*places[suspect].tolist()}
    held, places = held[~suspect], places[~suspect]
    _, last = np.unique(places[::-1], return_index=True)
    held, places = held[::-1][last], places[::-1][last]
    found.stored[places] = True
    again = [(row, other) for row, place in enumerate(places.tolist()) for other in found.repeats.get(place, ())]
    rows = np.concatenate([np.arange(places.size), np.array([row for row, _ in again], dtype=np.int64)])
    joined = np.empty(rows.size, _FOUND)
    joined["file"], joined["row"] = held["file"][rows], held["row"][rows]
    joined["place"] = np.concatenate([places, np.array([other for _, other in again], dtype=np.int64)])
    return joined


def _first_places(asked: np.ndarray, found: Found) -> np.ndarray:
    """The first place of every key; the further ones are noted in `found`."""
    first: dict[bytes, int] = {}
    kept = []
    for number, (key, place) in enumerate(zip(asked["key"], asked["place"].tolist(), strict=True)):
        before = first.setdefault(key.tobytes(), place)
        if before == place:
            kept.append(number)
        else:
            found.repeats.setdefault(before, []).append(place)
    return asked[kept]


def _match(known: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """For each key the number of the same one among known keys, which differ and rise in their first word; -1 without one."""
    numbers = np.full(len(wanted), -1)
    at = np.searchsorted(known[:, 0], wanted[:, 0])
    open_ = np.arange(len(wanted))
    while open_.size:
        open_ = open_[at[open_] < len(known)]
        open_ = open_[known[at[open_], 0] == wanted[open_, 0]]
        same = (known[at[open_]] == wanted[open_]).all(axis=1)
        numbers[open_[same]] = at[open_[same]]
        open_ = open_[~same]
        at[open_] += 1
    return numbers


def _located(found: np.ndarray, files: Sequence[StoredFile]) -> Iterator[Located]:
    """What was found, file by file."""
    found = found[np.lexsort((found["place"], found["file"]))]
    numbers, starts = np.unique(found["file"], return_index=True)
    stops = np.searchsorted(found["file"], numbers, side="right")
    for number, start, stop in zip(numbers.tolist(), starts, stops, strict=True):
        part = found[start:stop]
        yield Located.of(files[number], part["row"], part["place"])
