"""Which points of a grid are stored, and where: a join by key whose memory does not grow with the points.

Keys are spread evenly. So both sides are parted by their keys into buckets of some ten thousand, and one bucket at a time is
joined in memory.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from initatlas.sweeps.keys import Keys, packed_keys
from initatlas.sweeps.located import Located
from initatlas.sweeps.places import Places, PlaceSet
from initatlas.sweeps.spool import Spool
from initatlas.sweeps.store import StoredKeys

RECORDS_OF_A_BUCKET = 1 << 16
"""Points that are joined at a time."""

KEYS_AT_A_TIME = 1 << 14
"""So many keys of the store are parted together."""

_ASKED = np.dtype([("key", "<u8", (4,)), ("place", "<i8")])
_HELD = np.dtype([("key", "<u8", (4,)), ("file", "<i4"), ("row", "<i4")])

_NO_FILE = -1


@dataclass
class Found:
    """What is known of the points of a grid.

    Attributes
    ----------
    size, folder
        Number of its places; where to keep on disk what is too large for memory, or elsewhere, if that cannot be written.
    located
        Where the stored ones are.
    settled
        Places where nothing is to run: their points are stored, or stand at an earlier place, or do not matter.
    suspects, acquitted
        Places of the points that are suspect; those of them that are stored.
    repeats
        Place to further places with the same point.
    """

    size: int
    folder: Path
    located: Located
    settled: PlaceSet
    suspects: set[int] = field(default_factory=set)
    acquitted: set[int] = field(default_factory=set)
    repeats: dict[int, list[int]] = field(default_factory=dict)

    @classmethod
    def nothing(cls, size: int, folder: Path) -> Self:
        """Nothing yet; the parameters are two of the attributes."""
        return cls(size, folder, Located(size, folder), PlaceSet(size))


def find(
    found: Found,
    points: Iterable[tuple[Places, Keys]],
    files: Iterable[StoredKeys],
    suspects: Collection[str],
    *,
    repeated: bool,
) -> None:
    """Look the points of a grid up.

    Parameters
    ----------
    found
        What is known is noted there.
    points
        Places with their keys, a block at a time, in order.
    files
        Keys in the files of the store; of a key in several files the last one counts.
    suspects
        Keys of suspect points.
    repeated
        Whether places may have the same key.
    """
    buckets = -(-found.size // RECORDS_OF_A_BUCKET)
    asked, held = Spool(_ASKED, buckets, found.folder), Spool(_HELD, buckets, found.folder)
    for places, keys in points:
        asked.add(*_parted(_ASKED, keys, buckets, place=places))
    _hold(files, suspects, held, found.located)
    for bucket in range(buckets):
        _join(asked.read(bucket), held.read(bucket), found, repeated=repeated)


def _parted(
    dtype: "np.dtype[Any]", keys: Keys, buckets: int, **columns: np.ndarray | int
) -> tuple[np.ndarray, np.ndarray]:
    """Records of keys, and the bucket of each."""
    records = np.empty(len(keys), dtype)
    records["key"] = keys.view("<u8")
    for name, values in columns.items():
        records[name] = values
    return records, (records["key"][:, 3] % np.uint64(buckets)).astype(np.int64)


def _hold(files: Iterable[StoredKeys], suspects: Collection[str], held: Spool, located: Located) -> None:
    """Put what the store holds into its buckets, and suspect keys as if in a file of their own."""
    waiting = [(_NO_FILE, packed_keys(suspects))]
    for keys, file in files:
        waiting.append((located.number(file), packed_keys(keys)))
        if sum(len(part) for _, part in waiting) > KEYS_AT_A_TIME:
            _add(waiting, held)
            waiting = []
    if waiting:
        _add(waiting, held)


def _add(parts: Sequence[tuple[int, Keys]], held: Spool) -> None:
    """Put the keys of some files into their buckets."""
    lengths = [len(keys) for _, keys in parts]
    held.add(
        *_parted(
            _HELD,
            np.concatenate([keys for _, keys in parts]),
            held.buckets,
            file=np.repeat([number for number, _ in parts], lengths),
            row=np.concatenate([np.arange(length) for length in lengths]),
        )
    )


def _join(asked: np.ndarray, held: np.ndarray, found: Found, *, repeated: bool) -> None:
    """Join one bucket; note in `found` what is stored, where, and what is suspect."""
    if repeated:
        asked = _first_places(asked, found)
    order = np.argsort(asked["key"][:, 0])
    at = _match(asked["key"][order], held["key"])
    held, places = held[at >= 0], asked["place"][order][at[at >= 0]]
    suspect = held["file"] == _NO_FILE
    suspects = places[suspect]
    held, places = held[~suspect], places[~suspect]
    _, last = np.unique(places[::-1], return_index=True)
    held, places = held[::-1][last], places[::-1][last]
    found.suspects |= {*suspects.tolist()}
    found.acquitted |= {*suspects[np.isin(suspects, places)].tolist()}
    found.settled.add(places)
    found.located.lay(held["file"], held["row"], places)
    again = [(row, other) for row, place in enumerate(places.tolist()) for other in found.repeats.get(place, ())]
    if again:
        rows, others = np.array(again).T
        found.located.lay(held["file"][rows], held["row"][rows], others, again=True)


def _first_places(asked: np.ndarray, found: Found) -> np.ndarray:
    """The first place of every key; the further ones are noted in `found`."""
    first: dict[bytes, int] = {}
    is_first = np.ones(len(asked), dtype=bool)
    for number, (key, place) in enumerate(zip(asked["key"], asked["place"].tolist(), strict=True)):
        before = first.setdefault(key.tobytes(), place)
        if before != place:
            is_first[number] = False
            found.repeats.setdefault(before, []).append(place)
    found.settled.add(asked["place"][~is_first])
    return asked[is_first]


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
