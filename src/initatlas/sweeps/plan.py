"""Compare the points of a sweep with the store: what is there, and in which batches the others run."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import eq
from typing import Any

import numpy as np

from initatlas.errors import UserError
from initatlas.sweeps.batches import Batch
from initatlas.sweeps.combinations import ByCombination
from initatlas.sweeps.contradictions import check_points
from initatlas.sweeps.cutting import batches_of
from initatlas.sweeps.experiment import Coordinate
from initatlas.sweeps.finding import Found, find
from initatlas.sweeps.keys import GridKeys, Keys, written_keys
from initatlas.sweeps.located import Located
from initatlas.sweeps.places import GridPlaces, Places
from initatlas.sweeps.registry import load_experiment
from initatlas.sweeps.slices import WHOLE, Slice
from initatlas.sweeps.spec import Sweep
from initatlas.sweeps.store import PointStore, Slowness, StoredKeys


@dataclass(frozen=True)
class DataSource:
    """A data set as the engine sees it: opaque content with a hash.

    Attributes
    ----------
    content
        What the experiment's `run` gets.
    sha256
        Hash of the content; part of every point's key.
    """

    content: Any
    sha256: str


@dataclass(frozen=True)
class Plan:
    """What a sweep would do.

    Attributes
    ----------
    points
        Number of different points.
    excluded
        Number of places that are left out.
    repeats
        Place to further places with the same point.
    inner
        Coordinates of the inner dimensions, the longest over all points.
    located
        Where results are: those that are stored already, and those that the engine adds.
    batches
        What is to run.
    slowness
        By how much the estimates of the experiment were exceeded so far.
    acquitted
        Keys of points that are suspect in a journal, and stored.
    """

    points: int
    excluded: int
    repeats: Mapping[int, Sequence[int]]
    inner: Mapping[str, Coordinate]
    located: Located
    batches: tuple[Batch, ...]
    slowness: float
    acquitted: frozenset[str] = frozenset()

    @property
    def to_run(self) -> int:
        """Number of points that are not stored."""
        return sum(len(batch.tasks) for batch in self.batches)

    @property
    def seconds(self) -> float:
        """Estimated cost of what is to run, on one core."""
        return sum(batch.seconds for batch in self.batches)

    @property
    def megabytes(self) -> float:
        """Memory that the largest batch declares."""
        return max((batch.megabytes for batch in self.batches), default=0.0)


def plan_sweep(sweep: Sweep, store: PointStore, data: Mapping[str, DataSource], part: Slice = WHOLE) -> Plan:
    """Compare the points of a sweep with the store.

    Parameters
    ----------
    sweep
        The resolved spec.
    store
        From `initatlas.sweeps.engine.open_store`.
    data
        The data sets that the sweep asks for, by name.
    part
        The slice whose points are to run.

    Raises
    ------
    UserError
        If parameters of a point contradict each other, or all points are excluded.
    """
    experiment = load_experiment(sweep.experiment)
    check_points(sweep, experiment, f"sweep {sweep.title}")
    grid = GridPlaces(sweep, experiment)
    keys = GridKeys(grid, {name: source.sha256 for name, source in data.items()})
    included = sum(places.size for places in grid.blocks())
    if not included:
        raise UserError(f"sweep {sweep.title}: every point is excluded")
    suspects = store.journal.of_all_sweeps()
    found, slowness = Found.nothing(grid.size, store.folder), Slowness()
    if part != WHOLE or suspects or not keys.in_pieces or store.holds_any():

        def files() -> Iterator[StoredKeys]:
            for held, file in store.files():
                slowness.count(file.execution)
                yield held, file

        def asked() -> Iterator[tuple[Places, Keys]]:
            for places in grid.blocks():
                of_block = keys.at(places)
                if part != WHOLE:
                    found.settled.add(places[~part.owns(of_block)])
                yield places, of_block

        find(found, asked(), files(), suspects, repeated=not keys.in_pieces)
    innocent = np.array(sorted(found.acquitted), dtype=np.int64)
    return Plan(
        points=included - sum(map(len, found.repeats.values())),
        excluded=grid.size - included,
        repeats=found.repeats,
        inner=_inner(grid),
        located=found.located,
        batches=tuple(batches_of(grid, keys, found.settled, found.suspects)),
        slowness=slowness.value,
        acquitted=frozenset(written_keys(keys.at(innocent)) if innocent.size else ()),
    )


def _inner(grid: GridPlaces) -> dict[str, Coordinate]:
    """The coordinates of the inner dimensions, the longest over all points."""
    coordinates = ByCombination(grid, grid.experiment.coordinates)
    inner: dict[str, Coordinate] = {}
    for places in grid.blocks():
        for of_points in coordinates.at(places)[0]:
            _extend(inner, of_points, grid.sweep.title)
    return inner


def _extend(inner: dict[str, Coordinate], coordinates: Mapping[str, Coordinate], title: str) -> None:
    """Keep the longest coordinate of every inner dimension; a shorter one has to be its beginning."""
    for name, coordinate in coordinates.items():
        known = inner.setdefault(name, coordinate)
        if known is coordinate:
            continue
        longer, shorter = sorted((known, coordinate), key=lambda one: -len(one.values))
        if not _begins_with(longer.values, shorter.values):
            raise UserError(
                f"sweep {title}: its points differ in the values along {name}; keep the parameters that fix them "
                "out of the axes, and make one sweep for each of their values"
            )
        inner[name] = longer


def _begins_with(longer: Sequence[object], shorter: Sequence[object]) -> bool:
    """Whether values begin with others; of two ranges that is known without looking at each."""
    if isinstance(longer, range) and isinstance(shorter, range):
        return longer[: len(shorter)] == shorter
    return all(map(eq, longer, shorter))
